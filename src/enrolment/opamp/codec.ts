/**
 * OpAMP's messages in protobuf, in both directions.
 *
 * in: bytes of a stranger, or a message · out: a message, or in words why the bytes are none; bytes
 *
 * Field numbers are those of opamp.proto and anyvalue.proto (opamp-go v0.23, `protobufs/`). Nothing throws on any bytes. What is
 * made of a message is bounded by its bytes and by `VALUES_MAX`, and nested no deeper than `DEPTH_MAX`; fields that are unknown, or
 * of another wire type, are passed over, as protobuf asks for.
 */
import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { AgentToServer, ServerToAgent } from './messages.js';

type Wire = typeof import('@bufbuild/protobuf/wire');
type Values = Record<string, unknown>;

export interface OpampCodec {
  readAgentToServer(bytes: Uint8Array): AgentToServer | string;
  readServerToAgent(bytes: Uint8Array): ServerToAgent | string;
  writeAgentToServer(message: AgentToServer): Uint8Array;
  writeServerToAgent(message: ServerToAgent): Uint8Array;
}

/** Fields of one message, those of messages within it included. */
const VALUES_MAX = 20_000;
/** Messages within messages; of deeper ones the bytes are passed over. A tree of health is as deep as its components. */
const DEPTH_MAX = 16;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

type Kind = 'uint64' | 'int64' | 'enum' | 'bool' | 'fixed64' | 'double' | 'string' | 'bytes' | 'message' | 'map';

interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly isRepeated: boolean;
  /** Of messages, and of a map's entries. */
  readonly message?: () => Message;
}

type Message = ReadonlyMap<number, Field>;

const WIRE_TYPES: Readonly<Record<Kind, number>> = {
  uint64: VARINT,
  int64: VARINT,
  enum: VARINT,
  bool: VARINT,
  fixed64: FIXED64,
  double: FIXED64,
  string: DELIMITED,
  bytes: DELIMITED,
  message: DELIMITED,
  map: DELIMITED,
};

const value = (name: string, kind: Kind): Field => ({ name, kind, isRepeated: false });
const texts = (name: string): Field => ({ name, kind: 'string', isRepeated: true });
const within = (name: string, message: () => Message): Field => ({ name, kind: 'message', isRepeated: false, message });
const list = (name: string, message: () => Message): Field => ({ name, kind: 'message', isRepeated: true, message });
const fields = (rows: Readonly<Record<number, Field>>): Message =>
  new Map(Object.entries(rows).map(([number, field]) => [Number(number), field]));
/** By text: an entry is a message with the key as 1 and the value as 2. */
function map(name: string, message: () => Message): Field {
  const entry = fields({ 1: value('key', 'string'), 2: within('value', message) });
  return { name, kind: 'map', isRepeated: false, message: () => entry };
}

const EMPTY = fields({});
const ANY_VALUE: Message = fields({
  1: value('stringValue', 'string'),
  2: value('boolValue', 'bool'),
  3: value('intValue', 'int64'),
  4: value('doubleValue', 'double'),
  5: within('arrayValue', () => ARRAY),
  6: within('kvlistValue', () => KEY_VALUES),
  7: value('bytesValue', 'bytes'),
});
const ARRAY = fields({ 1: list('values', () => ANY_VALUE) });
const KEY_VALUE = fields({ 1: value('key', 'string'), 2: within('value', () => ANY_VALUE) });
const KEY_VALUES = fields({ 1: list('values', () => KEY_VALUE) });
const DESCRIPTION = fields({
  1: list('identifyingAttributes', () => KEY_VALUE),
  2: list('nonIdentifyingAttributes', () => KEY_VALUE),
});
const HEALTH: Message = fields({
  1: value('healthy', 'bool'),
  2: value('startTimeUnixNano', 'fixed64'),
  3: value('lastError', 'string'),
  4: value('status', 'string'),
  5: value('statusTimeUnixNano', 'fixed64'),
  6: map('componentHealthMap', () => HEALTH),
});
const CONFIG_FILE = fields({ 1: value('body', 'bytes'), 2: value('contentType', 'string') });
const CONFIG_MAP = fields({ 1: map('configMap', () => CONFIG_FILE) });
const EFFECTIVE_CONFIG = fields({ 1: within('configMap', () => CONFIG_MAP) });
const REMOTE_CONFIG = fields({ 1: within('config', () => CONFIG_MAP), 2: value('configHash', 'bytes') });
const REMOTE_CONFIG_STATUS = fields({
  1: value('lastRemoteConfigHash', 'bytes'),
  2: value('status', 'enum'),
  3: value('errorMessage', 'string'),
});
const CUSTOM_CAPABILITIES = fields({ 1: texts('capabilities') });
const CUSTOM_MESSAGE = fields({
  1: value('capability', 'string'),
  2: value('type', 'string'),
  3: value('data', 'bytes'),
});
const RETRY_INFO = fields({ 1: value('retryAfterNanoseconds', 'uint64') });
const ERROR_RESPONSE = fields({
  1: value('type', 'enum'),
  2: value('errorMessage', 'string'),
  3: within('retryInfo', () => RETRY_INFO),
});
const IDENTIFICATION = fields({ 1: value('newInstanceUid', 'bytes') });
const AGENT_TO_SERVER = fields({
  1: value('instanceUid', 'bytes'),
  2: value('sequenceNum', 'uint64'),
  3: within('agentDescription', () => DESCRIPTION),
  4: value('capabilities', 'uint64'),
  5: within('health', () => HEALTH),
  6: within('effectiveConfig', () => EFFECTIVE_CONFIG),
  7: within('remoteConfigStatus', () => REMOTE_CONFIG_STATUS),
  9: within('agentDisconnect', () => EMPTY),
  10: value('flags', 'uint64'),
  12: within('customCapabilities', () => CUSTOM_CAPABILITIES),
  13: within('customMessage', () => CUSTOM_MESSAGE),
});
const SERVER_TO_AGENT = fields({
  1: value('instanceUid', 'bytes'),
  2: within('errorResponse', () => ERROR_RESPONSE),
  3: within('remoteConfig', () => REMOTE_CONFIG),
  4: within('connectionSettings', () => EMPTY),
  5: within('packagesAvailable', () => EMPTY),
  6: value('flags', 'uint64'),
  7: value('capabilities', 'uint64'),
  8: within('agentIdentification', () => IDENTIFICATION),
  9: within('command', () => EMPTY),
  10: within('customCapabilities', () => CUSTOM_CAPABILITIES),
  11: within('customMessage', () => CUSTOM_MESSAGE),
});

/** `wire`: the module `@bufbuild/protobuf/wire`, which is loaded by those who need it. */
export function createOpampCodec(wire: Wire): OpampCodec {
  function read(bytes: Uint8Array, message: Message): object | string {
    const reader = new wire.BinaryReader(bytes);
    try {
      return readMessage(
        { reader, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), left: VALUES_MAX },
        message,
        reader.len,
        0,
      );
    } catch (error) {
      return `no OpAMP message: ${(error as Error).message}`;
    }
  }
  const write = (from: object, message: Message): Uint8Array =>
    writeMessage(new wire.BinaryWriter(), from as Values, message).finish();
  return {
    readAgentToServer: (bytes) => read(bytes, AGENT_TO_SERVER) as AgentToServer | string,
    readServerToAgent: (bytes) => read(bytes, SERVER_TO_AGENT) as ServerToAgent | string,
    writeAgentToServer: (message) => write(message, AGENT_TO_SERVER),
    writeServerToAgent: (message) => write(message, SERVER_TO_AGENT),
  };
}

/** One reader goes through all of it: a message within another is a stretch of the same bytes. */
interface Reading {
  readonly reader: BinaryReader;
  readonly bytes: Buffer;
  /** Fields that may still be read. */
  left: number;
}

/** @throws where the bytes are no such message */
function readMessage(reading: Reading, message: Message, end: number, depth: number): Values {
  const { reader } = reading;
  const read: Values = {};
  while (reader.pos < end) {
    if (--reading.left < 0) throw new Error(`more than ${VALUES_MAX} fields`);
    const [number, type] = reader.tag();
    const field = message.get(number);
    if (field === undefined || type !== WIRE_TYPES[field.kind]) {
      reader.skip(type, number);
      continue;
    }
    const { name, kind } = field;
    if (kind === 'map') {
      const entries = (read[name] ?? new Map()) as Map<string, unknown>;
      read[name] = entries;
      readEntry(reading, field, entries, depth);
      continue;
    }
    const one = readValue(reading, field, depth);
    if (one === undefined) continue;
    if (!field.isRepeated) read[name] = one;
    else if (name in read) (read[name] as unknown[]).push(one);
    else read[name] = [one];
  }
  if (reader.pos > end) throw new Error('a field goes beyond its message');
  return read;
}

/** Undefined where it is nested too deep. */
function readValue(reading: Reading, { kind, message }: Field, depth: number): unknown {
  const { reader } = reading;
  switch (kind) {
    case 'uint64':
      return Math.min(Number(reader.uint64()), Number.MAX_SAFE_INTEGER);
    case 'int64':
      return BigInt(reader.int64());
    case 'enum':
      return reader.uint32();
    case 'bool':
      return reader.bool();
    case 'fixed64':
      return BigInt(reader.fixed64());
    case 'double':
      return reader.double();
    default:
      break;
  }
  const end = endOf(reading);
  const from = reader.pos;
  if (kind === 'message' && depth < DEPTH_MAX) return readMessage(reading, message?.() ?? EMPTY, end, depth + 1);
  reader.pos = end;
  if (kind === 'string') return reading.bytes.toString('utf8', from, end);
  // A copy: a few bytes are kept, and not the whole of what they came in.
  return kind === 'bytes' ? new Uint8Array(reading.bytes.subarray(from, end)) : undefined;
}

/** Of two entries with one key the last counts. */
function readEntry(reading: Reading, { message }: Field, entries: Map<string, unknown>, depth: number): void {
  const end = endOf(reading);
  if (depth >= DEPTH_MAX) {
    reading.reader.pos = end;
    return;
  }
  const read = readMessage(reading, message?.() ?? EMPTY, end, depth + 1);
  entries.set((read.key as string | undefined) ?? '', read.value ?? {});
}

/** Where the next bytes end; the reader stands at their beginning. @throws where there are not so many */
function endOf({ reader }: Reading): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new Error('premature EOF');
  return end;
}

function writeMessage(writer: BinaryWriter, from: Values, message: Message): BinaryWriter {
  for (const [number, field] of message) {
    const given = from[field.name];
    if (given === undefined) continue;
    if (field.kind === 'map') {
      for (const [key, one] of given as ReadonlyMap<string, Values>)
        writeMessage(writer.tag(number, DELIMITED).fork(), { key, value: one }, field.message?.() ?? EMPTY).join();
      continue;
    }
    for (const one of field.isRepeated ? (given as readonly unknown[]) : [given])
      writeValue(writer, number, field, one);
  }
  return writer;
}

function writeValue(writer: BinaryWriter, number: number, { kind, message }: Field, given: unknown): void {
  writer.tag(number, WIRE_TYPES[kind]);
  switch (kind) {
    case 'uint64':
      writer.uint64(given as number);
      return;
    case 'int64':
      writer.int64(given as bigint);
      return;
    case 'enum':
      writer.uint32(given as number);
      return;
    case 'bool':
      writer.bool(given as boolean);
      return;
    case 'fixed64':
      writer.fixed64(given as bigint);
      return;
    case 'double':
      writer.double(given as number);
      return;
    case 'string':
      writer.string(given as string);
      return;
    case 'bytes':
      writer.bytes(given as Uint8Array);
      return;
    default:
      writer.fork();
      writeMessage(writer, given as Values, message?.() ?? EMPTY).join();
  }
}
