/** Random HTTP/1 messages: the bytes, and what a reader of them must find. */
import type { Random } from '../../support/random.js';
import { type Flavour, type RandomBody, randomBody } from './bodies.js';

export interface Message {
  bytes: Buffer;
  /** Bytes of the head, the empty line included. */
  head: number;
  headers: [string, string][];
  /** The body without its chunks' frames. */
  body: Buffer;
  trailers: [string, string][];
  framing: Framing;
  /** Offsets at which the sender begins a new write. */
  cuts: number[];
}

export type Framing = 'none' | 'length' | 'chunked' | 'close';

export interface MessageShape {
  startLine: string;
  headers: readonly [string, string][];
  framing: Framing;
  flavour: Flavour;
  isRequest: boolean;
}

export function randomMessage(
  random: Random,
  { startLine, headers: given, framing, flavour, isRequest }: MessageShape,
): Message {
  const headers: [string, string][] = [...given];
  if (random.chance(0.2)) headers.push(['X-Repeat', 'one'], ['x-repeat', 'two']);
  if (random.chance(0.03)) headers.push(['X-Long', 'y'.repeat(random.between(1000, 6000))]);
  if (framing === 'none') return assembled(startLine, headers, 'none', [], []);
  const { bytes: body, type, cuts }: RandomBody = randomBody(random, flavour, isRequest);
  if (type !== '') headers.push(['Content-Type', type]);
  if (framing === 'chunked') {
    headers.push(['Transfer-Encoding', 'chunked']);
    const { pieces, trailers } = chunks(random, body, cuts);
    const borders: number[] = [];
    for (const piece of pieces) borders.push((borders.at(-1) ?? 0) + piece.length);
    return { ...assembled(startLine, headers, framing, pieces, borders), body, trailers };
  }
  if (framing === 'length') headers.push(['Content-Length', String(body.length)]);
  return assembled(startLine, headers, framing, [body], cuts);
}

/** The head of a response that has no body, whatever its headers say (RFC 9110 §6.4.1). */
export function bodilessResponse(
  random: Random,
  startLine: string,
  given: readonly [string, string][],
  method: string,
): Message {
  const headers: [string, string][] = [...given];
  const isHead = method === 'HEAD';
  if (isHead || startLine.includes(' 304')) {
    const says = random.next();
    if (says < 0.6) headers.push(['Content-Length', String(random.between(1, 5000))]);
    else if (says < 0.8 && isHead) headers.push(['Transfer-Encoding', 'chunked']);
  }
  return assembled(startLine, headers, 'none', [], []);
}

/** `borders` are offsets behind the head. */
function assembled(
  startLine: string,
  headers: [string, string][],
  framing: Framing,
  pieces: readonly Buffer[],
  borders: readonly number[],
): Message {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${startLine}\r\n${lines.join('')}\r\n`, 'latin1');
  return {
    bytes: Buffer.concat([head, ...pieces]),
    head: head.length,
    headers,
    body: Buffer.concat(pieces),
    trailers: [],
    framing,
    cuts: [head.length, ...borders.map((border) => head.length + border)],
  };
}

/** RFC 9112 §7.1: a chunk for each write of the application, or chunks of any size. */
function chunks(
  random: Random,
  body: Buffer,
  cuts: readonly number[],
): { pieces: Buffer[]; trailers: [string, string][] } {
  const pieces: Buffer[] = [];
  const byWrites = random.chance(0.5);
  for (let at = 0; at < body.length; ) {
    const next = byWrites
      ? (cuts.find((cut) => cut > at) ?? body.length)
      : Math.min(body.length, at + random.between(1, Math.max(1, Math.min(8192, body.length))));
    const extension = random.chance(0.05) ? ';name=value' : '';
    pieces.push(
      Buffer.concat([Buffer.from(`${(next - at).toString(16)}${extension}\r\n`), body.subarray(at, next), CRLF]),
    );
    at = next;
  }
  const trailers: [string, string][] = random.chance(0.2) ? [['X-Sum', 'abc123']] : [];
  pieces.push(Buffer.from(`0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`));
  return { pieces, trailers };
}

const CRLF = Buffer.from('\r\n');
