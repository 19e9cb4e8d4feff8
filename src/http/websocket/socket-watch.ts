/**
 * Whether a connection joined in the middle is a WebSocket, whose handshake nobody saw: by frames alone (RFC 6455 §5), strictly, as
 * bytes of anything else must not pass for it.
 *
 * in:  segments of both directions · out: once it is certain, which side is the client, and the segments since it seemed so
 *
 * In either direction a chain of frames leads from the beginning of a segment to the end of one, several times; those of one side
 * are all masked, each with a key of its own (§5.3), and those of the other are not; fragments come in their order, text is
 * UTF-8, and lengths are written in no more bytes than they take.
 */
import { isUtf8 } from 'node:buffer';
import type { Direction } from '../../flow/flow-consumer.js';
import type { MemoryBudget } from '../../memory-budget.js';
import type { JoinedMiddle, JoinedSegment, MidstreamWatch } from '../protocol.js';
import { FrameHeader, Opcode, unmask } from './frame.js';

/** A longer frame is not taken for one here. */
const FRAME_BYTES_MAX = 1 << 20;
/** What either side must have sent: frames, and segments that ended with one. */
const FRAMES_MIN = { masked: 3, plain: 2 } as const;
const ENDS_MIN = 2;
/** Keys that are compared: where there are more, there have been enough. */
const KEYS_MAX = 16;
/** Bytes and segments that wait for certainty; if there are more, what came before it is not told of. */
const HELD_BYTES_MAX = 1 << 14;
const HELD_SEGMENTS_MAX = 64;
/** What a segment that waits takes beside its bytes. */
const SEGMENT_BYTES = 128;

export class SocketWatch implements MidstreamWatch {
  readonly #budget: MemoryBudget;
  readonly #chains: readonly [FrameChain, FrameChain] = [new FrameChain(), new FrameChain()];
  /** Segments of the chains, in the order they came; null where there was no room for them. */
  #held: JoinedSegment[] | null = [];
  #heldBytes = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  segment(direction: Direction, bytes: Buffer, start: number, end: number, time: number): JoinedMiddle | null {
    const chain = this.#chains[direction];
    if (!chain.follow(bytes, start, end)) {
      this.gap(direction);
      return null;
    }
    const client = this.#client();
    if (client === -1) {
      this.#hold(direction, bytes.subarray(start, end), time);
      return null;
    }
    const held = this.#held;
    this.release();
    return { client, segments: held === null ? [] : [...held, { direction, bytes: bytes.subarray(start, end), time }] };
  }

  gap(direction: Direction): void {
    this.#chains[direction].forget();
    const rest = this.#held?.filter((one) => one.direction !== direction) ?? [];
    const areOthers = this.#chains[direction === 0 ? 1 : 0].frames > 0;
    // Where some were let go, those of the other side are no whole chain either.
    const held = this.#held === null && areOthers ? null : rest;
    this.release();
    this.#held = held;
    for (const { bytes } of held ?? []) this.#take(bytes.length);
  }

  release(): void {
    this.#budget.remove(this.#heldBytes);
    this.#heldBytes = 0;
    this.#held = [];
  }

  /** The side whose frames are masked, where both sides are certain and between frames; else -1. */
  #client(): Direction | -1 {
    const [first, second] = this.#chains;
    if (!first.isProven || !second.isProven || first.isMasked === second.isMasked) return -1;
    return first.isMasked ? 0 : 1;
  }

  #hold(direction: Direction, bytes: Buffer, time: number): void {
    if (this.#held === null) return;
    const isTooMuch = this.#heldBytes + bytes.length > HELD_BYTES_MAX || this.#held.length >= HELD_SEGMENTS_MAX;
    if (isTooMuch || bytes.length + SEGMENT_BYTES > this.#budget.room) {
      this.release();
      this.#held = null;
      return;
    }
    this.#held.push({ direction, bytes: Buffer.from(bytes), time });
    this.#take(bytes.length);
  }

  #take(length: number): void {
    this.#heldBytes += length + SEGMENT_BYTES;
    this.#budget.add(length + SEGMENT_BYTES);
  }
}

/** The frames of one direction, as far as they follow each other. */
class FrameChain {
  readonly #header = new FrameHeader();
  /** Bytes of the frame being passed that are still to come. */
  #left = 0;
  frames = 0;
  #ends = 0;
  isMasked = false;
  readonly #keys = new Set<number>();
  /** Whether a message's last fragment is still to come; null as long as nobody knows. */
  #isInMessage: boolean | null = null;

  get isProven(): boolean {
    const least = this.isMasked ? FRAMES_MIN.masked : FRAMES_MIN.plain;
    return this.#left === 0 && this.#ends >= ENDS_MIN && this.frames >= least;
  }

  /** Whether the chain goes on through the segment. */
  follow(bytes: Buffer, start: number, end: number): boolean {
    let at = start + Math.min(this.#left, end - start);
    this.#left -= at - start;
    while (at < end) {
      const header = this.#header;
      const size = header.read(bytes, at, end);
      if (size <= 0 || !header.isMinimal || header.length > FRAME_BYTES_MAX || !this.#mayFollow()) return false;
      const payload = at + size;
      at = Math.min(end, payload + header.length);
      this.#left = payload + header.length - at;
      if (this.#left === 0 && !this.#isPlausible(bytes, payload, at)) return false;
    }
    if (this.#left === 0) this.#ends++;
    return true;
  }

  forget(): void {
    this.#left = 0;
    this.frames = 0;
    this.#ends = 0;
    this.#keys.clear();
    this.#isInMessage = null;
  }

  /** Whether the frame may be the next one of its sender. */
  #mayFollow(): boolean {
    const { isMasked, isControl, isFinal, isCompressed, opcode, mask } = this.#header;
    if (this.frames++ === 0) this.isMasked = isMasked;
    else if (isMasked !== this.isMasked) return false;
    if (isMasked && this.#keys.size < KEYS_MAX) {
      const key = mask.readUInt32BE(0);
      if (this.#keys.has(key)) return false;
      this.#keys.add(key);
    }
    if (isControl) return true;
    const goesOn = opcode === Opcode.continuation;
    // Which fragments may come is known once one has (§5.4).
    if (this.#isInMessage !== null && goesOn !== this.#isInMessage) return false;
    this.#isInMessage = !isFinal;
    return !(goesOn && isCompressed);
  }

  #isPlausible(bytes: Buffer, start: number, end: number): boolean {
    const { opcode, isFinal, isCompressed, isMasked, mask } = this.#header;
    const isText = opcode === Opcode.text && isFinal && !isCompressed;
    if (!isText && opcode !== Opcode.close) return true;
    const payload = Buffer.from(bytes.subarray(start, end));
    if (isMasked) unmask(payload, 0, payload.length, mask, 0);
    if (isText) return isUtf8(payload);
    // §7.4.2
    if (payload.length < 2) return payload.length === 0;
    const code = payload.readUInt16BE(0);
    return code >= 1000 && code < 5000 && isUtf8(payload.subarray(2));
  }
}
