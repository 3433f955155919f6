// `curl` commands, as documentation shows them and browsers copy them. Source: curl's manual page.
import type { HttpRequest } from "./request.js";
import { words } from "./shell.js";

const encoder = new TextEncoder();

/** The short options of curl that take a value, and the long names of those that matter here. */
const VALUED = new Set("AbcCdDeEFHKmoPQrtTuUwxXyYz");
const SHORT: Readonly<Record<string, string>> = { d: "--data", F: "--form", H: "--header", T: "--upload-file", X: "--request" };

const DATA = new Set(["--data", "--data-ascii", "--data-raw", "--data-binary", "--json"]);
/** Options whose body is not part of the command. */
const ELSEWHERE = new Set(["--data-urlencode", "--form", "--form-string", "--upload-file", "--get", "--config"]);
const LONG_VALUED = new Set(
  "cacert cert ciphers connect-timeout connect-to cookie cookie-jar dump-header interface key limit-rate max-redirs max-time noproxy output proto proxy referer request-target resolve retry retry-delay retry-max-time tls-max unix-socket user user-agent write-out".split(" "),
);
const LONG_FLAGS = new Set(
  "compressed fail fail-with-body globoff head http1.1 http2 http2-prior-knowledge include insecure ipv4 ipv6 location location-trusted no-buffer no-keepalive no-progress-meter path-as-is progress-bar retry-all-errors retry-connrefused show-error silent tcp-nodelay tlsv1.2 tlsv1.3 trace-time verbose".split(" "),
);

/** Parses a `curl` command for a POSIX shell. */
export function parseCurl(text: string): HttpRequest {
  const notes: string[] = [];
  if (/\^["\r\n]/.test(text)) notes.push("This is a command for Windows: copy it for bash, or as PowerShell's raw request.");
  const [, ...args] = words(text.trimStart().replace(/^\$\s*/, ""), notes);
  const headers: [string, string][] = [];
  const data: string[] = [];
  let method: string | null = null;
  let url: string | null = null;
  for (const [option, value] of parseOptions(args, notes)) {
    if (option === null) url ??= value;
    else if (option === "--url") url = value;
    else if (option === "--request") method = value;
    else if (option === "--header") headers.push(parseHeader(value));
    else if (DATA.has(option)) data.push(readData(option, value, notes));
    else if (ELSEWHERE.has(option)) notes.push(`curl's ${option} is not supported: enter the body that it sends instead.`);
  }
  return { method: method ?? (data.length > 0 ? "POST" : null), url, headers, body: encoder.encode(data.join("&")), notes };
}

/** Parses curl's arguments: `-H v`, `-Hv`, `-sH v`, `--header v`, `--header=v`. Positional arguments have the option `null`. */
function parseOptions(args: readonly string[], notes: string[]): [option: string | null, value: string][] {
  const found: [string | null, string][] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    if (!word.startsWith("-") || word === "-") found.push([null, word]);
    else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word : word.slice(0, equals);
      const bare = name.slice(2);
      const isOurs = DATA.has(name) || ELSEWHERE.has(name) || ["--url", "--request", "--header"].includes(name);
      if (equals >= 0) found.push([name, word.slice(equals + 1)]);
      else if ((isOurs && name !== "--get") || LONG_VALUED.has(bare)) found.push([name, args[++at] ?? ""]);
      else {
        if (!LONG_FLAGS.has(bare) && !isOurs) notes.push(`curl's ${name} is unknown: it is read as an option without a value.`);
        found.push([name, ""]);
      }
    } else {
      for (let index = 1; index < word.length; index++) {
        const letter = word[index] as string;
        const name = letter === "G" ? "--get" : letter === "K" ? "--config" : SHORT[letter];
        if (!VALUED.has(letter)) {
          if (name !== undefined) found.push([name, ""]);
          continue;
        }
        const attached = word.slice(index + 1);
        const value = attached !== "" ? attached : (args[++at] ?? "");
        if (name !== undefined) found.push([name, value]);
        break;
      }
    }
  }
  return found;
}

function parseHeader(value: string): [string, string] {
  const colon = value.indexOf(":");
  return colon < 0 ? [value.replace(/;$/, ""), ""] : [value.slice(0, colon).trim(), value.slice(colon + 1).trim()];
}

function readData(option: string, value: string, notes: string[]): string {
  if (option === "--data-raw" || !value.startsWith("@")) return value;
  notes.push(`The body is in the file ${value.slice(1)}, which is not part of the command: open that file instead.`);
  return "";
}
