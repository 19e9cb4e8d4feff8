/**
 * The callbacks of llhttp, themselves WebAssembly: they note where each part of a head is, in words that JavaScript reads
 * when the head is complete.
 *
 * A head has some 25 parts, and a call from WebAssembly into JavaScript costs as much as parsing 20 bytes; between two
 * WebAssembly modules it costs next to nothing. So the callbacks' few instructions are assembled here rather than written
 * in TypeScript: with them a head takes a quarter less time.
 *
 * The binary format: https://webassembly.github.io/spec/core/binary/
 */

import { PAGE_BYTES } from './llhttp-module.js';

/** Headers of one head; one with more is taken for hostile. */
export const HEADERS_MAX = 16_384;

/** What is noted, as indices into `HeadRecord.words`. Places count from the head's first byte. */
export const Noted = {
  headerCount: 0,
  targetStart: 1,
  targetEnd: 2,
  reasonStart: 3,
  reasonEnd: 4,
  status: 5,
  /** Headers whose name is as long as `Content-Length`, and the last of them: most heads have one at most. */
  lengthCount: 6,
  lengthHeader: 7,
  /** Headers whose name is as long as `Transfer-Encoding`. */
  codingCount: 8,
  /** Four words a header from here on: name start, name end, value start, value end. */
  spans: 16,
} as const;

export interface HeadRecord {
  words: Int32Array;
  /** To be set once: the address in llhttp's memory of the head's first byte. */
  setInput(address: number): void;
  callbacks: Record<string, (...args: number[]) => number>;
}

/** What `wasm_on_headers_complete` returns to stop behind the head, whatever it says about a body. */
export const HPE_PAUSED = 21;

export function createHeadRecord(): HeadRecord {
  const exports = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), {}).exports as unknown as {
    memory: WebAssembly.Memory;
    input: { value: number };
    proceed(): number;
    skip(): number;
    target(): number;
    reason(): number;
    name(): number;
    value(): number;
    head_complete(): number;
  };
  const { proceed, skip, target, reason, name, value, head_complete } = exports;
  return {
    words: new Int32Array(exports.memory.buffer),
    setInput: (address) => {
      exports.input.value = address;
    },
    callbacks: {
      wasm_on_message_begin: proceed,
      wasm_on_url: target,
      wasm_on_status: reason,
      wasm_on_header_field: name,
      wasm_on_header_value: value,
      wasm_on_headers_complete: head_complete,
      wasm_on_body: skip,
      wasm_on_message_complete: proceed,
    },
  };
}

const I32 = 0x7f;
const MUTABLE = 1;
const EXPORT_FUNCTION = 0;
const EXPORT_MEMORY = 2;
const EXPORT_GLOBAL = 3;
const END = 0x0b;

const local = (index: number) => [0x20, index];
const setLocal = (index: number) => [0x21, index];
const input = [0x23, 0];
const constant = (value: number) => [0x41, ...signed(value)];
/** Reads the word at the address on the stack plus `4 * index`. */
const load = (index: number) => [0x28, 2, ...unsigned(4 * index)];
/** Writes the value on the stack to the word at the address below it plus `4 * index`. */
const store = (index: number) => [0x36, 2, ...unsigned(4 * index)];
const read = (index: number) => [...constant(0), ...load(index)];
const write = (index: number, ...value: number[][]) => [...constant(0), ...value.flat(), ...store(index)];
const add = [0x6a];
const subtract = [0x6b];
const shiftLeft = [0x74];
const isAtLeast = [0x4e];
const isEqual = [0x46];
const when = (...then: number[][]) => [0x04, 0x40, ...then.flat(), END];
const returns = [0x0f];

/** The signatures of the callbacks, as indices of `SIGNATURES`. */
const SPAN = 0;
const EVENT = 1;
const HEAD = 2;
/** How many parameters each takes: (parser, at, length), (parser), (parser, status, upgrade, shouldKeepAlive). */
const SIGNATURES = [3, 1, 4];

/** Names, signatures and bodies. A callback returns 0 to go on; anything else is an error. */
function callbacks(): [name: string, signature: number, code: number[]][] {
  const AT = 1;
  const LENGTH = 2;
  const HEADER = 3;
  // `at` becomes a place in the head.
  const placed = [...local(AT), ...input, ...subtract, ...setLocal(AT)];
  const start = local(AT);
  const end = [...local(AT), ...local(LENGTH), ...add];
  const nameStart = Noted.spans;
  const proceed = constant(0);

  const proceeds = code(0, proceed);
  const target = code(0, placed, write(Noted.targetStart, start), write(Noted.targetEnd, end), proceed);
  const reason = code(0, placed, write(Noted.reasonStart, start), write(Noted.reasonEnd, end), proceed);
  const name = code(
    1,
    read(Noted.headerCount),
    constant(HEADERS_MAX),
    isAtLeast,
    when(constant(-1), returns),
    placed,
    [...local(LENGTH), ...constant('Content-Length'.length), ...isEqual],
    when(
      write(Noted.lengthCount, read(Noted.lengthCount), constant(1), add),
      write(Noted.lengthHeader, read(Noted.headerCount)),
    ),
    [...local(LENGTH), ...constant('Transfer-Encoding'.length), ...isEqual],
    when(write(Noted.codingCount, read(Noted.codingCount), constant(1), add)),
    [...read(Noted.headerCount), ...constant(4), ...shiftLeft, ...setLocal(HEADER)],
    [...local(HEADER), ...start, ...store(nameStart)],
    [...local(HEADER), ...end, ...store(nameStart + 1)],
    // A header without a value has an empty one behind its name.
    [...local(HEADER), ...end, ...store(nameStart + 2)],
    [...local(HEADER), ...end, ...store(nameStart + 3)],
    write(Noted.headerCount, read(Noted.headerCount), constant(1), add),
    proceed,
  );
  // It comes in one piece: llhttp refuses a folded one (obs-fold, RFC 9112 §5.2), which the salvage parser reads.
  const value = code(
    1,
    placed,
    [...read(Noted.headerCount), ...constant(1), ...subtract, ...constant(4), ...shiftLeft, ...setLocal(HEADER)],
    [...local(HEADER), ...start, ...store(nameStart + 2)],
    [...local(HEADER), ...end, ...store(nameStart + 3)],
    proceed,
  );
  const STATUS = 1;
  const headComplete = code(0, write(Noted.status, local(STATUS)), constant(HPE_PAUSED));
  return [
    ['proceed', EVENT, proceeds],
    ['skip', SPAN, proceeds],
    ['target', SPAN, target],
    ['reason', SPAN, reason],
    ['name', SPAN, name],
    ['value', SPAN, value],
    ['head_complete', HEAD, headComplete],
  ];
}

function moduleBytes(): Uint8Array {
  const functions = callbacks();
  const pages = Math.ceil((4 * (Noted.spans + 4 * HEADERS_MAX)) / PAGE_BYTES);
  const type = (parameters: number) => [0x60, ...vector(Array(parameters).fill([I32])), ...vector([[I32]])];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
    ...section(1, vector(SIGNATURES.map(type))),
    ...section(3, vector(functions.map(([, signature]) => [signature]))),
    ...section(5, vector([[0, pages]])),
    ...section(6, vector([[I32, MUTABLE, ...constant(0), END]])),
    ...section(
      7,
      vector([
        [...text('memory'), EXPORT_MEMORY, 0],
        [...text('input'), EXPORT_GLOBAL, 0],
        ...functions.map(([name], i) => [...text(name), EXPORT_FUNCTION, i]),
      ]),
    ),
    ...section(10, vector(functions.map(([, , code]) => code))),
  ]);
}

/** A function's body with its size before it; `locals` counts its words beside the parameters. */
function code(locals: number, ...instructions: number[][]): number[] {
  const body = [...vector(locals === 0 ? [] : [[locals, I32]]), ...instructions.flat(), END];
  return [...unsigned(body.length), ...body];
}

function section(id: number, content: number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): number[] {
  return vector([...Buffer.from(name)].map((byte) => [byte]));
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
