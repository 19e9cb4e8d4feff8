/**
 * A trace with a large body as JSON, without stopping the capture while it is encoded.
 *
 * in: `Trace`, the encoder for all of it at once · out: the same bytes, made in slices between which other work has its turn
 *
 * The trace is encoded with a short stand-in for each large body; then the body itself, sliced, takes the stand-in's place. So
 * it serves every format that has a body as a JSON string: text as it is, the rest as base64.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { lazy } from '../lazy.js';
import { MARK_ROWS } from '../pair/exchange.js';
import { withBody } from '../trace/sent-message.js';
import type { Trace, TraceBody } from '../trace/trace.js';
import { openJsonText } from './gather.js';
import { asBuffer, textOf, wholeCharacters } from './ndjson.js';

/** Bytes of bodies that are encoded in one go: half a millisecond's worth. */
export const LARGE_BODY_BYTES = 65_536;
/** A multiple of three, so that slices of base64 join. */
const SLICE_BYTES = 49_152;

/** Bytes of the bodies of both messages. */
export function bodyBytes({ request, response }: Trace): number {
  return request.body.content.length + (response?.body.content.length ?? 0);
}

/** The most bytes that a byte of a body takes in JSON: six for a control character (RFC 8259 §7). */
export const ENCODED_FACTOR = 6;
/** Beside the body, what says of it that it is cut: `true` for `false`, or an attribute, and a mark. */
const CUT_BYTES = 512;

/** What a trace may take when it is encoded. */
export interface EncodingRoom {
  /** Bytes of the queue it is for. A body that escapes make longer than base64 would gets no more than half of them. */
  queueBytes: number;
  /** Bytes of the queue that are free for the trace. */
  freeBytes: number;
  /** Called once it is known how many bytes it takes, before there is memory for them. */
  onMeasured?: (bytes: number) => void;
}

const ANY_ROOM: EncodingRoom = { queueBytes: Number.POSITIVE_INFINITY, freeBytes: Number.POSITIVE_INFINITY };

/** A body that there is no room for is cut to what fits: it is `truncated`, and the trace is marked `shed`. */
export async function encodeLarge(
  trace: Trace,
  encode: (trace: Trace) => Buffer,
  room: EncodingRoom = ANY_ROOM,
): Promise<Buffer> {
  let bodies = await Promise.all(bodiesOf(trace).map((body) => standIn(body, bodyShare(body, room.queueBytes))));
  let outline = encode(withStandIns(trace, bodies));
  const shares = sharesOf(bodies, Math.max(0, room.freeBytes - outline.length - CUT_BYTES));
  if (bodies.some(({ encodedBytes }, i) => encodedBytes > (shares[i] as number))) {
    bodies = await Promise.all(bodiesOf(trace).map((body, i) => standIn(body, shares[i] as number)));
    outline = encode(withStandIns(trace, bodies));
  }
  const largeBodies = bodies.filter(({ marker }) => marker !== null);
  const bytes = largeBodies.reduce(
    (sum, { marker, encodedBytes }) => sum + encodedBytes - (marker?.length ?? 0),
    outline.length,
  );
  room.onMeasured?.(bytes);
  // All of it at once, and never twice; its pages are made as they are written to.
  const encoded = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  let from = 0;
  for (const { marker, slices } of largeBodies) {
    const to = outline.indexOf(marker as string, from);
    at += outline.copy(encoded, at, from, to);
    for (const slice of slices()) {
      at += slice(encoded, at);
      await yieldTurn();
    }
    from = to + (marker as string).length;
  }
  outline.copy(encoded, at, from);
  return encoded;
}

const bodiesOf = ({ request, response }: Trace): TraceBody[] =>
  response === null ? [request.body] : [request.body, response.body];

function withStandIns(trace: Trace, [request, response]: readonly StandIn[]): Trace {
  const { name } = MARK_ROWS.shed;
  const isCut = request?.isCut === true || response?.isCut === true;
  return {
    ...trace,
    request: withBody(trace.request, request?.body ?? trace.request.body),
    response: trace.response === null || response === undefined ? null : withBody(trace.response, response.body),
    marks: isCut && !trace.marks.includes(name) ? [...trace.marks, name] : trace.marks,
  };
}

/** What a body may take of a queue. */
function bodyShare({ content }: TraceBody, queueBytes: number): number {
  return Math.max(Math.floor(queueBytes / 2), base64Bytes(content.length));
}

/** What each of the bodies may take of `bytes`: half of them, and what the other one leaves. */
function sharesOf(bodies: readonly StandIn[], bytes: number): number[] {
  const half = Math.floor(bytes / bodies.length);
  const taken = bodies.map(({ encodedBytes }) => encodedBytes);
  const all = taken.reduce((sum, one) => sum + one, 0);
  return taken.map((one) => (all <= bytes ? one : Math.min(one, Math.max(half, bytes - (all - one)))));
}

const base64Bytes = (length: number): number => Math.ceil(length / 3) * 4;

const yieldTurn = promisify(setImmediate);

/** Writes what it stands for to `target`; returns how many bytes it is. */
type Slice = (target: Buffer, at: number) => number;

interface StandIn {
  body: TraceBody;
  /** What stands in the outline where the body belongs; null where the body is there itself. */
  marker: string | null;
  slices: () => Iterable<Slice>;
  /** Bytes of all slices. */
  encodedBytes: number;
  /** Whether some of the body was left out. */
  isCut: boolean;
}

async function standIn(body: TraceBody, bytesMax: number): Promise<StandIn> {
  const content = asBuffer(body.content);
  if (content.length <= SLICE_BYTES) return { body, marker: null, slices: () => [], encodedBytes: 0, isCut: false };
  // 24 random bytes are in no other part of the trace.
  const random = randomBytes(24);
  if (isText(content, body.truncated)) {
    const marker = random.toString('hex');
    const whole = isUtf8(content) ? content.length : wholeCharacters(content);
    const { end, encodedBytes } = await measureText(content, whole, bytesMax);
    const isCut = end < whole;
    return {
      body: { ...body, content: Buffer.from(marker), truncated: body.truncated || isCut },
      marker,
      slices: () => textSlices(content, end),
      encodedBytes,
      isCut,
    };
  }
  const end = Math.min(content.length, Math.floor(bytesMax / 4) * 3);
  const bytes = Buffer.concat([Buffer.from([0xff, 0xff, 0xff]), random]);
  return {
    body: { ...body, content: bytes, truncated: body.truncated || end < content.length },
    marker: bytes.toString('base64'),
    slices: () => base64Slices(content, end),
    encodedBytes: base64Bytes(end),
    isCut: end < content.length,
  };
}

/** How much of `content[0, whole)` takes no more than `bytesMax` as JSON, to a character; and how much it takes. */
async function measureText(
  content: Buffer,
  whole: number,
  bytesMax: number,
): Promise<{ end: number; encodedBytes: number }> {
  let encodedBytes = 0;
  for (let from = 0; from < whole; ) {
    const to = sliceEnd(content, from, whole);
    const bytes = jsonBytes(content, from, to);
    if (encodedBytes + bytes > bytesMax) {
      const end = fittingEnd(content, from, bytesMax - encodedBytes);
      return { end, encodedBytes: encodedBytes + jsonBytes(content, from, end) };
    }
    encodedBytes += bytes;
    from = to;
    await yieldTurn();
  }
  return { end: whole, encodedBytes };
}

/** Up to where `content` from `from` on, which takes more, takes no more than `bytesMax`: the end of a character. */
function fittingEnd(content: Buffer, from: number, bytesMax: number): number {
  let end = from;
  for (let bytes = jsonBytes(content, from, from + 1); bytes <= bytesMax; bytes += jsonBytes(content, end, end + 1))
    end++;
  return wholeEnd(content, end);
}

/** Its memory is had when the first large body comes. */
const vectors = lazy(() => ({ text: openJsonText() }));
/** A call out of JavaScript takes longer than so many bytes. */
const COUNTED_HERE_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** \b, \t, \n, \f and \r. */
const SHORT_ESCAPES: readonly number[] = [0x08, 0x09, 0x0a, 0x0c, 0x0d];

/** What `content[from, to)`, which is UTF-8, takes inside of a JSON string as `JSON.stringify` writes it. */
function jsonBytes(content: Buffer, from: number, to: number): number {
  let bytes = to - from;
  const measured = bytes > COUNTED_HERE_MAX ? vectors().text?.measure(content.subarray(from, to)) : undefined;
  if (measured !== undefined) return measured;
  for (let i = from; i < to; i++) {
    const byte = content[i] as number;
    if (byte < 0x20) bytes += SHORT_ESCAPES.includes(byte) ? 1 : ENCODED_FACTOR - 1;
    else if (byte === QUOTE || byte === BACKSLASH) bytes++;
  }
  return bytes;
}

/** As `textOf` decides it, without making the text. */
function isText(content: Buffer, truncated: boolean): boolean {
  if (isUtf8(content)) return true;
  const end = wholeCharacters(content);
  return truncated && end < content.length && isUtf8(content.subarray(0, end));
}

function* textSlices(content: Buffer, end: number): Iterable<Slice> {
  for (let from = 0; from < end; ) {
    const to = sliceEnd(content, from, end);
    const slice = content.subarray(from, to);
    yield (target, at) =>
      vectors().text?.write(target, at, slice) ?? target.write(JSON.stringify(textOf(slice, false)).slice(1, -1), at);
    from = to;
  }
}

function sliceEnd(content: Buffer, from: number, end: number): number {
  return from + SLICE_BYTES >= end ? end : wholeEnd(content, from + SLICE_BYTES);
}

function* base64Slices(content: Buffer, end: number): Iterable<Slice> {
  for (let from = 0; from < end; from += SLICE_BYTES) {
    const to = Math.min(end, from + SLICE_BYTES);
    yield (target, at) => target.write(content.toString('base64', from, to), at);
  }
}

/** The start of the UTF-8 character (RFC 3629 §3) that the place `end` inside of `content` lies in. */
function wholeEnd(content: Buffer, end: number): number {
  let start = end;
  while (start > 0 && end - start < 4 && ((content[start] as number) & 0xc0) === 0x80) start--;
  return start;
}
