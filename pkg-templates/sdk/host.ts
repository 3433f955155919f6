// What the core asks of the JavaScript around it: src/wasm/host.rs is the other side. Numbers alone go
// across, since any other type costs glue and time.
import type { WebhookErrorCode } from "./contract.js";
import type { Delivery, Drift } from "./delivery.js";
import { WebhookError } from "./error.js";
import { sha256 as hash } from "./native.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NOTHING: Uint8Array = new Uint8Array();

/** The kinds of a value, as the core numbers them. */
const [ABSENT, NULL, FALSE, TRUE, WHOLE, FRACTION, STRING, ARRAY, OBJECT] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const KIND_BITS = 4;

/** What the core reads out of a verified body. */
export interface Reading {
  type: Delivery["type"];
  id: string;
  isTest: boolean;
  drift: Drift[];
}

const documentedNames = new Map<number, string[]>();

let memory: { readonly buffer: ArrayBuffer };
let view: Uint8Array = NOTHING;
let words: Uint32Array;
let requestHeader: string | undefined;
let source = NOTHING;
let values: unknown[];
let listed: unknown;
let names: string[];
let drift: Drift[];

/** What the core has handed over in the last call. */
export let refusal: WebhookError | undefined;
export let reading: Reading | undefined;
export let signature: string;

/** Binds this to an instance of the core. */
export function attach(its: { readonly buffer: ArrayBuffer }): void {
  memory = its;
  view = NOTHING;
  documentedNames.clear();
}

/** Holds ready what the next call of the core is about: bytes, and a header or what they were parsed to. */
export function hold(bytes: Uint8Array, header?: string, event?: unknown): void {
  source = bytes;
  requestHeader = header;
  values = [[event]];
  drift = [];
  refusal = undefined;
}

/** Lets go of what was held. */
export function release(): void {
  source = NOTHING;
  requestHeader = undefined;
  values = [];
  listed = undefined;
  names = [];
}

export function header(to: number, room: number): number {
  return requestHeader === undefined ? -1 : write(requestHeader, to, room);
}

export function copy(from: number, length: number, to: number): void {
  bytes().set(length === source.length ? source : source.subarray(from, from + length), to);
}

export function sha256(prefix: number, prefixLength: number, to: number): void {
  const memory = bytes();
  const digest = hash(memory.subarray(prefix, prefix + prefixLength), source);
  for (let index = 0; index < digest.length; index++) memory[to + index] = digest.charCodeAt(index);
}

export function learn(fields: number, name: number, nameLength: number): void {
  const known = documentedNames.get(fields);
  if (known === undefined) documentedNames.set(fields, [read(name, nameLength)]);
  else known.push(read(name, nameLength));
}

/** Says of each documented member what it is; `false` where their names are to be learned first. */
export function documented(object: number, fields: number, to: number): boolean {
  const names = documentedNames.get(fields);
  if (names === undefined) return false;
  const members = values[object >>> KIND_BITS] as Record<string, unknown>;
  bytes();
  const at = to / words.BYTES_PER_ELEMENT;
  names.forEach((name, index) => {
    words[at + index] = Object.hasOwn(members, name) ? held(members[name]) : ABSENT;
  });
  return true;
}

export function element(container: number, index: number): number {
  const value = values[container >>> KIND_BITS] as unknown[] | Record<string, unknown>;
  return held(Array.isArray(value) ? value[index] : value[list(value)[index] as string]);
}

export function name(object: number, index: number): number {
  return held(list(values[object >>> KIND_BITS] as object)[index]);
}

export function size(container: number): number {
  const value = values[container >>> KIND_BITS] as string | object;
  return typeof value === "string" || Array.isArray(value) ? value.length : list(value).length;
}

export function text(string: number, to: number, room: number): number {
  return write(values[string >>> KIND_BITS] as string, to, room);
}

export function refuse(code: number, codeLength: number, message: number, messageLength: number, status: number): void {
  refusal = new WebhookError(literal(code, codeLength) as WebhookErrorCode, read(message, messageLength), status);
}

export function signed(digits: number, length: number): void {
  signature = read(digits, length);
}

export function drifted(
  path: number,
  pathLength: number,
  kind: number,
  kindLength: number,
  expected: number,
  expectedLength: number,
  found: number,
  foundLength: number,
): void {
  drift.push({
    path: read(path, pathLength),
    kind: literal(kind, kindLength) as Drift["kind"],
    expected: literal(expected, expectedLength) || null,
    found: literal(found, foundLength) || null,
  });
}

export function delivered(type: number, typeLength: number, id: number, idLength: number, isTest: boolean): void {
  reading = { type: literal(type, typeLength) as Delivery["type"], id: read(id, idLength), isTest, drift };
}

/** The core's memory, which is another object once it has grown. */
function bytes(): Uint8Array {
  if (view.length === 0) {
    view = new Uint8Array(memory.buffer);
    words = new Uint32Array(memory.buffer);
  }
  return view;
}

function read(at: number, length: number): string {
  return decoder.decode(bytes().subarray(at, at + length));
}

const literals = new Map<number, string>();

/** Reads a text that never changes in the core's memory: its address names it. */
function literal(at: number, length: number): string {
  let known = literals.get(at);
  if (known?.length !== length) literals.set(at, (known = read(at, length)));
  return known;
}

/** Writes a text as UTF-8, as much of it as there is room for, and returns its length. */
function write(text: string, to: number, room: number): number {
  const memory = bytes();
  // Most are short, and ASCII: a loop is faster than the encoder then.
  if (text.length <= 64 && text.length <= room) {
    let at = 0;
    for (; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) break;
      memory[to + at] = unit;
    }
    if (at === text.length) return at;
  }
  return encoder.encodeInto(text, memory.subarray(to, to + room)).written;
}

function held(value: unknown): number {
  switch (typeof value) {
    case "string":
      return keep(value, STRING);
    case "number":
      return Number.isInteger(value) ? WHOLE : FRACTION;
    case "boolean":
      return value ? TRUE : FALSE;
    case "object":
      return value === null ? NULL : keep(value, Array.isArray(value) ? ARRAY : OBJECT);
    default:
      return ABSENT;
  }
}

function keep(value: unknown, kind: number): number {
  return ((values.push(value) - 1) << KIND_BITS) | kind;
}

function list(object: object): string[] {
  if (listed !== object) [listed, names] = [object, Object.keys(object)];
  return names;
}
