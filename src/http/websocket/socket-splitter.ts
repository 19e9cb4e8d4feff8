/**
 * One direction of a WebSocket (RFC 6455 §5, RFC 7692) → messages.
 *
 * in:  its bytes in order, and their gaps · out: messages, unmasked, fragments joined, compression undone, and control frames, to a
 *      `MessageTaker`
 *
 * A gap inside a frame costs what it held: of its message the beginning is told of. Behind one that reaches further the place among
 * the frames is looked for, and what passes meanwhile is counted.
 */
import type { MemoryBudget } from '../../memory-budget.js';
import { KeptBytes } from '../kept-bytes.js';
import type { MessageKind, MessageSplitter, MessageTaker } from '../stream-message.js';
import { FRAME_HEADER_BYTES_MAX, FrameHeader, INCOMPLETE, INVALID, Opcode, unmask } from './frame.js';
import type { MessageInflater } from './message-inflater.js';
import { PlaceFinder } from './place-finder.js';

export interface SocketContext {
  readonly budget: MemoryBudget;
  /** Bytes of one message as transferred, where it is compressed; a longer one is not decompressed. */
  readonly compressedBytesMax: number;
}

const CONTROL_BYTES_MAX = 125;
/** Of a close frame: the status code (§5.5.1). */
const CODE_BYTES = 2;
const NO_BYTES = Buffer.alloc(0);
const UNKNOWN_EXTENSION = 'compressed by an extension that is not known';

export class SocketSplitter implements MessageSplitter {
  readonly #taker: MessageTaker;
  readonly #isRequest: boolean;
  readonly #context: SocketContext;
  /** Null where no compression was agreed on. */
  readonly #inflater: MessageInflater | null;
  readonly #frame = new FrameHeader();
  readonly #finder: PlaceFinder;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES_MAX);
  #headerBytes = 0;
  #isInPayload = false;
  #isLost = false;
  /** When its latest bytes came. */
  #time = 0;
  /** Bytes of the frame's payload that are still to come, and those that have. */
  #left = 0;
  #passed = 0;
  /** The message being read, 0 where none is: its opcode. */
  #opcode: number = Opcode.continuation;
  #isCompressed = false;
  /** Bytes of it that are kept, and how many may be of its content. */
  #max = 0;
  #room = 0;
  readonly #message: KeptBytes;
  readonly #control: KeptBytes;

  constructor(taker: MessageTaker, isRequest: boolean, inflater: MessageInflater | null, context: SocketContext) {
    this.#taker = taker;
    this.#isRequest = isRequest;
    this.#inflater = inflater;
    this.#context = context;
    this.#finder = new PlaceFinder(isRequest);
    this.#message = new KeptBytes(context.budget);
    this.#control = new KeptBytes(context.budget);
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    let at = start;
    this.#time = time;
    if (this.#isLost) {
      const found = this.#finder.find(bytes, start, end);
      at = found < 0 ? end : found;
      this.#isLost = found < 0;
      this.#taker.lose(this.#isRequest, at - start);
    }
    while (at < end)
      at = this.#isInPayload ? this.#readPayload(bytes, at, end, time) : this.#readHeader(bytes, at, end, time);
  }

  gap(length: number): void {
    this.#taker.lose(this.#isRequest, length, 'gap');
    if (this.#isInPayload && length > 0 && length <= this.#left) {
      this.#pass(length);
      // What follows is not joined to what is in front of it.
      this.#target.total += length;
      if (this.#left === 0) this.#endFrame(this.#time);
    } else {
      this.#losePlace();
    }
  }

  finish(): void {
    this.close();
  }

  close(): void {
    this.#message.release();
    this.#control.release();
    this.#inflater?.release();
  }

  // ---

  #readHeader(bytes: Buffer, at: number, end: number, time: number): number {
    const header = this.#header;
    const held = this.#headerBytes;
    let size: number;
    if (held === 0) {
      size = this.#frame.read(bytes, at, end);
    } else {
      const take = Math.min(end - at, FRAME_HEADER_BYTES_MAX - held);
      bytes.copy(header, held, at, at + take);
      size = this.#frame.read(header, 0, held + take);
    }
    if (size === INVALID) {
      this.#goAstray(end - at);
      return end;
    }
    if (size === INCOMPLETE) {
      if (held === 0) bytes.copy(header, 0, at, end);
      this.#headerBytes = held + end - at;
      return end;
    }
    this.#headerBytes = 0;
    this.#isInPayload = true;
    this.#left = this.#frame.length;
    this.#passed = 0;
    if (!this.#frame.isControl) this.#beginFragment(time);
    if (this.#left === 0) this.#endFrame(time);
    return at + size - held;
  }

  #readPayload(bytes: Buffer, at: number, end: number, time: number): number {
    const to = Math.min(end, at + this.#left);
    const { isControl, isMasked, mask } = this.#frame;
    const target = this.#target;
    const before = target.length;
    target.append(bytes, at, to, isControl ? CONTROL_BYTES_MAX : this.#max);
    if (isMasked && target.length > before) unmask(target.bytes, before, target.length, mask, this.#passed);
    this.#pass(to - at);
    if (this.#left === 0) this.#endFrame(time);
    return to;
  }

  get #target(): KeptBytes {
    return this.#frame.isControl ? this.#control : this.#message;
  }

  #pass(length: number): void {
    this.#left -= length;
    this.#passed = (this.#passed + length) % 4;
  }

  /** A data frame begins: a message, or more of one. */
  #beginFragment(time: number): void {
    const { opcode, isCompressed } = this.#frame;
    // Behind a loss this is the rest of a message whose beginning is missing; elsewhere it has none.
    if (opcode === Opcode.continuation) return;
    // A message that has not ended is given up for it (§5.4).
    if (this.#opcode !== Opcode.continuation) this.#taker.lose(this.#isRequest, this.#message.total, 'malformed');
    this.#message.clear();
    this.#opcode = opcode;
    this.#isCompressed = isCompressed;
    this.#room = this.#taker.room(this.#isRequest, time);
    this.#max = this.#room;
    if (isCompressed && this.#inflater !== null && (this.#room > 0 || this.#inflater.keepsContext)) {
      this.#max = this.#context.compressedBytesMax;
    }
  }

  #endFrame(time: number): void {
    this.#isInPayload = false;
    const { isControl, isFinal, opcode } = this.#frame;
    if (isControl) this.#endControl(opcode, time);
    else if (this.#opcode === Opcode.continuation) this.#dropRest();
    else if (isFinal) this.#endMessage(time);
  }

  #endControl(opcode: number, time: number): void {
    const control = this.#control;
    const { total: wireBytes } = control;
    const isWhole = control.length === wireBytes;
    const payload = control.take();
    const isClose = opcode === Opcode.close;
    const hasCode = isClose && payload.length >= CODE_BYTES;
    const content = hasCode ? payload.subarray(CODE_BYTES) : payload;
    this.#taker.take({
      isRequest: this.#isRequest,
      kind: isClose ? 'close' : opcode === Opcode.ping ? 'ping' : 'pong',
      time,
      wireBytes,
      bytes: hasCode ? wireBytes - CODE_BYTES : wireBytes,
      content,
      truncated: !isWhole,
      codingError: null,
      ...(hasCode ? { closeCode: payload.readUInt16BE(0) } : {}),
    });
  }

  #endMessage(time: number): void {
    const message = this.#message;
    const kind: MessageKind = this.#opcode === Opcode.text ? 'text' : 'binary';
    const { total: wireBytes } = message;
    const isWhole = message.length === wireBytes;
    const common = { isRequest: this.#isRequest, kind, time, wireBytes } as const;
    const inflater = this.#inflater;
    if (!this.#isCompressed || inflater === null || this.#max === 0) {
      const isUnknown = this.#isCompressed && inflater === null;
      const content = isUnknown ? NO_BYTES : message.take();
      message.clear();
      const codingError = isUnknown ? UNKNOWN_EXTENSION : null;
      this.#taker.take({ ...common, bytes: wireBytes, content, truncated: !isWhole || isUnknown, codingError });
    } else {
      const { content, isCut, error } = inflater.inflate(message.bytes, isWhole);
      message.clear();
      this.#taker.take({
        ...common,
        bytes: error === null ? content.length : wireBytes,
        // A copy, as what is kept of it may be a small part.
        content: Buffer.from(content.subarray(0, this.#room)),
        truncated: isCut || content.length > this.#room || error !== null,
        codingError: error,
      });
    }
    this.#opcode = Opcode.continuation;
  }

  /** A fragment of a message whose beginning is missing. */
  #dropRest(): void {
    this.#taker.lose(this.#isRequest, this.#message.total);
    this.#message.clear();
  }

  /** What comes is no frame. */
  #goAstray(length: number): void {
    this.#taker.lose(this.#isRequest, length, 'malformed');
    this.#losePlace();
  }

  #losePlace(): void {
    if (this.#opcode !== Opcode.continuation) this.#taker.lose(this.#isRequest, this.#message.total);
    this.#message.clear();
    this.#control.clear();
    this.#opcode = Opcode.continuation;
    this.#isInPayload = false;
    this.#headerBytes = 0;
    this.#left = 0;
    this.#isLost = true;
    this.#finder.forget();
    this.#inflater?.forget();
  }
}
