// The Check tab: each verdict and each explanation, with the mistake marked, as a person sees them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { explain } from "../../pkg/explain.js";
import { Webhook } from "../../pkg/index.js";
import { BODY, field, fillIn, harness, KEY, showsText, sign, verdict } from "./support.mjs";

const openPage = harness();
const options = { timeout: 600_000 };
/**
 * Characters without width, characters that change the direction of text, and control characters except line feeds,
 * which the page uses.
 */
const INVISIBLE = /\p{Cf}|(?!\n)\p{Cc}/u;
const marked = (page, where) => page.locator(`${where} mark`).allTextContents();

test("check: names the missing input, and checks at each keystroke", options, async (t) => {
  const { page } = await openPage(t);
  assert.deepEqual(await verdict(page), ["none", "", ""]);
  await page.locator("#body").pressSequentially("{}");
  assert.match(await page.textContent("#message"), /Enter the key/);
  await page.locator("#key-0").pressSequentially(KEY);
  assert.match(await page.textContent("#message"), /Enter the signature/);
  await page.fill("#signature", sign("{}"));
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  assert.equal(await field(page, "type"), "unknown");
  await page.focus("#body");
  await page.keyboard.press("End");
  await page.keyboard.type(" ");
  assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", "body_whitespace"]);
  await page.keyboard.press("Backspace");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  // The page announces the verdict once the typing stops.
  await showsText(page, "#announcer", "Genuine.");
});

test("check: shows the delivery, its age, and that a previous key matched", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const at = Date.now() - 3 * 3_600_000 - 1000;
  const event = { ...JSON.parse(BODY), is_test: true, timestamp: new Date(at).toISOString() };
  const body = JSON.stringify(event);
  await fillIn(page, body, sign(body));
  assert.equal(await field(page, "type"), "demo_session_finished");
  assert.equal(await field(page, "isTest"), "true");
  assert.match(await field(page, "id"), /^body:[0-9a-f]{64}$/);
  assert.match(await field(page, "timestamp"), /3 h ago$/);
  assert.match(await field(page, "keyIndex"), /^0, the current key/);
  assert.match(await page.textContent("#drift"), /exactly as documented/);
  const soon = JSON.stringify({ event: "e", timestamp: new Date(Date.now() + 1500).toISOString() });
  await fillIn(page, soon, sign(soon));
  await showsText(page, ".age", "1 s ago"); // the page updates it

  for (let previous = 1; previous <= 3; previous++) await page.click("#add-key");
  assert.equal(await page.isVisible("#add-key"), false);
  await page.fill("#key-0", "the new key");
  await page.fill("#key-3", KEY);
  assert.match(await field(page, "keyIndex"), /^1, a previous key/);
  await page.click("button:has-text('Remove previous key 3')");
  assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", "unknown"]);
  assert.equal(await page.isVisible("#add-key"), true);
});

test("check: marks each drift at its place in the event", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const event = JSON.parse(BODY);
  event.data.demo_engagement.fab_clicks = "none";
  event.data["<img src=x onerror=alert(1)>"] = 1.0;
  delete event.data.user.user_agent;
  const body = JSON.stringify(event).replace(":1,", ":1.0,").replace(/:1}/, ":1.0}");
  await fillIn(page, body, sign(body));
  assert.equal(await field(page, "type"), "unknown");
  const lines = await page.locator("#event .line:has(mark)").allTextContents();
  assert.deepEqual(lines.map((line) => line.trim()), [
    '"fab_clicks": "none",  ← integer expected, string found',
    '"user_agent"  ← missing: string expected',
    '"<img src=x onerror=alert(1)>": 1.0  ← added: not documented',
  ]);
  assert.equal(await page.locator("#drift-list li").count(), 3);
  assert.equal(await page.locator("#event img").count(), 0);
  assert.deepEqual(JSON.parse((await page.textContent("#event")).replace(/ {2}←.*/g, "").replace(/,?\n *"user_agent"\n/, "\n")), event);
  // The page scrolls to the first mark.
  assert.ok(await page.evaluate(() => document.querySelector("#event").scrollTop > 0));
});

test("check: shows invisible and direction-changing characters by their number", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const odd = JSON.parse(BODY);
  Object.assign(odd, { event: "a\u200bb\u2066", timestamp: "\u202e2026" });
  odd.data.session_id = "s\u0000\n";
  const body = JSON.stringify(odd);
  await fillIn(page, body, sign(body));
  assert.equal((await verdict(page))[0], "genuine");
  assert.equal(await field(page, "name"), "a⟨U+200B⟩b⟨U+2066⟩");
  assert.equal(await field(page, "timestamp"), "⟨U+202E⟩2026");
  assert.doesNotMatch(await page.textContent("#delivery-facts"), INVISIBLE);

  await page.fill("#body", "curl 'https://hooks.example.com/\u202ewebhook' -H 'X-Walnut-Signature: \u2067ab' -d @\u202enosj.exe");
  assert.match(await page.textContent("#request-facts"), /POST https:\S+\/⟨U\+202E⟩webhook[^]*⟨U\+2067⟩ab/);
  for (const id of ["message", "open-body-file"]) assert.match(await page.textContent(`#${id}`), /⟨U\+202E⟩nosj\.exe/);
  await page.fill("#body", ["POST /\u0085 HTTP/1.1", `X-\u202eSignature: ${sign(body)}`, "", body].join("\n"));
  for (const place of ["request", "result"]) assert.doesNotMatch(await page.textContent(`#${place}`), INVISIBLE);
});

test("check: accepts a genuine body that is not JSON", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  await fillIn(page, "no JSON", sign("no JSON"));
  assert.deepEqual(await verdict(page), ["genuine", "not_json", ""]);
  assert.equal(await page.isVisible("#delivery"), false);
});

const digits = sign(BODY);
const SIGNATURES = {
  signature_uppercase: [digits.toUpperCase(), (marks) => marks.join("") === digits.toUpperCase().replace(/\d/g, "")],
  signature_extra_text: [` sha256=${digits}`, (marks) => marks.join() === "␣sha256="],
  signature_repeated: [`${digits}, ${digits}`, (marks) => marks.join() === `,␣${digits}`],
  signature_base64: [Buffer.from(digits, "hex").toString("base64"), (marks) => marks.join() === Buffer.from(digits, "hex").toString("base64")],
  signature_cut: [digits.slice(0, 60), (marks) => marks.join() === "…␣4␣of␣64␣digits␣are␣missing"],
  "": ["g".repeat(63) + "a", (marks) => marks.join() === "g".repeat(63)],
};

test("check: marks the mistake in a signature", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  await page.fill("#body", BODY);
  for (const [cause, [signature, isRight]] of Object.entries(SIGNATURES)) {
    await page.fill("#signature", signature);
    assert.deepEqual(await verdict(page), ["rejected", "malformed_signature", cause]);
    const marks = await marked(page, "#marks");
    assert.ok(isRight(marks), `${cause}: ${marks}`);
    assert.equal(await page.getAttribute("#signature", "aria-invalid"), "true");
    assert.notEqual(await page.textContent("#signature-note"), "");
    assert.equal(await page.isVisible("#fix-part"), true);
  }
  await page.fill("#signature", digits);
  assert.equal(await page.getAttribute("#signature", "aria-invalid"), null);
  assert.equal(await page.locator("#marks mark").count(), 0);
});

test("check: marks the characters around a key without showing the key", options, async (t) => {
  const { page } = await openPage(t, { key: "another key" });
  await fillIn(page, BODY, digits);
  await page.click("#add-key");
  const keys = {
    key_whitespace: [`  ${KEY}\t`, ["␣␣", "␉"]],
    key_quoted: [`"${KEY}"`, ['"', '"']],
    key_encoded: [Buffer.from(KEY).toString("hex"), []],
  };
  for (const [cause, [key, marks]] of Object.entries(keys)) {
    await page.fill("#key-1", key);
    assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", cause]);
    assert.equal(await page.getAttribute("#key-1", "aria-invalid"), "true");
    assert.equal(await page.getAttribute("#key-0", "aria-invalid"), null);
    assert.deepEqual(await marked(page, "#key-1-note"), marks);
    assert.ok(!(await page.locator("body").innerText()).includes(KEY));
  }
  await page.fill("#key-1", KEY);
  assert.equal(await page.getAttribute("#key-1", "aria-invalid"), null);
  const raw = "a1b2c3d4e5f60718";
  await page.fill("#key-1", Buffer.from(raw, "hex").toString("latin1").replace(/[^ -~]/g, "")); // no known mistake
  assert.equal((await verdict(page))[2], "unknown");
});

const BODIES = {
  body_reformatted: JSON.stringify(JSON.parse(BODY), null, 2),
  body_whitespace: `${BODY}\n`,
  body_base64: Buffer.from(BODY).toString("base64"),
  body_empty: "{}",
  body_object_text: "[object Object]",
  body_replacement_characters: `${BODY}\ufffd`,
  unknown: BODY.replace('"fab_clicks":0', '"fab_clicks":1'),
};

test("check: names the change to a body, with the bytes that differ if they are known", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  for (const [cause, body] of Object.entries(BODIES)) {
    await fillIn(page, body, digits);
    assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", cause]);
    assert.notEqual(await page.textContent("#message"), "");
    const { difference } = explain(KEY, body, digits);
    assert.equal(await page.locator(".difference").count(), difference === null ? 0 : 1);
  }
  const empty = "";
  await fillIn(page, empty, digits);
  assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", "body_empty"]);
  await fillIn(page, `{"a":"${"x".repeat(65_536)}"}`, digits);
  assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", "body_too_large_to_explain"]);
  await fillIn(page, `"${"x".repeat(1 << 20)}"`, digits);
  assert.deepEqual(await verdict(page), ["rejected", "body_too_large", ""]);
});

test("check: shows the received bytes above the signed bytes", options, async (t) => {
  const { page } = await openPage(t);
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "../../harness/check/difference.ts")], bundle: true, write: false, format: "iife", globalName: "its",
  });
  await page.evaluate(`${outputFiles[0].text}; window.its = its;`);
  const shown = (text, difference) => page.evaluate(([text, difference]) => {
    const node = window.its.showDifference(new TextEncoder().encode(text), difference);
    return [node.querySelector("caption").textContent, ...[...node.querySelectorAll("td")].flatMap((cell) =>
      [cell.firstChild.textContent, cell.querySelector("mark").textContent, cell.lastChild.textContent])];
  }, [text, difference]);
  assert.deepEqual(await shown('{"a":1,\n"b":2}', { at: 7, received: '\\n"b":2}', signed: '\\r\\n"b":2}' }), [
    "From byte 7 of the body on", '{"a":1,', "", '\\n"b":2}', '{"a":1,', "\\r", '\\n"b":2}',
  ]);
  assert.deepEqual(await shown("{}", { at: 2, received: "", signed: "\\n" }), [
    "At the body’s end, after byte 2", "{}", "", "nothing: it ends here", "{}", "\\n", "",
  ]);
  const long = `${"é".repeat(20)}x`;
  const [, before] = await shown(long, { at: 40, received: "x", signed: "y" });
  assert.equal(before, `…${"\\xc3\\xa9".repeat(8)}`);
});

test("check: reads a whole request, raw or as curl", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const raw = (...headers) => ["POST /webhook HTTP/1.1", "Host: hooks.example.com", ...headers, "", BODY].join("\n");
  await page.fill("#body", raw(`X-Walnut-Signature: ${digits}`));
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  assert.equal(await page.isVisible("#signature"), false);
  assert.match(await page.innerText("#request-facts"), /POST \/webhook[^]*851 bytes/);

  await page.fill("#body", raw(`X-Signature: ${digits}`));
  assert.deepEqual(await verdict(page), ["rejected", "missing_signature", "other_header"]);
  assert.match(await page.textContent("#message"), /X-Signature/i);
  await page.fill("#body", raw());
  assert.deepEqual(await verdict(page), ["rejected", "missing_signature", ""]);
  await page.fill("#body", raw(`X-Walnut-Signature: ${digits}`, `x-walnut-signature: ${digits}`));
  assert.equal((await verdict(page))[1], "malformed_signature");
  await page.fill("#body", raw(`X-Walnut-Signature: sha256=${digits}`, "Content-Length: 12"));
  assert.deepEqual(await verdict(page), ["rejected", "malformed_signature", "signature_extra_text"]);
  assert.deepEqual(await marked(page, "#marks"), ["sha256="]);
  assert.match(await page.innerText("#request-notes"), /Content-Length says 12 bytes/);

  await page.fill("#body", `curl -X POST https://hooks.example.com/webhook \\\n  -H 'X-Walnut-Signature: ${digits}' \\\n  --data-raw '${BODY}'`);
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);

  await page.fill("#body", `curl https://hooks.example.com/webhook -H "X-Walnut-Signature: $SIG" --data-raw '${BODY}'`);
  assert.deepEqual(await verdict(page), ["none", "", ""]);
  assert.match(await page.innerText("#result"), /The signature is a variable or a command of the shell/);
  assert.match(await page.innerText("#request-facts"), /Signature\s+not known/);

  // A body can look like a request.
  const body = "name: value";
  await page.fill("#body", body);
  await page.check("#read-as-body");
  await page.fill("#signature", sign(body));
  assert.deepEqual(await verdict(page), ["genuine", "not_json", ""]);
});

test("check: shows the verdict of each example", options, async (t) => {
  const { page } = await openPage(t);
  const expected = { genuine: ["genuine", "", ""], reformatted: ["rejected", "signature_mismatch", "body_reformatted"],
    signature: ["rejected", "malformed_signature", "signature_extra_text"], request: ["rejected", "missing_signature", "other_header"] };
  for (const [name, shown] of Object.entries(expected)) {
    await page.click(`#example-${name}`);
    assert.deepEqual(await verdict(page), shown);
  }
  await page.fill("#key-0", KEY);
  await page.click("#example-genuine");
  assert.deepEqual([await page.inputValue("#body"), await page.inputValue("#signature")], [BODY, digits]);
});

for (const [width, height] of [[1280, 500], [1280, 900], [375, 667], [375, 900]]) {
  test(`check, ${width} × ${height} px: keeps the verdict in view while the form is edited`, options, async (t) => {
    const { page } = await openPage(t, { key: KEY, viewport: { width, height } });
    await fillIn(page, BODIES.body_reformatted, digits);
    const isInView = async () => {
      const { top, bottom } = await page.locator("#verdict").evaluate((node) => node.getBoundingClientRect());
      assert.ok(top >= 0 && bottom <= height, `the verdict is at ${top} to ${bottom} px of ${height}`);
    };
    for (const id of ["body", "open-file", "signature"]) {
      await page.evaluate(() => scrollTo(0, 0));
      await page.focus(`#${id}`);
      await isInView();
      const uncovered = await page.evaluate(() => {
        const { left, top, width } = document.activeElement.getBoundingClientRect();
        return document.elementFromPoint(left + width / 2, top + 8)?.id;
      });
      assert.equal(uncovered, id, "the verdict covers the field that has the focus");
    }
    // On a narrow page, the details follow the form.
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    if (width > 900) await isInView();
    else assert.ok(await page.locator("#fix").evaluate((node) => node.getBoundingClientRect().bottom <= innerHeight));
  });
}
