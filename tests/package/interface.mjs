// The part of the adapters' suite that tests their interface: handlers by event name, rejections and misuse.
import assert from "node:assert/strict";
import { MemoryStore, Webhook } from "walnut-webhooks";
import { begin, fail, finalResponse, ID, post, recordingStore, recordRejections, sample, signature, webhook } from "./requests.mjs";

/** Defines the tests with the functions of `adapterSuite`. */
export function interfaceSuite({ check, serve, start }) {
  check("without onReject, logs every failure of the receiver", async (t) => {
    const logged = t.mock.method(console, "error", () => {});
    const cause = new Error("no database");
    const url = await start(t, () => Promise.reject(cause));
    for (let count = 1; count <= 2; count++) {
      assert.equal((await post(url)).status, 500);
      assert.equal(logged.mock.callCount(), count);
    }
    assert.equal(logged.mock.calls[0].arguments[0].cause, cause);
    const busy = await start(t, () => {}, { seen: recordingStore({ begin: () => "busy" }) });
    assert.equal((await post(busy)).code, "delivery_busy");
    assert.equal(logged.mock.calls[2].arguments[0].code, "delivery_busy");
  });

  check("without onReject, logs each code of a rejected signature once a minute, and how to explain it", async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    let now = 1000;
    t.mock.method(performance, "now", () => now);
    const url = await start(t, fail("must not be called"));
    const reject = async (...headers) => {
      for (const header of headers) assert.equal((await post(url, { header })).status, 401);
    };
    await reject("0".repeat(64), "0".repeat(64), "zz");
    assert.match(lines[0], /rejected a request: signature_mismatch\. .* npx walnut-webhooks explain --request FILE$/);
    assert.match(lines[1], /rejected a request: malformed_signature\. /);
    now += 59_999;
    await reject("0".repeat(64), "zz");
    assert.equal(lines.length, 2);
    now += 1;
    await reject("0".repeat(64), null);
    assert.match(lines[2], /rejected a request, and 2 more since the last such line: signature_mismatch\. /);
    assert.match(lines[3], /rejected a request: missing_signature\. /);
    assert.equal((await post(url, { body: Buffer.alloc(webhook.maxBodyBytes + 1) })).code, "body_too_large");
    assert.match(lines[4], /^walnut-webhooks: rejected a request: body_too_large\. The body is longer than the limit .* at the edge\.$/);
    now += 60_000;
    await reject("0".repeat(64));
    assert.match(lines[5], /rejected a request: signature_mismatch\. /);
    assert.equal(lines.length, 6);
  });

  check("without onReject, logs each genuine event that it rejects", async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    const url = await start(t, fail("must not be called"), {}, new Webhook("key", { maxAge: 1 }));
    for (let count = 1; count <= 2; count++) assert.equal((await post(url)).code, "stale");
    assert.equal((await post(url, { body: Buffer.from("[]") })).code, "not_json");
    assert.deepEqual(lines.map((line) => line.match(/rejected a genuine event: (\w+)\./)?.[1]), ["stale", "stale", "not_json"]);
  });

  check("gives onReject the part of the body that was read, and its explanation", async (t) => {
    const { rejections, options } = recordRejections({ bodyTimeout: 200 });
    const url = await start(t, fail("secret"), options, new Webhook("key", { maxBodyBytes: sample.length }));
    const rejected = async (send) => {
      await send();
      const [error, { body, explain }] = rejections.pop();
      const explanation = await explain();
      assert.equal(explanation.ok, error.code === "handler_failed");
      assert.equal(explanation.code, explanation.ok ? null : error.code);
      assert.ok(explanation.problem.endsWith(".") && explanation.fix.endsWith("."), JSON.stringify(explanation));
      if (["body_too_large", "body_timeout"].includes(error.code)) assert.equal(`${explanation.problem} ${explanation.fix}`, error.message);
      return [explanation.cause, Buffer.from(body).toString()];
    };
    const header = webhook.sign(JSON.stringify(JSON.parse(sample), null, 2));
    assert.deepEqual(await rejected(() => post(url, { header })), ["body_reformatted", sample.toString()]);
    assert.deepEqual(await rejected(() => post(url)), ["genuine", sample.toString()]);
    assert.deepEqual(await rejected(() => post(url, { header: null })), ["missing_signature", ""]);
    assert.deepEqual(await rejected(() => post(url, { header: "zz" })), ["malformed_signature", ""]);
    assert.deepEqual(await rejected(() => post(url, { body: Buffer.alloc(sample.length + 1) })), ["body_too_large", ""]);
    const slow = () => finalResponse(begin(t, url, signature, "{"));
    assert.deepEqual(await rejected(slow), ["unknown", "{"]);
  });

  check("calls the function with the event's name, whatever its shape, or `otherwise`", async (t) => {
    const [handled, lines] = [[], []];
    t.mock.method(console, "warn", (line) => lines.push(line));
    const note = (name) => ({ id, type }, { signal }) => handled.push([name, id.split(":")[0], type, signal.aborted]);
    const url = await start(t, { demo_session_finished: note("demo"), otherwise: note("otherwise") });
    const send = async (body) => assert.equal((await post(url, { body: Buffer.from(body) })).status, 200);
    await send(sample);
    for (const session of [1, 2]) await send(`{"event":"demo_session_finished","data":{"session_id":"${session}"}}`);
    for (const event of ["demo_session_started", "constructor", "otherwise", "__proto__"]) await send(JSON.stringify({ event }));
    await send("{}");
    assert.deepEqual(lines, ['walnut-webhooks: the event "demo_session_finished" differs from its documentation, and its function may fail. See delivery.drift: ' +
      "timestamp (missing), data.demo (missing), data.demo_engagement (missing), data.session_started (missing), data.user (missing)."]);
    assert.deepEqual(handled, [
      ["demo", "demo_session_finished", "demo_session_finished", false],
      ...Array(2).fill(["demo", "demo_session_finished", "unknown", false]),
      ...Array(5).fill(["otherwise", "body", "unknown", false]),
    ]);
  });

  check("acknowledges an event that no function handles, and logs each name once", async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    const url = await start(t, { playlist_session_finished: fail("must not be called") });
    const bodies = [sample, sample, '{"event":"constructor"}', '{"event":null}', "{}"];
    for (const body of bodies) assert.equal((await post(url, { body: Buffer.from(body) })).status, 200);
    assert.deepEqual(lines.map((line) => line.match(/acknowledged (.*), which onDelivery has no entry for/)?.[1]),
      ['the event "demo_session_finished"', 'the event "constructor"', "an event without a name"]);
  });

  check("calls the functions of an object as its methods", async (t) => {
    const handled = [];
    const handlers = {
      demo_session_finished(delivery) {
        return this.otherwise(delivery);
      },
      otherwise: ({ id }) => handled.push(id),
    };
    assert.equal((await post(await start(t, handlers))).status, 200);
    assert.deepEqual(handled, [ID]);
  });

  check("logs at most 100 names of events, and 5 differences of each", async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    const url = await start(t, { playlist_session_finished() {} });
    const send = async (event) => assert.equal((await post(url, { body: Buffer.from(JSON.stringify(event)) })).status, 200);
    for (let number = 0; number < 101; number++) await send({ event: `event ${number}` });
    assert.equal(lines.length, 100);
    await send({ event: "playlist_session_finished", data: {} });
    assert.equal(lines[100].match(/\(missing\)/g).length, 5);
  });

  check("calls onUnhandled with the delivery and its context", async (t) => {
    const unhandled = [];
    const onUnhandled = ({ name }, { request }) => unhandled.push([name, request.url.endsWith("/webhook")]);
    const url = await start(t, { playlist_session_finished: fail("must not be called") }, { onUnhandled });
    assert.equal((await post(url)).status, 200);
    assert.deepEqual(unhandled, [["demo_session_finished", true]]);
  });

  check("rejects wrong arguments when it is built", async () => {
    const request = { headers: {} };
    const wrong = [
      [[webhook], /^onDelivery must be a function, or an object literal .*, but is undefined\./],
      [[() => {}, webhook], /^The first argument of \w+ must be a Webhook, but is a function\. Write \w+\(webhook, onDelivery\)/],
      [["secret", () => {}], /must be a Webhook, but is a string\./],
      [[undefined, () => {}], /must be a Webhook, but is undefined\./],
      [[request, {}], /was given to the framework without being called\. Write \w+\(webhook, onDelivery\)\./],
      [[webhook, { demo_sesion_finished() {} }], /has an entry "demo_sesion_finished"\. Did you mean "demo_session_finished"\?/],
      [[webhook, { Otherwise() {} }], /has an entry "Otherwise"\. Did you mean "otherwise"\?/],
      [[webhook, { otherwise: 1 }], /^The entry "otherwise" of onDelivery must be a function, but is a number\./],
      [[webhook, {}], /^onDelivery has no function for a documented event\. Give it an entry such as demo_session_finished, /],
      [[webhook, { default() {} }], /^onDelivery has no function for a documented event\./],
      [[webhook, { demo() {}, playlist() {} }], /^onDelivery has no function for a documented event\./],
      [[webhook, [() => {}]], /^onDelivery must be a function, or an object literal .*, but is an array\./],
      [[webhook, Promise.resolve()], /^onDelivery must be .*, but is a Promise\./],
      [[webhook, new (class Handlers { otherwise = () => {} })()], /^onDelivery must be .*, but is a Handlers\./],
      [[webhook, () => {}, new MemoryStore()], /^The options of \w+ must be an object, .* but are a MemoryStore\./],
      [[webhook, () => {}, webhook], /^The options of \w+ must be an object, .* but are a Webhook\./],
      [[webhook, { onReject() {} }], /^"onReject" is an option, not an event\. Pass the options after onDelivery\./],
      [[webhook, { otherwise() {}, seen: {} }], /^"seen" is an option, not an event\./],
      [[webhook, () => {}, { seen: new Map() }], /^seen must have the methods begin, done, release, .* but is a Map\./],
      [[webhook, () => {}, { seen: null }], /^seen must have the methods .* but is null\./],
      [[webhook, () => {}, { onReject: 1 }], /^onReject must be a function, but is a number\./],
      [[webhook, () => {}, { onUnhandled: "log" }], /^onUnhandled must be a function, but is a string\./],
      [[webhook, () => {}, { onRejct() {} }], /has no option "onRejct"\. Did you mean "onReject"\?/],
      [[webhook, () => {}, { timeout: 1 }], /has no option "timeout"\. Its options are bodyTimeout, onReject, handlerTimeout, seen, /],
      [[webhook, () => {}, 25_000], /^The options of \w+ must be an object, such as \{ bodyTimeout: 4000 \}, but are a number\./],
      [[webhook, () => {}, null], /must be an object, .* but are null\./],
      [[webhook, () => {}, { bodyTimeout: "4000" }], /, but is the string "4000"\. Pass Number\("4000"\)\.$/],
    ];
    for (const [args, message] of wrong) {
      await assert.rejects(async () => serve(...args), (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, message);
        assert.ok(!error.message.includes("secret"));
        return true;
      });
    }
  });

  check("copies its options", async (t) => {
    const options = { seen: new MemoryStore() };
    const handled = [];
    const url = await start(t, ({ id }) => handled.push(id), options);
    options.seen = undefined;
    for (let count = 0; count < 2; count++) assert.equal((await post(url)).status, 200);
    assert.deepEqual(handled, [ID]);
  });

  check("builds with options that are not set", async () => {
    const unset = { bodyTimeout: undefined, handlerTimeout: undefined, seen: undefined, onReject: undefined, onUnhandled: undefined };
    await serve(webhook, { demo_session_finished: undefined, otherwise() {} }, unset);
  });

  check("rejects a timeout out of its range when it is built", async () => {
    const longest = 2 ** 31 - 1;
    for (const [option, value, most, shown = value] of [
      ["bodyTimeout", 0, longest],
      ["bodyTimeout", "5 s", longest, 'the string "5 s"'],
      // The lease of a store is 5 s longer than the timeout.
      ["handlerTimeout", Infinity, longest - 5000],
    ]) {
      const message = `${option} must be a whole number from 1 to ${most}, but is ${shown}.`;
      await assert.rejects(async () => serve(webhook, () => {}, { [option]: value }), { message });
    }
  });
}
