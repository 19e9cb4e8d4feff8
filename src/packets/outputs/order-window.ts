/**
 * Puts the packets of several sensors in the order of their times, before an output: a packet goes on when every sensor that
 * is connected has sent a later one, or when it has waited for the window.
 *
 * in: runs of packets · out: the same packets, each once, in runs that never go back in time by more than was behind the window
 */
import { RECORD_BYTES } from '../../capture/packet-encoder.js';
import type { Clock } from '../../output/clock.js';
import { type PacketOutput, type PacketRun, runBytes } from './packet-output.js';

export interface OrderWindowContext {
  readonly output: PacketOutput;
  readonly windowMillis: number;
  readonly clock: Clock;
  /** The sensors that are connected, by the keys of their origins. */
  readonly connected: () => ReadonlySet<string>;
  /** Bytes that wait in all, or everything goes on. */
  readonly bytesMax?: number;
}

/** A run of which packets wait, in the order in which their sensor sent them. */
interface Waiting {
  readonly run: PacketRun;
  readonly settled: (() => void) | undefined;
  /** Where records begin, in the order of their times. */
  readonly places: Uint32Array;
  readonly arrived: number;
  /** The first of `places` that waits, and the bytes of those that do not any more. */
  next: number;
  passed: number;
  /** The run of the same sensor that came next. */
  behind: Waiting | null;
}

interface Queue {
  first: Waiting;
  last: Waiting;
}

const TICK_MILLIS = 50;
const BYTES_MAX = 64 << 20;

export function createOrderWindow(context: OrderWindowContext): PacketOutput {
  const { output, windowMillis, clock, connected, bytesMax = BYTES_MAX } = context;
  /** By sensor and link type, each in the order in which it came. */
  const waiting = new Map<string, Queue>();
  let bytes = 0;
  /** By sensor, the latest time of a packet of it, in microseconds. */
  const latest = new Map<string, number>();

  const timeOf = ({ run, places, next }: Waiting) => recordTime(run.records, places[next] as number);

  /** Lets go on what is no later than `until`, or has waited long enough. */
  function release(until: number, arrivedBefore: number): void {
    let limit = until;
    for (const { first } of waiting.values())
      for (let one: Waiting | null = first; one !== null && one.arrived <= arrivedBefore; one = one.behind)
        limit = Math.max(limit, recordTime(one.run.records, one.places.at(-1) as number));
    for (;;) {
      let first: Waiting | null = null;
      let bound = limit;
      for (const { first: head } of waiting.values()) {
        const time = timeOf(head);
        if (first === null || time < timeOf(first)) {
          if (first !== null) bound = Math.min(bound, timeOf(first));
          first = head;
        } else bound = Math.min(bound, time);
      }
      if (first === null || timeOf(first) > limit) return;
      passOn(first, bound);
      if (first.next === first.places.length) leave(first);
    }
  }

  function leave({ run, behind }: Waiting): void {
    const key = queueKey(run);
    if (behind === null) waiting.delete(key);
    else (waiting.get(key) as Queue).first = behind;
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
    const isLast = one.next === places.length;
    bytes -= isLast ? runBytes(run) - one.passed : records.length;
    one.passed += records.length;
    const packets = one.next - from;
    output.take({ ...run, records, packets, frame: null }, isLast ? settled : undefined);
  }

  function releaseReady(): void {
    const keys = connected();
    let until = Number.POSITIVE_INFINITY;
    for (const key of keys) until = Math.min(until, latest.get(key) ?? Number.NEGATIVE_INFINITY);
    for (const key of latest.keys()) if (!keys.has(key)) latest.delete(key);
    release(bytes > bytesMax ? Number.POSITIVE_INFINITY : until, clock.now() - windowMillis);
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
      const one: Waiting = { run, settled, places, arrived: clock.now(), next: 0, passed: 0, behind: null };
      const queue = waiting.get(queueKey(run));
      if (queue === undefined) waiting.set(queueKey(run), { first: one, last: one });
      else {
        queue.last.behind = one;
        queue.last = one;
      }
      bytes += runBytes(run);
      const last = recordTime(run.records, places.at(-1) as number);
      latest.set(run.origin.key, Math.max(last, latest.get(run.origin.key) ?? 0));
      if (bytes > bytesMax) releaseReady();
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
