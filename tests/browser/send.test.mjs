// The Send tab: one request or many, through the relay or from the browser. The page judges each answer by Walnut's rules.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { explain } from "../../pkg/explain.js";
import { parsedBefore, rawEndpoint } from "../cli/endpoints/parsed.mjs";
import { harness, isSound, KEY, receiver, showsText, sign } from "./support.mjs";

const openPage = harness();
const options = { timeout: 600_000 };

/** Answers with the status that the path names, and allows every page if `cors`. */
const byPath = (cors) => ({ method, path }, response) => {
  if (cors) for (const name of ["origin", "headers"]) response.setHeader(`access-control-allow-${name}`, "*");
  if (method === "OPTIONS") return response.writeHead(204).end();
  const status = Number(path.slice(1));
  response.writeHead(status, status === 302 ? { location: "/200" } : { "x-seen": "yes" });
  response.end(status === 204 ? undefined : `<b>answer of ${status}</b>`);
};

const JUDGEMENTS = {
  200: [true, /counts it as delivered/],
  201: [true, /counts it as delivered/],
  202: [false, /accepts only 200 and 201/],
  204: [false, /accepts only 200 and 201/],
  302: [false, /redirect/],
  500: [false, /counts it as a failure, and sends it again/],
};

/** Submits the form, and waits until everything is answered or stopped. */
async function send(page) {
  await page.click("#send-button");
  await page.waitForSelector("#send-button[aria-disabled=false]");
}

test("send: judges each answer by Walnut's rules, through the relay", options, async (t) => {
  const { url, taken } = await receiver(t, byPath(false));
  const { page } = await openPage(t, { key: KEY, view: "send" });
  assert.equal(await page.isChecked("#through-relay"), true);
  assert.equal(await page.isVisible("#cors"), false);
  for (const [status, [isAccepted, why]] of Object.entries(JUDGEMENTS)) {
    await page.fill("#url", `${url}/${status}`);
    await send(page);
    assert.equal(await page.getAttribute("#answer .summary", "data-verdict"), isAccepted ? "genuine" : "rejected");
    const shown = await page.innerText("#answer");
    assert.match(shown, why);
    assert.match(shown, new RegExp(`${status}\\s+in [\\d.]+ ms`));
    if (status === "200") assert.match(shown, /x-seen\s+yes[^]*<b>answer of 200<\/b>/);
    if (status === "204") assert.match(shown, /Empty/);
  }
  assert.equal(taken.length, Object.keys(JUDGEMENTS).length); // redirects are not followed
  for (const { body, headers } of taken) {
    assert.equal(headers["x-walnut-signature"], sign(body));
    assert.equal(headers["content-type"], "application/json");
  }
  await page.click("#tab-compose");
  assert.equal(await page.textContent("#preview"), taken[0].body.toString());
  await page.click("#tab-send");
  await page.fill("#url", "http://127.0.0.1:1/");
  await send(page);
  assert.match(await page.innerText("#answer"), /No response[^]*Walnut sends it again/);
});

test("send: shows invisible characters of an answer by their number, and keeps its lines", options, async (t) => {
  const { url } = await receiver(t, (_, response) => {
    response.writeHead(200, { "x-odd": "a\u0085b" });
    response.end("first\u202e1\u0000\n\tsecond\u200b 💥\r\nthird\ufeff");
  });
  const { page } = await openPage(t, { key: KEY, view: "send" });
  await page.fill("#url", url);
  await send(page);
  assert.equal(await page.textContent("#answer pre"), "first⟨U+202E⟩1⟨U+0000⟩\n\tsecond⟨U+200B⟩ 💥␍\nthird⟨U+FEFF⟩");
  assert.equal(await page.locator("#answer tr:has-text('x-odd') td").textContent(), "a⟨U+0085⟩b");
});

test("send: sends from the browser, to a receiver that allows it and to one that does not", options, async (t) => {
  const { url, taken } = await receiver(t, byPath(true));
  const closed = await receiver(t, byPath(false));
  const { page, wrong } = await openPage(t, { key: KEY, view: "send", relay: false, allowed: [url, closed.url] });
  assert.equal(await page.isDisabled("#through-relay"), true);
  assert.match(await page.innerText("#cors"), /CORS[^]*npx walnut-webhooks harness/);
  for (const status of ["200", "201", "202", "204", "500"]) {
    await page.fill("#url", `${url}/${status}`);
    await send(page);
    assert.match(await page.innerText("#answer"), JUDGEMENTS[status][1]);
    assert.match(await page.innerText("#answer"), new RegExp(`^${status}\\s`));
  }
  for (const { body, headers } of taken) assert.equal(headers["x-walnut-signature"], sign(body));
  await page.fill("#url", `${url}/302`);
  await send(page);
  assert.match(await page.innerText("#answer"), /No response[^]*a redirect, whose status a browser hides/);
  assert.equal(taken.at(-1).path, "/302"); // it was not followed
  // The redirect counts as a failed request to its target.
  assert.deepEqual(wrong.splice(0).map((text) => text.replace(/^Failed to load resource.*500.*/, "500")), ["500", `${url}/200 failed`]);
  await page.fill("#url", `${closed.url}/200`);
  await send(page);
  assert.match(await page.innerText("#answer"), /does not allow this page \(CORS\)/);
  assert.equal(closed.taken.length, 0);
  assert.match(wrong.splice(0).join(), /blocked by CORS policy/);
});

test("send: sends from the browser instead of the relay if that is chosen", options, async (t) => {
  const { url, taken } = await receiver(t, byPath(true));
  const { page } = await openPage(t, { key: KEY, view: "send", allowed: [url] });
  await page.check("input[name=through][value=direct]");
  assert.equal(await page.isVisible("#cors"), true);
  assert.equal(await page.isVisible("#no-relay"), false);
  await page.fill("#url", `${url}/200`);
  await send(page);
  assert.match(taken[0].headers["user-agent"], /Chrome/);
});

test("send: sends a thousand requests with copies and forgeries, and shows the progress", options, async (t) => {
  let resolveSeen;
  const seen = new Promise((resolve) => (resolveSeen = resolve));
  let count = 0;
  const { url, taken } = await receiver(t, async ({ body, headers }, response) => {
    // The receiver holds the second half until the page has shown the first.
    if (++count > 500) await seen;
    const isGenuine = explain(KEY, body, headers["x-walnut-signature"]).ok;
    response.writeHead(isGenuine ? 200 : 401).end();
  });
  const { page } = await openPage(t, { key: KEY, view: "send" });
  await page.fill("#url", url);
  await page.check("input[name=what][value=random]");
  await page.check("#shuffled");
  for (const [id, value] of Object.entries({ count: "900", duplicates: "50", forged: "50" })) await page.fill(`#${id}`, value);
  await page.click("#send-button");
  await page.waitForFunction(() => document.querySelector("#progress").value >= 400);
  assert.ok((await page.evaluate(() => document.querySelector("#progress").value)) <= 500);
  assert.equal(await page.isVisible("#stop"), true);
  assert.ok((await page.locator("#chart circle").count()) > 0);
  resolveSeen();
  await page.waitForSelector("#send-button[aria-disabled=false]");
  assert.equal(await page.textContent("#progress-text"), "1,000 of 1,000");
  assert.equal(await page.textContent("#outcome"), "1000 of 1000 as expected.");
  assert.equal(await page.locator("#chart circle").count(), 1000);
  const rows = await page.locator("#table tr").evaluateAll((rows) => rows.map(({ cells }) => Array.from(cells, ({ innerText }) => innerText.trim())));
  assert.deepEqual([rows[0], rows[1]], [["", "events", "duplicates", "forgeries"], ["sent", "900", "50", "50"]]);
  assert.deepEqual(rows.at(-1), ["responses", "900 × 200", "50 × 200", "50 × 401"]);
  assert.equal(taken.length, 1000);
  assert.equal(new Set(taken.map(({ body }) => body.toString())).size, 900);
  assert.equal(taken.filter(({ body, headers }) => headers["x-walnut-signature"] === sign(body)).length, 950);
  await isSound(page);
});

test("send: shows the whole table of a summary in a narrow window", options, async (t) => {
  const { url } = await receiver(t, ({ path }, response) => (path === "/closed" ? response.destroy() : response.writeHead(200).end()));
  const { page } = await openPage(t, { key: KEY, view: "send" });
  for (const path of ["open", "closed"]) {
    await page.fill("#url", `${url}/${path}`);
    for (const id of ["count", "duplicates", "forged"]) await page.fill(`#${id}`, "300");
    await send(page);
    for (const width of [320, 375]) {
      await page.setViewportSize({ width, height: 900 });
      const hidden = await page.evaluate(() => {
        const cells = [...document.querySelectorAll("#table td, #table th")];
        const { right } = document.querySelector("#table").getBoundingClientRect();
        const texts = cells.map((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          return { text: cell.innerText, end: range.getBoundingClientRect().right, room: cell.getBoundingClientRect().right };
        });
        return texts.filter(({ end, room }) => end > room + 0.5 || room > right + 0.5).map(({ text }) => text);
      });
      assert.deepEqual(hidden, [], `${path} at ${width} pixels`);
      await isSound(page);
    }
  }
});

test("send: reports a receiver that accepts forgeries", options, async (t) => {
  const { url } = await receiver(t, (_, response) => response.writeHead(200).end("all is well"));
  const { page } = await openPage(t, { key: KEY, view: "send" });
  await page.fill("#url", url);
  await page.fill("#forged", "1");
  await send(page);
  assert.equal(await page.textContent("#outcome"), "1 of 2 as expected.");
  assert.match(await page.innerText("#answer"), /a forgery, and the receiver accepted it: the signature is not checked[^]*all is well/);
  assert.equal(await page.locator("#chart .bad").count(), 1);
  await isSound(page);
});

test("send: limits the rate, and stops on request", options, async (t) => {
  const { url, taken } = await receiver(t, ({ path }, response) => path === "/quick" && response.end());
  const { page, wrong } = await openPage(t, { key: KEY, view: "send" });
  await page.fill("#url", `${url}/quick`);
  await page.fill("#count", "6");
  await page.fill("#rate", "20");
  const began = Date.now();
  await send(page);
  assert.ok(Date.now() - began >= 250, "six requests at 20 a second take a quarter of a second");
  assert.equal(taken.length, 6);

  await page.fill("#url", `${url}/never`);
  await page.fill("#rate", "");
  await page.fill("#count", "100");
  await page.click("#send-button");
  await page.locator("#stop").focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("#send-button[aria-disabled=false]");
  assert.equal(await page.textContent("#outcome"), "Stopped: 0 of 100 were answered.");
  assert.equal(await page.isVisible("#stop"), false);
  assert.equal(await page.evaluate(() => document.activeElement.id), "send-button");
  await showsText(page, "#announcer", "Stopped");
  const interrupted = wrong.splice(0); // these requests were interrupted
  assert.ok(interrupted.length > 0 && interrupted.every((text) => text.endsWith("/relay failed")), interrupted.join());
});

test("send: shows each mistake at its field, and sends nothing", options, async (t) => {
  const { page } = await openPage(t, { view: "send" });
  await page.click("#send-button");
  assert.match(await page.textContent("#send-note"), /key/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "key-0");
  await page.fill("#key-0", KEY);
  const mistakes = { url: ["ftp://example.com", "http://127.0.0.1:1/"], count: ["0", "1"], duplicates: ["-1", "0"], forged: ["1.5", "0"], rate: ["0", ""] };
  for (const [id, [wrong, right]] of Object.entries(mistakes)) {
    await page.fill(`#${id}`, wrong);
    await page.click("#send-button");
    assert.equal(await page.getAttribute(`#${id}`, "aria-invalid"), "true");
    assert.notEqual(await page.textContent(`#${id}-note`), "");
    assert.equal(await page.evaluate(() => document.activeElement.id), id);
    await page.fill(`#${id}`, right);
  }
  for (const wrong of ["http://%zz@127.0.0.1:1/", "http://user@127.0.0.1:1/", "http://user:word@127.0.0.1:1/", "http://:word@127.0.0.1:1/"]) {
    await page.fill("#url", wrong);
    await page.click("#send-button");
    assert.match(await page.textContent("#url-note"), /user name/, wrong);
    assert.equal(await page.getAttribute("#url", "aria-invalid"), "true");
    assert.equal(await page.evaluate(() => document.activeElement.id), "url");
  }
  await page.fill("#url", "http://127.0.0.1:1/");
  await page.fill("#count", "990");
  await page.fill("#forged", "11");
  await page.click("#send-button");
  assert.match(await page.textContent("#count-note"), /1,000/);
  await isSound(page);
  assert.equal(await page.isVisible("#progress-part"), false);
});

test("send: reports that the relay has ended or was restarted", options, async (t) => {
  const { page, wrong } = await openPage(t, { key: KEY, view: "send" });
  await page.evaluate(() => history.replaceState(null, "", "#token=another&view=send"));
  await send(page);
  assert.match(await page.innerText("#answer"), /open the link that the terminal shows/);
  assert.match(wrong.splice(0).join(), /401/);
  await page.context().setOffline(true);
  await send(page);
  assert.match(await page.innerText("#answer"), /is the command still running/);
  wrong.splice(0);
});

test("send: names the likely cause of a rejected event", options, async (t) => {
  const { url } = await receiver(t, byPath(false));
  const { page } = await openPage(t, { key: KEY, view: "send" });
  const causes = {
    401: /Likely cause: the receiver has another key than the one entered above, or its framework parses the body/,
    403: /Likely cause: a firewall, a login or a CSRF check/,
    404: /Likely cause: the receiver has no route for \/404\. Check the path and the port/,
    405: /Likely cause: the route for \/405 accepts only other methods/,
  };
  for (const [status, cause] of Object.entries(causes)) {
    await page.fill("#url", `${url}/${status}`);
    await send(page);
    assert.match(await page.innerText("#answer .summary"), cause);
  }
  for (const status of [200, 500]) {
    await page.fill("#url", `${url}/${status}`);
    await send(page);
    assert.doesNotMatch(await page.innerText("#answer"), /Likely cause/);
  }
  // A forgery is meant to be rejected.
  await page.fill("#url", `${url}/404`);
  await page.fill("#forged", "1");
  await send(page);
  assert.match(await page.innerText("#answer"), /no route for/);
  assert.equal(await page.textContent("#outcome"), "1 of 2 as expected.");
  await isSound(page);
});

test("send: shows the cause that a receiver with walnut-webhooks answers", options, async (t) => {
  const { page } = await openPage(t, { key: KEY, view: "send" });
  const cause = async (server) => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    t.after(() => server.close());
    await page.fill("#url", `http://127.0.0.1:${server.address().port}/webhook`);
    await send(page);
    return page.innerText("#answer .summary");
  };
  const otherKey = await cause(rawEndpoint("another key"));
  assert.match(otherKey, /Likely cause: the receiver has another key than the one entered above, or something changed the body/);
  assert.doesNotMatch(otherKey, /parses the body|proxy/);
  const parsed = await cause(parsedBefore(KEY));
  assert.match(parsed, /Cause: body_not_raw\. The raw body is needed, byte for byte as received, but a body parser .*express/s);
});

test("send: removes the previous answer if the form has a mistake", options, async (t) => {
  const { url } = await receiver(t, byPath(false));
  const { page } = await openPage(t, { key: KEY, view: "send" });
  for (const [id, wrong, right] of [["url", "no URL", `${url}/200`], ["count", "0", "3"], ["key-0", "", KEY]]) {
    await page.fill("#url", `${url}/500`);
    await send(page);
    assert.match(await page.innerText("#answer"), /500/);
    await page.fill(`#${id}`, wrong);
    await page.click("#send-button");
    assert.equal(await page.textContent("#answer"), "", id);
    assert.deepEqual(await Promise.all(["progress-part", "chart", "send-empty"].map((part) => page.isVisible(`#${part}`))), [false, false, true], id);
    assert.equal(await page.textContent("#table"), "", id);
    await page.fill(`#${id}`, right);
  }
});
