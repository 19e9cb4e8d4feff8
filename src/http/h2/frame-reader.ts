/**
 * One stream of bytes of an HTTP/2 connection → its frames (RFC 9113 §4).
 *
 * in:  the bytes in order, and their gaps · out: frames to a `FrameHandler`. DATA is passed on as it comes, never copied; of
 *      other frames only what somebody reads is put together.
 *
 * A gap inside a frame's payload costs what it held and nothing else. Behind one that reaches further, frames are searched for.
 */
import type { MemoryBudget } from '../../memory-budget.js';
import { Flag, FRAME_HEADER_BYTES, Frame, isFrameHeader, PREFACE } from './frame.js';
import { FrameFinder } from './frame-finder.js';

/** The frame being read; one object for all of them. */
export class FrameHead {
  length = 0;
  type = 0;
  flags = 0;
  stream = 0;
  /** Whether all of its payload that is wanted is here; not where bytes of it were lost. */
  isWhole = true;
  /** Times of its first byte, and of the last that was read. */
  startTime = 0;
  time = 0;

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}

export interface FrameHandler {
  /**
   * A frame other than DATA: its payload is `bytes[start, end)`, or the beginning of it, where it is longer than is wanted or
   * bytes of it were lost (`isWhole`).
   */
  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void;
  /** A part of the content of DATA, with `left` bytes of it to come, these included. */
  onData(head: FrameHead, bytes: Buffer, start: number, end: number, left: number): void;
  onDataLost(head: FrameHead, length: number): void;
  /** DATA has been read to its end. */
  onDataEnd(head: FrameHead): void;
  /** Frames may have been lost. */
  onPlaceLost(): void;
  /** Behind lost bytes, or in the middle of a connection, a frame was found. */
  onPlaceFound(): void;
  /** Bytes of a payload that are read, of a frame of `type`; the others pass. */
  wanted(head: FrameHead): number;
}

const State = {
  /** At the beginning: a preface, or a frame. */
  preface: 0,
  header: 1,
  payload: 2,
  /** Before the length of a frame's padding. */
  padLength: 3,
  content: 4,
  padding: 5,
  lost: 6,
  closed: 7,
} as const;
type State = (typeof State)[keyof typeof State];

const NO_BYTES = Buffer.alloc(0);
/** Its length is one byte (§6.1). */
const PADDING_BYTES_MAX = 255;
const PREFACE_BYTES = Buffer.from(PREFACE);

export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #budget: MemoryBudget;
  readonly #head = new FrameHead();
  #state: State;
  /** Whether the place among the frames had to be found. */
  #wasLost = false;
  /** Bytes of the preface that have come. */
  #prefaceBytes = 0;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes left of the payload, and of the content of DATA, its padding left out. */
  #left = 0;
  #contentLeft = 0;
  /** A payload being put together: the first `#keptBytes` of it. */
  #kept = NO_BYTES;
  #keptBytes = 0;
  readonly #finder = new FrameFinder();

  constructor(handler: FrameHandler, budget: MemoryBudget, isLost: boolean) {
    this.#handler = handler;
    this.#budget = budget;
    this.#state = isLost ? State.lost : State.preface;
  }

  /** Reads `bytes[start, end)`, a segment or the rest of one, which came at `time`. */
  data(bytes: Buffer, start: number, end: number, time: number): void {
    let at = start;
    while (at < end) {
      this.#head.time = time;
      switch (this.#state) {
        case State.preface:
          at = this.#readPreface(bytes, at, end);
          break;
        case State.header:
          at = this.#readHeader(bytes, at, end, time);
          break;
        case State.payload:
          at = this.#readPayload(bytes, at, end);
          break;
        case State.padLength:
          this.#beginPadded(bytes[at] as number);
          at++;
          break;
        case State.content:
          at = this.#readContent(bytes, at, end);
          break;
        case State.padding: {
          const take = Math.min(this.#left, end - at);
          this.#passPadding(take);
          at += take;
          break;
        }
        case State.lost: {
          const found = this.#finder.find(bytes, at, end);
          if (found < 0) return;
          this.#state = State.header;
          this.#wasLost = true;
          this.#handler.onPlaceFound();
          at = found;
          break;
        }
        default:
          return;
      }
    }
  }

  /** `length` bytes are missing here. */
  gap(length: number): void {
    switch (this.#state) {
      case State.closed:
        return;
      case State.lost:
        this.#finder.skip(length);
        return;
      case State.payload:
        if (length <= this.#left) {
          this.#left -= length;
          this.#endKept(false);
          if (this.#left > 0) this.#state = State.padding;
          return;
        }
        this.#endKept(false);
        break;
      case State.padLength:
      case State.content:
      case State.padding:
        if (length <= this.#left) {
          this.#skipContent(length);
          return;
        }
        if (this.#head.type === Frame.data) this.#handler.onDataLost(this.#head, this.#contentIn(length));
        break;
      default:
        break;
    }
    this.#lose();
  }

  /** Nothing more is read. */
  close(): void {
    this.#dropKept();
    this.#state = State.closed;
  }

  /** Streams that frames may be of, where they are searched for: those up to `stream`. */
  noteStream(stream: number): void {
    this.#finder.noteStream(stream);
  }

  #lose(): void {
    this.#dropKept();
    this.#headerBytes = 0;
    this.#state = State.lost;
    this.#finder.begin();
    this.#handler.onPlaceLost();
  }

  #readPreface(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && this.#prefaceBytes < PREFACE_BYTES.length && bytes[at] === PREFACE_BYTES[this.#prefaceBytes]) {
      at++;
      this.#prefaceBytes++;
    }
    if (at < end || this.#prefaceBytes === PREFACE_BYTES.length) this.#state = State.header;
    return at;
  }

  #readHeader(bytes: Buffer, at: number, end: number, time: number): number {
    if (this.#headerBytes === 0) {
      this.#head.startTime = time;
      if (end - at >= FRAME_HEADER_BYTES) {
        this.#begin(bytes, at);
        return at + FRAME_HEADER_BYTES;
      }
    }
    const take = Math.min(FRAME_HEADER_BYTES - this.#headerBytes, end - at);
    bytes.copy(this.#header, this.#headerBytes, at, at + take);
    this.#headerBytes += take;
    if (this.#headerBytes === FRAME_HEADER_BYTES) this.#begin(this.#header, 0);
    return at + take;
  }

  /** Whether the header at `bytes[at]` is one, behind a place that had to be found. Types that are not known pass (§4.1). */
  #isPossible(bytes: Buffer, at: number): boolean {
    const { type, stream } = this.#head;
    return type > Frame.continuation || (type === Frame.data && stream !== 0) || isFrameHeader(bytes, at);
  }

  /** The frame whose header is at `bytes[at]` begins. */
  #begin(bytes: Buffer, at: number): void {
    const head = this.#head;
    this.#headerBytes = 0;
    head.length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    head.type = bytes[at + 3] as number;
    head.flags = bytes[at + 4] as number;
    // The highest bit is reserved.
    head.stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    if (this.#wasLost && !this.#isPossible(bytes, at)) {
      this.#lose();
      return;
    }
    this.#left = head.length;
    this.#contentLeft = head.length;
    if (head.type === Frame.data) {
      if (head.length === 0) this.#endData();
      else this.#state = head.has(Flag.padded) ? State.padLength : State.content;
      return;
    }
    head.isWhole = true;
    if (head.length === 0) this.#handler.onFrame(head, bytes, 0, 0);
    this.#state = head.length === 0 ? State.header : State.payload;
  }

  #readPayload(bytes: Buffer, at: number, end: number): number {
    const head = this.#head;
    const wanted = Math.min(head.length, this.#handler.wanted(head));
    const take = Math.min(this.#left, end - at);
    this.#left -= take;
    const isOver = this.#left === 0;
    if (isOver && this.#keptBytes === 0) {
      this.#state = State.header;
      this.#handler.onFrame(head, bytes, at, at + Math.min(take, wanted));
      return at + take;
    }
    this.#keep(bytes, at, at + Math.min(take, wanted - this.#keptBytes), wanted);
    if (isOver) this.#endKept(true);
    return at + take;
  }

  #keep(bytes: Buffer, start: number, end: number, wanted: number): void {
    if (end <= start) return;
    const length = this.#keptBytes + end - start;
    if (length > this.#kept.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(wanted, Math.max(length, this.#kept.length * 2)));
      this.#kept.copy(grown, 0, 0, this.#keptBytes);
      this.#budget.add(grown.length - this.#kept.length);
      this.#kept = grown;
    }
    bytes.copy(this.#kept, this.#keptBytes, start, end);
    this.#keptBytes = length;
  }

  /** What was put together of a payload is all there will be. */
  #endKept(isWhole: boolean): void {
    const kept = this.#kept;
    const length = this.#keptBytes;
    this.#state = State.header;
    this.#dropKept();
    this.#head.isWhole = isWhole;
    this.#handler.onFrame(this.#head, kept, 0, length);
  }

  #dropKept(): void {
    this.#budget.remove(this.#kept.length);
    this.#kept = NO_BYTES;
    this.#keptBytes = 0;
  }

  /**
   * ```
   * | Pad Length (8) | Data … | Padding (Pad Length) |      §6.1
   * ```
   */
  #beginPadded(padding: number): void {
    this.#left--;
    this.#contentLeft = Math.max(0, this.#left - padding);
    this.#state = this.#contentLeft > 0 ? State.content : State.padding;
    if (this.#left === 0) this.#endData();
  }

  #readContent(bytes: Buffer, at: number, end: number): number {
    const take = Math.min(this.#contentLeft, end - at);
    this.#handler.onData(this.#head, bytes, at, at + take, this.#contentLeft);
    this.#contentLeft -= take;
    this.#left -= take;
    if (this.#left === 0) this.#endData();
    else if (this.#contentLeft === 0) this.#state = State.padding;
    return at + take;
  }

  /** Bytes of a frame that nobody reads. */
  #passPadding(length: number): void {
    this.#left -= length;
    if (this.#left > 0) return;
    if (this.#head.type === Frame.data) this.#endData();
    else this.#state = State.header;
  }

  /** Lost bytes that are within the frame. */
  #skipContent(length: number): void {
    if (this.#head.type === Frame.data && this.#state !== State.padding) {
      const lost = this.#contentIn(length);
      this.#handler.onDataLost(this.#head, lost);
      // Where the length of the padding is lost, what follows may be padding.
      this.#contentLeft = this.#state === State.padLength ? 0 : this.#contentLeft - lost;
      this.#state = this.#contentLeft > 0 ? State.content : State.padding;
    }
    this.#passPadding(length);
  }

  /** How much of the next `length` bytes is certain to be content of DATA. */
  #contentIn(length: number): number {
    if (this.#state === State.padLength) return Math.max(0, this.#left - 1 - PADDING_BYTES_MAX);
    return Math.min(length, this.#contentLeft);
  }

  #endData(): void {
    this.#state = State.header;
    this.#handler.onDataEnd(this.#head);
  }
}
