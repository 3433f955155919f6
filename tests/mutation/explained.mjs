// Changes of the facade that no test can detect: the file, the reason, and the code with its replacement.
const reasons = [
  {
    file: "input",
    why: "Every engine has these getters, but their types allow `undefined`.",
    changes: [
      [
        'Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "length")?.get',
        'Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "length").get',
      ],
      [
        'Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get',
        'Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength").get',
      ],
      ["bytesLength?.call", "bytesLength.call"],
      ["arrayBufferLength?.call", "arrayBufferLength.call"],
    ],
  },
  {
    file: "input",
    why: "A new view of the same bytes has the same result; using the existing array is faster.",
    changes: [["length > 0 && length === body.length", "false"]],
  },
  {
    file: "input",
    why: "Neither `undefined` nor `false` is an ArrayBuffer.",
    changes: [["{ return false; // not a failure: asking is the only way to know }", "{}"]],
  },
  {
    file: "input",
    why: "Lengths are compared first because it is faster: names of different lengths also differ in lowercase.",
    changes: [["name.length !== SIGNATURE_HEADER.length", "false"]],
  },
  {
    file: "webhook",
    why: "Every runtime of the tests has a FinalizationRegistry.",
    changes: [
      ['typeof FinalizationRegistry === "undefined"', "false"],
      ['"undefined"', '""'],
      ["verifiers?.unregister", "verifiers.unregister"],
      ["verifiers?.register", "verifiers.register"],
      ["streams?.register", "streams.register"],
      ["streams?.unregister", "streams.unregister"],
    ],
  },
  {
    file: "webhook",
    why: "In WebAssembly, a length that is not a number becomes 0, which is never over the limit.",
    changes: [["contentLength !== undefined", "true"]],
  },
  {
    file: "webhook",
    why: "Decoding the bytes of a text gives the same text; using the text directly is faster.",
    changes: [['typeof rawBody === "string"', "false"], ['"string"', '""']],
  },
  {
    file: "host",
    why: "If this overestimates the depth of a text, the core counts the real depth.",
    changes: [["at + 1", "at - 1"], ["left-- === 0", "true"], ["left-- === 0", "left-- !== 0"], ["false", "true"]],
  },
  {
    file: "native",
    why: "The length from which the host hashes affects only the speed.",
    changes: [
      ['host.navigator?.userAgent === "Cloudflare-Workers"', "false"],
      ['"Cloudflare-Workers"', '""'],
      ['"workerd"', '""'],
      ["host.process?.versions ?? {}", "host.process?.versions && {}"],
      ["bun !== undefined", "true"],
      ["bun !== undefined", "false"],
      ["bun !== undefined", "bun === undefined"],
      ['"bun"', '""'],
      ["deno !== undefined", "false"],
      ['"deno"', '""'],
      ["length < native.from", "length <= native.from"],
    ],
  },
  {
    file: "native",
    why: "If the host has no hash, the second suitable body reveals that.",
    changes: [["builtin === undefined", "false"]],
  },
  {
    file: "native",
    why: "A runtime with built-in modules has a process.",
    changes: [["host.process?.versions", "host.process.versions"]],
  },
  {
    file: "native",
    why: "Only tests/browser, tests/loads and tests/engine/paths.test.mjs run in other runtimes; these tests do not.",
    changes: [
      ["process?.getBuiltinModule", "process.getBuiltinModule"],
      ["host.EdgeRuntime === undefined", "true"],
    ],
  },
  {
    file: "native",
    why: "Both functions of the host give the same digest, but one is faster.",
    changes: [
      ["hash === undefined || body.length > COPIED", "true"],
      ["body.length > COPIED", "body.length >= COPIED"],
    ],
  },
  {
    file: "host",
    why: "The next call replaces it before anything reads it.",
    changes: [["[]", '["Stryker was here"]']],
  },
  {
    file: "host",
    why: "A new object is equal to the existing one; using the existing one is faster.",
    changes: [
      ["length === input.length", "false"],
      ["byteView.length === 0", "true"],
      ["namedObject !== object", "true"],
    ],
  },
  {
    file: "host",
    why: "The compiler chooses which data follows a digest in memory, and nothing reads that data again in this build.",
    changes: [["index < digest.length", "index <= digest.length"]],
  },
  {
    file: "host",
    why: "An array has as many keys as its length; not listing them is faster.",
    changes: [["Array.isArray(value)", "false"]],
  },
  {
    file: "host",
    why: "The loop and the encoder write the same bytes; the choice affects only the speed.",
    changes: [
      ["text.length <= 64 && text.length <= room", "false"],
      ["text.length <= 64 && text.length <= room", "text.length <= 64 || text.length <= room"],
      ["text.length <= 64", "true"],
      ["text.length <= 64", "text.length < 64"],
      ["text.length <= 64", "text.length > 64"],
      ["text.length <= room", "text.length < room"],
      ["text.length <= room", "text.length > room"],
      [
        "{ let at = 0; for (; at < text.length; at++) { const unit = text.charCodeAt(at); if (unit > 0x7f) break; " +
          "memory[to + at] = unit; } if (at === text.length) return at; }",
        "{}",
      ],
      ["at < text.length", "false"],
      ["at < text.length", "at <= text.length"],
      ["unit > 0x7f", "true"],
      ["unit > 0x7f", "unit >= 0x7f"],
      ["at === text.length", "false"],
    ],
  },
  {
    file: "host",
    why: "The core has enough room for such a short input, but the check is safer before writing into its memory.",
    changes: [["text.length <= room", "true"]],
  },
  {
    file: "host",
    why: "In WebAssembly, `undefined` becomes 0, like an absent argument.",
    changes: [["default: return ABSENT;", "default:"]],
  },
  {
    file: "receive",
    why: "The core decides whether a length is over the limit; it is called only if that is possible.",
    changes: [
      ["end > webhook.maxBodyBytes", "true"],
      ["end > webhook.maxBodyBytes", "end >= webhook.maxBodyBytes"],
    ],
  },
  {
    file: "webhook",
    why: "Signing 2 GiB takes too long for a test; one byte more is tested.",
    changes: [["body.length > MOST_BYTES", "body.length >= MOST_BYTES"]],
  },
  {
    file: "keys",
    why: "Copying a key of 2 GiB takes too long for a test; one byte more is tested.",
    changes: [["key.length <= MOST_BYTES", "key.length < MOST_BYTES"]],
  },
];

export const explained = reasons.flatMap(({ file, changes }) =>
  changes.map(([code, becomes]) => ({ file, code, becomes })),
);
