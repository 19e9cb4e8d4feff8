/**
 * All flows: found by their endpoints, forgotten by age.
 *
 * in:  segments · out: the flow of each, and the flow to forget next
 *
 * An open-addressing table (linear probing, backward-shift deletion) keyed by a hash that both directions share. A
 * JavaScript Map would need a key object or string per packet. The hash is seeded, so that nobody outside can choose
 * addresses and ports that all land in one place.
 */
import type { Segment } from '../decode/segment.js';
import { Flow, FlowPhase } from './flow.js';

const CAPACITY_MIN = 1024;
/** How stale a flow's place in its list may get before it is moved, in nanoseconds: no packet relinks it in between. */
const TOUCH_NANOS = 250e6;

/** The flows of one phase, by the time of their last activity. */
class FlowList {
  oldest: Flow | null = null;
  newest: Flow | null = null;
  size = 0;

  append(flow: Flow): void {
    flow.newer = null;
    flow.older = this.newest;
    if (this.newest === null) this.oldest = flow;
    else this.newest.newer = flow;
    this.newest = flow;
    this.size++;
  }

  remove(flow: Flow): void {
    if (flow.newer === null) this.newest = flow.older;
    else flow.newer.older = flow.older;
    if (flow.older === null) this.oldest = flow.newer;
    else flow.older.newer = flow.newer;
    flow.newer = null;
    flow.older = null;
    this.size--;
  }
}

export class FlowTable {
  #slots: (Flow | null)[];
  #mask: number;
  readonly #seed: number;
  /** Indexed by `FlowPhase`. */
  readonly #lists = [new FlowList(), new FlowList(), new FlowList()] as const;
  #recent: Flow | null = null;
  size = 0;

  /** `seed` is any 32-bit number; random in production. */
  constructor(seed: number) {
    this.#seed = seed | 0;
    this.#slots = emptySlots(CAPACITY_MIN);
    this.#mask = CAPACITY_MIN - 1;
  }

  find(segment: Segment): Flow | null {
    // Packets of one flow come in runs.
    const recent = this.#recent;
    if (recent !== null && recent.directionOf(segment) >= 0) return recent;
    const hash = this.#hash(segment);
    for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
      const flow = this.#slots[i] as Flow | null;
      if (flow === null) return null;
      if (flow.hash === hash && flow.directionOf(segment) >= 0) {
        this.#recent = flow;
        return flow;
      }
    }
  }

  /** Adds a flow for `segment`, which must have none. */
  insert(segment: Segment, interfaceId: number, time: number): Flow {
    if (this.size * 2 >= this.#slots.length) this.#grow();
    const flow = new Flow(segment, this.#hash(segment), interfaceId, time);
    this.#place(flow);
    this.#lists[flow.phase].append(flow);
    this.#recent = flow;
    this.size++;
    return flow;
  }

  /** Notes activity. */
  touch(flow: Flow, time: number): void {
    if (time - flow.lastActive < TOUCH_NANOS) return;
    flow.lastActive = time;
    const list = this.#lists[flow.phase];
    if (list.newest !== flow) {
      list.remove(flow);
      list.append(flow);
    }
  }

  setPhase(flow: Flow, phase: FlowPhase, time: number): void {
    this.#lists[flow.phase].remove(flow);
    flow.phase = phase;
    flow.lastActive = time;
    this.#lists[phase].append(flow);
  }

  remove(flow: Flow): void {
    if (this.#recent === flow) this.#recent = null;
    this.#lists[flow.phase].remove(flow);
    this.size--;
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = flow.hash & mask;
    while (slots[hole] !== flow) hole = (hole + 1) & mask;
    for (let i = (hole + 1) & mask; ; i = (i + 1) & mask) {
      const candidate = slots[i] as Flow | null;
      if (candidate === null) break;
      // It may fill the hole if its home is not between the hole and where it stands.
      const home = candidate.hash & mask;
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        slots[hole] = candidate;
        hole = i;
      }
    }
    slots[hole] = null;
  }

  /** The flow to forget first: over, then never begun, then least recently active. */
  get evictee(): Flow | null {
    return (
      this.#lists[FlowPhase.closed].oldest ??
      this.#lists[FlowPhase.embryonic].oldest ??
      this.#lists[FlowPhase.active].oldest
    );
  }

  oldest(phase: FlowPhase): Flow | null {
    return this.#lists[phase].oldest;
  }

  count(phase: FlowPhase): number {
    return this.#lists[phase].size;
  }

  #place(flow: Flow): void {
    let i = flow.hash & this.#mask;
    while (this.#slots[i] !== null) i = (i + 1) & this.#mask;
    this.#slots[i] = flow;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = emptySlots(old.length * 2);
    this.#mask = this.#slots.length - 1;
    for (const flow of old) if (flow !== null) this.#place(flow);
  }

  #hash(s: Segment): number {
    const seed = this.#seed;
    const source = mixAddress(seed, s.sourceWord0, s.sourceWord1, s.sourceWord2, s.sourceWord3);
    const destination = mixAddress(
      seed,
      s.destinationWord0,
      s.destinationWord1,
      s.destinationWord2,
      s.destinationWord3,
    );
    // A sum: the same for both directions.
    const both = finalize(round(source, s.sourcePort)) + finalize(round(destination, s.destinationPort));
    return finalize(both ^ s.tunnelId);
  }
}

function emptySlots(length: number): (Flow | null)[] {
  return new Array<Flow | null>(length).fill(null);
}

// The rounds and the finalizer of MurmurHash3 (x86, 32 bit).
function mixAddress(seed: number, w0: number, w1: number, w2: number, w3: number): number {
  return round(round(round(round(seed, w0), w1), w2), w3);
}

function round(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  k = Math.imul(k, 0x1b873593);
  let h = hash ^ k;
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

function finalize(hash: number): number {
  let h = hash;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
