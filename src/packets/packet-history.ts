/**
 * The last packets of an interface, or of several, kept in memory of a fixed size: what was there before anybody asked.
 *
 * in: packets as they come · out: the packets since some time, in the order in which they came · the oldest go for new ones
 *
 * One piece of memory, written round and round, eight bytes aligned. A record never wraps: where it does not fit behind the
 * last one, it begins at the start. The system gives the memory as it is written, so that a quiet interface costs little.
 *
 *     record: time f64 · captured i32 · wire i32 · VLAN tag u32 · interface u32 · the packet
 */
import type { PacketBatch } from '../capture/packet-batch.js';
import { createPacketView, type PacketView } from '../capture/packet-view.js';

const HEAD_BYTES = 24;

export interface PacketHistorySettings {
  readonly bytesMax: number;
  /** What is older than the newest packet by more is forgotten. */
  readonly nanosMax: number;
}

/** Takes a packet, which is valid until it returns, with its time as in the batch. False ends the walk. */
export type PacketVisitor = (view: PacketView, time: number, interfaceId: number) => boolean;

export interface HistoryCursor {
  /** The time of the packet it stands at; infinite behind the last. */
  readonly time: number;
  /** Shows that packet, and goes to the next. Returns what the visitor does. */
  take(visitor: PacketVisitor): boolean;
}

export class PacketHistory {
  readonly #nanosMax: number;
  readonly #size: number;
  readonly #bytes: Buffer;
  readonly #times: Float64Array;
  readonly #words: Int32Array;
  readonly #view = createPacketView();
  #timeBaseSeconds = 0;
  /** Where the oldest record begins, where the next one will, and where the last one before the start ends. */
  #head = 0;
  #tail = 0;
  #end: number;
  #count = 0;

  constructor({ bytesMax, nanosMax }: PacketHistorySettings) {
    this.#nanosMax = nanosMax;
    this.#size = bytesMax & ~7;
    const memory = new ArrayBuffer(this.#size);
    this.#bytes = Buffer.from(memory);
    this.#times = new Float64Array(memory);
    this.#words = new Int32Array(memory);
    this.#end = this.#size;
  }

  get packets(): number {
    return this.#count;
  }

  /** The time of the oldest packet; infinite where there is none. */
  get oldestTime(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#timeAt(this.#head);
  }

  /** Copies a packet of a batch. One that is longer than the memory is not kept. */
  push(batch: PacketBatch, index: number): void {
    const captured = batch.capturedLength[index] as number;
    const time = batch.time[index] as number;
    const bytes = recordBytes(captured);
    if (bytes > this.#size) return;
    this.#timeBaseSeconds = batch.timeBaseSeconds;
    this.#makeRoom(bytes, time);
    const at = this.#tail;
    const word = at >> 2;
    this.#times[at >> 3] = time;
    this.#words[word + 2] = captured;
    this.#words[word + 3] = batch.wireLength[index] as number;
    this.#words[word + 4] = batch.vlanTag[index] as number;
    this.#words[word + 5] = batch.interfaceId[index] as number;
    const offset = batch.offset[index] as number;
    batch.bytes.copy(this.#bytes, at + HEAD_BYTES, offset, offset + captured);
    this.#tail = at + bytes;
    this.#count++;
  }

  /** Walks through the packets from `since` on, the oldest first. */
  visit(since: number, visitor: PacketVisitor): void {
    const cursor = this.cursor(since);
    while (cursor.time !== Number.POSITIVE_INFINITY) if (!cursor.take(visitor)) return;
  }

  /** A place among the packets from `since` on, valid until the next `push`. */
  cursor(since: number): HistoryCursor {
    let at = this.#head;
    let left = this.#count;
    let time = Number.POSITIVE_INFINITY;
    const settle = (): void => {
      for (; left > 0; step()) {
        if (at === this.#end) at = 0;
        time = this.#timeAt(at);
        if (time >= since) return;
      }
      time = Number.POSITIVE_INFINITY;
    };
    const step = (): void => {
      at += this.#sizeAt(at);
      left--;
    };
    settle();
    return {
      get time() {
        return time;
      },
      take: (visitor) => {
        const goesOn = visitor(this.#show(at, time), time, this.#words[(at >> 2) + 5] as number);
        step();
        settle();
        return goesOn;
      },
    };
  }

  #makeRoom(bytes: number, time: number): void {
    while (this.#count > 0 && this.#timeAt(this.#head) < time - this.#nanosMax) this.#evict();
    if (this.#tail + bytes > this.#size) {
      // What lies between here and the end is the oldest there is.
      while (this.#count > 0 && this.#head >= this.#tail) this.#evict();
      this.#end = this.#tail;
      this.#tail = 0;
    }
    while (this.#count > 0 && this.#head >= this.#tail && this.#head < this.#tail + bytes) this.#evict();
    if (this.#count === 0) this.#head = this.#tail;
  }

  #evict(): void {
    this.#head += this.#sizeAt(this.#head);
    if (this.#head === this.#end) {
      this.#head = 0;
      this.#end = this.#size;
    }
    this.#count--;
  }

  #timeAt(at: number): number {
    return this.#times[at >> 3] as number;
  }

  #sizeAt(at: number): number {
    return recordBytes(this.#words[(at >> 2) + 2] as number);
  }

  #show(at: number, time: number): PacketView {
    const view = this.#view;
    const word = at >> 2;
    const seconds = Math.floor(time / 1e9);
    view.bytes = this.#bytes;
    view.offset = at + HEAD_BYTES;
    view.captured = this.#words[word + 2] as number;
    view.wire = this.#words[word + 3] as number;
    view.vlanTag = (this.#words[word + 4] as number) >>> 0;
    view.seconds = (this.#timeBaseSeconds + seconds) >>> 0;
    view.nanos = Math.min(Math.floor(time - seconds * 1e9), 999_999_999);
    return view;
  }
}

function recordBytes(captured: number): number {
  return HEAD_BYTES + ((captured + 7) & ~7);
}

/** Walks through several histories at once, in the order of the packets' times; the visitor is told which one a packet is of. */
export function visitMerged(
  histories: readonly PacketHistory[],
  since: number,
  visitor: (view: PacketView, time: number, which: number) => boolean,
): void {
  const cursors = histories.map((one) => one.cursor(since));
  for (;;) {
    let which = -1;
    let first = Number.POSITIVE_INFINITY;
    for (const [i, { time }] of cursors.entries()) {
      if (time >= first) continue;
      which = i;
      first = time;
    }
    if (which < 0 || !cursors[which]?.take((view, time) => visitor(view, time, which))) return;
  }
}
