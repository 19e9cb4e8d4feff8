/**
 * A message that asks for captures, in the JSON that pcapdaemon reads.
 *
 * in: the text of a message · out: a `CaptureMessage`, or why it is none · pure
 *
 * Names match whatever their case; unknown ones are ignored; null is as good as absent; of a repeated name the last value
 * counts; one value of a wrong type refuses the whole message. An integer is digits: `10.0` and `1e1` are none, and one that
 * does not fit 64 bits is none either.
 */
import { type ObjectEntry, objectEntries } from './object-text.js';

const ROWS = {
  node: 'string',
  nodere: 'string',
  interface: 'strings',
  alias: 'strings',
  /** What the daemon itself used to note in a message; from a stranger it means nothing. */
  aliasmatched: 'string',
  tags: 'string',
  bpf: 'string',
  customer: 'string',
  snap: 'integer',
  packets: 'integer',
  alertid: 'integer',
  /** An integer in spite of its name; nothing reads it. */
  alertstr: 'integer',
  timeout: 'integer',
  duration: 'integer',
  bytes: 'integer',
  packetdebug: 'boolean',
  logrequest: 'boolean',
  folder: 'string',
  bucket: 'string',
  acl: 'string',
  region: 'string',
  endpoint: 'string',
  encryption: 'boolean',
  // The names that pcapdaemon does not know.
  before: 'integer',
  replyto: 'string',
} as const satisfies Record<string, Kind>;

interface Kinds {
  string: string;
  strings: readonly string[];
  integer: number;
  boolean: boolean;
}
type Kind = keyof Kinds;

/** Absent texts are empty, absent integers 0, absent booleans false. */
export type CaptureMessage = { readonly [Name in keyof typeof ROWS]: Kinds[(typeof ROWS)[Name]] } & {
  /** What the sender calls the message, to find its results by; empty where it says nothing. */
  readonly id: string;
};

/** Why a text is no message: reads on from "message refused: ". */
export class MessageError extends Error {}

/** A message is held in memory while its captures run. SQS takes no longer ones. */
export const MESSAGE_CHARACTERS_MAX = 1 << 18;
const ID_CHARACTERS_MAX = 128;

/** @throws MessageError */
export function readMessage(text: string): CaptureMessage {
  if (text.length > MESSAGE_CHARACTERS_MAX)
    throw new MessageError(`it has ${text.length} characters, and ${MESSAGE_CHARACTERS_MAX} is the most`);
  const message: Record<string, unknown> = { id: '' };
  for (const [name, kind] of Object.entries(ROWS)) message[name] = KINDS[kind].absent;
  for (const { name, value } of entriesOf(text)) {
    const field = fold(name);
    if (field === 'id') message.id = idOf(value);
    if (!Object.hasOwn(ROWS, field)) continue;
    const kind = KINDS[ROWS[field as keyof typeof ROWS]];
    const read = value === 'null' ? kind.ofNull : kind.read(value);
    if (read === null) throw new MessageError(`${field}: ${shortened(value)} is not ${kind.what}`);
    if (read !== undefined) message[field] = read;
  }
  return message as CaptureMessage;
}

function entriesOf(text: string): ObjectEntry[] {
  try {
    return objectEntries(text);
  } catch (error) {
    throw new MessageError(`it is not a JSON object (${(error as Error).message})`);
  }
}

/** Names fold as encoding/json of Go folds them: two letters beyond ASCII have one in it as their simple case folding. */
function fold(name: string): string {
  const ascii = name.replaceAll('\u017f', 's').replaceAll('\u212a', 'k');
  return ascii.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

interface KindRow {
  readonly what: string;
  readonly absent: unknown;
  /** What null makes of what an earlier value of a repeated name was: a list goes, all else stays. */
  readonly ofNull: unknown;
  /** Null for another type. */
  read(text: string): unknown;
}

const KINDS: Readonly<Record<Kind, KindRow>> = {
  string: { what: 'a string', absent: '', ofNull: undefined, read: stringOf },
  strings: { what: 'a list of strings', absent: [], ofNull: [], read: stringsOf },
  integer: { what: 'an integer', absent: 0, ofNull: undefined, read: integerOf },
  boolean: {
    what: 'true or false',
    absent: false,
    ofNull: undefined,
    read: (text) => (text === 'true' ? true : text === 'false' ? false : null),
  },
};

function stringOf(text: string): string | null {
  if (!text.startsWith('"')) return null;
  return wellFormed(JSON.parse(text) as string);
}

function stringsOf(text: string): readonly string[] | null {
  if (!text.startsWith('[')) return null;
  const list = (JSON.parse(text) as unknown[]).map((one) => (one === null ? '' : one));
  if (!list.every((one) => typeof one === 'string')) return null;
  return list.map(wellFormed);
}

/** A surrogate without its other half becomes U+FFFD. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

/** Beyond 2^53 the value is not exact, which nothing here asks of a number of that size. */
function integerOf(text: string): number | null {
  if (!/^-?\d{1,19}$/.test(text)) return null;
  const exact = BigInt(text);
  return BigInt.asIntN(64, exact) === exact ? Number(exact) : null;
}

/** pcapdaemon ignores the name, so that whatever it has is no error. */
function idOf(value: string): string {
  const id: unknown = JSON.parse(value);
  return typeof id === 'string' || typeof id === 'number' ? String(id).slice(0, ID_CHARACTERS_MAX) : '';
}

function shortened(value: string): string {
  return value.length > 40 ? `${value.slice(0, 40)}…` : value;
}
