/**
 * Puts the packets of several sensors in the order of their times, before an output: a packet goes on when every sensor that
 * is connected has sent a later one, or when it has waited for the window.
 *
 * in: runs of packets · out: the same packets, each once, in runs that never go back in time by more than was behind the window
 */
import { RECORD_BYTES } from '../../capture/packet-encoder.js';
import type { Clock } from '../../output/clock.js';
import type { PacketOutput, PacketRun } from './packet-output.js';

export interface OrderWindowContext {
  readonly output: PacketOutput;
  readonly windowMillis: number;
  readonly clock: Clock;
  /** The sensors that are connected, by the keys of their origins. */
  readonly connected: () => ReadonlySet<string>;
}

/** A run of which packets wait, in the order in which their sensor sent them. */
interface Waiting {
  readonly run: PacketRun;
  readonly settled: (() => void) | undefined;
  /** Where records begin, in the order of their times. */
  readonly places: Uint32Array;
  readonly arrived: number;
  /** The first of `places` that waits. */
  next: number;
}

const TICK_MILLIS = 50;
/** Bytes that wait in all, or everything goes on. */
const BYTES_MAX = 64 << 20;

export function createOrderWindow({ output, windowMillis, clock, connected }: OrderWindowContext): PacketOutput {
  /** By sensor and link type, each in the order in which it came. */
  const waiting = new Map<string, Waiting[]>();
  let bytes = 0;
  /** By sensor, the latest time of a packet of it, in microseconds. */
  const latest = new Map<string, number>();

  const timeOf = ({ run, places, next }: Waiting) => recordTime(run.records, places[next] as number);

  /** Lets go on what is no later than `until`, or has waited long enough. */
  function release(until: number, arrivedBefore: number): void {
    let limit = until;
    for (const queue of waiting.values())
      for (const { run, places, arrived } of queue) {
        if (arrived > arrivedBefore) break;
        limit = Math.max(limit, recordTime(run.records, places.at(-1) as number));
      }
    for (;;) {
      let first: Waiting | null = null;
      let bound = limit;
      for (const [head] of waiting.values()) {
        const time = timeOf(head as Waiting);
        if (first === null || time < timeOf(first)) {
          if (first !== null) bound = Math.min(bound, timeOf(first));
          first = head as Waiting;
        } else bound = Math.min(bound, time);
      }
      if (first === null || timeOf(first) > limit) return;
      passOn(first, bound);
      if (first.next === first.places.length) leave(first);
    }
  }

  function leave({ run }: Waiting): void {
    const key = queueKey(run);
    const queue = waiting.get(key) as Waiting[];
    queue.shift();
    if (queue.length === 0) waiting.delete(key);
  }

  /** Passes on the packets of a run up to a time, at least one. */
  function passOn(one: Waiting, bound: number): void {
    const { run, places, settled } = one;
    const from = one.next;
    do one.next++;
    while (one.next < places.length && timeOf(one) <= bound);
    const parts: Buffer[] = [];
    for (let i = from; i < one.next; i++) {
      const at = places[i] as number;
      parts.push(run.records.subarray(at, at + RECORD_BYTES + run.records.readUInt32LE(at + 8)));
    }
    const records = Buffer.concat(parts);
    bytes -= records.length;
    const isLast = one.next === places.length;
    const packets = one.next - from;
    output.take({ ...run, records, packets, frame: null }, isLast ? settled : undefined);
  }

  function releaseReady(): void {
    const keys = connected();
    let until = Number.POSITIVE_INFINITY;
    for (const key of keys) until = Math.min(until, latest.get(key) ?? Number.NEGATIVE_INFINITY);
    for (const key of latest.keys()) if (!keys.has(key)) latest.delete(key);
    release(bytes > BYTES_MAX ? Number.POSITIVE_INFINITY : until, clock.now() - windowMillis);
  }

  const cancel = clock.every(Math.min(TICK_MILLIS, windowMillis), releaseReady);
  return {
    name: output.name,
    book: output.book,
    take(run, settled) {
      const places = orderedPlaces(run);
      if (places.length === 0) {
        settled?.();
        return;
      }
      const one = { run, settled, places, arrived: clock.now(), next: 0 };
      const queue = waiting.get(queueKey(run));
      if (queue === undefined) waiting.set(queueKey(run), [one]);
      else queue.push(one);
      bytes += run.records.length;
      const last = recordTime(run.records, places.at(-1) as number);
      latest.set(run.origin.key, Math.max(last, latest.get(run.origin.key) ?? 0));
      if (bytes > BYTES_MAX) releaseReady();
    },
    drained: () => output.drained(),
    async close(deadlineMillis) {
      cancel();
      release(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      await output.close(deadlineMillis);
    },
  };
}

function queueKey({ origin, linkType }: PacketRun): string {
  return `${linkType} ${origin.key}`;
}

/** Microseconds since the epoch. */
function recordTime(records: Buffer, at: number): number {
  return records.readUInt32LE(at) * 1e6 + records.readUInt32LE(at + 4);
}

/** A sensor with several interfaces is a little out of order by itself. */
function orderedPlaces({ records, packets }: PacketRun): Uint32Array {
  const places = new Uint32Array(packets);
  let isOrdered = true;
  let before = 0;
  for (let at = 0, i = 0; i < packets; i++) {
    places[i] = at;
    const time = recordTime(records, at);
    if (time < before) isOrdered = false;
    before = time;
    at += RECORD_BYTES + records.readUInt32LE(at + 8);
  }
  return isOrdered ? places : places.sort((a, b) => recordTime(records, a) - recordTime(records, b) || a - b);
}
