// Files: their bytes are used as they are, up to the limit, opened or dropped, bodies or whole requests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../pkg-cli/sender/request.js";
import { BODY, harness, KEY, says, sign, verdict } from "./support.mjs";

const opened = harness();
const options = { timeout: 600_000 };
const MOST = 1 << 20;

async function openFile(page, name, buffer) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#open-file")]);
  await chooser.setFiles({ name, mimeType: "application/json", buffer });
}

/** Drops a file, as a person does with the mouse. */
async function dropFile(page, selector, name, buffer) {
  const transfer = await page.evaluateHandle(([name, base64]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], name));
    return transfer;
  }, [name, buffer.toString("base64")]);
  for (const type of ["dragenter", "dragover"]) await page.dispatchEvent(selector, type, { dataTransfer: transfer });
  assert.equal(await page.locator("#body.target").count(), 1);
  await page.dispatchEvent(selector, "drop", { dataTransfer: transfer });
  assert.equal(await page.locator("#body.target").count(), 0);
}

test("files: every byte counts, until the text is edited", options, async (t) => {
  const { page } = await opened(t, { key: KEY });
  const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"event":"e",\r\n"a":"'), Buffer.from([0xff, 0xc3, 0xa9]), Buffer.from('"}')]);
  await page.fill("#signature", sign(body));
  await openFile(page, "body.json", body);
  await says(page, "#file-note", `body.json: its ${body.length} bytes are used exactly`);
  assert.deepEqual(await verdict(page), ["genuine", "not_json", ""]);
  assert.equal(await page.textContent("#body-size"), `${body.length} bytes`);
  // The text field itself can't hold them.
  await page.focus("#body");
  await page.keyboard.press("End");
  await page.keyboard.type(" ");
  assert.equal((await verdict(page))[0], "refused");
  assert.equal(await page.textContent("#file-note"), "");

  const crlf = Buffer.from(BODY.replaceAll(',"', ',\r\n"'));
  await page.fill("#signature", sign(crlf));
  await openFile(page, "crlf.json", crlf);
  await says(page, "#verdict", "Genuine");
  await page.fill("#signature", sign(crlf.toString().replaceAll("\r", "")));
  assert.deepEqual(await verdict(page), ["refused", "signature_mismatch", "body_line_endings"]);
});

test("files: a name that turns round is shown by its characters", options, async (t) => {
  const { page } = await opened(t);
  await openFile(page, "body\u202enosj.exe", Buffer.from("{}"));
  await says(page, "#file-note", "body⟨U+202E⟩nosj.exe: its 2 bytes");
  await openFile(page, "body\u202enosj.exe", Buffer.alloc(MOST + 1, "x"));
  await says(page, "#file-note", "body⟨U+202E⟩nosj.exe is too large");
});

test("files: 1 MiB passes, and one byte more does not", options, async (t) => {
  const { page } = await opened(t, { key: KEY });
  const most = Buffer.from(JSON.stringify({ event: "x".repeat(MOST - 12) }));
  assert.equal(most.length, MOST);
  await page.fill("#signature", sign(most));
  await openFile(page, "most.json", most);
  await says(page, "#verdict", "Genuine");
  assert.equal(await page.textContent("#body-size"), "1,048,576 bytes");
  for (const length of [MOST + 1, 3 * MOST]) {
    await openFile(page, "more.json", Buffer.alloc(length, "x"));
    await says(page, "#file-note", `more.json is too large: ${length.toLocaleString("en")} bytes, but a body may have 1,048,576 bytes at most`);
    assert.equal(await page.getAttribute("#body", "aria-invalid"), "true");
    assert.deepEqual(await verdict(page), ["genuine", "", ""]); // nothing was changed
    await says(page, "#announcer", "more.json is too large");
    await page.fill("#signature", sign(most));
  }
  // A whole request may be as much longer as its head is.
  const headers = [["X-Walnut-Signature", sign(most)]];
  await openFile(page, "request.http", Buffer.from(rawRequest({ method: "POST", url: "/", headers, body: most })));
  await says(page, "#file-note", "request.http");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  await openFile(page, "larger.http", Buffer.from(rawRequest({ method: "POST", url: "/", headers, body: Buffer.alloc(MOST + 1) })));
  await says(page, "#file-note", "larger.http is too large: 1,048,577 bytes");
});

test("files: one that is dropped, anywhere, and a request that was saved", options, async (t) => {
  const { page } = await opened(t, { key: KEY, view: "send" });
  const body = Buffer.from(BODY.replaceAll(',"', ',\r\n"'));
  await dropFile(page, "#url", "body.json", body);
  await says(page, "#file-note", "body.json");
  assert.equal(await page.isVisible("#check"), true);
  await page.fill("#signature", sign(body));
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);

  const saved = rawRequest({ method: "POST", url: "/webhook", headers: [["Content-Type", "application/json"], ["X-Walnut-Signature", sign(body)]], body });
  await dropFile(page, "#body", "1.http", Buffer.from(saved));
  await says(page, "#request-facts", "POST /webhook");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  assert.equal(await page.isVisible("#signature"), false);
});
