/**
 * Writes WebAssembly (core specification 2.0, with its vector instructions): as much of it as a scan of bytes takes. An
 * expression is the list of its bytes, so that a program reads as what it computes.
 */

/** Instructions that leave one value, or none. */
export type Code = readonly number[];

/** An unsigned integer in LEB128 (§5.2.2). */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const isLast = value >> 6 === 0 || value >> 6 === -1;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

const binary =
  (...opcode: number[]) =>
  (one: Code, other: Code): Code => [...one, ...other, ...opcode];
const unary =
  (...opcode: number[]) =>
  (value: Code): Code => [...value, ...opcode];
/** The alignment is a hint that nothing needs. */
const load =
  (...opcode: number[]) =>
  (address: Code, offset: number): Code => [...address, ...opcode, 0, ...unsigned(offset)];
const store =
  (...opcode: number[]) =>
  (address: Code, value: Code, offset: number): Code => [...address, ...value, ...opcode, 0, ...unsigned(offset)];
const vector = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
/** Runs `body` until `condition` is 0; at least once. */
export const repeatWhile = (body: readonly Code[], condition: Code): Code => [
  0x03,
  0x40,
  ...body.flat(),
  ...condition,
  0x0d,
  0,
  0x0b,
];

/** `one` if `condition` is not 0, else `other`. */
export const select = (one: Code, other: Code, condition: Code): Code => [...one, ...other, ...condition, 0x1b];

/** Runs `body` if `condition` is not 0, else `other`. */
export const either = (condition: Code, body: readonly Code[], other: readonly Code[]): Code => [
  ...condition,
  0x04,
  0x40,
  ...body.flat(),
  0x05,
  ...other.flat(),
  0x0b,
];

/** Runs `body` if `condition` is not 0. */
export const when = (condition: Code, body: readonly Code[]): Code => [...condition, 0x04, 0x40, ...body.flat(), 0x0b];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  load: load(0x28),
  load8: load(0x2d),
  load16: load(0x2f),
  store: store(0x36),
  store16: store(0x3b),
  isZero: unary(0x45),
  eq: binary(0x46),
  /** How many bits there are before the lowest that is set. */
  lowestBit: unary(0x68),
  /** How many bits are set. */
  bitCount: unary(0x69),
  ltU: binary(0x49),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shl: binary(0x74),
  shrU: binary(0x76),
};

export const i64 = {
  load: load(0x29),
  store: store(0x37),
  const: (value: number): Code => [0x42, ...signed(value)],
  /** Of 32 bits, 64. */
  extended: unary(0xad),
  isZero: unary(0x50),
  /** How many bits there are before the lowest that is set, and how many are. */
  lowestBit: (value: Code): Code => [...value, 0x7a, 0xa7],
  bitCount: (value: Code): Code => [...value, 0x7b, 0xa7],
  sub: binary(0x7d),
  isOther: binary(0x52),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  not: (value: Code): Code => [...value, 0x42, 0x7f, 0x85],
  shl: binary(0x86),
  shrU: binary(0x88),
};

/** 16 bytes at once. */
export const v128 = {
  const: (bytes: readonly number[]): Code => [...vector(0x0c), ...bytes],
  load: load(...vector(0x00)),
  store: store(...vector(0x0b)),
  not: unary(...vector(0x4d)),
  and: binary(...vector(0x4e)),
  andNot: binary(...vector(0x4f)),
  or: binary(...vector(0x50)),
  xor: binary(...vector(0x51)),
};

export const i8x16 = {
  /** The first `count` bytes of the result are the last of `before`, and the others the first of `bytes`. */
  shifted: (before: Code, bytes: Code, count: number): Code =>
    i8x16.shuffle(
      before,
      bytes,
      Array.from({ length: 16 }, (_, i) => 16 - count + i),
    ),
  /** Of each of `places` the byte there; those from 16 on are of `other`. */
  shuffle: (one: Code, other: Code, places: readonly number[]): Code => [...one, ...other, ...vector(0x0d), ...places],
  /** Of each byte of the second the byte of the first that it counts; 0 from 16 on. */
  swizzle: binary(...vector(0x0e)),
  eq: binary(...vector(0x23)),
  ltU: binary(...vector(0x26)),
  gtS: binary(...vector(0x27)),
  geU: binary(...vector(0x2c)),
  bitmask: unary(...vector(0x64)),
  shrU: binary(...vector(0x6d)),
  sub: binary(...vector(0x71)),
};

export const ValueType = { i32: 0x7f, i64: 0x7e, v128: 0x7b } as const;

export interface Program {
  /** Of the function's local variables, behind its two parameters. */
  readonly locals: readonly number[];
  readonly body: readonly Code[];
  readonly pages: number;
}

const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
const name = (text: string): number[] => [...unsigned(text.length), ...Buffer.from(text)];

/** A module with a memory, `memory`, and a function of two numbers that returns none, `run` (§5.5). */
export function wasmModule({ locals, body, pages }: Program): Uint8Array<ArrayBuffer> {
  const declared = [...unsigned(locals.length), ...locals.flatMap((type) => [1, type])];
  const code = [...declared, ...body.flat(), 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, ValueType.i32, ValueType.i32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, pages, pages]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('run'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}
