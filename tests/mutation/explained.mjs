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
    why: "Where there is a signature, the core asks for no other header.",
    changes: [["value === undefined", "true"]],
  },
  {
    file: "webhook",
    why: "The bytes of a text are that text once they are decoded; to take it as it came is faster.",
    changes: [['typeof rawBody === "string"', "false"], ['"string"', '""']],
  },
  {
    file: "webhook",
    why: "Where a text is taken for deeper than it is, the core counts, and finds out.",
    changes: [["at + 1", "at - 1"], ["left-- === 0", "true"], ["left-- === 0", "left-- !== 0"], ["false", "true"]],
  },
];

export const explained = reasons.flatMap(({ file, changes }) =>
  changes.map(([code, becomes]) => ({ file, code, becomes })),
);
