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
import type { Direction } from './flow-consumer.js';
import { addressesHash } from './flow-hash.js';

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
  readonly #lists = [new FlowList(), new FlowList(), new FlowList(), new FlowList()] as const;
  #recent: Flow | null = null;
  /** The direction in its flow of the segment that was found last. */
  direction: Direction = 0;
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
    if (recent !== null && this.#has(recent, segment)) return recent;
    const hash = addressesHash(this.#seed, segment);
    for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
      const flow = this.#slots[i] as Flow | null;
      if (flow === null) return null;
      if (flow.hash === hash && this.#has(flow, segment)) {
        this.#recent = flow;
        return flow;
      }
    }
  }

  #has(flow: Flow, segment: Segment): boolean {
    const direction = flow.directionOf(segment);
    if (direction < 0) return false;
    this.direction = direction as Direction;
    return true;
  }

  /** Adds a flow for `segment`, which must have none. */
  insert(segment: Segment, interfaceId: number, time: number): Flow {
    if (this.size * 2 >= this.#slots.length) this.#grow();
    const flow = new Flow(segment, addressesHash(this.#seed, segment), interfaceId, time);
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

  /** The flow to forget first: over, then never begun, then never answered, then least recently active. */
  get evictee(): Flow | null {
    return this.evicteeBefore(Number.POSITIVE_INFINITY);
  }

  /** The same, but for flows that both sides have sent on, one of them since `time`. No forged packet makes such a one. */
  evicteeBefore(time: number): Flow | null {
    const quietest = this.#lists[FlowPhase.active].oldest;
    return (
      this.#lists[FlowPhase.closed].oldest ??
      this.#lists[FlowPhase.embryonic].oldest ??
      this.#lists[FlowPhase.unanswered].oldest ??
      (quietest !== null && quietest.lastActive < time ? quietest : null)
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
}

function emptySlots(length: number): (Flow | null)[] {
  return new Array<Flow | null>(length).fill(null);
}
