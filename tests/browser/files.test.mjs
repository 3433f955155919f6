// Files, opened or dropped, with a body or a whole request. The page uses their bytes unchanged, up to the limit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../pkg-cli/sender/request.js";
import { BODY, field, harness, KEY, showsText, sign, verdict } from "./support.mjs";

const openPage = harness();
const options = { timeout: 600_000 };
const MOST = 1 << 20;

async function openFile(page, name, buffer, button = "#open-file") {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click(button)]);
  await chooser.setFiles({ name, mimeType: "application/json", buffer });
}

/** Drops a file as with the mouse. */
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

test("files: uses the bytes of a file until the text is edited", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"event":"e",\r\n"a":"'), Buffer.from([0xff, 0xc3, 0xa9]), Buffer.from('"}')]);
  await page.fill("#signature", sign(body));
  await openFile(page, "body.json", body);
  await showsText(page, "#file-note", `body.json: its ${body.length} bytes are used unchanged`);
  assert.deepEqual(await verdict(page), ["genuine", "not_json", ""]);
  assert.equal(await page.textContent("#body-size"), `${body.length} bytes`);
  // The text field itself can't hold these bytes.
  await page.focus("#body");
  await page.keyboard.press("End");
  await page.keyboard.type(" ");
  assert.equal((await verdict(page))[0], "rejected");
  assert.equal(await page.textContent("#file-note"), "");

  const crlf = Buffer.from(BODY.replaceAll(',"', ',\r\n"'));
  await page.fill("#signature", sign(crlf));
  await openFile(page, "crlf.json", crlf);
  await showsText(page, "#verdict", "Genuine");
  await page.fill("#signature", sign(crlf.toString().replaceAll("\r", "")));
  assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", "body_line_endings"]);
});

test("files: shows direction-changing characters of a name by their number", options, async (t) => {
  const { page } = await openPage(t);
  await openFile(page, "body\u202enosj.exe", Buffer.from("{}"));
  await showsText(page, "#file-note", "body⟨U+202E⟩nosj.exe: its 2 bytes");
  await openFile(page, "body\u202enosj.exe", Buffer.alloc(MOST + 1, "x"));
  await showsText(page, "#file-note", "body⟨U+202E⟩nosj.exe is too large");
});

test("files: accepts 1 MiB and rejects one byte more", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const most = Buffer.from(JSON.stringify({ event: "x".repeat(MOST - 12) }));
  assert.equal(most.length, MOST);
  await page.fill("#signature", sign(most));
  await openFile(page, "most.json", most);
  await showsText(page, "#verdict", "Genuine");
  assert.equal(await page.textContent("#body-size"), "1,048,576 bytes");
  for (const length of [MOST + 1, 3 * MOST]) {
    await openFile(page, "more.json", Buffer.alloc(length, "x"));
    await showsText(page, "#file-note", `more.json is too large: ${length.toLocaleString("en")} bytes, but a body may have 1,048,576 bytes at most`);
    assert.equal(await page.getAttribute("#body", "aria-invalid"), "true");
    assert.deepEqual(await verdict(page), ["genuine", "", ""]); // nothing has changed
    await showsText(page, "#announcer", "more.json is too large");
    await page.fill("#signature", sign(most));
  }
  // A whole request may be longer by the length of its head.
  const headers = [["X-Walnut-Signature", sign(most)]];
  await openFile(page, "request.http", Buffer.from(rawRequest({ method: "POST", url: "/", headers, body: most })));
  await showsText(page, "#file-note", "request.http");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  await openFile(page, "larger.http", Buffer.from(rawRequest({ method: "POST", url: "/", headers, body: Buffer.alloc(MOST + 1) })));
  await showsText(page, "#file-note", "larger.http is too large: 1,048,577 bytes");
});

test("files: reads a file that is dropped anywhere, and a saved request", options, async (t) => {
  const { page } = await openPage(t, { key: KEY, view: "send" });
  const body = Buffer.from(BODY.replaceAll(',"', ',\r\n"'));
  await dropFile(page, "#url", "body.json", body);
  await showsText(page, "#file-note", "body.json");
  assert.equal(await page.isVisible("#check"), true);
  await page.fill("#signature", sign(body));
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);

  const saved = rawRequest({ method: "POST", url: "/webhook", headers: [["Content-Type", "application/json"], ["X-Walnut-Signature", sign(body)]], body });
  await dropFile(page, "#body", "1.http", Buffer.from(saved));
  await showsText(page, "#request-facts", "POST /webhook");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  assert.equal(await page.isVisible("#signature"), false);
});

const curl = (signature, data) => `curl https://hooks.example.com/webhook -H 'X-Walnut-Signature: ${signature}' ${data}`;

test("files: asks for the file that holds the body of a curl command, and then checks it", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const body = Buffer.from(BODY.replaceAll(',"', ',\r\n"'));
  await page.fill("#body", curl(sign(body), "--data-binary @event.json"));
  assert.deepEqual(await verdict(page), ["none", "", ""]);
  assert.equal(await page.textContent("#verdict"), "Not checked");
  assert.equal(await page.textContent("#message"), "The body is in the file event.json. Choose this file, or drop it on this page.");
  assert.match(await page.innerText("#request-facts"), /Body\s+not known/);
  await showsText(page, "#announcer", "The body is in the file event.json");

  await openFile(page, "event.json", body, "#open-body-file:has-text('Choose event.json')");
  await showsText(page, "#body-file-note", "event.json is the body.");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  assert.equal(await field(page, "type"), "demo_session_finished");
  // The page keeps the file until the path in the command changes.
  await page.fill("#body", curl(sign("another body"), "--data-binary @event.json"));
  assert.deepEqual(await verdict(page), ["rejected", "signature_mismatch", "unknown"]);
  await page.fill("#body", curl(sign(body), "--data-binary @other.json"));
  assert.deepEqual(await verdict(page), ["none", "", ""]);

  await dropFile(page, "#body", "renamed.json", body);
  await showsText(page, "#body-file-note", "renamed.json is the body.");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  await openFile(page, "large.json", Buffer.alloc(MOST + 1, "x"), "#open-body-file:has-text('Choose another file')");
  await showsText(page, "#body-file-note", "large.json is too large");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);

  await page.check("#read-as-body");
  assert.deepEqual([await page.isVisible("#open-body-file"), await page.isVisible("#open-file")], [false, true]);
});

test("files: removes the line ends of a body file as curl's --data does", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  const pretty = JSON.stringify(JSON.parse(BODY), null, 2);
  const sent = pretty.replaceAll("\n", "");
  await page.fill("#body", curl(sign(sent), "-d @event.json"));
  await openFile(page, "event.json", Buffer.from(pretty), "#open-body-file");
  await showsText(page, "#body-file-note", `event.json is the body. curl’s --data removes line ends, here ${pretty.length - sent.length} bytes.`);
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
});

test("files: does not check a curl command whose body is neither in the command nor in a single file", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  for (const [data, message] of [["-d @-", /standard input/], ["-F a=b", /--form is not supported/], ["-d @a.json -d b=1", /several parts/]]) {
    await page.fill("#body", curl(sign(BODY), data));
    assert.deepEqual(await verdict(page), ["none", "", ""], data);
    assert.match(await page.textContent("#message"), message);
    assert.equal(await page.isVisible("#open-body-file"), false);
  }
});
