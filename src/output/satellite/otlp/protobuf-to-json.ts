/**
 * A batch in protobuf as the JSON that the sensor would have sent, for a satellite that takes no protobuf, or speaks levo: what was
 * queued or spooled before that was known is not lost.
 *
 * in: an uncompressed batch of this sensor's own making · out: the bytes of `encoder.ts` for the same traces; null where it is damaged
 *
 * That is rare, so it may cost a while. The mapping is that of OTLP (ids in hex, other bytes in base64, numbers of 64 bits as texts
 * where they are fixed), in the order of `@opentelemetry/otlp-transformer`.
 */
import type { Batch } from '../../relay/batch.js';
import { fieldsOf, type WireField } from './protobuf-reader.js';
import { Wire } from './protobuf-writer.js';

/** Values within values; there are none so deep. */
const DEPTH_MAX = 16;

type Read = (bytes: Buffer, field: WireField, depth: number) => unknown;

interface Field {
  readonly name: string;
  readonly read: Read;
  readonly isRepeated?: boolean;
  /** What stands in the JSON where the field has no bytes; left out if absent. */
  readonly absent?: unknown;
}

/** Fields by their numbers, in the order that they have in the JSON. */
type Message = readonly (readonly [number: number, field: Field])[];

export function protobufToJson(batch: Batch): Batch | null {
  try {
    const request = readMessage(batch.payload, { start: 0, end: batch.payload.length }, REQUEST, 0);
    return { ...batch, protocol: 'otlp', payload: Buffer.from(JSON.stringify(request)) };
  } catch {
    return null;
  }
}

function readMessage(
  bytes: Buffer,
  { start, end }: Pick<WireField, 'start' | 'end'>,
  message: Message,
  depth: number,
): Record<string, unknown> {
  if (depth > DEPTH_MAX) throw new RangeError('values are nested too deep');
  const found = new Map<string, unknown>();
  for (const one of fieldsOf(bytes, start, end)) {
    const field = message.find(([number]) => number === one.number)?.[1];
    if (field === undefined) continue;
    const value = field.read(bytes, one, depth);
    if (field.isRepeated !== true) found.set(field.name, value);
    else if (found.has(field.name)) (found.get(field.name) as unknown[]).push(value);
    else found.set(field.name, [value]);
  }
  const read: Record<string, unknown> = {};
  for (const [, { name, absent }] of message) {
    const value = found.has(name) ? found.get(name) : absent;
    if (value !== undefined) read[name] = value;
  }
  return read;
}

const within =
  (message: () => Message): Read =>
  (bytes, field, depth) =>
    readMessage(bytes, field, message(), depth + 1);
const delimited =
  (encoding: 'utf8' | 'hex' | 'base64'): Read =>
  (bytes, { start, end }) =>
    bytes.toString(encoding, start, end);
const text = delimited('utf8');
const int: Read = (_bytes, { wire, value }) => (wire === Wire.varint ? Number(BigInt.asIntN(64, value)) : 0);
const bool: Read = (_bytes, { value }) => value !== 0n;
const fixed64: Read = (bytes, { start }) => String(bytes.readBigUInt64LE(start));
const fixed32: Read = (bytes, { start }) => bytes.readUInt32LE(start);
const double: Read = (bytes, { start }) => bytes.readDoubleLE(start);

const ANY_VALUE: Message = [
  [1, { name: 'stringValue', read: text }],
  [2, { name: 'boolValue', read: bool }],
  [3, { name: 'intValue', read: int }],
  [4, { name: 'doubleValue', read: double }],
  [5, { name: 'arrayValue', read: within(() => ARRAY) }],
  [7, { name: 'bytesValue', read: delimited('base64') }],
];
const ARRAY: Message = [[1, { name: 'values', read: within(() => ANY_VALUE), isRepeated: true, absent: [] }]];
const KEY_VALUE: Message = [
  [1, { name: 'key', read: text, absent: '' }],
  [2, { name: 'value', read: within(() => ANY_VALUE), absent: {} }],
];
const attributes: Field = { name: 'attributes', read: within(() => KEY_VALUE), isRepeated: true, absent: [] };
const droppedAttributes: Field = { name: 'droppedAttributesCount', read: int, absent: 0 };
const RESOURCE: Message = [
  [1, attributes],
  [2, droppedAttributes],
];
const SCOPE: Message = [
  [1, { name: 'name', read: text, absent: '' }],
  [2, { name: 'version', read: text }],
];
const STATUS: Message = [
  [3, { name: 'code', read: int, absent: 0 }],
  [2, { name: 'message', read: text }],
];
const EVENT: Message = [
  [3, attributes],
  [2, { name: 'name', read: text, absent: '' }],
  [1, { name: 'timeUnixNano', read: fixed64 }],
  [4, droppedAttributes],
];
const SPAN: Message = [
  [1, { name: 'traceId', read: delimited('hex') }],
  [2, { name: 'spanId', read: delimited('hex') }],
  [4, { name: 'parentSpanId', read: delimited('hex') }],
  [5, { name: 'name', read: text, absent: '' }],
  [6, { name: 'kind', read: int, absent: 0 }],
  [7, { name: 'startTimeUnixNano', read: fixed64 }],
  [8, { name: 'endTimeUnixNano', read: fixed64 }],
  [9, attributes],
  [10, droppedAttributes],
  [11, { name: 'events', read: within(() => EVENT), isRepeated: true, absent: [] }],
  [12, { name: 'droppedEventsCount', read: int, absent: 0 }],
  [15, { name: 'status', read: within(() => STATUS), absent: { code: 0 } }],
  [13, { name: 'links', read: () => ({}), isRepeated: true, absent: [] }],
  [14, { name: 'droppedLinksCount', read: int, absent: 0 }],
  [16, { name: 'flags', read: fixed32, absent: 0 }],
];
const SCOPE_SPANS: Message = [
  [1, { name: 'scope', read: within(() => SCOPE), absent: {} }],
  [2, { name: 'spans', read: within(() => SPAN), isRepeated: true, absent: [] }],
];
const RESOURCE_SPANS: Message = [
  [1, { name: 'resource', read: within(() => RESOURCE), absent: {} }],
  [2, { name: 'scopeSpans', read: within(() => SCOPE_SPANS), isRepeated: true, absent: [] }],
];
const REQUEST: Message = [
  [1, { name: 'resourceSpans', read: within(() => RESOURCE_SPANS), isRepeated: true, absent: [] }],
];
