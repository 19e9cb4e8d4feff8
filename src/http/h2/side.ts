/**
 * One direction of an HTTP/2 connection: its frames, its header blocks in the order they were sent, and what they say of the
 * connection's streams.
 *
 * in:  frames · out: calls on `Streams`, and what the other direction has to know
 *
 * Every header block is decoded, whatever became of its stream, as the next one may refer to it (RFC 9113 §4.3).
 */
import type { Direction } from '../../flow/flow-consumer.js';
import type { FieldTexts } from './field-texts.js';
import { Flag, Frame, SETTING_BYTES, SETTINGS_HEADER_TABLE_SIZE } from './frame.js';
import { type FrameHandler, type FrameHead, FrameReader } from './frame-reader.js';
import type { HeadFields } from './head-fields.js';
import { HeaderBlock } from './header-block.js';
import { BlockResult, HpackDecoder } from './hpack-decoder.js';
import type { DataRange } from './stream.js';
import type { Streams, StreamsContext } from './streams.js';

export interface SideContext extends StreamsContext {
  /** Written anew for each header block. */
  readonly fields: HeadFields;
  readonly texts: FieldTexts;
}

/** Of GOAWAY, what is read: the last stream and the error code. */
const GO_AWAY_BYTES = 8;
const RST_STREAM_BYTES = 4;
/** Around a field block's fragment: padding with its length, and a priority or a promised stream. */
const FRAGMENT_OVERHEAD_MAX = 261;

export class Side implements FrameHandler {
  readonly reader: FrameReader;
  readonly #context: SideContext;
  readonly #direction: Direction;
  readonly #streams: Streams;
  readonly #hpack: HpackDecoder;
  /** The side this one talks to, whose decoder its SETTINGS are about. */
  peer: Side | null = null;
  readonly #block: HeaderBlock;
  /** SETTINGS since the last head. */
  #settings = 0;
  readonly #range: DataRange = { start: 0, end: 0, left: 0, time: 0 };

  constructor(context: SideContext, streams: Streams, direction: Direction, isLost: boolean) {
    this.#context = context;
    this.#streams = streams;
    this.#direction = direction;
    this.#block = new HeaderBlock(direction);
    this.#hpack = new HpackDecoder(context.limits.h2_table_bytes_max, context.budget, context.texts);
    this.reader = new FrameReader(this, context.budget, isLost);
  }

  close(): void {
    this.reader.close();
    this.#block.release(this.#context.budget);
    this.#hpack.window.forget();
  }

  // --- FrameHandler

  wanted({ type }: FrameHead): number {
    switch (type) {
      case Frame.headers:
      case Frame.pushPromise:
      case Frame.continuation:
        return this.#context.limits.head_bytes_max + FRAGMENT_OVERHEAD_MAX;
      case Frame.settings:
        return this.#context.limits.h2_settings_bytes_max;
      case Frame.goAway:
        return GO_AWAY_BYTES;
      case Frame.rstStream:
        return RST_STREAM_BYTES;
      default:
        return 0;
    }
  }

  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (block.isOpen) {
      if (head.type === Frame.continuation && head.stream === block.stream) {
        this.#continue(block, head, bytes, start, end);
        return;
      }
      // Nothing may come in between (§6.10).
      block.isBroken = true;
      this.#endBlock(block, head.time);
    }
    switch (head.type) {
      case Frame.headers:
        this.#onHeaders(head, bytes, start, end);
        break;
      case Frame.pushPromise:
        this.#onPushPromise(head, bytes, start, end);
        break;
      case Frame.continuation:
        // Of a block whose beginning was not seen.
        this.#hpack.window.forget();
        break;
      case Frame.rstStream:
        if (end - start === RST_STREAM_BYTES) this.#onReset(head, bytes, start);
        break;
      case Frame.settings:
        if (head.has(Flag.ack) || ++this.#settings > this.#context.limits.h2_settings_max) break;
        this.#onSettings(bytes, start, end);
        break;
      case Frame.goAway:
        if (end - start === GO_AWAY_BYTES) this.#onGoAway(head, bytes, start);
        break;
      default:
        break;
    }
  }

  onData({ stream, time }: FrameHead, bytes: Buffer, start: number, end: number, left: number): void {
    const range = this.#range;
    range.start = start;
    range.end = end;
    range.left = left;
    range.time = time;
    this.#streams.onData(this.#direction, stream, bytes, range);
  }

  onDataLost({ stream, time }: FrameHead, length: number): void {
    this.#streams.onDataLost(this.#direction, stream, length, time);
  }

  onDataEnd(head: FrameHead): void {
    if (head.has(Flag.endStream)) this.#streams.onEnd(this.#direction, head.stream, head.time);
  }

  onPlaceLost(): void {
    if (this.#block.isOpen) {
      this.#block.isCut = true;
      this.#endBlock(this.#block, this.#block.startTime);
    }
    this.#hpack.window.forget();
    this.#streams.onPlaceLost(this.#direction);
  }

  onPlaceFound(): void {
    this.#streams.onPlaceFound(this.#direction);
  }

  // ---

  /**
   * ```
   * | Pad Length? (8) | E, Stream Dependency? (32) | Weight? (8) | Field Block Fragment … | Padding … |      §6.2
   * ```
   */
  #onHeaders(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    this.#block.begin(head.stream, 0, head.has(Flag.endStream), head.startTime);
    const prefix = head.has(Flag.priority) ? PRIORITY_BYTES : 0;
    this.#begin(head, bytes, start + paddedBytes(head) + prefix, fragmentEnd(head, bytes, start, end));
  }

  /**
   * ```
   * | Pad Length? (8) | R, Promised Stream ID (32) | Field Block Fragment … | Padding … |      §6.6
   * ```
   */
  #onPushPromise(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    const at = start + paddedBytes(head);
    const fragment = at + PROMISED_BYTES;
    const promised = fragment <= end ? bytes.readUInt32BE(at) & 0x7fff_ffff : 0;
    this.#block.begin(head.stream, promised, false, head.startTime);
    this.#block.isPromise = true;
    this.#begin(head, bytes, fragment, fragmentEnd(head, bytes, start, end));
  }

  #begin(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    const block = this.#block;
    // Where there is less than its fields say, it is a part of one, or none.
    block.isCut = !head.isWhole;
    block.isBroken = head.isWhole && end < start;
    if (head.has(Flag.endHeaders)) {
      this.#decode(block, bytes, Math.min(start, end), end, head.time);
      return;
    }
    block.isOpen = true;
    if (end > start) this.#append(block, bytes, start, end);
  }

  #continue(block: HeaderBlock, head: FrameHead, bytes: Buffer, start: number, end: number): void {
    block.continuations++;
    if (block.continuations > this.#context.limits.h2_continuations_max) block.isTooLarge = true;
    if (!block.isCut && !block.isBroken && !block.isTooLarge) this.#append(block, bytes, start, end);
    if (!head.isWhole) block.isCut = true;
    if (head.has(Flag.endHeaders)) this.#endBlock(block, head.time);
  }

  #append(block: HeaderBlock, bytes: Buffer, start: number, end: number): void {
    const { limits, budget } = this.#context;
    block.append(bytes, start, end, limits.head_bytes_max, budget);
  }

  #endBlock(block: HeaderBlock, time: number): void {
    block.isOpen = false;
    this.#decode(block, block.bytes, 0, block.length, time);
    block.release(this.#context.budget);
  }

  #decode(block: HeaderBlock, bytes: Buffer, start: number, end: number, time: number): void {
    const { fields, counters } = this.#context;
    this.#settings = 0;
    const { stream, promised } = block;
    block.endTime = time;
    fields.begin(block.isPromise || this.#streams.wantsFields(this.#direction, stream));
    const result = this.#hpack.decode(bytes, start, end, fields);
    const isPart = block.isCut || block.isBroken || block.isTooLarge;
    if (isPart) this.#hpack.window.forget();
    if (block.isTooLarge) fields.isTooLarge = true;
    if (fields.isTooLarge) {
      const isRequest = this.#direction === this.#streams.client;
      counters[isRequest ? 'request_heads_too_large' : 'response_heads_too_large']++;
    }
    if (result !== BlockResult.whole || isPart || (fields.isTooLarge && fields.path === null)) fields.hasUnknown = true;
    if (block.isBroken || result === BlockResult.invalid || (result === BlockResult.cut && !isPart)) {
      counters.messages_malformed++;
      fields.malformed = true;
    }
    this.reader.noteStream(stream);
    this.peer?.reader.noteStream(stream);
    if (!block.isPromise) this.#streams.onHeaders(block, fields);
    else if (promised !== 0) this.#streams.onPromise(block, promised, fields);
  }

  /**
   * ```
   * | Identifier (16) | Value (32) | …      §6.5.1
   * ```
   */
  #onSettings(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at + SETTING_BYTES <= end; at += SETTING_BYTES) {
      if (bytes.readUInt16BE(at) === SETTINGS_HEADER_TABLE_SIZE) this.peer?.allowTable(bytes.readUInt32BE(at + 2));
    }
  }

  /** The peer's decoder has room for so many bytes. */
  allowTable(bytes: number): void {
    this.#hpack.window.allow(bytes);
  }

  /**
   * ```
   * | Error Code (32) |      §6.4
   * ```
   */
  #onReset({ stream, time }: FrameHead, bytes: Buffer, at: number): void {
    this.#streams.onReset(this.#direction, stream, bytes.readUInt32BE(at), time);
  }

  /**
   * ```
   * | R, Last-Stream-ID (31) | Error Code (32) | Additional Debug Data … |      §6.8
   * ```
   */
  #onGoAway({ time }: FrameHead, bytes: Buffer, at: number): void {
    this.#streams.onGoAway(this.#direction, bytes.readUInt32BE(at) & 0x7fff_ffff, bytes.readUInt32BE(at + 4), time);
  }
}

const PRIORITY_BYTES = 5;
const PROMISED_BYTES = 4;

function paddedBytes(head: FrameHead): number {
  return head.has(Flag.padded) ? 1 : 0;
}

/** Where the fragment in the payload `bytes[start, end)` ends: in front of the padding, as far as that is here. */
function fragmentEnd(head: FrameHead, bytes: Buffer, start: number, end: number): number {
  if (!head.has(Flag.padded) || start === end) return end;
  return Math.min(end, start + head.length - (bytes[start] as number));
}
