// Changes of the facade that no test can see, each with its reason: in `file`, what is changed, and into what.
const reasons = [
  {
    file: "input",
    why: "Every engine has these getters; their types leave it open.",
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
    why: "A view of the same bytes is as good as the array at hand, which saves making one.",
    changes: [["length > 0 && length === body.length", "false"]],
  },
  {
    file: "input",
    why: "`undefined` is no more of an ArrayBuffer than `false` is.",
    changes: [["{ return false; // not a failure: asking is the only way to know }", "{}"]],
  },
  {
    file: "input",
    why: "Lengths are compared first since it is faster: what differs in length differs in lowercase, too.",
    changes: [["name.length !== SIGNATURE_HEADER.length", "false"]],
  },
  {
    file: "webhook",
    why: "Every runtime that the tests run in has a FinalizationRegistry.",
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
    why: "In WebAssembly, a length that is no number is 0, and that is never over the limit.",
    changes: [["contentLength !== undefined", "true"]],
  },
  {
    file: "webhook",
    why: "The bytes of a text are that text once they are decoded; to take it as it came is faster.",
    changes: [['typeof rawBody === "string"', "false"], ['"string"', '""']],
  },
  {
    file: "host",
    why: "Where a text is taken for deeper than it is, the core counts, and finds out.",
    changes: [["at + 1", "at - 1"], ["left-- === 0", "true"], ["left-- === 0", "left-- !== 0"], ["false", "true"]],
  },
  {
    file: "native",
    why: "From which length on the host hashes is a matter of speed alone.",
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
    why: "Where the host has no hash, the second body that it would be for finds that out.",
    changes: [["builtin === undefined", "false"]],
  },
  {
    file: "native",
    why: "What has modules built in has a process.",
    changes: [["host.process?.versions", "host.process.versions"]],
  },
  {
    file: "native",
    why: "No other runtime is among these tests: tests/browser, tests/loads and tests/engine/paths.test.mjs have them.",
    changes: [
      ["process?.getBuiltinModule", "process.getBuiltinModule"],
      ["host.EdgeRuntime === undefined", "true"],
    ],
  },
  {
    file: "native",
    why: "Both ways to ask the host give the same digest, one of them faster.",
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
    why: "What is made anew is the same as what is at hand, which saves making it.",
    changes: [
      ["length === input.length", "false"],
      ["byteView.length === 0", "true"],
      ["namedObject !== object", "true"],
    ],
  },
  {
    file: "host",
    why: "What stands behind a digest is the compiler's choice, and so far nothing that is read again.",
    changes: [["index < digest.length", "index <= digest.length"]],
  },
  {
    file: "host",
    why: "An array has as many keys as it is long; not to list them is faster.",
    changes: [["Array.isArray(value)", "false"]],
  },
  {
    file: "host",
    why: "The loop and the encoder write the same bytes: which of them does is a matter of speed.",
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
    why: "The core has room enough for whatever is this short; but who writes into its memory had better ask.",
    changes: [["text.length <= room", "true"]],
  },
  {
    file: "host",
    why: "In WebAssembly, what is undefined is 0, as what is absent is.",
    changes: [["default: return ABSENT;", "default:"]],
  },
  {
    file: "receive",
    why: "Whether a length is over the limit is for the core to decide; it is asked only where that may be.",
    changes: [
      ["end > webhook.maxBodyBytes", "true"],
      ["end > webhook.maxBodyBytes", "end >= webhook.maxBodyBytes"],
    ],
  },
  {
    file: "webhook",
    why: "To sign 2 GiB takes longer than a test should; a byte more is tested.",
    changes: [["body.length > MOST_BYTES", "body.length >= MOST_BYTES"]],
  },
  {
    file: "keys",
    why: "To copy a key of 2 GiB takes longer than a test should; a byte more is tested.",
    changes: [["key.length <= MOST_BYTES", "key.length < MOST_BYTES"]],
  },
];

export const explained = reasons.flatMap(({ file, changes }) =>
  changes.map(([code, becomes]) => ({ file, code, becomes })),
);
