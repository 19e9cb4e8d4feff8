/**
 * Length-prefixed messages, wherever the stream's frames and segments cut them:
 *
 *     0         1         2         3         4         5
 *     +---------+---------+---------+---------+---------+------------
 *     |  flags  |          length, big-endian           |  message …
 *     +---------+---------+---------+---------+---------+------------
 *        0x01 compressed · 0x80 trailers, of gRPC-Web alone
 *
 * in:  bytes of one direction, and gaps · out: where each message begins, its bytes, and where it ends
 *
 * A gap inside a message costs that message's bytes: its length says where the next one begins. Behind any other gap
 * messages are looked for by what follows, and what passes until one is certain is unknown.
 */
import { PlaceFinder } from './place-finder.js';

export interface FrameHandler {
  onBegin(flags: number, length: number, time: number): void;
  onBytes(bytes: Buffer, start: number, end: number): void;
  /** Bytes of the message that are not here. */
  onHole(length: number): void;
  onEnd(time: number): void;
  /** Bytes that belong to no message that is known. */
  onUnknown(length: number): void;
}

export const PREFIX_BYTES = 5;
export const COMPRESSED = 0x01;
export const TRAILERS = 0x80;

export class MessageFrames {
  readonly #handler: FrameHandler;
  /** The flags that there may be. */
  readonly #flagsMask: number;
  /** Bytes of the prefix that have come. */
  #prefixed = 0;
  #flags = 0;
  /** How long the message is, as far as the prefix says it. */
  #length = 0;
  /** Bytes of the message still to come. */
  #left = 0;
  /** It is not known where messages begin. */
  isLost = false;
  readonly #finder: PlaceFinder;
  /** Whether they are looked for: where what came was none, nobody knows what it is. */
  #isSearching = false;

  constructor(handler: FrameHandler, isWeb: boolean) {
    this.#handler = handler;
    this.#flagsMask = isWeb ? COMPRESSED | TRAILERS : COMPRESSED;
    this.#finder = new PlaceFinder(this.#flagsMask);
  }

  /** Whether it ends here as it should. */
  get isBetween(): boolean {
    return this.#prefixed === 0 && !this.isLost;
  }

  /** Whether nothing more is split, whatever comes. */
  get isGivenUp(): boolean {
    return this.isLost && !this.#isSearching;
  }

  /** Whether what came last, behind a gap, may lead to where messages begin. */
  get isFollowing(): boolean {
    return this.#finder.isFollowing;
  }

  /** What came behind a gap was none. */
  forget(): void {
    this.#finder.forget();
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    for (let at = start; at < end; ) {
      if (this.isLost) {
        const found = this.#isSearching ? this.#finder.find(bytes, at, end) : -1;
        const to = found < 0 ? end : found;
        if (to > at) this.#handler.onUnknown(to - at);
        if (found < 0) return;
        this.isLost = false;
        this.#prefixed = 0;
        at = found;
        continue;
      }
      if (this.#prefixed < PREFIX_BYTES) {
        this.#prefix(bytes[at++] as number, time);
        continue;
      }
      const take = Math.min(end - at, this.#left);
      this.#handler.onBytes(bytes, at, at + take);
      at += take;
      this.#pass(take, time);
    }
  }

  /** `length`: 0 where nobody knows it. */
  gap(length: number, time: number): void {
    const isInside = this.#prefixed === PREFIX_BYTES && length > 0 && length <= this.#left;
    if (isInside && !this.isLost) {
      this.#handler.onHole(length);
      this.#pass(length, time);
      return;
    }
    this.lose(time);
    this.#isSearching = true;
    this.#finder.forget();
    this.#handler.onUnknown(length);
  }

  /** Nothing more is split for now. A message that had begun ends with what came of it. */
  lose(time: number): void {
    if (this.isLost) return;
    this.isLost = true;
    this.#isSearching = false;
    if (this.#prefixed < PREFIX_BYTES) {
      if (this.#prefixed > 0) this.#handler.onUnknown(this.#prefixed);
      return;
    }
    this.#handler.onHole(this.#left);
    this.#handler.onEnd(time);
  }

  #prefix(byte: number, time: number): void {
    if (this.#prefixed === 0) {
      if ((byte & ~this.#flagsMask) !== 0) {
        this.isLost = true;
        this.#isSearching = false;
        this.#handler.onUnknown(1);
        return;
      }
      this.#flags = byte;
      this.#length = 0;
    } else this.#length = this.#length * 256 + byte;
    if (++this.#prefixed < PREFIX_BYTES) return;
    this.#left = this.#length;
    this.#handler.onBegin(this.#flags, this.#length, time);
    if (this.#length === 0) this.#pass(0, time);
  }

  #pass(length: number, time: number): void {
    this.#left -= length;
    if (this.#left > 0) return;
    this.#prefixed = 0;
    this.#handler.onEnd(time);
  }
}
