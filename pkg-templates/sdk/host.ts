// The functions that the core imports: src/wasm/host.rs declares them. The functions that every `verify` calls have only
// numbers as arguments.
import type { WebhookErrorCode } from "./contract.js";
import type { Delivery, Drift } from "./delivery.js";
import { WebhookError } from "./error.js";
import { sha256 as hash } from "./native.js";
import { utf8 } from "./utf8.js";

const NOTHING: Uint8Array = new Uint8Array();

/** The kinds of a value, as the core numbers them. */
const [ABSENT, NULL, FALSE, TRUE, WHOLE, FRACTION, STRING, ARRAY, OBJECT] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const KIND_BITS = 4;

/** The results that the core has set during the last call. */
interface Results {
  error?: WebhookError | undefined;
  /** `verify` removes it, so that no event is kept after its call. */
  delivery?: Delivery | undefined;
  /** A signature, or an ID that is calculated from a body's bytes alone. */
  text?: string;
}

// An object, because an ESM loader that wraps this module would freeze an exported variable.
export const results: Results = {};

/** The names of documented fields, by the address of their list in the core's memory. */
const fieldNames = new Map<number, string[]>();

let memory: { readonly buffer: ArrayBuffer };
let byteView: Uint8Array = NOTHING;
let wordView: Uint32Array;
let requestHeader: string | undefined;
let input = NOTHING;
/** The input as text, once that is known. */
let inputText: string | undefined;
/** The values that the core has handles of. A handle's upper bits are the index of its value. */
let values: unknown[];
let namedObject: object | undefined;
let names: string[];
let drift: Drift[];

/** Binds these functions to an instance of the core. */
export function attach(coreMemory: { readonly buffer: ArrayBuffer }): void {
  memory = coreMemory;
  byteView = NOTHING;
  fieldNames.clear();
}

/** Provides the input of the next call: bytes, the text that they encode if it is known, and a header. */
export function begin(bytes: Uint8Array, header?: string, text?: string): void {
  input = bytes;
  inputText = text;
  requestHeader = header;
  values = [];
  drift = [];
  results.error = undefined;
}

/** Drops the input of the last call. */
export function end(): void {
  input = NOTHING;
  inputText = requestHeader = undefined;
  values = [];
  namedObject = undefined;
  names = [];
}

export function readHeader(to: number, room: number): number {
  return requestHeader === undefined ? -1 : write(requestHeader, to, room);
}

export function readInput(from: number, length: number, to: number): void {
  bytes().set(length === input.length ? input : input.subarray(from, from + length), to);
}

/**
 * Parses the input. Returns the handle of its value, followed by a bit: whether the value may be nested deeper than
 * `maxDepth`. If the input is not JSON, the handle is 0, and the bit says whether the input is UTF-8.
 */
export function parse(maxDepth: number): number {
  let value: unknown;
  try {
    inputText ??= utf8().decoder.decode(input);
    value = JSON.parse(inputText);
  } catch {
    // The core determines the error.
    return Number(inputText !== undefined);
  }
  return (handleOf(value) << 1) | Number(isMaybeDeep(inputText, maxDepth));
}

/** Whether a text has more brackets than may be nested, so that the core has to measure its depth. */
function isMaybeDeep(text: string, maxDepth: number): boolean {
  let left = maxDepth;
  for (const bracket of "[{") {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (left-- === 0) return true;
    }
  }
  return false;
}

export function sha256(prefix: number, prefixLength: number, to: number): void {
  const memory = bytes();
  const digest = hash(memory, prefix, prefixLength, input);
  for (let index = 0; index < digest.length; index++) memory[to + index] = digest.charCodeAt(index);
}

export function addFieldName(fields: number, name: string): void {
  const known = fieldNames.get(fields);
  if (known === undefined) fieldNames.set(fields, [name]);
  else known.push(name);
}

/** Writes the handles of an object's documented fields and returns its size, or -1 if their names have to be added first. */
export function findFields(object: number, fields: number, to: number): number {
  const documented = fieldNames.get(fields);
  if (documented === undefined) return -1;
  const members = values[object >>> KIND_BITS] as Record<string, unknown>;
  bytes();
  let at = to / wordView.BYTES_PER_ELEMENT;
  for (const name of documented) wordView[at++] = Object.hasOwn(members, name) ? handleOf(members[name]) : ABSENT;
  return Object.keys(members).length;
}

export function element(container: number, index: number): number {
  const value = values[container >>> KIND_BITS] as unknown[] | Record<string, unknown>;
  return handleOf(Array.isArray(value) ? value[index] : value[memberNames(value)[index] as string]);
}

export function memberName(object: number, index: number): number {
  return handleOf(memberNames(values[object >>> KIND_BITS] as object)[index]);
}

export function size(container: number): number {
  const value = values[container >>> KIND_BITS] as object;
  return Array.isArray(value) ? value.length : memberNames(value).length;
}

/** Writes a string and returns its length in bytes. If it may not fit, returns the room that it needs instead. */
export function readText(string: number, to: number, room: number): number {
  const text = values[string >>> KIND_BITS] as string;
  const most = text.length * 3;
  return most > room ? most : write(text, to, room);
}

export function setError(code: string, message: string, status: number): void {
  results.error = new WebhookError(code as WebhookErrorCode, message, status);
}

export function setText(text: string): void {
  results.text = text;
}

export function addDrift(path: string, kind: string, expected: string | undefined, found: string | undefined): void {
  drift.push({ path, kind: kind as Drift["kind"], expected: expected ?? null, found: found ?? null });
}

/** `name`, `sessionId` and `timestamp` are handles of strings, or 0. */
export function setDelivery(
  keyIndex: number,
  isDocumented: boolean,
  name: number,
  sessionId: number,
  timestamp: number,
  isTest: boolean,
): void {
  const eventName = string(name);
  const session = string(sessionId);
  results.delivery = {
    name: eventName,
    type: isDocumented ? eventName : "unknown",
    event: values[0],
    id: session === null ? (results.text as string) : `${eventName}:${session}`,
    timestamp: string(timestamp),
    keyIndex,
    isTest,
    drift,
  } as Delivery;
}

function string(handle: number): string | null {
  return handle === ABSENT ? null : (values[handle >>> KIND_BITS] as string);
}

/** Returns the core's memory, whose buffer changes when it grows. */
function bytes(): Uint8Array {
  if (byteView.length === 0) {
    byteView = new Uint8Array(memory.buffer);
    wordView = new Uint32Array(memory.buffer);
  }
  return byteView;
}

/** Writes a text as UTF-8, cut to `room` bytes, and returns the length written. */
function write(text: string, to: number, room: number): number {
  const memory = bytes();
  // Most texts are short and ASCII: for those, a loop is faster than the encoder.
  if (text.length <= 64 && text.length <= room) {
    let at = 0;
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) break;
      memory[to + at] = unit;
    }
    if (at === text.length) return at;
  }
  return utf8().encoder.encodeInto(text, memory.subarray(to, to + room)).written;
}

function handleOf(value: unknown): number {
  switch (typeof value) {
    case "string":
      return store(value, STRING);
    case "number":
      return Number.isInteger(value) ? WHOLE : FRACTION;
    case "boolean":
      return value ? TRUE : FALSE;
    case "object":
      return value === null ? NULL : store(value, Array.isArray(value) ? ARRAY : OBJECT);
    default:
      return ABSENT;
  }
}

function store(value: unknown, kind: number): number {
  return ((values.push(value) - 1) << KIND_BITS) | kind;
}

function memberNames(object: object): string[] {
  if (namedObject !== object) [namedObject, names] = [object, Object.keys(object)];
  return names;
}
