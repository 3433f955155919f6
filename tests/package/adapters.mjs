// The suite of every adapter: the same requests and the same answers, in front of a real server each time.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import { test } from "node:test";
import { MemoryStore, Webhook } from "walnut-webhooks";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";
import { begin, deferred, ID, listening, post, sample, signature, webhook } from "./requests.mjs";

const testEvent = Buffer.from(sample.toString().replace("{", '{"is_test":true,'));

/** All that comes back until the other side ends the connection: a head that it closes, and JSON. */
async function last(socket) {
  let text = "";
  for await (const piece of socket) text += piece;
  assert.match(text, /^connection: close\r$/im);
  return [Number(text.split(" ")[1]), JSON.parse(text.split("\r\n\r\n")[1].match(/\{.*\}/)[0]).error.code];
}

/** A store that notes each call, whose methods can be replaced. */
function noting(methods = {}) {
  const memory = new MemoryStore();
  const calls = [];
  const store = { calls };
  for (const name of ["begin", "done", "release"]) {
    store[name] = (...args) => {
      calls.push([name, ...args]);
      return (methods[name] ?? memory[name].bind(memory))(...args);
    };
  }
  store.names = () => calls.map(([name]) => name);
  return store;
}

const fail = (message) => () => {
  throw new Error(message);
};

/**
 * Defines the tests of an adapter.
 *
 * @param serve - `(webhook, onDelivery, options) => http.Server`, with the adapter at /webhook.
 * @param transport - Whose expectations the vectors are held to.
 */
export function adapterSuite(name, serve, transport = "http") {
  const check = (what, run) => test(`${name}: ${what}`, { timeout: 600_000 }, run);
  const start = async (t, onDelivery, options, its = webhook) => listening(t, await serve(its, onDelivery, options));
  /** Options whose `onReject` keeps what it is told; `told.first` is a promise. */
  const quiet = (options = {}) => {
    const { promise: first, resolve } = deferred();
    const told = Object.assign([], { first });
    const onReject = (error, context) => {
      told.push([error, context]);
      resolve(error);
    };
    return { told, options: { onReject, ...options } };
  };

  check("a genuine delivery is handled once, and heard 200", async (t) => {
    const taken = [];
    const url = await start(t, async (delivery, { request, signal }) => taken.push([delivery, request, signal]));
    for (const chunked of [false, true]) {
      assert.deepEqual(await post(url, { chunked }), {
        status: 200,
        type: "application/json",
        code: undefined,
        message: undefined,
        ok: true,
      });
    }
    assert.equal(taken.length, 2);
    const [delivery, request, signal] = taken[0];
    assert.deepEqual([delivery.id, delivery.type, delivery.drift], [ID, "demo_session_finished", []]);
    assert.match(request.url, /\/webhook$/);
    assert.ok(signal instanceof AbortSignal && !signal.aborted);
  });

  check("what is not genuine is refused, and onReject is told", async (t) => {
    const { told, options } = quiet();
    const url = await start(t, fail("not for this"), options, new Webhook("key", { maxAge: 1 }));
    const refused = [
      [401, "missing_signature", { header: null }],
      [401, "malformed_signature", { header: signature.toUpperCase() }],
      [401, "malformed_signature", { header: [signature, signature] }],
      [401, "signature_mismatch", { header: "0".repeat(64) }],
      [401, "signature_mismatch", { header: signature, body: Buffer.from("{}") }],
      [400, "not_json", { body: Buffer.from("{") }],
      [400, "not_json", { body: Buffer.alloc(0) }],
      [400, "stale", {}],
    ];
    for (const [status, code, sent] of refused) {
      const answer = await post(url, sent);
      assert.deepEqual([answer.status, answer.code, answer.type], [status, code, "application/json"]);
      const [error, { request }] = told.pop();
      assert.deepEqual([error.code, error.status, error.message], [code, status, answer.message]);
      assert.match(request.url, /\/webhook$/);
    }
  });

  check("the limit has two sides, declared or counted", async (t) => {
    const { told, options } = quiet();
    const url = await start(t, () => {}, options, new Webhook("key", { maxBodyBytes: sample.length }));
    const over = Buffer.concat([sample, Buffer.from(" ")]);
    for (const chunked of [false, true]) {
      assert.equal((await post(url, { chunked })).status, 200);
      const { status, code } = await post(url, { chunked, body: over });
      assert.deepEqual([status, code, told.pop()[0].code], [413, "body_too_large", "body_too_large"]);
    }
  });

  check("a declared length is asked about before the body is read, and none where none is declared", async (t) => {
    const asked = [];
    const asking = {
      maxBodyBytes: webhook.maxBodyBytes,
      precheck: (header, length) => (asked.push(length), webhook.precheck(header, length)),
      verify: (body, header) => webhook.verify(body, header),
    };
    const url = await start(t, () => {}, {}, asking);
    for (const chunked of [false, true]) {
      assert.equal((await post(url, { chunked })).status, 200);
      assert.equal(asked.splice(0)[0], chunked ? undefined : sample.length);
    }
  });

  check("what is refused by its head, or over the limit, is not read on: the connection ends", async (t) => {
    const { options } = quiet();
    const url = await start(t, fail("not for this"), options);
    assert.deepEqual(await last(begin(t, url, undefined, "{")), [401, "missing_signature"]);
    assert.deepEqual(await last(begin(t, url, "zz", "{")), [401, "malformed_signature"]);
    assert.deepEqual(await last(begin(t, url, signature, "{", "Content-Length: 1048577")), [413, "body_too_large"]);
    const length = webhook.maxBodyBytes + 1;
    const endless = `${length.toString(16)}\r\n${"x".repeat(length)}`;
    const [head] = await once(begin(t, url, signature, endless, "Transfer-Encoding: chunked"), "data");
    assert.match(String(head), /^HTTP\/1\.1 413 /);
  });

  check("a genuine delivery leaves its connection open for the next", async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const server = await serve(webhook, () => {});
    let connections = 0;
    server.on("connection", () => connections++);
    const url = await listening(t, server);
    for (const chunked of [false, true, false]) assert.equal((await post(url, { chunked, agent })).status, 200);
    assert.equal(connections, 1);
  });

  check("after a refusal a client that keeps its connections is served as before", async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const url = await start(t, () => {}, quiet().options, new Webhook("key", { maxBodyBytes: sample.length }));
    const over = Buffer.concat([sample, Buffer.from(" ")]);
    for (const sent of [{ header: null }, { body: over }, { body: over, chunked: true }, { header: "0".repeat(64) }]) {
      assert.notEqual((await post(url, { ...sent, agent })).status, 200);
      assert.equal((await post(url, { agent })).status, 200);
    }
  });

  check("a body that takes too long is answered 408, and the connection ends", async (t) => {
    const { told, options } = quiet({ bodyTimeout: 50 });
    const url = await start(t, fail("not for this"), options);
    assert.deepEqual(await last(begin(t, url, signature, "{")), [408, "body_timeout"]);
    const chunked = begin(t, url, signature, "1\r\n{\r\n", "Transfer-Encoding: chunked");
    assert.deepEqual(await last(chunked), [408, "body_timeout"]);
    assert.match(told[0][0].message, /within 50 ms, the limit of bodyTimeout: 1 bytes were received\. Send it again, or raise bodyTimeout/);
    assert.equal((await post(url, { header: null })).status, 401);
  });

  check("who breaks off is not waited for, and nothing is left behind", async (t) => {
    t.mock.method(console, "error", () => {});
    const timers = [];
    const { setTimeout } = globalThis;
    t.mock.method(globalThis, "setTimeout", (run, ms, ...rest) => {
      const timer = setTimeout(run, ms, ...rest);
      if (ms === 123_456) timers.push(timer);
      return timer;
    });
    const cleared = t.mock.method(globalThis, "clearTimeout");
    const { told, options } = quiet({ bodyTimeout: 123_456 });
    const server = await serve(webhook, fail("not for this"), options);
    const url = await listening(t, server);
    const arrived = once(server, "request");
    const connected = once(server, "connection");
    const socket = begin(t, url, signature, "{");
    await arrived;
    const [theirs] = await connected;
    const gone = new Promise((resolve) => theirs.once("close", resolve));
    socket.destroy();
    await gone;
    assert.equal((await post(url, { header: null })).status, 401);
    assert.deepEqual(told.map(([error]) => error.code), ["missing_signature"]);
    assert.equal(timers.length, 1);
    assert.ok(cleared.mock.calls.some(({ arguments: [timer] }) => timer === timers[0]));
  });

  /** Makes sure that nobody is answered before `open` is called, whatever else is answered meanwhile. */
  const answersAfter = async (url, open) => {
    let answered = false;
    const answer = post(url).then((it) => ((answered = true), it));
    // Another request goes all the way there and back meanwhile.
    assert.equal((await post(url, { header: null })).status, 401);
    assert.equal(answered, false);
    open();
    assert.equal((await answer).status, 200);
  };

  check("200 comes after the handler, not before", async (t) => {
    const { promise, resolve } = deferred();
    await answersAfter(await start(t, () => promise, quiet().options), resolve);
  });

  check("a handler that throws is answered 500, and nothing of its error is told", async (t) => {
    const cause = Object.assign(new Error("GET https://crm.example/?token=secret"), { code: "stale", status: 404 });
    const failures = [fail("secret"), () => Promise.reject(cause)];
    for (const failure of failures) {
      const { told, options } = quiet();
      const answer = await post(await start(t, failure, options));
      assert.deepEqual([answer.status, answer.code], [500, "handler_failed"]);
      assert.equal(answer.message, "The handler threw an error. Send the delivery again.");
      assert.ok(!JSON.stringify(answer).includes("secret"));
      assert.match(told[0][0].cause.message, /secret/);
    }
  });

  check("a handler that takes too long is answered 503, and its signal aborts", async (t) => {
    const { told, options } = quiet({ handlerTimeout: 30 });
    const heard = deferred();
    const hang = (_, { signal }) => new Promise(() => signal.addEventListener("abort", () => heard.resolve(signal)));
    const answer = await post(await start(t, hang, options));
    assert.deepEqual([answer.status, answer.code], [503, "handler_timeout"]);
    assert.equal(answer.message, "The delivery was not handled within 30 ms, the limit of handlerTimeout. Send it again.");
    assert.equal((await heard.promise).reason.code, "handler_timeout");
    assert.equal((await told.first).code, "handler_timeout");
  });

  check("what a handler does after its deadline changes nothing; what it throws then is logged", async (t) => {
    const [logged, both] = [[], deferred()];
    t.mock.method(console, "error", (late) => logged.push(late) === 2 && both.resolve());
    const seen = noting();
    const { options } = quiet({ handlerTimeout: 30, seen });
    const [late, told, failure] = [deferred(), new Error("told to stop"), new Error("too late")];
    const turns = [
      () => late.promise,
      () => late.promise.then(() => Promise.reject(undefined)),
      () => late.promise.then(() => Promise.reject(failure)),
      (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      (_, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(Object.assign(told, { cause: signal.reason }))),
        ),
    ];
    const url = await start(t, (...args) => turns.pop()(...args), options);
    while (turns.length > 0) assert.equal((await post(url)).code, "handler_timeout");
    late.resolve();
    await both.promise;
    assert.deepEqual(logged, [failure, undefined]);
    assert.deepEqual(seen.names(), Array(5).fill(["begin", "release"]).flat());
  });

  check("without onReject, logs every failure of the receiver", async (t) => {
    const logged = t.mock.method(console, "error", () => {});
    const cause = new Error("no database");
    const url = await start(t, () => Promise.reject(cause));
    for (let count = 1; count <= 2; count++) {
      assert.equal((await post(url)).status, 500);
      assert.equal(logged.mock.callCount(), count);
    }
    assert.equal(logged.mock.calls[0].arguments[0].cause, cause);
    const busy = await start(t, () => {}, { seen: noting({ begin: () => "busy" }) });
    assert.equal((await post(busy)).code, "delivery_busy");
    assert.equal(logged.mock.calls[2].arguments[0].code, "delivery_busy");
  });

  check("without onReject, logs one rejected signature a minute, and how to explain it", async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    let now = 1000;
    t.mock.method(performance, "now", () => now);
    const url = await start(t, fail("not for this"));
    const reject = async (...headers) => {
      for (const header of headers) assert.equal((await post(url, { header })).status, 401);
    };
    await reject("0".repeat(64), null, "zz");
    assert.equal(lines.length, 1);
    assert.match(lines[0], /rejected a request: signature_mismatch\. .* npx walnut-webhooks explain --request FILE$/);
    now += 59_999;
    await reject("zz");
    assert.equal(lines.length, 1);
    now += 1;
    await reject(null);
    assert.match(lines[1], /rejected a request \(and 3 others since the last such line\): missing_signature\. /);
    assert.equal(lines.length, 2);
  });

  check("without onReject, logs each genuine event that it rejects", async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    const url = await start(t, fail("not for this"), {}, new Webhook("key", { maxAge: 1 }));
    for (let count = 1; count <= 2; count++) assert.equal((await post(url)).code, "stale");
    assert.equal((await post(url, { body: Buffer.from("[]") })).code, "not_json");
    assert.deepEqual(lines.map((line) => line.match(/rejected a genuine event: (\w+)\./)?.[1]), ["stale", "stale", "not_json"]);
  });

  check("gives onReject the body as far as it was read, and its explanation", async (t) => {
    const { told, options } = quiet({ bodyTimeout: 200 });
    const url = await start(t, fail("secret"), options, new Webhook("key", { maxBodyBytes: sample.length }));
    const rejected = async (send) => {
      await send();
      const [error, { body, explain }] = told.pop();
      const explanation = await explain();
      assert.equal(explanation.ok, error.code === "handler_failed");
      assert.equal(explanation.code, explanation.ok ? null : error.code);
      assert.ok(explanation.problem.endsWith(".") && explanation.fix.endsWith("."), JSON.stringify(explanation));
      return [explanation.cause, Buffer.from(body).toString()];
    };
    const header = webhook.sign(JSON.stringify(JSON.parse(sample), null, 2));
    assert.deepEqual(await rejected(() => post(url, { header })), ["body_reformatted", sample.toString()]);
    assert.deepEqual(await rejected(() => post(url)), ["genuine", sample.toString()]);
    assert.deepEqual(await rejected(() => post(url, { header: null })), ["missing_signature", ""]);
    assert.deepEqual(await rejected(() => post(url, { header: "zz" })), ["malformed_signature", ""]);
    assert.deepEqual(await rejected(() => post(url, { body: Buffer.alloc(sample.length + 1) })), ["body_too_large", ""]);
    const slow = () => last(begin(t, url, signature, "{"));
    assert.deepEqual(await rejected(slow), ["unknown", "{"]);
  });

  check("calls the function of an event's name, whatever its shape, else `otherwise`", async (t) => {
    const handled = [];
    const note = (name) => ({ id, type }, { signal }) => handled.push([name, id.split(":")[0], type, signal.aborted]);
    const url = await start(t, { demo_session_finished: note("demo"), otherwise: note("otherwise") });
    const send = async (body) => assert.equal((await post(url, { body: Buffer.from(body) })).status, 200);
    await send(sample);
    await send('{"event":"demo_session_finished","data":{"session_id":"1"}}');
    for (const event of ["demo_session_started", "constructor", "otherwise", "__proto__"]) await send(JSON.stringify({ event }));
    await send("{}");
    assert.deepEqual(handled, [
      ["demo", "demo_session_finished", "demo_session_finished", false],
      ["demo", "demo_session_finished", "unknown", false],
      ...Array(5).fill(["otherwise", "body", "unknown", false]),
    ]);
  });

  check("acknowledges an event that no function handles, and logs each name once", async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    const url = await start(t, { playlist_session_finished: fail("not for this") });
    const bodies = [sample, sample, '{"event":"constructor"}', '{"event":null}', "{}"];
    for (const body of bodies) assert.equal((await post(url, { body: Buffer.from(body) })).status, 200);
    assert.deepEqual(lines.map((line) => line.match(/acknowledged (.*), which onDelivery has no entry for/)?.[1]),
      ['the event "demo_session_finished"', 'the event "constructor"', "an event without a name"]);
  });

  check("calls onUnhandled with the delivery and its context", async (t) => {
    const unhandled = [];
    const onUnhandled = ({ name }, { request }) => unhandled.push([name, request.url.endsWith("/webhook")]);
    const url = await start(t, { playlist_session_finished: fail("not for this") }, { onUnhandled });
    assert.equal((await post(url)).status, 200);
    assert.deepEqual(unhandled, [["demo_session_finished", true]]);
  });

  check("rejects wrong arguments when it is built", async () => {
    const request = { headers: {} };
    const wrong = [
      [[webhook], /^onDelivery must be a function, or an object .*, but is undefined\./],
      [[() => {}, webhook], /^The first argument of \w+ must be a Webhook, but is a function\. Write \w+\(webhook, onDelivery\)/],
      [["secret", () => {}], /must be a Webhook, but is a string\./],
      [[undefined, () => {}], /must be a Webhook, but is undefined\./],
      [[request, {}], /was given to the framework without being called\. Write \w+\(webhook, onDelivery\)\./],
      [[webhook, { demo_sesion_finished() {} }], /has an entry "demo_sesion_finished"\. Did you mean "demo_session_finished"\?/],
      [[webhook, { Otherwise() {} }], /has an entry "Otherwise"\. Did you mean "otherwise"\?/],
      [[webhook, { otherwise: 1 }], /^The entry "otherwise" of onDelivery must be a function, but is a number\./],
      [[webhook, {}], /^onDelivery has no function\./],
      [[webhook, () => {}, { seen: new Map() }], /^seen must have the methods begin, done, release, .* but is a value of the class Map\./],
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

  check("builds with options that are not set", async () => {
    const unset = { bodyTimeout: undefined, handlerTimeout: undefined, seen: undefined, onReject: undefined, onUnhandled: undefined };
    await serve(webhook, { demo_session_finished: undefined, otherwise() {} }, unset);
  });

  for (const [kind, wrap] of [["synchronous", (it) => it], ["asynchronous", (it) => async (...args) => it(...args)]]) {
    const store = (methods) => {
      const inner = noting(methods);
      return { ...inner, begin: wrap(inner.begin), done: wrap(inner.done), release: wrap(inner.release) };
    };

    check(`seen, ${kind}: of ten at once one is handled, and after that none`, async (t) => {
      const seen = store();
      const { told, options } = quiet({ seen, handlerTimeout: 10_000 });
      const others = deferred();
      let handled = 0;
      const url = await start(t, () => (handled++, others.promise), options);
      const answers = [];
      const all = Array.from({ length: 10 }, async () => {
        answers.push(await post(url));
        if (answers.length === 9) others.resolve();
      });
      await Promise.all(all);
      assert.deepEqual(answers.map(({ code }) => code), [...Array(9).fill("delivery_busy"), undefined]);
      assert.deepEqual([answers[0].status, answers[9].status], [503, 200]);
      assert.match(answers[0].message, /^This delivery is being handled at this moment\. Send it again/);
      assert.equal((await post(url)).status, 200);
      assert.equal(handled, 1);
      assert.equal(told.length, 9);
      assert.deepEqual(seen.calls[0], ["begin", ID, 15_000]);
    });

    check(`seen, ${kind}: what could not be handled is new again`, async (t) => {
      const seen = store();
      const turns = [fail("first"), () => {}];
      const url = await start(t, () => turns.shift()(), quiet({ seen }).options);
      assert.equal((await post(url)).code, "handler_failed");
      assert.equal((await post(url)).status, 200);
      assert.deepEqual(seen.names(), ["begin", "release", "begin", "done"]);
    });

    check(`seen, ${kind}: a test event is handled each time`, async (t) => {
      const seen = store();
      let handled = 0;
      const url = await start(t, () => handled++, { seen });
      for (let count = 1; count <= 2; count++) assert.equal((await post(url, { body: testEvent })).status, 200);
      assert.deepEqual([handled, seen.calls], [2, []]);
    });

    check(`seen, ${kind}: a store that fails is answered 503, and nothing of its error is told`, async (t) => {
      const failing = [
        [{ begin: fail("secret") }, 0, () => {}],
        [{ begin: () => "yes" }, 0, () => {}],
        [{ done: fail("secret") }, 1, () => {}],
        [{ release: fail("secret") }, 1, fail("the handler's own")],
      ];
      for (const [methods, calls, outcome] of failing) {
        let handled = 0;
        const { told, options } = quiet({ seen: store(methods) });
        const url = await start(t, () => (handled++, outcome()), options);
        const answer = await post(url);
        assert.deepEqual([answer.status, answer.code, handled], [503, "store_failed", calls]);
        const [method] = Object.keys(methods);
        assert.equal(answer.message, `The seen store failed in ${method}(). Send the delivery again.`);
        assert.ok(!JSON.stringify(answer).includes("secret"));
        const { cause } = await told.first;
        if (method !== "release") assert.match(cause.message, /^secret$|^begin\(\) must return .* but returned yes$/);
        else {
          assert.equal(cause.message, "both the handler and the store failed");
          assert.deepEqual([cause.errors[0].cause.message, cause.errors[1].message], ["the handler's own", "secret"]);
        }
      }
    });
  }

  check("seen: a store that hangs is not waited for", async (t) => {
    const hang = () => new Promise(() => {});
    const failing = [
      [{ begin: hang }, () => {}],
      [{ done: hang }, () => {}],
      [{ release: hang }, fail("the handler's own")],
    ];
    for (const [methods, handle] of failing) {
      const { told, options } = quiet({ seen: noting(methods), handlerTimeout: 30 });
      const { status, code } = await post(await start(t, handle, options));
      assert.deepEqual([status, code], [503, "store_failed"]);
      const { cause } = await told.first;
      if (methods.release) assert.equal(cause.errors[1].message, "release() took over 500 ms");
      else assert.equal(cause.code, "handler_timeout");
    }
  });

  check("seen: 200 comes after done, not before", async (t) => {
    const { promise, resolve } = deferred();
    const { options } = quiet({ seen: noting({ done: () => promise }) });
    await answersAfter(await start(t, () => {}, options), resolve);
  });

  check("rejects a timeout out of its range when it is built", async () => {
    const longest = 2 ** 31 - 1;
    for (const [option, value, most, shown = value] of [
      ["bodyTimeout", 0, longest],
      ["bodyTimeout", "5 s", longest, 'the string "5 s"'],
      // The lease of a store outlives it by 5 s.
      ["handlerTimeout", Infinity, longest - 5000],
    ]) {
      const message = `${option} must be a whole number from 1 to ${most}, but is ${shown}.`;
      await assert.rejects(async () => serve(webhook, () => {}, { [option]: value }), { message });
    }
  });

  check("every vector that travels over HTTP has its verdict", async (t) => {
    for (const { name, keys, body, header, maxBodyBytes, via, expected } of read(vectors)) {
      if (!via.includes("http")) continue;
      let taken;
      const its = new Webhook(keys, maxBodyBytes === undefined ? {} : { maxBodyBytes });
      const server = await serve(its, (delivery) => (taken = delivery), quiet().options);
      await once(server.listen(0, "127.0.0.1"), "listening");
      const answer = await post(`http://127.0.0.1:${server.address().port}/webhook`, { body, header });
      const { code, id, type } = expected(transport);
      assert.equal(answer.code, code, name);
      if (code === undefined) assert.deepEqual([taken.id, taken.type], [id, type], name);
      server.close();
      server.closeAllConnections();
    }
  });
}
