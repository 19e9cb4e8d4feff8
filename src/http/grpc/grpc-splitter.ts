/**
 * One direction of a call → its messages, their compression undone.
 *
 * in:  a body's bytes, its gaps · out: each message to a `MessageTaker`; of gRPC-Web the trailers as well
 *
 * A message leaves with what its length says of it. Only what is kept is decompressed, and only so much of it as may be kept.
 */
import type { MemoryBudget } from '../../memory-budget.js';
import { KeptBytes } from '../kept-bytes.js';
import type { MessageSplitter, MessageTaker } from '../stream-message.js';
import { Base64Stream } from './base64-stream.js';
import type { GrpcType } from './grpc-type.js';
import { decodeMessageNow } from './message-coding.js';
import { COMPRESSED, type FrameHandler, MessageFrames, TRAILERS } from './message-frames.js';
import { webTrailers } from './web-trailers.js';

export interface GrpcSplitterContext {
  readonly type: GrpcType;
  /** `grpc-encoding` of the direction; empty where there is none. */
  readonly coding: string;
  readonly budget: MemoryBudget;
  readonly trailerBytesMax: number;
  readonly onTrailers: (trailers: [string, string][]) => void;
}

export class GrpcSplitter implements MessageSplitter, FrameHandler {
  readonly #taker: MessageTaker;
  readonly #isRequest: boolean;
  readonly #context: GrpcSplitterContext;
  readonly #frames: MessageFrames;
  #base64: Base64Stream | null;
  readonly #kept: KeptBytes;
  /** Of the message under way. */
  #flags = 0;
  #length = 0;
  #room = 0;
  #time = 0;

  constructor(taker: MessageTaker, isRequest: boolean, context: GrpcSplitterContext) {
    const { isWeb, isText } = context.type;
    this.#taker = taker;
    this.#isRequest = isRequest;
    this.#context = context;
    this.#frames = new MessageFrames(this, isWeb);
    this.#base64 = isText ? new Base64Stream() : null;
    this.#kept = new KeptBytes(context.budget);
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    this.#time = time;
    if (this.#base64 === null) {
      this.#frames.data(bytes, start, end, time);
      return;
    }
    // Where nothing leads on, the next piece may begin a group: senders encode what they write at once for itself.
    if (this.#frames.isLost && !this.#frames.isFollowing) this.#base64 = new Base64Stream();
    const decoded = this.#frames.isGivenUp ? null : this.#base64.data(bytes, start, end);
    if (decoded !== null) this.#frames.data(decoded, 0, decoded.length, time);
    else this.#onNotBase64(end - start, time);
  }

  #onNotBase64(length: number, time: number): void {
    if (this.#frames.isLost) this.#frames.forget();
    else this.#frames.lose(time);
    this.onUnknown(length);
  }

  gap(length: number): void {
    // Padding may have been among lost characters, so that nobody knows how many bytes they were.
    this.#frames.gap(this.#base64 === null ? length : 0, this.#time);
    if (this.#base64 !== null) this.onUnknown(length);
  }

  finish(time: number): void {
    if (!this.#frames.isBetween) this.#frames.lose(time);
  }

  close(): void {
    this.#kept.release();
  }

  // --- FrameHandler

  onBegin(flags: number, length: number, time: number): void {
    this.#flags = flags;
    this.#length = length;
    this.#room = (flags & TRAILERS) !== 0 ? this.#context.trailerBytesMax : this.#taker.room(this.#isRequest, time);
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#kept.append(bytes, start, end, this.#room);
  }

  onHole(length: number): void {
    // What comes behind it is not joined to what is here.
    this.#room = this.#kept.length;
    if (length > 0) this.#taker.lose(this.#isRequest, length);
  }

  onEnd(time: number): void {
    const flags = this.#flags;
    const length = this.#length;
    const room = this.#room;
    const kept = this.#kept.take();
    const isWhole = kept.length === length;
    if ((flags & TRAILERS) !== 0) {
      if (isWhole) this.#onTrailers(kept, (flags & COMPRESSED) !== 0);
      return;
    }
    const isCompressed = (flags & COMPRESSED) !== 0;
    const decoded = isCompressed && kept.length > 0 ? this.#decoded(kept, room, !isWhole) : null;
    const content = decoded?.content ?? kept;
    this.#taker.take({
      isRequest: this.#isRequest,
      kind: 'message',
      time,
      wireBytes: length,
      bytes: decoded === null || !isWhole || decoded.error !== null ? length : content.length,
      content,
      truncated: !isWhole || (decoded?.truncated ?? false),
      codingError: decoded?.error ?? null,
    });
  }

  onUnknown(length: number): void {
    this.#taker.lose(this.#isRequest, length);
  }

  #decoded(kept: Buffer, room: number, isPartial: boolean): Decoded {
    const { coding } = this.#context;
    if (coding === '' || coding === 'identity')
      return { content: kept, truncated: false, error: 'compressed, and no grpc-encoding says how' };
    const decoded = decodeMessageNow(kept, coding, Math.max(room, 1), isPartial);
    return decoded ?? { content: kept, truncated: false, error: `${coding}: too long to be decoded here` };
  }

  #onTrailers(kept: Buffer, isCompressed: boolean): void {
    const { trailerBytesMax, onTrailers } = this.#context;
    const decoded = isCompressed ? this.#decoded(kept, trailerBytesMax, false) : null;
    if (decoded !== null && decoded.error !== null) return;
    const content = decoded?.content ?? kept;
    onTrailers(webTrailers(Buffer.from(content.buffer, content.byteOffset, content.byteLength)));
  }
}

interface Decoded {
  readonly content: Uint8Array;
  readonly truncated: boolean;
  readonly error: string | null;
}
