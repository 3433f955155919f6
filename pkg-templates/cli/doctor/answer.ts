// Finds signatures, stack traces and paths in a response, which it should not contain.
import type { Attempt } from "../sender/judge.js";

/** Whether a response contains a signature, as it is or encoded. */
export function hasSignature({ headers, body }: Attempt, signature: string): boolean {
  const text = [...headers.map(([, value]) => value), new TextDecoder().decode(body)].join("\n");
  if (text.toLowerCase().includes(signature)) return true;
  const digest = Buffer.from(signature, "hex");
  const encoded = [digest.toString("base64").replace(/=$/, ""), digest.toString("base64url"), Buffer.from(signature).toString("base64").replace(/=+$/, "")];
  // JSON may escape a slash.
  const plain = text.replaceAll("\\/", "/");
  return encoded.some((form) => plain.includes(form));
}

const INTERNALS: readonly RegExp[] = [
  // JavaScript: "at Layer.handle (/srv/app.js:15:7)", "at file:///srv/app.js:15:7"
  /\bat [^\n]{0,200}?(?:file:\/\/|node:|\/|[A-Z]:\\)[^\s()]{0,300}:\d+:\d+/,
  /\bnode_modules[/\\]/,
  /Traceback \(most recent call last\)/,
  // Java, Kotlin, Scala; .NET; Go; Ruby; PHP
  /\bat [\w.$<>]+\([\w$]+\.(?:java|kt|scala):\d+\)/,
  /\bat [^\n]{1,200} in [^\n]{1,200}:line \d+/,
  /\bgoroutine \d+ \[/,
  /\.rb:\d+:in [`']/,
  /\bStack trace:\s+#0 /,
  // The path of a source file, but not a part of a URL.
  /(?<![\w.-])\/(?:app|home|opt|root|srv|tmp|usr|var|Users|workspace)\/[\w@./-]*\.(?:[cm]?[jt]sx?|py|rb|php|java|go|cs|rs)\b/,
  /\b[A-Z]:\\[\w .\\-]+\.(?:[cm]?[jt]sx?|py|rb|php|java|go|cs|rs)\b/,
];

/** Whether a response shows a stack trace, or paths of files on the server. */
export function hasInternals({ body }: Attempt): boolean {
  const text = new TextDecoder().decode(body).replaceAll("\\/", "/");
  return INTERNALS.some((pattern) => pattern.test(text));
}
