/**
 * OTLP in protobuf, as the values that its JSON would have given (proto3 JSON mapping, with ids in hex as OTLP has them).
 *
 * in: bytes of a stranger · out: an `ExportTraceServiceRequest` as `satellite-trace.ts` reads it, and answers
 *
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

type Wire = typeof import('@bufbuild/protobuf/wire');
type Json = Record<string, unknown>;
/** What a field of a message gives, by its number. */
type Message = Readonly<
  Record<number, readonly [name: string, read: (reader: Reading) => unknown, repeated?: 'repeated']>
>;

/** Values within values; deeper ones are left out. */
const DEPTH_MAX = 32;
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** More values than a request may have. */
export class TooManyValues extends Error {}

interface Reading {
  readonly reader: BinaryReader;
  readonly budget: { values: number };
  readonly wire: Wire;
  readonly depth: number;
}

export function readOtlpProtobuf(wire: Wire, bytes: Uint8Array, values_max: number): unknown {
  const budget = { values: values_max };
  return readMessage({ reader: new wire.BinaryReader(bytes), budget, wire, depth: 0 }, REQUEST);
}

/** @throws where the bytes are no such message */
function readMessage(reading: Reading, message: Message): Json {
  const { reader, budget } = reading;
  const read: Json = {};
  while (reader.pos < reader.len) {
    if (--budget.values < 0) throw new TooManyValues();
    const [number, type] = reader.tag();
    const row = Object.hasOwn(message, number) ? message[number] : undefined;
    if (row === undefined || type !== wireTypeOf(row[1])) {
      reader.skip(type, number);
      continue;
    }
    const [name, take, repeated] = row;
    const value = take(reading);
    if (value === undefined) continue;
    if (repeated === undefined) read[name] = value;
    else if (Array.isArray(read[name])) (read[name] as unknown[]).push(value);
    else read[name] = [value];
  }
  return read;
}

/** A message inside another; undefined where they are nested too deep. */
function within(message: () => Message): (reading: Reading) => Json | undefined {
  return ({ reader, budget, wire, depth }) => {
    const bytes = reader.bytes();
    if (depth >= DEPTH_MAX) return undefined;
    return readMessage({ reader: new wire.BinaryReader(bytes), budget, wire, depth: depth + 1 }, message());
  };
}

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const hex = ({ reader }: Reading): string => buffer(reader.bytes()).toString('hex');
const base64 = ({ reader }: Reading): string => buffer(reader.bytes()).toString('base64');
const text = ({ reader }: Reading): string => reader.string();
const bool = ({ reader }: Reading): boolean => reader.bool();
const integer = ({ reader }: Reading): number => reader.uint32();
const int64 = ({ reader }: Reading): string => String(reader.int64());
const fixed64 = ({ reader }: Reading): string => String(reader.fixed64());
const fixed32 = ({ reader }: Reading): number => reader.fixed32();
const double = ({ reader }: Reading): number => reader.double();

function wireTypeOf(read: (reading: Reading) => unknown): number {
  if (read === bool || read === integer || read === int64) return VARINT;
  if (read === fixed64 || read === double) return FIXED64;
  return read === fixed32 ? FIXED32 : DELIMITED;
}

const ANY_VALUE: Message = {
  1: ['stringValue', text],
  2: ['boolValue', bool],
  3: ['intValue', int64],
  4: ['doubleValue', double],
  5: ['arrayValue', within(() => ARRAY)],
  6: ['kvlistValue', within(() => KEY_VALUES)],
  7: ['bytesValue', base64],
};
const ARRAY: Message = { 1: ['values', within(() => ANY_VALUE), 'repeated'] };
const KEY_VALUE: Message = { 1: ['key', text], 2: ['value', within(() => ANY_VALUE)] };
const KEY_VALUES: Message = { 1: ['values', within(() => KEY_VALUE), 'repeated'] };
const RESOURCE: Message = { 1: ['attributes', within(() => KEY_VALUE), 'repeated'] };
const SCOPE: Message = { 1: ['name', text], 2: ['version', text] };
const STATUS: Message = { 2: ['message', text], 3: ['code', integer] };
const SPAN: Message = {
  1: ['traceId', hex],
  2: ['spanId', hex],
  3: ['traceState', text],
  4: ['parentSpanId', hex],
  5: ['name', text],
  6: ['kind', integer],
  7: ['startTimeUnixNano', fixed64],
  8: ['endTimeUnixNano', fixed64],
  9: ['attributes', within(() => KEY_VALUE), 'repeated'],
  15: ['status', within(() => STATUS)],
  16: ['flags', fixed32],
};
const SCOPE_SPANS: Message = { 1: ['scope', within(() => SCOPE)], 2: ['spans', within(() => SPAN), 'repeated'] };
const RESOURCE_SPANS: Message = {
  1: ['resource', within(() => RESOURCE)],
  2: ['scopeSpans', within(() => SCOPE_SPANS), 'repeated'],
};
const REQUEST: Message = { 1: ['resourceSpans', within(() => RESOURCE_SPANS), 'repeated'] };

/** An `ExportTraceServiceResponse`. */
export function writePartialSuccess(writer: BinaryWriter, rejected: number, reason: string): Uint8Array {
  if (rejected === 0) return writer.finish();
  writer.tag(1, DELIMITED).fork();
  writer.tag(1, VARINT).int64(rejected);
  writer.tag(2, DELIMITED).string(reason);
  return writer.join().finish();
}

/** A `google.rpc.Status`. */
export function writeStatus(writer: BinaryWriter, message: string): Uint8Array {
  return writer.tag(2, DELIMITED).string(message).finish();
}
