// Edits the sections of a WebAssembly module: https://webassembly.github.io/spec/core/binary/modules.html
const [CUSTOM, IMPORT, DATA] = [0, 2, 11];
const FUNCTION = 0;
const [ACTIVE, I32_CONST, END] = [0, 0x41, 0x0b];

/** Reads a module, starting at byte `at`. */
class Reader {
  constructor(bytes, at = 0) {
    Object.assign(this, { bytes, at });
  }
  /** Reads an unsigned LEB128. */
  number() {
    let value = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * 2 ** shift;
      more = byte > 127;
    }
    return value;
  }
  /** Reads bytes with their length before them. */
  vector() {
    const length = this.number();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function number(value) {
  return value < 128 ? [value] : [(value & 127) | 128, ...number(value >>> 7)];
}

const vector = (bytes) => [...number(bytes.length), ...bytes];

/** Returns the ids and contents of a module's sections. */
function* sections(module) {
  for (const reader = new Reader(module, 8); reader.at < module.length; ) yield [reader.number(), reader.vector()];
}

/** Returns the module with each section's content replaced by the result of `edit`. */
function edited(module, edit) {
  const parts = [module.subarray(0, 8)];
  for (const [id, content] of sections(module)) {
    const replacement = edit(id, content);
    parts.push(Buffer.from([id, ...number(replacement.length)]), replacement);
  }
  return Buffer.concat(parts);
}

/**
 * Returns the module with an empty list of WebAssembly features. wasm-bindgen then uses no optional features, such as
 * reference types, for which it would add a table and a start function.
 */
export function withoutFeatures(module) {
  const name = Buffer.from("target_features");
  const isList = (id, content) => id === CUSTOM && new Reader(content).vector().equals(name);
  return edited(module, (id, content) => (isList(id, content) ? Buffer.from([...vector(name), 0]) : content));
}

/** Returns the module with each import, which must be a function, renamed by the `Map` and moved to the module `from`. */
export function renameImports(module, from, names) {
  return edited(module, (id, content) => {
    if (id !== IMPORT) return content;
    const reader = new Reader(content);
    const count = reader.number();
    const imports = number(count);
    for (let index = 0; index < count; index++) {
      reader.vector();
      const name = names.get(`${reader.vector()}`);
      if (name === undefined || reader.number() !== FUNCTION) throw new Error(`import ${index} is not a function with a new name`);
      imports.push(...vector(Buffer.from(from)), ...vector(Buffer.from(name)), FUNCTION, ...number(reader.number()));
    }
    return Buffer.from(imports);
  });
}

/** Returns the initial memory of a module. Each of its data segments must be at a constant address. */
export function initialMemory(module) {
  let memory = Buffer.alloc(0);
  for (const [, content] of [...sections(module)].filter(([id]) => id === DATA)) {
    const reader = new Reader(content);
    for (let left = reader.number(); left > 0; left--) {
      if (reader.number() !== ACTIVE || reader.number() !== I32_CONST) throw new Error("a data segment has no constant address");
      const address = reader.number();
      if (reader.number() !== END) throw new Error("a data segment has no constant address");
      const bytes = reader.vector();
      memory = Buffer.concat([memory, Buffer.alloc(Math.max(0, address - memory.length)), bytes]);
    }
  }
  return memory;
}
