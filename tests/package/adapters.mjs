// The suite for every adapter: the same requests and the same answers, each time with a real server.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";
import { interfaceSuite } from "./interface.mjs";
import {
  begin, deferred, fail, finalResponse, ID, listening, post, recordingStore, recordRejections, sample, signature, webhook,
} from "./requests.mjs";

const testEvent = Buffer.from(sample.toString().replace("{", '{"is_test":true,'));

/**
 * Defines the tests of an adapter.
 *
 * @param serve - `(webhook, onDelivery, options) => http.Server`, with the adapter at /webhook.
 * @param transport - The transport whose expected verdicts apply to the vectors.
 */
export function adapterSuite(name, serve, transport = "http") {
  const check = (what, run) => test(`${name}: ${what}`, { timeout: 600_000 }, run);
  const start = async (t, onDelivery, options, verifier = webhook) => listening(t, await serve(verifier, onDelivery, options));

  check("handles a genuine delivery once, and answers 200", async (t) => {
    const logged = ["warn", "error"].map((method) => t.mock.method(console, method, () => {}));
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
    assert.deepEqual(logged.map(({ mock }) => mock.callCount()), [0, 0]);
  });

  check("rejects a request that is not genuine, and calls onReject", async (t) => {
    const { rejections, options } = recordRejections();
    const url = await start(t, fail("must not be called"), options, new Webhook("key", { maxAge: 1 }));
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
      const [error, { request }] = rejections.pop();
      assert.deepEqual([error.code, error.status, error.message], [code, status, answer.message]);
      assert.match(request.url, /\/webhook$/);
    }
  });

  check("accepts a body at the limit and rejects one over it, declared or counted", async (t) => {
    const { rejections, options } = recordRejections();
    const url = await start(t, () => {}, options, new Webhook("key", { maxBodyBytes: sample.length }));
    const over = Buffer.concat([sample, Buffer.from(" ")]);
    for (const chunked of [false, true]) {
      assert.equal((await post(url, { chunked })).status, 200);
      const { status, code } = await post(url, { chunked, body: over });
      assert.deepEqual([status, code, rejections.pop()[0].code], [413, "body_too_large", "body_too_large"]);
    }
  });

  check("checks a declared length before it reads the body", async (t) => {
    const lengths = [];
    const recording = {
      maxBodyBytes: webhook.maxBodyBytes,
      precheck: (header, length) => (lengths.push(length), webhook.precheck(header, length)),
      verify: (body, header) => webhook.verify(body, header),
    };
    const url = await start(t, () => {}, {}, recording);
    for (const chunked of [false, true]) {
      assert.equal((await post(url, { chunked })).status, 200);
      assert.equal(lengths.splice(0)[0], chunked ? undefined : sample.length);
    }
  });

  check("stops reading and ends the connection if the head or the size is rejected", async (t) => {
    const { options } = recordRejections();
    const url = await start(t, fail("must not be called"), options);
    assert.deepEqual(await finalResponse(begin(t, url, undefined, "{")), [401, "missing_signature"]);
    assert.deepEqual(await finalResponse(begin(t, url, "zz", "{")), [401, "malformed_signature"]);
    assert.deepEqual(await finalResponse(begin(t, url, signature, "{", "Content-Length: 1048577")), [413, "body_too_large"]);
    const length = webhook.maxBodyBytes + 1;
    const endless = `${length.toString(16)}\r\n${"x".repeat(length)}`;
    const [head] = await once(begin(t, url, signature, endless, "Transfer-Encoding: chunked"), "data");
    assert.match(String(head), /^HTTP\/1\.1 413 /);
  });

  check("keeps the connection open after a genuine delivery", async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const server = await serve(webhook, () => {});
    let connections = 0;
    server.on("connection", () => connections++);
    const url = await listening(t, server);
    for (const chunked of [false, true, false]) assert.equal((await post(url, { chunked, agent })).status, 200);
    assert.equal(connections, 1);
  });

  check("serves a client that keeps its connections after a rejection", async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const url = await start(t, () => {}, recordRejections().options, new Webhook("key", { maxBodyBytes: sample.length }));
    const over = Buffer.concat([sample, Buffer.from(" ")]);
    for (const sent of [{ header: null }, { body: over }, { body: over, chunked: true }, { header: "0".repeat(64) }]) {
      assert.notEqual((await post(url, { ...sent, agent })).status, 200);
      assert.equal((await post(url, { agent })).status, 200);
    }
  });

  check("answers 408 to a slow body, and ends the connection", async (t) => {
    const { rejections, options } = recordRejections({ bodyTimeout: 50 });
    const url = await start(t, fail("must not be called"), options);
    assert.deepEqual(await finalResponse(begin(t, url, signature, "{")), [408, "body_timeout"]);
    const chunked = begin(t, url, signature, "1\r\n{\r\n", "Transfer-Encoding: chunked");
    assert.deepEqual(await finalResponse(chunked), [408, "body_timeout"]);
    const [[error]] = rejections;
    assert.match(error.message, /within 50 ms, the limit of bodyTimeout: 1 bytes were received\. Send it again, or raise bodyTimeout/);
    assert.equal((await post(url, { header: null })).status, 401);
  });

  check("stops waiting for a client that disconnects, and clears its timers", async (t) => {
    t.mock.method(console, "error", () => {});
    const timers = [];
    const { setTimeout } = globalThis;
    t.mock.method(globalThis, "setTimeout", (run, ms, ...rest) => {
      const timer = setTimeout(run, ms, ...rest);
      if (ms === 123_456) timers.push(timer);
      return timer;
    });
    const cleared = t.mock.method(globalThis, "clearTimeout");
    const { rejections, options } = recordRejections({ bodyTimeout: 123_456 });
    const server = await serve(webhook, fail("must not be called"), options);
    const url = await listening(t, server);
    const arrived = once(server, "request");
    const connected = once(server, "connection");
    const socket = begin(t, url, signature, "{");
    await arrived;
    const [serverSocket] = await connected;
    const gone = new Promise((resolve) => serverSocket.once("close", resolve));
    socket.destroy();
    await gone;
    assert.equal((await post(url, { header: null })).status, 401);
    assert.deepEqual(rejections.map(([error]) => error.code), ["missing_signature"]);
    assert.equal(timers.length, 1);
    assert.ok(cleared.mock.calls.some(({ arguments: [timer] }) => timer === timers[0]));
  });

  /** Asserts that the response arrives only after the call of `open`, while the server answers other requests. */
  const answersAfter = async (url, open) => {
    let answered = false;
    const answer = post(url).then((it) => ((answered = true), it));
    // Meanwhile, the server answers another request.
    assert.equal((await post(url, { header: null })).status, 401);
    assert.equal(answered, false);
    open();
    assert.equal((await answer).status, 200);
  };

  check("answers 200 after the handler has resolved, not before", async (t) => {
    const { promise, resolve } = deferred();
    await answersAfter(await start(t, () => promise, recordRejections().options), resolve);
  });

  check("answers 500 if the handler throws, and reveals nothing of its error", async (t) => {
    const cause = Object.assign(new Error("GET https://crm.example/?token=secret"), { code: "stale", status: 404 });
    const failures = [fail("secret"), () => Promise.reject(cause)];
    for (const failure of failures) {
      const { rejections, options } = recordRejections();
      const answer = await post(await start(t, failure, options));
      assert.deepEqual([answer.status, answer.code], [500, "handler_failed"]);
      assert.equal(answer.message, "The handler threw an error. Send the delivery again.");
      assert.ok(!JSON.stringify(answer).includes("secret"));
      assert.match(rejections[0][0].cause.message, /secret/);
    }
  });

  check("answers 503 at the handler's deadline, and aborts its signal", async (t) => {
    const { rejections, options } = recordRejections({ handlerTimeout: 30 });
    const aborted = deferred();
    const hang = (_, { signal }) => new Promise(() => signal.addEventListener("abort", () => aborted.resolve(signal)));
    const answer = await post(await start(t, hang, options));
    assert.deepEqual([answer.status, answer.code], [503, "handler_timeout"]);
    assert.equal(answer.message, "The delivery was not handled within 30 ms, the limit of handlerTimeout. Send it again.");
    assert.equal((await aborted.promise).reason.code, "handler_timeout");
    assert.equal((await rejections.first).code, "handler_timeout");
  });

  check("ignores a handler after its deadline, and logs its later error", async (t) => {
    const [logged, both] = [[], deferred()];
    t.mock.method(console, "error", (late) => logged.push(late) === 2 && both.resolve());
    const seen = recordingStore();
    const { options } = recordRejections({ handlerTimeout: 30, seen });
    const [late, stopped, failure] = [deferred(), new Error("stopped by the signal"), new Error("too late")];
    const turns = [
      () => late.promise,
      () => late.promise.then(() => Promise.reject(undefined)),
      () => late.promise.then(() => Promise.reject(failure)),
      (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      (_, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(Object.assign(stopped, { cause: signal.reason }))),
        ),
    ];
    const url = await start(t, (...args) => turns.pop()(...args), options);
    while (turns.length > 0) assert.equal((await post(url)).code, "handler_timeout");
    late.resolve();
    await both.promise;
    assert.deepEqual(logged, [failure, undefined]);
    assert.deepEqual(seen.names(), Array(5).fill(["begin", "release"]).flat());
  });

  for (const [kind, wrap] of [["synchronous", (it) => it], ["asynchronous", (it) => async (...args) => it(...args)]]) {
    const store = (methods) => {
      const inner = recordingStore(methods);
      return { ...inner, begin: wrap(inner.begin), done: wrap(inner.done), release: wrap(inner.release) };
    };

    check(`seen, ${kind}: handles one of ten equal simultaneous deliveries, and no later one`, async (t) => {
      const seen = store();
      const { rejections, options } = recordRejections({ seen, handlerTimeout: 10_000 });
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
      assert.equal(rejections.length, 9);
      assert.deepEqual(seen.calls[0], ["begin", ID, 15_000]);
    });

    check(`seen, ${kind}: handles a delivery again after a failure`, async (t) => {
      const seen = store();
      const turns = [fail("first"), () => {}];
      const url = await start(t, () => turns.shift()(), recordRejections({ seen }).options);
      assert.equal((await post(url)).code, "handler_failed");
      assert.equal((await post(url)).status, 200);
      assert.deepEqual(seen.names(), ["begin", "release", "begin", "done"]);
    });

    check(`seen, ${kind}: handles a test event each time`, async (t) => {
      const seen = store();
      let handled = 0;
      const url = await start(t, () => handled++, { seen });
      for (let count = 1; count <= 2; count++) assert.equal((await post(url, { body: testEvent })).status, 200);
      assert.deepEqual([handled, seen.calls], [2, []]);
    });

    check(`seen, ${kind}: answers 503 if the store fails, and reveals nothing of its error`, async (t) => {
      const failing = [
        [{ begin: fail("secret") }, 0, () => {}],
        [{ begin: () => "yes" }, 0, () => {}],
        [{ done: fail("secret") }, 1, () => {}],
        [{ release: fail("secret") }, 1, fail("the handler's own")],
      ];
      for (const [methods, calls, outcome] of failing) {
        let handled = 0;
        const { rejections, options } = recordRejections({ seen: store(methods) });
        const url = await start(t, () => (handled++, outcome()), options);
        const answer = await post(url);
        assert.deepEqual([answer.status, answer.code, handled], [503, "store_failed", calls]);
        const [method] = Object.keys(methods);
        assert.equal(answer.message, `The seen store failed in ${method}(). Send the delivery again.`);
        assert.ok(!JSON.stringify(answer).includes("secret"));
        const { cause } = await rejections.first;
        if (method !== "release") assert.match(cause.message, /^secret$|^begin\(\) must return .* but returned yes$/);
        else {
          assert.equal(cause.message, "both the handler and the store failed");
          assert.deepEqual([cause.errors[0].cause.message, cause.errors[1].message], ["the handler's own", "secret"]);
        }
      }
    });
  }

  check("seen: stops waiting for a store that hangs", async (t) => {
    const hang = () => new Promise(() => {});
    const failing = [
      [{ begin: hang }, () => {}],
      [{ done: hang }, () => {}],
      [{ release: hang }, fail("the handler's own")],
    ];
    for (const [methods, handle] of failing) {
      const { rejections, options } = recordRejections({ seen: recordingStore(methods), handlerTimeout: 30 });
      const { status, code } = await post(await start(t, handle, options));
      assert.deepEqual([status, code], [503, "store_failed"]);
      const { cause } = await rejections.first;
      if (methods.release) assert.equal(cause.errors[1].message, "release() took over 500 ms");
      else assert.equal(cause.code, "handler_timeout");
    }
  });

  check("seen: answers 200 after done, not before", async (t) => {
    const { promise, resolve } = deferred();
    const { options } = recordRejections({ seen: recordingStore({ done: () => promise }) });
    await answersAfter(await start(t, () => {}, options), resolve);
  });

  interfaceSuite({ check, serve, start });

  check("gives every vector that HTTP can carry its verdict", async (t) => {
    for (const { name, keys, body, header, maxBodyBytes, via, expected } of read(vectors)) {
      if (!via.includes("http")) continue;
      let taken;
      const verifier = new Webhook(keys, maxBodyBytes === undefined ? {} : { maxBodyBytes });
      const server = await serve(verifier, (delivery) => (taken = delivery), recordRejections().options);
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
