// Requests as people paste them. The words of a command are compared with a real shell, and bodies with a real curl.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { parseRequest } from "../../pkg-cli/sender/parse.js";
import { bodyFromFile, header, rawRequest } from "../../pkg-cli/sender/request.js";
import { parseWords, quoted, wordBytes, wordText } from "../../pkg-cli/sender/shell.js";
import { visible } from "../../pkg-cli/sender/visible.js";
import { endpoint, folder } from "./support.mjs";

const bytes = (text) => Buffer.from(text, "latin1");
const parsed = (text) => {
  const request = parseRequest(typeof text === "string" ? Buffer.from(text) : text);
  return request && { ...request, body: Buffer.from(request.body).toString("latin1") };
};

test("raw HTTP: parses the head, and keeps the bytes of the body, for both kinds of line ends", () => {
  const body = '{"a":1}\r\n\r\n\xff\x00';
  for (const end of ["\r\n", "\n"]) {
    const head = ["POST /webhook?x=1 HTTP/1.1", "Host: example.com", "X-Walnut-Signature:  ab  ", "Empty:", "", ""].join(end);
    const { method, url, headers, body: found, notes } = parsed(bytes(head + body));
    deepEqual([method, url, found, notes], ["POST", "/webhook?x=1", body, []]);
    deepEqual(headers, [["Host", "example.com"], ["X-Walnut-Signature", "ab"], ["Empty", ""]]);
  }
});

test("raw HTTP: parses a request without a request line or without a body, and nothing else", () => {
  deepEqual(parsed("X-Walnut-Signature: ab\n\n{}").body, "{}");
  deepEqual(parsed("POST / HTTP/1.1").body, "");
  deepEqual(parsed("POST / HTTP/1.1\nA: b\n").headers, [["A", "b"]]);
  for (const none of ["", "{}", '{"a": 1}', "\n", "hello", "POST", "a b: c\n\n{}", '{\n"a": 1}']) equal(parsed(none), undefined, none);
});

test("raw HTTP: follows Content-Length and Transfer-Encoding, and notes what does not fit", () => {
  const at = (headers, body) => parsed(bytes(`POST / HTTP/1.1\r\n${headers}\r\n\r\n${body}`));
  deepEqual([at("Content-Length: 2", "{}\r\n").body, at("Content-Length: 2", "{}\r\n").notes.length], ["{}", 1]);
  // Copying may remove a newline at the end, but not a no-break space.
  deepEqual([at("content-length: 2", "{}\u00a0").body, at("content-length: 2", "{}\u00a0").notes.length], ["{}\u00a0", 1]);
  deepEqual([at("content-length: 3", "{}\n").body, at("content-length: 3", "{}\n").notes], ["{}\n", []]);
  deepEqual([at("content-length: 9", "").body, at("content-length: 0", "").bodyMissing], ["", undefined]);
  match(at("x-walnut-signature: ab", "").bodyMissing, /body is missing/);
  deepEqual([at("host: a", "").bodyMissing, at("x-walnut-signature: ab\r\ncontent-length: 0", "").bodyMissing], [undefined, undefined]);
  match(at("content-length: 9", "").bodyMissing, /body is missing/);
  deepEqual([at("content-length: 9", "{}").body, at("content-length: 9", "{}").notes.length], ["{}", 1]);
  deepEqual([at("content-length: 1", "{}").body, at("content-length: 1", "{}").notes.length], ["{}", 1]);
  const chunked = "transfer-encoding: chunked";
  deepEqual([at(chunked, "3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n").body, at(chunked, "1\n{\n1\n}\n0\n").body], ['{"a":1}', "{}"]);
  for (const broken of ["{}", "2\r\n{", "2\r\n{}", "x\r\n", "2\r\n{}9\r\n", "fffffffff\r\n"]) {
    deepEqual([at(chunked, broken).body, at(chunked, broken).notes.length], [broken, 1]);
  }
});

test("raw HTTP: parses what it writes, with the same bytes in the body", () => {
  const request = { method: "POST", url: "/x", headers: [["a", "b"], ["A", "\xe9"]], body: Uint8Array.from({ length: 256 }, (_, n) => n) };
  const { notes, ...reparsed } = parseRequest(rawRequest(request));
  deepEqual(reparsed, request);
  equal(header(reparsed, "a"), "b, \xe9");
  equal(header(reparsed, "c"), undefined);
});

test("curl: parses commands as people write them, and as browsers copy them", () => {
  for (const [command, expected] of [
    [`curl -X POST https://a.b/c -H 'X-Walnut-Signature: ab' -d '{"a":1}'`, ["POST", "https://a.b/c", [["X-Walnut-Signature", "ab"]], '{"a":1}']],
    [`curl 'https://a.b/c' \\\n  -H 'a: b: c' \\\r\n --data-raw $'{"a":"\\u00e9\\'\\n"}' --compressed`, [null, "https://a.b/c", [["a", "b: c"]], `{"a":"\xc3\xa9'\n"}`]],
    [`$ curl --request=PUT --url=x --header="A: \\"b\\" \\$c \\d" --data-binary "{}"`, ["PUT", "x", [["A", '"b" $c \\d']], "{}"]],
    [`curl x --json '{"a":' --json '1}'`, ["POST", "x", [], '{"a":1}']],
    [`curl x -d "\\$5 costs \\\\ and $ 5"`, ["POST", "x", [], "$5 costs \\ and $ 5"]],
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

test("parses a long request in linear time", () => {
  const many = 1 << 20;
  deepEqual(parsed(`a: b${" ".repeat(many)}c \n\n{}`).headers, [["a", `b${" ".repeat(many)}c`]]);
  equal(parsed(`curl x -d "${"\\\\".repeat(many / 2)}"`).body.length, many / 2);
  equal(parsed(`curl x -d $'${"\\\\".repeat(many / 2)}'`).body.length, many / 2);
});

test("curl: names the file that holds the body, and how curl reads it", () => {
  for (const [options, path, removesLineEnds] of [
    ["-d @event.json", "event.json", true],
    ["--data @event.json", "event.json", true],
    ["--data-ascii '@an event.json'", "an event.json", true],
    ["--data-binary @event.json", "event.json", false],
    ["--json @event.json", "event.json", false],
    ["-T event.json", "event.json", false],
    ["--upload-file ../event.json", "../event.json", false],
  ]) {
    const { body, bodyFile, bodyMissing, notes } = parsed(`curl x ${options}`);
    deepEqual([body, bodyFile, notes], ["", { path, removesLineEnds }, []], options);
    equal(bodyMissing, `The body is in the file ${path}.`);
  }
  equal(parsed("curl -T event.json x").method, "PUT");
  deepEqual([parsed("curl x --data-raw @name").body, parsed("curl x --data-raw @name").bodyMissing], ["@name", undefined]);
});

test("curl: says why the body is missing, and never returns a part of it", () => {
  for (const [command, why] of [
    ["curl x -d @-", /standard input/],
    ["curl x -T -", /standard input/],
    ["curl x -d @/dev/stdin", /standard input/],
    ["curl x -F a=b", /--form is not supported/],
    ["curl x --data-urlencode a=b", /--data-urlencode is not supported/],
    ["curl -G x -d a=b", /--get is not supported/],
    ["curl --get x -d a=b", /--get is not supported/],
    ["curl -K file x", /--config is not supported/],
    ["curl x -d a --next y -d b", /--next is not supported/],
    ["curl x -d a -: y -d b", /--next is not supported/],
    ["curl x -d a -d @file", /several parts/],
    ["curl x --json @a --json @b", /several parts/],
    ['curl x -d "$BODY"', /a variable or a command of the shell/],
    ["curl x -d $BODY", /a variable or a command of the shell/],
    ['curl x -d "$(cat event.json)"', /a variable or a command of the shell/],
    ["curl x -d `cat event.json`", /a variable or a command of the shell/],
    ['curl x -d "@$HOME/event.json"', /a variable or a command of the shell/],
    ["curl x -d 'open", /quote.* is not closed/],
    ['curl x -d "open', /quote.* is not closed/],
    ['curl "x" ^\r\n -H "a: b" -d {}', /for Windows/],
    ["curl x --data-bin {}", /unknown option/],
  ]) {
    const { body, bodyFile, bodyMissing } = parsed(command);
    deepEqual([body, bodyFile], ["", undefined], command);
    match(bodyMissing, why, command);
  }
  // A variable, a file or an unknown option outside of the body does not make the body missing.
  for (const command of ['curl x -H "a: $b" -d {}', "curl --brand-new 5 x -d {}", "curl x -H @headers.txt -d {}"]) {
    const { body, bodyMissing, notes } = parsed(command);
    deepEqual([body, bodyMissing, notes.length], ["{}", undefined, 1], command);
  }
});

test("curl: says why the signature is missing, and never returns a variable as the signature", () => {
  for (const [options, why] of [
    ["-H @headers.txt", /may be in the file headers\.txt/],
    ["-H @-", /may be in the file -/],
    ['-H "X-Walnut-Signature: $SIG"', /signature is a variable or a command/],
    ["-H x-walnut-signature:$SIG", /signature is a variable or a command/],
    ['-H "X-Walnut-Signature: $(openssl dgst)"', /signature is a variable or a command/],
    ['-H "$HEADER"', /signature is a variable or a command/],
    ["$OPTIONS", /in a variable of the shell/],
    ['"${headers[@]}"', /in a variable of the shell/],
    ["-K file", /--config is not supported/],
    ["--next y", /--next is not supported/],
    ["-H 'X-Walnut-Signature: ab", /quote.* is not closed/],
    ['^"-H^" ^\r\n', /for Windows/],
  ]) {
    const { headers, signatureMissing } = parsed(`curl x -d {} ${options}`);
    match(signatureMissing ?? "", why, options);
    if (!/closed/.test(signatureMissing)) deepEqual(headers, [], options);
  }
  match(parsed('curl x -H "X-Walnut-Signature: $SIG"').bodyMissing, /has no body/);
  for (const options of ["", "-H 'a: $b'", '-H "a: $b"', "-H 'X-Walnut-Signature: ab' $OPTIONS -H @headers.txt"]) {
    equal(parsed(`curl "$URL" -d {} ${options}`).signatureMissing, undefined, options);
  }
});

test("curl: parses the bytes that a real curl sends", async (t) => {
  const { url, taken } = await endpoint(t);
  const at = folder(t);
  const file = Buffer.from("{\r\n\t\"a\": \"\xff\"\n}\0\n", "latin1");
  writeFileSync(join(at, "event.json"), file);
  for (const options of [
    "-d a=1 -d b=2", "--json {a --json b}", "--json a -d b", "-d a --json b", "-d $'\\xc3\\xa9\\351' -d $'\\xa9'", "--data-raw @a --data-binary b", `-d "\\$5 \\\`x\\\`"`,
    "-d @event.json", "--data-binary @event.json", "--json @event.json", "-T event.json",
  ]) {
    const { method, body, bodyFile } = parseRequest(Buffer.from(`curl ${options} ${url}`));
    await promisify(execFile)("bash", ["--norc", "-c", `curl --silent --fail ${options} ${url}`], { cwd: at });
    const sent = taken.at(-1);
    const expected = bodyFile === undefined ? body : bodyFromFile(bodyFile, file);
    deepEqual([method, Buffer.from(expected)], [sent.method, sent.body], options);
  }
  equal(taken.length, 11);
});

test("curl -v: reads the head of the request, and says that the body is missing", async (t) => {
  const { url } = await endpoint(t);
  const curl = (command) => promisify(execFile)("bash", ["--norc", "-c", `curl -v -H 'X-Walnut-Signature: ab' ${command} ${url}`]);
  for (const options of ["-d '{}'", "-s -d '{}'", "-X POST -d '{}'", "--json '{}'"]) {
    const { stderr } = await curl(options);
    const { method, url: path, headers, body, bodyMissing, bodyFile } = parsed(stderr);
    deepEqual([method, path, body, bodyFile], ["POST", "/webhook", "", undefined], stderr);
    equal(header({ headers }, "x-walnut-signature"), "ab");
    equal(header({ headers }, "content-length"), "2");
    match(bodyMissing, /curl -v does not contain the body/);
  }
  match(parsed((await curl("-X POST")).stderr).bodyMissing, /curl -v does not contain the body/);
  const empty = parsed((await curl("-d ''")).stderr);
  deepEqual([empty.method, empty.body, empty.bodyMissing], ["POST", "", undefined]);
  const http2 = "* [HTTP/2] [1] [:method: POST]\n> POST /webhook HTTP/2\n> host: a\n> x-walnut-signature: ab\n> content-length: 2\n>\n} [2 bytes data]\n< HTTP/2 401\n<\n> quoted\n";
  deepEqual(parsed(http2).headers.length, 3);
  const several = parsed((await curl(`-d {} ${url}`)).stderr);
  match(several.bodyMissing, /has 2 requests, 2 of them with X-Walnut-Signature/);
  for (const none of ["* Trying\n> quoted text\n", "> POST\n", "* a\n"]) equal(parsed(none), undefined, none);
});

const har = (...requests) => JSON.stringify({ log: { version: "1.2", entries: requests.map((request) => ({ request })) } });
const entry = (postData, rest) => ({ method: "POST", url: "https://a.b/c", headers: [{ name: "X-Walnut-Signature", value: "ab" }], postData, ...rest });

test("HAR: reads the only request, or the only one with a signature", () => {
  const only = parsed(har(entry({ mimeType: "application/json", text: '{"a":"é"}' }, { bodySize: 10 })));
  deepEqual(only, { method: "POST", url: "https://a.b/c", headers: [["X-Walnut-Signature", "ab"]], body: '{"a":"\xc3\xa9"}', notes: [] });
  equal(parsed(`\ufeff${har(entry({ text: "{}" }))}`).body, "{}");
  equal(parsed(har(entry({ text: "e/8=", encoding: "base64" }))).body, "{\xff");
  equal(parsed(har(entry({ text: "{}" }, { bodySize: 3 }))).notes.length, 1);
  const other = entry({ text: "other" }, { headers: [] });
  equal(parsed(har(other, entry({ text: "{}" }), other)).body, "{}");
  equal(parsed(har(other)).body, "other");
});

test("HAR: says why the body is missing, or which requests it has", () => {
  const other = entry(undefined, { headers: [] });
  for (const [file, why] of [
    [har(entry(undefined, { bodySize: 2 })), /HAR file does not contain the body/],
    [har(entry(undefined)), /HAR file does not contain the body/],
    [har(entry({ params: [] })), /HAR file does not contain the body/],
    [har(entry(undefined, { bodySize: -1, headers: [{ name: "content-length", value: "2" }] })), /HAR file does not contain the body/],
    [har(entry({ text: "%", encoding: "base64" })), /not valid base64/],
    [har(entry({ text: "a" }), other, entry({ text: "b" })), /has 3 requests, 2 of them with X-Walnut-Signature/],
    [har(other, other), /has 2 requests, none of them with X-Walnut-Signature/],
  ]) {
    const { body, bodyMissing } = parsed(file);
    equal(body, "", file);
    match(bodyMissing, why);
  }
  deepEqual([parsed(har(entry(undefined, { bodySize: 0 }))).bodyMissing, parsed(har(other)).bodyMissing], [undefined, undefined]);
  for (const none of [har(), har(null), '{"log":{}}', '{"log":null}', '{"log":', "{}"]) equal(parsed(none), undefined, none);
  equal(parsed('{"log":{"entries":[{"request":{"headers":[null]}}]}}').method, null);
});

test("parses the words of a command as a real shell does", () => {
  const words = (text) => parseWords(text).words.map(({ text }) => wordText(text));
  const shell = (text) => execFileSync("bash", ["--norc", "-c", `printf '%s\\0' ${text}`], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], env: { LC_ALL: "C.UTF-8" } }).split("\0").slice(0, -1);
  for (const text of [
    "a b  c", "'a b' c", `"a b"c'd'`, `a\\ b`, `"\\"\\\\\\a"`, `'\\'`, `''`, `"" a`, `$'\\t\\n\\\\\\'"'`, `$'\\x41\\101\\u00e9\\U0001f600'`, `a\\\nb`, `"a\\\nb"`, `'a\nb'`, `a$'b'c`, `"a\\\\"`, `$'a\\\\'`, `é'ü'"ß"`, "-H a:b", `$"a b"c`,
  ]) deepEqual(words(text), shell(text), text);
  for (const word of ["", "a", "a b", "it's", `"`, "\\", "$x", "`x`", "a\nb", "é\u{1f600}", "'''", "!", "*", "~", "a;b", "#"]) {
    deepEqual([words(quoted(word)), shell(quoted(word))], [[word], [word]], word);
  }
});

test("parses the escapes of $'…' to the bytes that a real shell passes on", () => {
  for (const text of [
    "\\xc3\\xa9", "\\303\\251é", "\\xff\\xe9a", "\\777\\351\\1a", "\\xe2\\x82\\u00e9", "\\ud83d\\ude00", "\\ud83d\\udc80", "\\udc80", "\\U1f600\\xf0", "a\\0b", "\\x00b", "\\q\\z\\x\\u\\U\\xg",
    "\\?\\\"\\'\\\\", "\\ca\\c?\\c\\\\x", "\\a\\b\\e\\E\\f\\r\\v", "\\xef\\xbb\\xbfa",
  ]) {
    const [{ text: word }] = parseWords(`$'${text}'x`).words;
    const passed = execFileSync("bash", ["--norc", "-c", `printf %s $'${text}'x`], { env: { LC_ALL: "C.UTF-8" } });
    equal(Buffer.from(wordBytes(word)).toString("hex"), passed.toString("hex"), text);
  }
});

test("visible: names invisible characters, and keeps the others", () => {
  equal(visible("a b\tc\r\n\u00a0\ufeff\u200b\u202e\u0000\u009b\ufffd\ud800é\u{1f600}"), "a b␉c␍␊⟨U+00A0⟩⟨U+FEFF⟩⟨U+200B⟩⟨U+202E⟩⟨U+0000⟩⟨U+009B⟩⟨U+FFFD⟩⟨U+D800⟩é\u{1f600}");
});
