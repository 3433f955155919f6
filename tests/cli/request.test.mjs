// Requests as people paste them; and the shell's words, beside those of a real shell.
import { deepEqual, equal, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { parseRequest } from "../../pkg-cli/sender/parse.js";
import { header, rawRequest } from "../../pkg-cli/sender/request.js";
import { quoted, words } from "../../pkg-cli/sender/shell.js";
import { visible } from "../../pkg-cli/sender/visible.js";

const bytes = (text) => Buffer.from(text, "latin1");
const parsed = (text) => {
  const request = parseRequest(typeof text === "string" ? Buffer.from(text) : text);
  return request && { ...request, body: Buffer.from(request.body).toString("latin1") };
};

test("raw HTTP: the head and the body's own bytes, whatever ends the lines", () => {
  const body = '{"a":1}\r\n\r\n\xff\x00';
  for (const end of ["\r\n", "\n"]) {
    const head = ["POST /webhook?x=1 HTTP/1.1", "Host: example.com", "X-Walnut-Signature:  ab  ", "Empty:", "", ""].join(end);
    const { method, url, headers, body: found, notes } = parsed(bytes(head + body));
    deepEqual([method, url, found, notes], ["POST", "/webhook?x=1", body, []]);
    deepEqual(headers, [["Host", "example.com"], ["X-Walnut-Signature", "ab"], ["Empty", ""]]);
  }
});

test("raw HTTP: without a first line, without a body, with neither", () => {
  deepEqual(parsed("X-Walnut-Signature: ab\n\n{}").body, "{}");
  deepEqual(parsed("POST / HTTP/1.1").body, "");
  deepEqual(parsed("POST / HTTP/1.1\nA: b\n").headers, [["A", "b"]]);
  for (const none of ["", "{}", '{"a": 1}', "\n", "hello", "POST", "a b: c\n\n{}", '{\n"a": 1}']) equal(parsed(none), undefined, none);
});

test("raw HTTP: its length and its framing", () => {
  const at = (headers, body) => parsed(bytes(`POST / HTTP/1.1\r\n${headers}\r\n\r\n${body}`));
  deepEqual([at("Content-Length: 2", "{}\r\n").body, at("Content-Length: 2", "{}\r\n").notes.length], ["{}", 1]);
  // A newline may have gone with the copying, and a blank that is no ASCII has not.
  deepEqual([at("content-length: 2", "{}\u00a0").body, at("content-length: 2", "{}\u00a0").notes.length], ["{}\u00a0", 1]);
  deepEqual([at("content-length: 3", "{}\n").body, at("content-length: 3", "{}\n").notes], ["{}\n", []]);
  deepEqual([at("content-length: 9", "{}").body, at("content-length: 9", "{}").notes.length], ["{}", 1]);
  deepEqual([at("content-length: 1", "{}").body, at("content-length: 1", "{}").notes.length], ["{}", 1]);
  const chunked = "transfer-encoding: chunked";
  deepEqual([at(chunked, "3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n").body, at(chunked, "1\n{\n1\n}\n0\n").body], ['{"a":1}', "{}"]);
  for (const broken of ["{}", "2\r\n{", "2\r\n{}", "x\r\n", "2\r\n{}9\r\n", "fffffffff\r\n"]) {
    deepEqual([at(chunked, broken).body, at(chunked, broken).notes.length], [broken, 1]);
  }
});

test("raw HTTP: what is written is read again, the body byte for byte", () => {
  const request = { method: "POST", url: "/x", headers: [["a", "b"], ["A", "\xe9"]], body: Uint8Array.from({ length: 256 }, (_, n) => n) };
  const { notes, ...again } = parseRequest(rawRequest(request));
  deepEqual(again, request);
  equal(header(again, "a"), "b, \xe9");
  equal(header(again, "c"), undefined);
});

test("curl: as it is documented, and as browsers copy it", () => {
  for (const [command, expected] of [
    [`curl -X POST https://a.b/c -H 'X-Walnut-Signature: ab' -d '{"a":1}'`, ["POST", "https://a.b/c", [["X-Walnut-Signature", "ab"]], '{"a":1}']],
    [`curl 'https://a.b/c' \\\n  -H 'a: b: c' \\\r\n --data-raw $'{"a":"\\u00e9\\'\\n"}' --compressed`, [null, "https://a.b/c", [["a", "b: c"]], `{"a":"\xc3\xa9'\n"}`]],
    [`$ curl --request=PUT --url=x --header="A: \\"b\\" \\$c \\d" --data-binary "{}"`, ["PUT", "x", [["A", '"b" $c \\d']], "{}"]],
    [`curl -XPOST -Ha:b -da=1 -d b=2 x`, ["POST", "x", [["a", "b"]], "a=1&b=2"]],
    [`curl -sS -A agent -u user:pass -m 5 x --json '{}'`, [null, "x", [], "{}"]],
    [`curl -sSd '{"a":1}' https://h/x`, ["POST", "https://h/x", [], '{"a":1}']],
    [`curl -sX PUT https://h/x -d '{}' --retry-delay 5 --user-agent=a`, ["PUT", "https://h/x", [], "{}"]],
    [`curl -sSLkHa:b -dx y`, ["POST", "y", [["a", "b"]], "x"]],
    [`curl -H 'Empty;' x | jq .`, [null, "x", [["Empty", ""]], ""]],
    [`curl x -d ''\\''' && rm y`, ["POST", "x", [], "'"]],
    [`curl x\n-d {}`, [null, "x", [], ""]],
  ]) {
    const { method, url, headers, body, notes } = parsed(command);
    deepEqual([method === "POST" && expected[0] === null ? null : method, url, headers, body], expected, command);
    deepEqual(notes, [], command);
  }
});

test("what is long is read as fast as it is long", () => {
  const many = 1 << 20;
  deepEqual(parsed(`a: b${" ".repeat(many)}c \n\n{}`).headers, [["a", `b${" ".repeat(many)}c`]]);
  equal(parsed(`curl x -d "${"\\\\".repeat(many / 2)}"`).body.length, many / 2);
  equal(parsed(`curl x -d $'${"\\\\".repeat(many / 2)}'`).body.length, many / 2);
});

test("curl: what can't be had is said", () => {
  for (const command of ["curl x -d @body.json", "curl x -F a=b", "curl x -T file", "curl x -d \"$BODY\"", "curl x -d 'open", "curl x -d \"open", "curl --brand-new 5 x", "curl -G x", "curl -K file x", 'curl "x" ^\r\n -H "a: b"']) {
    const { notes } = parsed(command);
    // Within double quotes a variable is left as it stands, too.
    ok(command.includes("$BODY") || notes.length === 1, command);
  }
  deepEqual(parsed("curl x -d @body.json").body, "");
  deepEqual(parsed("curl x --data-raw @name").body, "@name");
});

test("words: those of a real shell", () => {
  const shell = (text) => execFileSync("bash", ["--norc", "-c", `printf '%s\\0' ${text}`], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], env: { LC_ALL: "C.UTF-8" } }).split("\0").slice(0, -1);
  for (const text of [
    "a b  c", "'a b' c", `"a b"c'd'`, `a\\ b`, `"\\"\\\\\\a"`, `'\\'`, `''`, `"" a`, `$'\\t\\n\\\\\\'"'`, `$'\\x41\\101\\u00e9\\U0001f600'`, `a\\\nb`, `"a\\\nb"`, `'a\nb'`, `a$'b'c`, `"a\\\\"`, `$'a\\\\'`, `é'ü'"ß"`, "-H a:b",
  ]) deepEqual(words(text, []), shell(text), text);
  for (const word of ["", "a", "a b", "it's", `"`, "\\", "$x", "`x`", "a\nb", "é\u{1f600}", "'''", "!", "*", "~", "a;b", "#"]) {
    deepEqual([words(quoted(word), []), shell(quoted(word))], [[word], [word]], word);
  }
});

test("visible: what can't be seen is named, and what can is left", () => {
  equal(visible("a b\tc\r\n\u00a0\ufeff\u200b\u202e\u0000\u009b\ufffd\ud800é\u{1f600}"), "a b␉c␍␊⟨U+00A0⟩⟨U+FEFF⟩⟨U+200B⟩⟨U+202E⟩⟨U+0000⟩⟨U+009B⟩⟨U+FFFD⟩⟨U+D800⟩é\u{1f600}");
});
