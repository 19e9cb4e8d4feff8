/**
 * The captures under way, all of them together: whether there is room for another, what ends them, what their files are
 * called.
 *
 * in: plans of messages · out: finished captures, each with its name and its memory
 */
import { compilePacketFilter } from '../../../capture/exclusions.js';
import type { PacketFilter } from '../../../capture/filter-program.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../../capture/link-types.js';
import type { CaptureFormat } from '../../../capture/packet-encoder.js';
import type { PacketView } from '../../../capture/packet-view.js';
import { SensorError } from '../../../errors.js';
import { ANY_INTERFACE, type CapturePlan } from '../message/admission.js';
import type { TriggerCounters } from '../trigger-counters.js';
import { CaptureJob, type FinishedCapture } from './capture-job.js';
import { CaptureWriter, type PacketOrigin } from './capture-writer.js';
import type { MemoryLedger, Reservation } from './memory-ledger.js';
import type { Taps } from './taps.js';

export interface CapturesContext {
  readonly node: string;
  readonly format: CaptureFormat;
  readonly capturesMax: number;
  readonly ledger: MemoryLedger;
  readonly taps: Taps;
  readonly counters: TriggerCounters;
  /** The link type of an interface; null for one that cannot be read. */
  linkTypeOf(interfaceName: string): number | null;
}

export interface CaptureRequest {
  readonly plan: CapturePlan;
  readonly onFinished: (capture: NamedCapture) => void;
  readonly onPacket?: (view: PacketView, origin: PacketOrigin) => void;
}

/** A finished capture under its name; its memory is the receiver's to give back. */
export interface NamedCapture extends FinishedCapture {
  readonly name: string;
  readonly plan: CapturePlan;
  readonly reservation: Reservation;
  /** What its times count from. */
  readonly timeBaseSeconds: number;
  /** Packets that the kernel dropped on the interface meanwhile; null where that is not known. */
  readonly dropped: number | null;
  /** Seconds before the message from which on packets were there to be taken. */
  readonly beforeSeconds: number;
}

/** Why a capture does not begin. */
export interface CaptureRefusal {
  readonly reason: string;
  /** Whether another time could be no better. */
  readonly isFinal: boolean;
}

/** Bytes around a packet in either format, and of the head of a file with what is not used of its memory. */
const RECORD_BYTES_MAX = 40;
const HEAD_BYTES_MAX = 1 << 14;
/** How often the clock is looked at for captures that no packet ends. */
const TICK_MILLIS = 100;
const FILTER_CACHE_MAX = 256;

export class Captures {
  readonly #context: CapturesContext;
  readonly #filters = new Map<string, PacketFilter | null>();
  /** Names given in the current second, which is when two captures could have the same one. */
  readonly #names = new Map<string, number>();
  #second = 0;
  #running = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: CapturesContext) {
    this.#context = context;
    this.#timer = setInterval(() => context.taps.noteTime(), TICK_MILLIS);
  }

  get running(): number {
    return this.#running;
  }

  /** Begins a capture, or says why not. */
  begin(request: CaptureRequest): CaptureRefusal | null {
    const refusal = this.#begin(request);
    if (refusal === null) this.#context.counters.captures_started++;
    else this.#context.counters.captures_refused++;
    return refusal;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#context.taps.close();
  }

  #begin({ plan, onFinished, onPacket }: CaptureRequest): CaptureRefusal | null {
    const { format, capturesMax, ledger, taps, counters } = this.#context;
    const fault = this.#fault(plan);
    if (fault !== null) return { reason: fault, isFinal: true };
    if (this.#running >= capturesMax)
      return {
        reason: `${this.#running} captures are under way, which is maxcaptures; ask again later`,
        isFinal: false,
      };
    const needed = bytesNeeded(plan);
    const reservation = ledger.reserve(needed);
    if (reservation === null) return noMemory(needed, ledger);
    try {
      const tap = taps.of(plan.interfaceName);
      const droppedBefore = tap.dropped(plan.interfaceName);
      const triggerTime = tap.now;
      const name = this.#nameFor(plan.interfaceName, format);
      const beforeSeconds = Math.max(
        0,
        Math.min(plan.beforeSeconds, (triggerTime - tap.oldestTime(plan.interfaceName)) / 1e9),
      );
      this.#running++;
      const job = new CaptureJob({
        plan,
        writer: new CaptureWriter({
          format,
          snapLength: plan.snapLength,
          isOfAny: plan.interfaceName === ANY_INTERFACE,
        }),
        filterFor: (linkType) => this.#filterOf(plan.filter, linkType) ?? null,
        triggerTime,
        ...(onPacket === undefined ? {} : { onPacket }),
        onFinished: (capture) => {
          this.#running--;
          counters.captures_finished++;
          counters.packets_captured += capture.packets;
          const now = tap.dropped(plan.interfaceName);
          const dropped = now === null || droppedBefore === null ? null : now - droppedBefore;
          counters.packets_dropped_by_kernel += dropped ?? 0;
          reservation.shrink(capture.bytes);
          onFinished({
            ...capture,
            name,
            plan,
            reservation,
            timeBaseSeconds: tap.timeBaseSeconds,
            dropped,
            beforeSeconds,
          });
        },
      });
      tap.add(job);
      return null;
    } catch (error) {
      reservation.shrink(0);
      if (!(error instanceof SensorError)) throw error;
      return { reason: error.message, isFinal: false };
    }
  }

  /** What is wrong with the interface or the filter. */
  #fault({ interfaceName, filter }: CapturePlan): string | null {
    const linkType = interfaceName === ANY_INTERFACE ? LINKTYPE_ETHERNET : this.#context.linkTypeOf(interfaceName);
    if (linkType === null) return `interface ${interfaceName}: its packets cannot be read`;
    const kinds = interfaceName === ANY_INTERFACE ? [LINKTYPE_ETHERNET, LINKTYPE_RAW] : [linkType];
    let fault: string | null = null;
    for (const one of kinds) {
      try {
        this.#compile(filter, one);
        return null;
      } catch (error) {
        if (!(error instanceof SensorError)) throw error;
        fault = error.message.replace(/^--filter/, 'bpf');
      }
    }
    return fault;
  }

  /** A filter that has no meaning for a link type takes none of its packets. */
  #filterOf(filter: string, linkType: number): PacketFilter | null {
    try {
      return this.#compile(filter, linkType);
    } catch {
      const takesNothing = () => false;
      this.#filters.set(`${linkType} ${filter}`, takesNothing);
      return takesNothing;
    }
  }

  #compile(filter: string, linkType: number): PacketFilter | null {
    const key = `${linkType} ${filter}`;
    const known = this.#filters.get(key);
    if (known !== undefined) return known;
    const compiled = compilePacketFilter(filter, linkType);
    if (this.#filters.size >= FILTER_CACHE_MAX) this.#filters.clear();
    this.#filters.set(key, compiled);
    return compiled;
  }

  /** pcapdaemon's name; what would be the same once more in this second has a number. */
  #nameFor(interfaceName: string, format: CaptureFormat): string {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) this.#names.clear();
    this.#second = second;
    // A host name may hold what a path may not.
    const base = `${this.#context.node}-${interfaceName}-${second}`.replaceAll(/[^\w.@-]/g, '_');
    const count = (this.#names.get(base) ?? 0) + 1;
    this.#names.set(base, count);
    return `${base}${count === 1 ? '' : `-${count}`}.${format === 'pcapng' ? 'pcapng' : 'pcap'}`;
  }
}

/** The most that the file of a plan can come to: the packet that crosses `bytes` is kept. */
export function bytesNeeded({ packetsMax, bytesMax, snapLength }: CapturePlan): number {
  const packet = snapLength + RECORD_BYTES_MAX;
  return Math.min(bytesMax + packet, packetsMax * packet) + HEAD_BYTES_MAX;
}

function noMemory(needed: number, { reserved, bytesMax }: MemoryLedger): CaptureRefusal {
  const most = `it may take ${needed} bytes`;
  if (needed > bytesMax)
    return {
      reason: `${most}, and maxmemory is ${bytesMax}; ask for fewer packets or bytes, or a smaller snap`,
      isFinal: true,
    };
  return {
    reason: `${most}, and ${reserved} of the ${bytesMax} bytes of maxmemory are taken; ask again later`,
    isFinal: false,
  };
}
