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

/** A field of a message: what it gives, and on which wire type. */
interface Field {
  readonly name: string;
  readonly type: number;
  readonly isRepeated: boolean;
  read(reading: Reading): unknown;
}

/** Fields by their numbers. */
type Message = readonly (Field | undefined)[];

/** Values within values; deeper ones are left out. */
const DEPTH_MAX = 32;
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** More values than a request may have. */
export class TooManyValues extends Error {}

/** One reader goes through all of it: a message within another is a stretch of the same bytes. */
interface Reading {
  readonly reader: BinaryReader;
  readonly bytes: Buffer;
  values: number;
  depth: number;
}

export function readOtlpProtobuf(wire: Wire, bytes: Uint8Array, values_max: number): unknown {
  const reader = new wire.BinaryReader(bytes);
  const reading = { reader, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  return readMessage({ ...reading, values: values_max, depth: 0 }, REQUEST, reader.len);
}

/** @throws where the bytes are no such message */
function readMessage(reading: Reading, message: Message, end: number): Json {
  const { reader } = reading;
  const read: Json = {};
  while (reader.pos < end) {
    if (--reading.values < 0) throw new TooManyValues();
    const [number, type] = reader.tag();
    const field = message[number];
    if (field === undefined || type !== field.type) {
      reader.skip(type, number);
      continue;
    }
    const value = field.read(reading);
    if (value === undefined) continue;
    const { name } = field;
    if (!field.isRepeated) read[name] = value;
    else if (name in read) (read[name] as unknown[]).push(value);
    else read[name] = [value];
  }
  if (reader.pos > end) throw new Error('a field goes beyond its message');
  return read;
}

/** Where the next bytes end; the reader stands at their beginning. @throws where there are not so many */
function endOf({ reader }: Reading): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new Error('premature EOF');
  return end;
}

/** A message inside another; undefined where they are nested too deep. */
function within(name: string, message: () => Message, repeated?: 'repeated'): Field {
  return {
    name,
    type: DELIMITED,
    isRepeated: repeated !== undefined,
    read: (reading) => {
      const end = endOf(reading);
      if (reading.depth >= DEPTH_MAX) {
        reading.reader.pos = end;
        return undefined;
      }
      reading.depth++;
      const value = readMessage(reading, message(), end);
      reading.depth--;
      return value;
    },
  };
}

/** Bytes as text of one kind. */
function delimited(name: string, encoding: 'utf8' | 'hex' | 'base64'): Field {
  return {
    name,
    type: DELIMITED,
    isRepeated: false,
    read: (reading) => {
      const end = endOf(reading);
      const from = reading.reader.pos;
      reading.reader.pos = end;
      return reading.bytes.toString(encoding, from, end);
    },
  };
}

function field(name: string, type: number, read: (reader: BinaryReader) => unknown): Field {
  return { name, type, isRepeated: false, read: ({ reader }) => read(reader) };
}

const text = (name: string): Field => delimited(name, 'utf8');
const integer = (name: string): Field => field(name, VARINT, (reader) => reader.uint32());
const fixed64 = (name: string): Field => field(name, FIXED64, (reader) => String(reader.fixed64()));

function messageOf(fields: Readonly<Record<number, Field>>): Message {
  const message: (Field | undefined)[] = Array.from({ length: Math.max(...Object.keys(fields).map(Number)) + 1 });
  for (const [number, one] of Object.entries(fields)) message[Number(number)] = one;
  return message;
}

const ANY_VALUE: Message = messageOf({
  1: text('stringValue'),
  2: field('boolValue', VARINT, (reader) => reader.bool()),
  3: field('intValue', VARINT, (reader) => String(reader.int64())),
  4: field('doubleValue', FIXED64, (reader) => reader.double()),
  5: within('arrayValue', () => ARRAY),
  6: within('kvlistValue', () => KEY_VALUES),
  7: delimited('bytesValue', 'base64'),
});
const ARRAY = messageOf({ 1: within('values', () => ANY_VALUE, 'repeated') });
const KEY_VALUE = messageOf({ 1: text('key'), 2: within('value', () => ANY_VALUE) });
const KEY_VALUES = messageOf({ 1: within('values', () => KEY_VALUE, 'repeated') });
const RESOURCE = messageOf({ 1: within('attributes', () => KEY_VALUE, 'repeated') });
const SCOPE = messageOf({ 1: text('name'), 2: text('version') });
const STATUS = messageOf({ 2: text('message'), 3: integer('code') });
const EVENT = messageOf({
  1: fixed64('timeUnixNano'),
  2: text('name'),
  3: within('attributes', () => KEY_VALUE, 'repeated'),
  4: integer('droppedAttributesCount'),
});
const SPAN = messageOf({
  1: delimited('traceId', 'hex'),
  2: delimited('spanId', 'hex'),
  3: text('traceState'),
  4: delimited('parentSpanId', 'hex'),
  5: text('name'),
  6: integer('kind'),
  7: fixed64('startTimeUnixNano'),
  8: fixed64('endTimeUnixNano'),
  9: within('attributes', () => KEY_VALUE, 'repeated'),
  11: within('events', () => EVENT, 'repeated'),
  15: within('status', () => STATUS),
  16: field('flags', FIXED32, (reader) => reader.fixed32()),
});
const SCOPE_SPANS = messageOf({ 1: within('scope', () => SCOPE), 2: within('spans', () => SPAN, 'repeated') });
const RESOURCE_SPANS = messageOf({
  1: within('resource', () => RESOURCE),
  2: within('scopeSpans', () => SCOPE_SPANS, 'repeated'),
});
const REQUEST = messageOf({ 1: within('resourceSpans', () => RESOURCE_SPANS, 'repeated') });

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
