/**
 * Frames on their way to the receiver: those that were sent and may have to be sent again, then those that wait.
 *
 * in: frames · out: frames in order, each until it is confirmed; what does not fit is dropped by a rule, or goes to a spool
 *
 *     ┌ sent, not confirmed ┐┌ waiting ┐┌ spool ┐
 *     head                   next        on disk
 *
 * A frame gets its number when it is sent first, so that the numbers of those sent have no gaps: only those that wait are dropped.
 */
import type { PacketCounts, SensorDrop } from './sensor-books.js';

export interface OutgoingFrame {
  readonly bytes: Buffer;
  readonly linkType: number;
  readonly packets: number;
  readonly counts: PacketCounts;
  /** The queue has no use for the bytes any more, which may then be others. */
  readonly release?: () => void;
}

/** Frames kept elsewhere, first in first out. */
export interface FrameStore {
  readonly isEmpty: boolean;
  /** False where there is no room. */
  push(frame: OutgoingFrame): 'kept' | 'full' | 'failed';
  shift(): OutgoingFrame | null;
}

export interface FrameQueueContext {
  readonly bytesMax: number;
  readonly drops: 'oldest' | 'newest';
  readonly spool: FrameStore | null;
  readonly onConfirmed: (frame: OutgoingFrame) => void;
  readonly onDropped: (frame: OutgoingFrame, reason: SensorDrop) => void;
}

export class FrameQueue {
  readonly #context: FrameQueueContext;
  /** `#frames[#head, …)`; compacted now and then. */
  #frames: OutgoingFrame[] = [];
  #head = 0;
  #next = 0;
  /** Behind it no frame has ever been sent, and so has no number yet. */
  #unsent = 0;
  #bytes = 0;
  #unconfirmedBytes = 0;
  /** The number of the frame at `#head`. */
  #number = 0;

  constructor(context: FrameQueueContext) {
    this.#context = context;
  }

  /** The number of the first frame that is not confirmed. */
  get firstNumber(): number {
    return this.#number;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes sent and not confirmed. */
  get unconfirmedBytes(): number {
    return this.#unconfirmedBytes;
  }

  get isEmpty(): boolean {
    return this.#head === this.#frames.length && (this.#context.spool?.isEmpty ?? true);
  }

  push(frame: OutgoingFrame): void {
    const { bytesMax, drops, spool } = this.#context;
    if (spool !== null && (!spool.isEmpty || this.#bytes + frame.bytes.length > bytesMax)) {
      const outcome = spool.push(frame);
      if (outcome === 'kept') frame.release?.();
      else this.#drop(frame, outcome === 'full' ? 'spool-full' : 'spool-failed');
      return;
    }
    if (spool === null && drops === 'oldest')
      while (this.#bytes + frame.bytes.length > bytesMax && this.#unsent < this.#frames.length) this.#dropOldest();
    if (this.#bytes + frame.bytes.length > bytesMax && this.#head < this.#frames.length) {
      this.#drop(frame, 'queue-full');
      return;
    }
    this.#append(frame);
  }

  /** The next frame to send, or null. */
  shift(): OutgoingFrame | null {
    if (this.#next === this.#frames.length) this.#refill();
    const frame = this.#frames[this.#next];
    if (frame === undefined) return null;
    this.#next++;
    this.#unsent = Math.max(this.#unsent, this.#next);
    this.#unconfirmedBytes += frame.bytes.length;
    return frame;
  }

  /** Every frame before that number has arrived. */
  confirmBefore(number: number): void {
    while (this.#number < number && this.#head < this.#next) {
      const frame = this.#frames[this.#head++] as OutgoingFrame;
      this.#number++;
      this.#bytes -= frame.bytes.length;
      this.#unconfirmedBytes -= frame.bytes.length;
      this.#context.onConfirmed(frame);
      frame.release?.();
    }
    if (this.#head > 1024 || this.#head === this.#frames.length) this.#compact();
  }

  /** What is not confirmed is to be sent again, in the same order. */
  rewind(): void {
    this.#next = this.#head;
    this.#unconfirmedBytes = 0;
  }

  /** Gives everything up, or to the spool where there is one. */
  close(reason: SensorDrop): void {
    const { spool } = this.#context;
    const left = this.#frames.slice(this.#head);
    this.#frames = [];
    this.#head = 0;
    this.#next = 0;
    this.#unsent = 0;
    this.#bytes = 0;
    for (const frame of left) {
      const outcome = spool === null ? 'full' : spool.push(frame);
      if (outcome === 'kept') frame.release?.();
      else this.#drop(frame, spool === null ? reason : outcome === 'full' ? 'spool-full' : 'spool-failed');
    }
  }

  #append(frame: OutgoingFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.bytes.length;
  }

  #dropOldest(): void {
    const [frame] = this.#frames.splice(this.#unsent, 1) as [OutgoingFrame];
    this.#bytes -= frame.bytes.length;
    this.#drop(frame, 'queue-full');
  }

  #drop(frame: OutgoingFrame, reason: SensorDrop): void {
    this.#context.onDropped(frame, reason);
    frame.release?.();
  }

  /** Brings back from the spool what fits into half of the memory. */
  #refill(): void {
    const { spool, bytesMax } = this.#context;
    while (spool !== null && !spool.isEmpty && this.#bytes < bytesMax / 2) {
      const frame = spool.shift();
      if (frame === null) return;
      this.#append(frame);
    }
  }

  #compact(): void {
    this.#frames = this.#frames.slice(this.#head);
    this.#next -= this.#head;
    this.#unsent -= this.#head;
    this.#head = 0;
  }
}
