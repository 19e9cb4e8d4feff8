/**
 * Reads protobuf field by field (https://protobuf.dev/programming-guides/encoding/).
 *
 * in: bytes of a message · out: its fields in their order, each with where it begins and what it holds
 *
 * @throws RangeError where the bytes are no message
 */
import { Wire } from './protobuf-writer.js';

export interface WireField {
  readonly number: number;
  readonly wire: number;
  /** Where the field begins, and where its content does; what follows it begins at `end`. */
  readonly at: number;
  readonly start: number;
  readonly end: number;
  /** A varint as an unsigned number of 64 bits; 0 for other wire types. */
  readonly value: bigint;
}

/** The fields of the message in `bytes[from, to)`. */
export function* fieldsOf(bytes: Buffer, from = 0, to = bytes.length): Generator<WireField> {
  for (let at = from; at < to; ) {
    const tag = varintAt(bytes, at, to);
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    const field = contentAt(bytes, tag.end, to, wire);
    if (number === 0 || field.end > to) throw new RangeError('a field goes beyond its message');
    yield { number, wire, at, ...field };
    at = field.end;
  }
}

function contentAt(bytes: Buffer, at: number, to: number, wire: number): Pick<WireField, 'start' | 'end' | 'value'> {
  switch (wire) {
    case Wire.varint: {
      const { value, end } = varintAt(bytes, at, to);
      return { start: at, end, value };
    }
    case Wire.fixed64:
      return { start: at, end: at + 8, value: 0n };
    case Wire.fixed32:
      return { start: at, end: at + 4, value: 0n };
    case Wire.delimited: {
      const { value, end: start } = varintAt(bytes, at, to);
      return { start, end: start + Number(value), value: 0n };
    }
    default:
      throw new RangeError(`a field of wire type ${wire}`);
  }
}

const VARINT_BYTES_MAX = 10;

function varintAt(bytes: Buffer, at: number, to: number): { value: bigint; end: number } {
  let value = 0n;
  const limit = Math.min(to, at + VARINT_BYTES_MAX);
  for (let i = at, shift = 0n; i < limit; i++, shift += 7n) {
    const byte = bytes[i] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: i + 1 };
  }
  throw new RangeError('a number without an end');
}
