/**
 * A stream of messages whose body is coded as a whole → the same, decoded as it comes.
 *
 * in:  a coded body's bytes · out: its content, to the splitter of its type
 *
 * Behind a gap nothing of it can be decoded any more, nor behind what is not the coding, or comes to more than content does; what
 * passes then is counted.
 */
import type { InflateWindows, WindowOwner } from './inflate-windows.js';
import { openStreamDecoder, STEP_BYTES, type StreamDecoder } from './stream-decoder.js';
import type { MessageSplitter, MessageTaker } from './stream-message.js';

/** As many bytes say which way of a coding it is. */
const FIRST_BYTES = 2;
const NO_BYTES = Buffer.alloc(0);

export class CodedSplitter implements MessageSplitter, WindowOwner {
  readonly #inner: MessageSplitter;
  readonly #taker: MessageTaker;
  readonly #isRequest: boolean;
  readonly #coding: string;
  readonly #windows: InflateWindows;
  #decoder: StreamDecoder | null = null;
  #taken = 0;
  #first = NO_BYTES;
  #isOver = false;

  constructor(
    inner: MessageSplitter,
    taker: MessageTaker,
    isRequest: boolean,
    coding: string,
    windows: InflateWindows,
  ) {
    this.#inner = inner;
    this.#taker = taker;
    this.#isRequest = isRequest;
    this.#coding = coding;
    this.#windows = windows;
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    let from = bytes;
    let at = start;
    let to = end;
    if (this.#decoder === null && !this.#isOver) {
      if (this.#first.length + end - start < FIRST_BYTES) {
        this.#first = Buffer.from(bytes.subarray(start, end));
        return;
      }
      if (this.#first.length > 0) {
        from = Buffer.concat([this.#first, bytes.subarray(start, end)]);
        at = 0;
        to = from.length;
      }
      this.#open(from.subarray(at, to));
    }
    for (; at < to && !this.#isOver; at += STEP_BYTES) this.#decode(from, at, Math.min(to, at + STEP_BYTES), time);
    if (at < to) this.#taker.lose(this.#isRequest, to - at);
  }

  gap(length: number): void {
    this.#end();
    this.#inner.gap(length);
  }

  finish(time: number): void {
    if (!this.#isOver) this.#inner.finish(time);
  }

  close(): void {
    this.#end();
    this.#inner.close();
  }

  onWindowEvicted(): void {
    this.#taken = 0;
    this.#end();
    this.#inner.gap(0);
  }

  #open(first: Buffer): void {
    this.#decoder = openStreamDecoder(this.#coding, first);
    this.#first = NO_BYTES;
    if (this.#decoder === null || !this.#takeMemory(this.#decoder)) this.#end();
  }

  #decode(bytes: Buffer, start: number, end: number, time: number): void {
    const decoder = this.#decoder as StreamDecoder;
    let content: Buffer;
    try {
      content = decoder.push(bytes.subarray(start, end));
    } catch {
      this.#end();
      this.#taker.lose(this.#isRequest, end - start, 'malformed');
      this.#inner.gap(0);
      return;
    }
    if (!this.#takeMemory(decoder)) {
      this.#end();
      this.#inner.gap(0);
    } else this.#inner.data(content, 0, content.length, time);
  }

  /** A frame may want more of it than those before. */
  #takeMemory({ memoryBytes }: StreamDecoder): boolean {
    const more = memoryBytes - this.#taken;
    if (more > 0 && !this.#windows.take(this, more)) return false;
    this.#taken = Math.max(this.#taken, memoryBytes);
    this.#windows.touch(this);
    return true;
  }

  #end(): void {
    this.#isOver = true;
    this.#decoder?.close();
    this.#decoder = null;
    this.#windows.release(this);
    this.#taken = 0;
  }
}
