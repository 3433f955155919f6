// The functions that the core imports: src/wasm/host.rs declares them. Those that `verify` calls take plain numbers.
import type { WebhookErrorCode } from "./contract.js";
import type { Delivery, Drift } from "./delivery.js";
import { WebhookError } from "./error.js";
import { sha256 as hash } from "./native.js";
import { utf8 } from "./utf8.js";

const NOTHING: Uint8Array = new Uint8Array();

/** The kinds of a value, as the core numbers them. */
const [ABSENT, NULL, FALSE, TRUE, WHOLE, FRACTION, STRING, ARRAY, OBJECT] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const KIND_BITS = 4;

/** What the core reads from a verified body. */
export type Reading = Pick<Delivery, "type" | "name" | "id" | "timestamp" | "isTest" | "drift">;

/** What the core has set during the last call. */
interface Results {
  error?: WebhookError | undefined;
  reading?: Reading;
  signature?: string;
}

// A property, since an ESM loader may wrap this module, and would freeze an exported variable.
export const results: Results = {};

/** The names of documented fields, by the address of their list in the core's memory. */
const fieldNames = new Map<number, string[]>();

let memory: { readonly buffer: ArrayBuffer };
let byteView: Uint8Array = NOTHING;
let wordView: Uint32Array;
let requestHeader: string | undefined;
let input = NOTHING;
/** The values that the core has handles of: a handle's upper bits are an index. */
let values: unknown[];
let namedObject: object | undefined;
let names: string[];
let drift: Drift[];

/** Binds these functions to an instance of the core. */
export function attach(itsMemory: { readonly buffer: ArrayBuffer }): void {
  memory = itsMemory;
  byteView = NOTHING;
  fieldNames.clear();
}

/** Provides the input of the next call: bytes, and a header or the event that the bytes were parsed to. */
export function begin(bytes: Uint8Array, header?: string, event?: unknown): void {
  input = bytes;
  requestHeader = header;
  values = [[event]];
  drift = [];
  results.error = undefined;
}

/** Drops the input of the last call. */
export function end(): void {
  input = NOTHING;
  requestHeader = undefined;
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

export function sha256(prefix: number, prefixLength: number, to: number): void {
  const memory = bytes();
  const digest = hash(memory.subarray(prefix, prefix + prefixLength), input);
  for (let index = 0; index < digest.length; index++) memory[to + index] = digest.charCodeAt(index);
}

export function addFieldName(fields: number, name: string): void {
  const known = fieldNames.get(fields);
  if (known === undefined) fieldNames.set(fields, [name]);
  else known.push(name);
}

/** Writes the handles of an object's documented fields. Returns `false` if their names have to be added first. */
export function findFields(object: number, fields: number, to: number): boolean {
  const names = fieldNames.get(fields);
  if (names === undefined) return false;
  const members = values[object >>> KIND_BITS] as Record<string, unknown>;
  bytes();
  const at = to / wordView.BYTES_PER_ELEMENT;
  names.forEach((name, index) => {
    wordView[at + index] = Object.hasOwn(members, name) ? handleOf(members[name]) : ABSENT;
  });
  return true;
}

export function element(container: number, index: number): number {
  const value = values[container >>> KIND_BITS] as unknown[] | Record<string, unknown>;
  return handleOf(Array.isArray(value) ? value[index] : value[memberNames(value)[index] as string]);
}

export function memberName(object: number, index: number): number {
  return handleOf(memberNames(values[object >>> KIND_BITS] as object)[index]);
}

export function size(container: number): number {
  const value = values[container >>> KIND_BITS] as string | object;
  return typeof value === "string" || Array.isArray(value) ? value.length : memberNames(value).length;
}

export function readText(string: number, to: number, room: number): number {
  return write(values[string >>> KIND_BITS] as string, to, room);
}

export function setError(code: string, message: string, status: number): void {
  results.error = new WebhookError(code as WebhookErrorCode, message, status);
}

export function setSignature(digits: string): void {
  results.signature = digits;
}

export function addDrift(path: string, kind: string, expected: string | undefined, found: string | undefined): void {
  drift.push({ path, kind: kind as Drift["kind"], expected: expected ?? null, found: found ?? null });
}

/** `name` and `timestamp` are handles of strings, or 0. */
export function setReading(
  isDocumented: boolean,
  id: number,
  idLength: number,
  name: number,
  timestamp: number,
  isTest: boolean,
): void {
  const itsName = string(name);
  results.reading = {
    type: isDocumented ? (itsName as Delivery["type"]) : "unknown",
    name: itsName,
    id: read(id, idLength),
    timestamp: string(timestamp),
    isTest,
    drift,
  };
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

function read(at: number, length: number): string {
  return utf8().decoder.decode(bytes().subarray(at, at + length));
}

/** Writes a text as UTF-8, cut to `room` bytes, and returns the length written. */
function write(text: string, to: number, room: number): number {
  const memory = bytes();
  // Most texts are short and ASCII: a loop is faster than the encoder then.
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
