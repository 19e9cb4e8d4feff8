/**
 * The body of the message being read, as far as its framing goes (RFC 9112 §6).
 *
 * in:  its framing, then the stream's bytes and gaps · out: its content to a `MessageSink`, and whether it is over
 */
import type { MessageSink } from '../message-sink.js';
import { type BodyFraming, Framing } from './body-framing.js';
import { ChunkedDecoder, trailerPairs } from './chunked-decoder.js';

export const NO_TRAILERS: [string, string][] = [];

const SIZE_LINE = /^[0-9a-f]+[ \t]*(;[^\n]*)?\r?$/i;

export class BodyReader {
  readonly #sink: MessageSink;
  readonly #trailerBytesMax: number;
  #framing: Framing = Framing.none;
  /** Bytes left of a body of known length. */
  #left = 0;
  #chunked: ChunkedDecoder | null = null;
  /** Whether a body is being read and nothing of it has come. */
  isUntouched = false;
  /** Whether its head says nothing of its end that makes sense (RFC 9112 §6.3, §7.1): all that comes is its content. */
  isUnframed = false;

  constructor(sink: MessageSink, trailerBytesMax: number) {
    this.#sink = sink;
    this.#trailerBytesMax = trailerBytesMax;
  }

  /** Whether the connection's end is the body's. */
  get endsWithStream(): boolean {
    return this.#framing === Framing.close;
  }

  /** Whether the chunks make no sense where reading stopped. */
  get isInvalid(): boolean {
    return this.#chunked?.isInvalid ?? false;
  }

  /** Whether all of it has been read or skipped. */
  get isDone(): boolean {
    return this.#framing === Framing.length ? this.#left === 0 : (this.#chunked?.isDone ?? false);
  }

  get trailers(): [string, string][] {
    const trailer = this.#chunked?.trailer ?? '';
    return trailer === '' ? NO_TRAILERS : trailerPairs(trailer);
  }

  /** Whether just `length` bytes are left. */
  isLeft(length: number): boolean {
    return this.#framing === Framing.length && this.#left === length;
  }

  begin({ framing, length }: BodyFraming): void {
    this.isUnframed = framing === Framing.unframed;
    this.#framing = this.isUnframed ? Framing.close : framing;
    this.#left = length;
    this.#chunked = framing === Framing.chunked ? new ChunkedDecoder(this.#trailerBytesMax) : null;
    this.isUntouched = this.#framing !== Framing.close;
  }

  drop(): void {
    this.#framing = Framing.none;
    this.#chunked = null;
    this.isUntouched = false;
    this.isUnframed = false;
  }

  /** Reads on in `bytes[at, end)`. Returns where it stopped: before `end` where the body is over, or makes no sense. */
  read(bytes: Buffer, at: number, end: number, time: number): number {
    this.isUntouched = false;
    const chunked = this.#chunked;
    if (chunked !== null) {
      let next = at;
      while (next < end && !chunked.isDone && !chunked.isInvalid) {
        next = chunked.next(bytes, next, end);
        const { contentStart, contentEnd } = chunked;
        if (contentEnd > contentStart) this.#sink.onBody(bytes, contentStart, contentEnd, 0, time);
      }
      if (!chunked.isInvalid || chunked.unchunked === null) return next;
      this.giveUpChunks(time);
    }
    if (this.#framing === Framing.close) {
      this.#sink.onBody(bytes, at, end, 0, time);
      return end;
    }
    const take = Math.min(this.#left, end - at);
    this.#sink.onBody(bytes, at, at + take, this.#left, time);
    this.#left -= take;
    return at + take;
  }

  /** What came of chunks that have not begun, and will not, is content. `isCut`: the connection broke off. */
  giveUpChunks(time: number, isCut = false): void {
    const { unchunked = null, isInvalid = false } = this.#chunked ?? {};
    if (unchunked === null || (unchunked.length === 0 && !isInvalid)) return;
    // The beginning of a chunk's size, whose line was cut off.
    if (isCut && !isInvalid && SIZE_LINE.test(unchunked.toString('latin1'))) return;
    this.#chunked = null;
    this.#framing = Framing.close;
    this.isUnframed = true;
    if (unchunked.length > 0) this.#sink.onBody(unchunked, 0, unchunked.length, 0, time);
  }

  /** Skips lost bytes. Returns how many are known to lie within it. */
  skip(length: number): number {
    this.isUntouched = false;
    let within = length;
    if (this.#framing === Framing.length) within = Math.min(length, this.#left);
    else if (this.#chunked !== null && !this.#chunked.skip(length)) within = 0;
    this.#sink.onBodyLost(within);
    if (this.#framing === Framing.length) this.#left -= within;
    return within;
  }
}
