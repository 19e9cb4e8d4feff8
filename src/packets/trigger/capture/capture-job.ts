/**
 * One capture under way: takes packets until a condition of its message ends it.
 *
 * in: packets of its interface in order, the time · out: a finished capture, once
 *
 * Conditions go by the times of the packets, which the kernel gives them, and not by when the process gets to see them. So a
 * capture of one second has the packets of that second, however the kernel hands them over. The clock only ends a capture
 * that no later packet ends, some time afterwards, as packets may be under way in the ring.
 */
import type { PacketFilter } from '../../../capture/filter-program.js';
import type { PacketView } from '../../../capture/packet-view.js';
import type { CapturePlan } from '../message/admission.js';
import type { CaptureWriter, PacketOrigin } from './capture-writer.js';

export type StopReason = 'packets' | 'bytes' | 'timeout' | 'duration' | 'shutdown' | 'interface';

export interface FinishedCapture {
  readonly reason: StopReason;
  readonly pieces: readonly Buffer[];
  readonly packets: number;
  readonly bytes: number;
  readonly linkType: number | null;
  /** Packets of another link type than the file's, as an interface came back as something else. */
  readonly foreign: number;
  /** When its first and last packet were captured, in nanoseconds since the source's base; null without packets. */
  readonly firstTime: number | null;
  readonly lastTime: number | null;
}

export interface CaptureJobContext {
  readonly plan: CapturePlan;
  readonly writer: CaptureWriter;
  /** Null takes every packet. Link types differ where the interface is any of them. */
  filterFor(linkType: number): PacketFilter | null;
  /** When the message came, in nanoseconds since the source's base. */
  readonly triggerTime: number;
  readonly onFinished: (capture: FinishedCapture) => void;
  /** Shows each packet that is taken, where that was asked for. */
  readonly onPacket?: (view: PacketView, origin: PacketOrigin) => void;
}

/** How long packets may be under way between the kernel and here: several times as long as a block of the ring stays open. */
export const UNDER_WAY_NANOS = 400e6;

export class CaptureJob {
  readonly plan: CapturePlan;
  /** Packets from here on are taken. */
  readonly beginTime: number;
  readonly #context: CaptureJobContext;
  readonly #endTime: number;
  readonly #timeoutNanos: number;
  /** When the last packet was captured that the gap to the next is measured from; the message itself, where there is none. */
  #gapFrom: number;
  #firstTime: number | null = null;
  #lastTime: number | null = null;
  #foreign = 0;
  #isFinished = false;

  constructor(context: CaptureJobContext) {
    const { plan, triggerTime } = context;
    this.plan = plan;
    this.#context = context;
    this.beginTime = triggerTime - plan.beforeSeconds * 1e9;
    this.#endTime = triggerTime + plan.durationSeconds * 1e9;
    this.#timeoutNanos = plan.timeoutSeconds * 1e9;
    this.#gapFrom = triggerTime;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** A packet of its interface, captured at `time`. */
  offer(view: PacketView, time: number, origin: PacketOrigin): void {
    if (this.#isFinished || time < this.beginTime) return;
    const { plan, writer, filterFor, onPacket } = this.#context;
    if (time > this.#endTime) {
      this.finish('duration');
      return;
    }
    const filter = filterFor(origin.linkType);
    if (filter !== null && !filter(view.bytes, view.offset, view.captured, view.wire)) return;
    // What came before the message has no part in how long nothing comes after it.
    if (time - this.#gapFrom > this.#timeoutNanos) {
      this.finish('timeout');
      return;
    }
    if (!writer.write(view, origin)) {
      this.#foreign++;
      return;
    }
    onPacket?.(view, origin);
    this.#firstTime ??= time;
    this.#lastTime = time;
    this.#gapFrom = Math.max(this.#gapFrom, time);
    if (writer.packets >= plan.packetsMax) this.finish('packets');
    else if (writer.bytes >= plan.bytesMax) this.finish('bytes');
  }

  /** When the clock is to be asked next whether the capture is over. */
  get deadline(): number {
    return Math.min(this.#endTime, this.#gapFrom + this.#timeoutNanos) + UNDER_WAY_NANOS;
  }

  /** Ends the capture if it is `time`, and no packet has said so. */
  noteTime(time: number): void {
    if (this.#isFinished || time < this.deadline) return;
    this.finish(this.#endTime <= this.#gapFrom + this.#timeoutNanos ? 'duration' : 'timeout');
  }

  finish(reason: StopReason): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const { writer, onFinished } = this.#context;
    const { packets, bytes, linkType } = writer;
    onFinished({
      reason,
      pieces: packets === 0 ? [] : writer.finish(),
      ...{ packets, bytes, linkType },
      foreign: this.#foreign,
      firstTime: this.#firstTime,
      lastTime: this.#lastTime,
    });
  }
}
