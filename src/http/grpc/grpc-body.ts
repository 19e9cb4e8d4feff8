/**
 * The body of a call as one reads it: messages with their compression undone, and of gRPC-Web the base64 as well, and without
 * the frame of trailers, which belong beside those of HTTP/2.
 *
 * in:  what was kept of a body · out: its messages, and the same body made of them; nothing where it is no body of a call
 *
 * A body in which nothing has to be undone stays as it is, and is not copied.
 */
import type { DecodedContent } from '../content-coding.js';
import { Base64Stream } from './base64-stream.js';
import type { GrpcType } from './grpc-type.js';
import { decodeMessage, decodeMessageNow } from './message-coding.js';
import { COMPRESSED, TRAILERS } from './message-frames.js';
import { webTrailers } from './web-trailers.js';

export interface GrpcBodyContext {
  readonly type: GrpcType;
  /** `grpc-encoding`; empty where there is none. */
  readonly coding: string;
  /** Bytes of all messages together. */
  readonly bytesMax: number;
  /** Whether the end of the body is missing. */
  readonly isCut: boolean;
}

export interface GrpcBody {
  /** Messages behind their prefixes. */
  readonly content: Uint8Array;
  /** Where each message is in `content`; the last one may be cut off. */
  readonly messages: readonly MessageRange[];
  readonly trailers: readonly [name: string, value: string][];
  /** Whether there was more than `bytesMax`. */
  readonly truncated: boolean;
  /** Why a message could not be decoded; `content` is then as it was sent. */
  readonly error: string | null;
}

export interface MessageRange {
  readonly start: number;
  readonly end: number;
  readonly isWhole: boolean;
}

interface Frame extends MessageRange {
  readonly flags: number;
  readonly length: number;
}

const PREFIX_BYTES = 5;
/** More are not looked at one by one: empty ones would be millions. */
const FRAMES_MAX = 1 << 16;
/** Each takes a decoder of its own, which costs more than a short message does. */
const DECODED_NOW_MAX = 32;

/** What can be had in a moment; null where that takes longer. `undefined`: it is no body of a call. */
export function grpcBodyNow(body: Buffer, context: GrpcBodyContext): GrpcBody | null | undefined {
  const parts = partsOf(body, context);
  if (parts === undefined) return undefined;
  if (parts.compressed.length > DECODED_NOW_MAX) return null;
  const decoded: DecodedContent[] = [];
  let left = context.bytesMax;
  for (const frame of parts.compressed) {
    const one = decodeMessageNow(bytesOf(parts, frame), codingOf(context), Math.max(left, 1), !frame.isWhole);
    if (one === null) return null;
    decoded.push(one);
    left -= one.content.length;
  }
  return joined(parts, decoded, context);
}

/** The same, however long it takes. */
export async function grpcBody(body: Buffer, context: GrpcBodyContext): Promise<GrpcBody | undefined> {
  const parts = partsOf(body, context);
  if (parts === undefined) return undefined;
  const decoded: DecodedContent[] = [];
  let left = context.bytesMax;
  for (const frame of parts.compressed) {
    if (left <= 0) break;
    const one = await decodeMessage(bytesOf(parts, frame), codingOf(context), left, !frame.isWhole);
    decoded.push(one);
    left -= one.content.length;
    if (one.error !== null) break;
  }
  return joined(parts, decoded, context);
}

interface Parts {
  readonly bytes: Buffer;
  readonly frames: readonly Frame[];
  readonly compressed: readonly Frame[];
  readonly hasTrailers: boolean;
  /** Whether some are not among `frames`. */
  readonly isCut: boolean;
}

function partsOf(body: Buffer, { type, isCut }: GrpcBodyContext): Parts | undefined {
  const bytes = type.isText ? new Base64Stream().data(body, 0, body.length) : body;
  if (bytes === null) return undefined;
  const mask = type.isWeb ? COMPRESSED | TRAILERS : COMPRESSED;
  const frames: Frame[] = [];
  const compressed: Frame[] = [];
  let hasTrailers = false;
  let at = 0;
  while (at + PREFIX_BYTES <= bytes.length && frames.length < FRAMES_MAX) {
    const flags = bytes[at] as number;
    const length = bytes.readUInt32BE(at + 1);
    const start = at + PREFIX_BYTES;
    const end = Math.min(start + length, bytes.length);
    if ((flags & ~mask) !== 0) return undefined;
    const frame = { flags, length, start, end, isWhole: end - start === length };
    if (!frame.isWhole && !isCut) return undefined;
    frames.push(frame);
    if ((flags & TRAILERS) !== 0) hasTrailers = true;
    else if ((flags & COMPRESSED) !== 0) compressed.push(frame);
    at = end;
  }
  if (at < bytes.length && !isCut && frames.length < FRAMES_MAX) return undefined;
  return { bytes, frames, compressed, hasTrailers, isCut: frames.length === FRAMES_MAX };
}

function bytesOf({ bytes }: Parts, { start, end }: Frame): Buffer {
  return bytes.subarray(start, end);
}

function codingOf({ coding }: GrpcBodyContext): string {
  return coding === '' || coding === 'identity' ? 'compressed' : coding;
}

function joined(parts: Parts, decoded: readonly DecodedContent[], { bytesMax, isCut }: GrpcBodyContext): GrpcBody {
  const { bytes, frames, compressed, hasTrailers } = parts;
  const trailers = hasTrailers ? trailersOf(parts) : [];
  const failed = decoded.find(({ error }) => error !== null);
  if (failed !== undefined)
    return { content: bytes, messages: [], trailers, truncated: isCut, error: failed.error as string };
  if (compressed.length === 0 && !hasTrailers)
    return { content: bytes, messages: frames, trailers, truncated: isCut || parts.isCut, error: null };
  const pieces: Uint8Array[] = [];
  const messages: MessageRange[] = [];
  let truncated = isCut || parts.isCut;
  let at = 0;
  let nextDecoded = 0;
  for (const frame of frames) {
    if ((frame.flags & TRAILERS) !== 0) continue;
    const isCompressed = (frame.flags & COMPRESSED) !== 0;
    const one = isCompressed ? decoded[nextDecoded++] : undefined;
    const content = isCompressed ? one?.content : bytesOf(parts, frame);
    if (content === undefined || at >= bytesMax) {
      truncated = true;
      break;
    }
    const isWhole = frame.isWhole && one?.truncated !== true;
    truncated ||= one?.truncated === true;
    pieces.push(prefixOf(isWhole ? content.length : Math.max(frame.length, content.length)), content);
    messages.push({ start: at + PREFIX_BYTES, end: at + PREFIX_BYTES + content.length, isWhole });
    at += PREFIX_BYTES + content.length;
  }
  return { content: Buffer.concat(pieces, at), messages, trailers, truncated, error: null };
}

function prefixOf(length: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

function trailersOf(parts: Parts): [string, string][] {
  const pairs: [string, string][] = [];
  for (const frame of parts.frames)
    if (frame.flags === TRAILERS && frame.isWhole && frame.length <= TRAILER_BYTES_MAX)
      pairs.push(...webTrailers(bytesOf(parts, frame)));
  return pairs;
}

const TRAILER_BYTES_MAX = 1 << 14;
