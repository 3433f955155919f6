// `curl` commands, as documentation shows them and browsers copy them. Source: curl's manual page.
import { SIGNATURE_HEADER } from "./headers.js";
import { type BodyFile, header, lacksBody, type ParsedRequest } from "./request.js";
import { EXPANSION, isStandardInput, parseWords, type Word, wordBytes, wordText } from "./shell.js";

/** curl's short options that take a value, and the long names of the short options that matter here. */
const VALUED = new Set("AbcCdDeEFHKmoPQrtTuUwxXyYz");
const SHORT: Readonly<Record<string, string>> = {
  ":": "--next", d: "--data", F: "--form", G: "--get", H: "--header", K: "--config", T: "--upload-file", X: "--request",
};

const DATA = new Set(["--data", "--data-ascii", "--data-raw", "--data-binary", "--json", "--upload-file"]);
/** Options that change the body or the request in a way that this parser does not support. */
const UNSUPPORTED = new Set(["--data-urlencode", "--form", "--form-string", "--get", "--config", "--next"]);
/** The unsupported options that may add a signature. */
const UNSUPPORTED_HEADERS = new Set(["--config", "--next"]);
const UNSUPPORTED_FLAGS = new Set(["--get", "--next"]);
const LONG_VALUED = new Set(
  "cacert cert ciphers connect-timeout connect-to cookie cookie-jar dump-header interface key limit-rate max-redirs max-time noproxy output proto proxy referer request-target resolve retry retry-delay retry-max-time tls-max unix-socket user user-agent write-out".split(" "),
);
const LONG_FLAGS = new Set(
  "compressed fail fail-with-body globoff head http1.1 http2 http2-prior-knowledge include insecure ipv4 ipv6 location location-trusted no-buffer no-keepalive no-progress-meter path-as-is progress-bar retry-all-errors retry-connrefused show-error silent tcp-nodelay tlsv1.2 tlsv1.3 trace-time verbose".split(" "),
);

/** A part of the body: its text, or the file that contains it. */
interface Part {
  readonly option: string;
  readonly text: string;
  readonly file?: BodyFile;
}

/** Parses a `curl` command for a POSIX shell. */
export function parseCurl(text: string): ParsedRequest {
  const notes: string[] = [];
  const { words, isOpen } = parseWords(text.trimStart().replace(/^\$\s*/, ""));
  const headers: [string, string][] = [];
  const parts: Part[] = [];
  const missing: string[] = [];
  const unsigned: string[] = [];
  let method: string | null = null;
  let url: string | null = null;
  let isUnknown = false;
  const misread = misreading(text, isOpen);
  if (misread !== undefined) missing.push(misread);
  const options = parseOptions(words.slice(1));
  for (const { option, value: word, isExpanded } of options) {
    const value = wordText(word);
    if (option === null) url ??= value;
    else if (option === "--url") url = value;
    else if (option === "--request") method = value;
    else if (option === "--header" && value.startsWith("@")) {
      notes.push(`The headers in the file ${value.slice(1)} are not read.`);
      unsigned.push(`The signature may be in the file ${value.slice(1)}, from which curl reads headers.`);
    } else if (option === "--header") {
      const [name, content] = parseHeader(value);
      // A variable without its value is not a signature.
      if (isExpanded && (EXPANSION.test(name) || name.toLowerCase() === SIGNATURE_HEADER)) unsigned.push("The signature is a variable or a command of the shell, whose value is not known here.");
      else headers.push([name, content]);
    } else if (UNSUPPORTED.has(option)) {
      missing.push(`curl's ${option} is not supported: give the body that curl sends instead.`);
      if (UNSUPPORTED_HEADERS.has(option)) unsigned.push(`curl's ${option} is not supported, and may add the signature.`);
    } else if (DATA.has(option)) {
      parts.push(parsePart(option, word));
      if (isExpanded) missing.push("A part of the body is a variable or a command of the shell, whose value is not known here.");
    } else if (!isKnown(option)) {
      isUnknown = true;
      notes.push(`curl's ${option} is unknown: it is read as an option without a value.`);
    }
    if (isExpanded && !DATA.has(option ?? "")) notes.push("A variable or a command of the shell is left as it is: its value is not known here.");
  }
  const urls = options.filter(({ option }) => option === null || option === "--url");
  if (urls.length > 1 && urls.some(({ isExpanded }) => isExpanded)) unsigned.push("The signature may be in a variable of the shell, whose value is not known here.");
  const signatureMissing = misread ?? (header({ headers }, SIGNATURE_HEADER) === undefined ? unsigned[0] : undefined);
  const [file] = parts.flatMap(({ file }) => file ?? []);
  if (parts.length === 0 && missing.length === 0 && !isUnknown && (signatureMissing !== undefined || lacksBody({ headers }))) missing.push("The curl command has no body, such as -d @event.json.");
  if (parts.length === 0 && isUnknown) missing.push("The curl command has an unknown option, and no body that is known.");
  if (file !== undefined && parts.length === 1) missing.push(isStandardInput(file.path) ? "curl reads the body from its standard input." : `The body is in the file ${file.path}.`);
  else if (file !== undefined) missing.push("curl makes the body from several parts, and at least one of them is a file: give the body that curl sends instead.");
  method ??= parts.length === 0 ? null : parts.every(({ option }) => option === "--upload-file") ? "PUT" : "POST";
  const request = { method, url, headers, notes, ...(signatureMissing !== undefined && { signatureMissing }) };
  const [bodyMissing] = missing;
  if (bodyMissing === undefined) return { ...request, body: wordBytes(joined(parts)) };
  const isInFile = missing.length === 1 && parts.length === 1 && file !== undefined && !isStandardInput(file.path);
  return { ...request, body: new Uint8Array(), bodyMissing, ...(isInFile && { bodyFile: file }) };
}

/** Returns the reason if the words of the command are not the words that curl gets. */
function misreading(text: string, isOpen: boolean): string | undefined {
  if (/\^["\r\n]/.test(text)) return "This is a command for Windows: copy it for bash, or as PowerShell's raw request.";
  return isOpen ? "A quote in the curl command is not closed, so the command is incomplete." : undefined;
}

/** Joins the parts as curl does: with `&` before each part, but not before one of `--json`. */
function joined(parts: readonly Part[]): string {
  return parts.reduce((all, { option, text }, index) => (index === 0 || option === "--json" ? all + text : `${all}&${text}`), "");
}

interface ParsedOption {
  /** The long name; `null` for an argument without one. */
  readonly option: string | null;
  readonly value: string;
  readonly isExpanded: boolean;
}

/** Parses curl's arguments: `-H v`, `-Hv`, `-sH v`, `--header v`, `--header=v`. */
function parseOptions(args: readonly Word[]): ParsedOption[] {
  const found: ParsedOption[] = [];
  let at = 0;
  const next = () => args[at++] ?? { text: "", isExpanded: false };
  const add = (option: string | null, { text, isExpanded }: Word) => found.push({ option, value: text, isExpanded });
  const flag = (option: string) => add(option, { text: "", isExpanded: false });
  while (at < args.length) {
    const word = next();
    const { text, isExpanded } = word;
    if (!text.startsWith("-") || text === "-") add(null, word);
    else if (text.startsWith("--")) {
      const equals = text.indexOf("=");
      if (equals >= 0) add(text.slice(0, equals), { text: text.slice(equals + 1), isExpanded });
      else if (hasValue(text)) add(text, next());
      else flag(text);
    } else {
      for (let index = 1; index < text.length; index++) {
        const letter = text[index] as string;
        const name = SHORT[letter];
        if (!VALUED.has(letter)) {
          if (name !== undefined) flag(name);
          continue;
        }
        const attached = text.slice(index + 1);
        const value = attached === "" ? next() : { text: attached, isExpanded };
        if (name !== undefined) add(name, value);
        break;
      }
    }
  }
  return found;
}

const HANDLED = new Set([...DATA, ...UNSUPPORTED, "--url", "--request", "--header"]);

function hasValue(option: string): boolean {
  return (HANDLED.has(option) && !UNSUPPORTED_FLAGS.has(option)) || LONG_VALUED.has(option.slice(2));
}

function isKnown(option: string): boolean {
  return HANDLED.has(option) || LONG_VALUED.has(option.slice(2)) || LONG_FLAGS.has(option.slice(2));
}

function parseHeader(value: string): [string, string] {
  const colon = value.indexOf(":");
  return colon < 0 ? [value.replace(/;$/, ""), ""] : [value.slice(0, colon).trim(), value.slice(colon + 1).trim()];
}

function parsePart(option: string, value: string): Part {
  const path = option === "--upload-file" ? value : option !== "--data-raw" && value.startsWith("@") ? value.slice(1) : undefined;
  if (path === undefined) return { option, text: value };
  return { option, text: "", file: { path: wordText(path), removesLineEnds: option === "--data" || option === "--data-ascii" } };
}
