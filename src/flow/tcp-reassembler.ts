/**
 * TCP segments → the byte stream of each direction, with gaps as explicit values (RFC 9293 §3.4, §3.10).
 *
 * in:  decoded segments with their times · out: calls on each flow's `FlowConsumer`
 *
 * A segment is delivered when it is the next of its stream and all that it acknowledges of the other stream has been
 * delivered, so that a response never overtakes its request, however the capture ordered them. In the common case, next
 * in line and nothing missing, a slice of the packet is delivered and no byte is copied.
 *
 * Missing bytes are waited for, then given up as a gap: at once when the reorder store is full; after `STALL_PACKETS`
 * more packets or `STALL_NANOS` when the receiver's acknowledgement proves that the bytes were on the wire and the
 * capture lost them, sooner where the kernel said that it dropped packets; else after the stream timeout. The first byte
 * seen at a place wins.
 */
import type { Counters } from '../counters.js';
import { type Segment, TcpFlag } from '../decode/segment.js';
import type { Limits } from '../limits.js';
import { MemoryBudget } from '../memory-budget.js';
import { acknowledgementOf, isStray } from './acknowledgements.js';
import { beginsAnew, beginsHere, isProbe, noteAcknowledgement, noteMidstream, reopens } from './begins-anew.js';
import { Delivery } from './delivery.js';
import { FLOW_BYTES, type Flow, FlowPhase } from './flow.js';
import { type Direction, EndCause, type FlowConsumer } from './flow-consumer.js';
import { FlowTable } from './flow-table.js';
import { firstToGiveUp } from './give-up.js';
import type { HeldSegment } from './held-segments.js';
import { Legs } from './legs.js';
import {
  ACKNOWLEDGED_BEHIND_MAX,
  CLOSED_NANOS,
  RETRANSMISSION_BYTES_MAX,
  STALL_NANOS,
  SWEEP_NANOS,
  stallPackets,
} from './patience.js';
import type { Piece, TcpStream } from './tcp-stream.js';
import { windowOf, windowScaleOf } from './window.js';

export class TcpReassembler {
  readonly flows: FlowTable;
  readonly legs: Legs;
  readonly #limits: Limits;
  readonly #counters: Counters;
  readonly #budget: MemoryBudget;
  /** The part of it that the reorder stores of all streams may take together. */
  readonly #store: MemoryBudget;
  readonly #delivery: Delivery;
  /** Flows with a segment that waits. */
  readonly #waiting = new Set<Flow>();
  /** When `advance` has something to look at next. */
  sweepAt = Number.NEGATIVE_INFINITY;
  /** The time of the kernel's last word that it had dropped packets. */
  #lastDrops = Number.NEGATIVE_INFINITY;

  constructor(
    limits: Limits,
    counters: Counters,
    budget: MemoryBudget,
    hashSeed: number,
    openConsumer: (flow: Flow) => FlowConsumer,
  ) {
    this.flows = new FlowTable(hashSeed);
    this.legs = new Legs(hashSeed, counters, budget);
    this.#limits = limits;
    this.#counters = counters;
    this.#budget = budget;
    this.#store = new MemoryBudget(limits.reorder_bytes_max, budget);
    this.#delivery = new Delivery(counters, budget, openConsumer);
  }

  push(segment: Segment, interfaceId: number, time: number): void {
    this.#counters.segments_seen++;
    const flags = segment.flags;
    this.legs.enter(interfaceId);
    let flow = this.flows.find(segment);
    let { direction } = this.flows;
    if (flow === null) {
      flow = this.legs.find(segment);
      direction = flow?.directionOf(segment) === 1 ? 1 : 0;
    }
    if (flow !== null && beginsAnew(flow, segment, time)) {
      this.#close(flow, EndCause.forgotten, time);
      this.#remove(flow);
      flow = null;
    } else if (flow !== null && isStray(flow, direction, segment)) {
      this.#counters.segments_stray++;
      return;
    }
    if (flow === null) {
      // A bare acknowledgement or reset of an unknown flow says nothing worth a table entry.
      if ((flags & TcpFlag.syn) === 0 && segment.payloadEnd === segment.payloadStart) return;
      flow = this.legs.join(segment, interfaceId, time) ?? this.#open(segment, interfaceId, time);
      direction = flow.directionOf(segment) === 1 ? 1 : 0;
    } else if (flow.consumer === null && segment.payloadEnd > segment.payloadStart) {
      const copied = this.legs.joinKnown(flow, segment, time) ?? flow;
      const along = copied.directionOf(segment) === 1 ? 1 : 0;
      if (copied !== flow) this.#merge(flow, copied, along !== direction, time);
      flow = copied;
      direction = along;
    }
    this.flows.touch(flow, time);
    if (direction === 1 && (flow.isOneWay || flow.isAnsweredElsewhere)) this.legs.noteAnswer(flow);
    if (flow.phase === FlowPhase.closed) {
      if (!reopens(flow, direction, segment)) return;
      this.flows.setPhase(flow, FlowPhase.active, time);
    }
    this.#receive(flow, direction, segment, time);
    if (segment.payloadEnd === segment.payloadStart) return;
    const answers = this.legs.noteSeen(flow, direction, segment, time);
    if (answers !== null) this.#merge(answers, flow, direction === 1, time);
  }

  /** Time is `time` now: gives up what was waited for too long, forgets flows that have been quiet too long. */
  advance(time: number): void {
    if (time < this.sweepAt) return;
    this.sweepAt = time + SWEEP_NANOS;
    for (const flow of this.#waiting) this.#reconsider(flow, time);
    this.#forgetOlderThan(FlowPhase.closed, time - CLOSED_NANOS, time);
    this.#forgetOlderThan(FlowPhase.embryonic, time - this.#limits.stream_timeout_nanos, time);
    for (const phase of [FlowPhase.unanswered, FlowPhase.active])
      this.#forgetOlderThan(phase, time - this.#limits.flow_idle_nanos, time);
  }

  /** The kernel dropped packets before `time`. */
  noteDrops(time: number): void {
    this.#lastDrops = time;
  }

  /** The capture is over: what is missing is given up, every stream ends. */
  finish(time: number): void {
    for (const phase of Object.values(FlowPhase)) this.#forgetOlderThan(phase, Number.POSITIVE_INFINITY, time);
  }

  /** Forgets flows that were never answered, then those that have long been quiet, until the budget is relieved. */
  shedQuiet(time: number): void {
    const quietSince = time - this.#limits.flow_quiet_nanos;
    this.#evictUntilRelieved(() => this.flows.evicteeBefore(quietSince), time);
  }

  /**
   * Releases memory until the budget is relieved: first the reorder stores, of the flows that have waited longest, then
   * whole flows, the least recently active first.
   */
  shed(time: number): void {
    for (const flow of this.#waiting) {
      if (this.#budget.relieved) return;
      this.#giveUpForRoom(flow, time);
    }
    this.#evictUntilRelieved(() => this.flows.evictee, time);
  }

  #evictUntilRelieved(next: () => Flow | null, time: number): void {
    for (let flow = next(); flow !== null && !this.#budget.relieved; flow = next()) this.#evict(flow, time);
  }

  #evict(flow: Flow, time: number): void {
    if (flow.phase !== FlowPhase.closed) this.#counters.flows_evicted++;
    this.#close(flow, EndCause.forgotten, time);
    this.#remove(flow);
  }

  #remove(flow: Flow): void {
    this.flows.remove(flow);
    this.legs.forget(flow);
    this.#delivery.end(flow, true);
    this.#budget.remove(FLOW_BYTES);
  }

  #open(segment: Segment, interfaceId: number, time: number): Flow {
    const limits = this.#limits;
    while (this.flows.size >= limits.flows_max) {
      const evictee = this.flows.evictee;
      if (evictee === null) break;
      this.#evict(evictee, time);
    }
    this.#counters.flows_opened++;
    this.#budget.add(FLOW_BYTES);
    return this.legs.noteOpened(this.flows.insert(segment, interfaceId, time), segment);
  }

  #receive(flow: Flow, direction: Direction, segment: Segment, time: number): void {
    const stream = flow.stream(direction);
    const other = flow.stream(direction === 0 ? 1 : 0);
    const { flags, payloadStart, payloadEnd, payloadCut } = segment;
    let sequence = segment.sequence;
    if ((flags & TcpFlag.syn) !== 0) {
      stream.hasSyn = true;
      stream.hasSynAck = (flags & TcpFlag.ack) !== 0;
      stream.synSequence = sequence;
      sequence = (sequence + 1) | 0;
      other.windowScale = windowScaleOf(segment);
      if (flow.midstream && beginsHere(flow, direction === 1, segment)) flow.noteBeginning();
      if (!stream.carried) stream.beginAt(sequence, this.#store);
    } else if (!stream.started) {
      stream.startAt(isProbe(segment) ? (sequence + 1) | 0 : sequence);
      if (!flow.midstream) noteMidstream(flow, this.#counters);
    }
    if ((flags & TcpFlag.ack) !== 0) noteAcknowledgement(flow, direction, segment, this.#counters);
    const hasPayload = payloadEnd > payloadStart || payloadCut > 0;
    // Data, or the third packet of the handshake: a connection may rest a long time before its first request.
    const isOpen = hasPayload || (stream.hasSyn && other.hasSyn && (flags & TcpFlag.syn) === 0);
    flow.senders |= direction + 1;
    const isBegun = flow.phase === FlowPhase.unanswered || (isOpen && flow.phase === FlowPhase.embryonic);
    if (isBegun && flow.phase !== flow.openPhase) this.flows.setPhase(flow, flow.openPhase, time);
    // Nothing follows a FIN.
    if (hasPayload && !stream.ended) {
      this.#take(flow, direction, segment, sequence, time);
    } else if (flow.waitingSince >= 0) {
      this.#progress(flow, time);
    }

    if ((flags & TcpFlag.fin) !== 0 && !stream.hasFin) {
      const finSequence = (sequence + payloadEnd - payloadStart + payloadCut) | 0;
      // One from before what was delivered is forged; its own number may have been skipped as lost.
      if (((finSequence - stream.next) | 0) >= -1) {
        stream.hasFin = true;
        stream.finSequence = finSequence;
      }
    }
    if ((flags & TcpFlag.rst) !== 0) {
      this.#reset(flow, direction, segment, time);
    } else {
      if (stream.hasFin) this.#endIfDone(flow, direction, time);
      if (flow.waitingSince >= 0) {
        other.noteWindow(windowOf(segment));
        this.#countWait(flow, time);
      }
    }
  }

  /** Delivers the payload, whose first byte is at `sequence`, if it is its turn, else holds it. */
  #take(flow: Flow, direction: Direction, segment: Segment, firstSequence: number, time: number): void {
    const stream = flow.stream(direction);
    const other = flow.stream(direction === 0 ? 1 : 0);
    const { bytes, payloadEnd: end } = segment;
    let { payloadStart: start, payloadCut: cut } = segment;
    let sequence = firstSequence;
    let ahead = (sequence - stream.next) | 0;
    if (ahead < 0) {
      if (ahead < -RETRANSMISSION_BYTES_MAX) {
        // Not a retransmission: the stream moved on by more than half the sequence space while nothing was captured.
        this.#giveUp(flow, time);
        this.#delivery.gap(flow, direction, sequence, time);
      } else if (end - start + cut + ahead <= 0) {
        this.legs.countRepeated(stream);
        // Where it was joined in the middle, bytes in front of the first that came were still under way.
        const isBefore = flow.midstream && end - start > 1 && ((sequence - stream.first) | 0) < 0;
        if (isBefore) flow.onWithin?.(direction);
        return;
      } else {
        start -= ahead;
        if (start > end) {
          cut -= start - end;
          start = end;
        }
        sequence = stream.next;
      }
      ahead = 0;
    }
    const acknowledgement = acknowledgementOf(segment, other);
    if (ahead > 0 || stream.held.length > 0 || other.isBehindOf(acknowledgement)) {
      const isStray = other.hasSyn && ((acknowledgement - other.next) | 0) < -ACKNOWLEDGED_BEHIND_MAX;
      if (isStray) return void this.#counters.segments_stray++;
      this.#hold(flow, stream, { sequence, bytes, start, end, cut, acknowledgement, time });
      return;
    }
    stream.seenAt = this.legs.place;
    this.#delivery.noteAcknowledged(flow, direction, acknowledgement);
    if (end > start) this.#delivery.carry(flow, stream, end - start, time).data(direction, bytes, start, end, time);
    if (cut > 0) this.#delivery.cut(flow, direction, cut, time);
    if (flow.waitingSince >= 0) this.#progress(flow, time);
  }

  /** Holds a copy until its turn comes: the one place where a packet's bytes are copied to outlive their batch. */
  #hold(flow: Flow, stream: TcpStream, piece: Piece): void {
    const { time } = piece;
    if (stream.hold(piece, this.#store) === 0) {
      this.#counters.segments_retransmitted++;
    } else {
      stream.seenAt = this.legs.place;
      this.#counters.segments_reordered++;
      this.#beginWait(flow, time);
    }
    this.#progress(flow, time);
    const { reorder_segments_max } = this.#limits;
    while (stream.heldBytes > stream.holdable || stream.held.length > reorder_segments_max) {
      if (!this.#giveUpForRoom(flow, time)) break;
    }
    if (this.#store.exceeded) this.#makeRoom(time);
  }

  /** Gives up what the flows wait for that hold more than an equal share of the store, the longest waiting first. */
  #makeRoom(time: number): void {
    const share = this.#store.max / Math.max(1, this.#waiting.size);
    for (const flow of this.#waiting) {
      while (flow.stream0.heldMemory + flow.stream1.heldMemory > share) {
        if (this.#store.relieved || !this.#giveUpForRoom(flow, time)) break;
      }
      if (this.#store.relieved) return;
    }
  }

  /** Returns whether that changed anything. */
  #giveUpForRoom(flow: Flow, time: number): boolean {
    const { gaps } = this.#counters;
    const { used } = this.#store;
    this.#giveUp(flow, time);
    const made = this.#counters.gaps - gaps;
    this.#counters.gaps_store_full += made;
    return made > 0 || this.#store.used < used;
  }

  /** Delivers what has become deliverable on both streams, each unlocking the other. */
  #progress(flow: Flow, time: number): void {
    while (this.#drain(flow, 0, false) || this.#drain(flow, 1, false)) {
      // Every turn took a held segment out.
      flow.waitingSince = time;
      flow.packetsWhileWaiting = 0;
    }
    if (flow.isResetDue) this.#endByReset(flow, time);
    this.#endWait(flow);
  }

  /** Ends the wait of a flow that holds nothing any more. */
  #endWait(flow: Flow): void {
    if (flow.stream0.held.length > 0 || flow.stream1.held.length > 0 || flow.resetAhead >= 0) return;
    flow.waitingSince = -1;
    this.#waiting.delete(flow);
  }

  /** Delivers the first held segment of a stream if it is its turn; with `force`, whatever it acknowledges. */
  #drain(flow: Flow, direction: Direction, force: boolean): boolean {
    const stream = flow.stream(direction);
    const first = stream.held.first;
    const ahead = first === undefined ? 1 : (first.sequence - stream.next) | 0;
    if (first === undefined || ahead > 0) return false;
    if (!force && flow.stream(direction === 0 ? 1 : 0).isBehindOf(first.acknowledgement)) return false;
    stream.shift(this.#store);
    this.#deliverHeld(flow, direction, first);
    return true;
  }

  /** Delivers what a held segment adds to its stream; a gap or an earlier copy may have covered some of it already. */
  #deliverHeld(flow: Flow, direction: Direction, segment: HeldSegment): void {
    const { sequence, bytes, cut, acknowledgement, time } = segment;
    const stream = flow.stream(direction);
    const end = bytes.length;
    // Not `-ahead`: minus zero is no integer, and V8 would compile everything it reaches for fractions.
    const covered = 0 - ((sequence - stream.next) | 0);
    if (covered >= end + cut || stream.ended) return;
    const start = Math.min(covered, end);
    const uncovered = cut - Math.max(0, covered - end);
    this.#delivery.noteAcknowledged(flow, direction, acknowledgement);
    if (end > start) this.#delivery.carry(flow, stream, end - start, time).data(direction, bytes, start, end, time);
    if (uncovered > 0) this.#delivery.cut(flow, direction, uncovered, time);
    if (stream.hasFin) this.#endIfDone(flow, direction, time);
  }

  #countWait(flow: Flow, time: number): void {
    if (!flow.stream0.isBehind && !flow.stream1.isBehind) return;
    if (flow.packetsWhileWaiting++ === 0) flow.waitingSince = time;
    if (flow.packetsWhileWaiting >= stallPackets(flow, time - this.#lastDrops)) this.#reconsider(flow, time);
  }

  /** Gives up what a flow waits for if that has taken too long. */
  #reconsider(flow: Flow, time: number): void {
    const isLost = flow.stream(firstToGiveUp(flow).direction).isBehind;
    const waited = time - flow.waitingSince;
    const packets = stallPackets(flow, time - this.#lastDrops);
    const stalled = isLost && (flow.packetsWhileWaiting >= packets || waited >= STALL_NANOS);
    if (!stalled && waited < this.#limits.stream_timeout_nanos) return;
    this.#giveUp(flow, time);
  }

  /** Gives up the first missing bytes of the flow and delivers what waited for them. */
  #giveUp(flow: Flow, time: number): void {
    const before = flow.stream0.held.length + flow.stream1.held.length;
    if (before === 0) {
      if (flow.resetAhead >= 0) this.#endByReset(flow, time);
      else this.#endWait(flow);
      return;
    }
    const { direction, upTo } = firstToGiveUp(flow);
    if (upTo === null) this.#drain(flow, direction, true);
    else this.#skipMissing(flow, direction, upTo, time);
    flow.waitingSince = time;
    flow.packetsWhileWaiting = 0;
    this.#progress(flow, time);
  }

  /** Moves a stream over its missing bytes, up to `limit` or to its first held segment if that is nearer. */
  #skipMissing(flow: Flow, direction: Direction, limit: number, time: number): void {
    const stream = flow.stream(direction);
    const first = stream.held.first;
    let to = first !== undefined && ((first.sequence - limit) | 0) < 0 ? first.sequence : limit;
    // An acknowledged FIN takes a sequence number and no byte.
    if (stream.hasFin && ((to - stream.finSequence) | 0) > 0) to = stream.finSequence;
    if (((to - stream.next) | 0) > 0) this.#delivery.gap(flow, direction, to, time);
    if (stream.hasFin) this.#endIfDone(flow, direction, time);
  }

  #endIfDone(flow: Flow, direction: Direction, time: number): void {
    const stream = flow.stream(direction);
    if (stream.ended || ((stream.finSequence - stream.next) | 0) > 0) return;
    stream.ended = true;
    flow.consumer?.end(direction, EndCause.fin, time);
    if (flow.stream0.ended && flow.stream1.ended) this.#retire(flow, time);
  }

  /** A reset ends the flow when its turn has come, as a segment's bytes do. */
  #reset(flow: Flow, direction: Direction, { sequence, flags, acknowledgement }: Segment, time: number): void {
    const stream = flow.stream(direction);
    // RFC 5961 §3.2, as seen from outside: a reset from before what was delivered is old or forged.
    if (stream.started && ((sequence - stream.next) | 0) < 0) return;
    const other = flow.stream(direction === 0 ? 1 : 0);
    flow.resetAhead = direction;
    flow.resetSequence = sequence;
    flow.resetAcknowledgement = (flags & TcpFlag.ack) !== 0 ? acknowledgement : other.next;
    this.#beginWait(flow, time);
    this.#progress(flow, time);
  }

  #beginWait(flow: Flow, time: number): void {
    if (flow.waitingSince >= 0) return;
    flow.waitingSince = time;
    flow.packetsWhileWaiting = 0;
    this.#waiting.add(flow);
  }

  #endByReset(flow: Flow, time: number): void {
    this.#close(flow, EndCause.reset, time);
    this.#retire(flow, time);
  }

  /** Ends both streams, giving up first what they wait for. */
  #close(flow: Flow, why: EndCause, time: number): void {
    const cause = flow.resetAhead >= 0 ? EndCause.reset : why;
    if (cause === EndCause.reset) flow.resetBy = flow.resetAhead;
    flow.resetAhead = -1;
    const { stream0, stream1 } = flow;
    while (stream0.held.length > 0 || stream1.held.length > 0) {
      const held = stream0.held.length + stream1.held.length;
      const places = stream0.position + stream1.position;
      this.#giveUp(flow, time);
      if (stream0.position + stream1.position > places || stream0.held.length + stream1.held.length < held) continue;
      // What is held is delivered in sequence, whatever it acknowledges.
      if (!this.#drain(flow, 0, true) && !this.#drain(flow, 1, true)) break;
    }
    for (const direction of [0, 1] as const) {
      const stream = flow.stream(direction);
      this.#counters.segments_shed += stream.release(this.#store);
      if (stream.ended) continue;
      // Bytes that the receiver acknowledged and the capture does not have, with nothing behind them: one alone is a FIN.
      if (stream.carried && stream.missing > 1 && cause !== EndCause.reset)
        this.#skipMissing(flow, direction, stream.acknowledged, time);
      if (stream.ended) continue;
      stream.ended = true;
      flow.consumer?.end(direction, cause, time);
    }
    this.#endWait(flow);
  }

  /** Forgets a flow of the same bytes as `other`, which holds from here on what it held. */
  #merge(flow: Flow, other: Flow, isReversed: boolean, time: number): void {
    other.stream(isReversed ? 1 : 0).join(flow.stream0, this.#store);
    other.stream(isReversed ? 0 : 1).join(flow.stream1, this.#store);
    this.#releaseHeld(flow);
    this.#remove(flow);
    if (other.phase === FlowPhase.closed) this.#releaseHeld(other);
    if (other.stream0.held.length + other.stream1.held.length === 0) return;
    this.#beginWait(other, time);
    this.#progress(other, time);
  }

  #releaseHeld(flow: Flow): void {
    flow.resetAhead = -1;
    flow.stream0.release(this.#store);
    flow.stream1.release(this.#store);
    this.#endWait(flow);
  }

  /** Keeps a closed flow for a while without its consumer. */
  #retire(flow: Flow, time: number): void {
    this.#releaseHeld(flow);
    this.#delivery.end(flow);
    if (flow.phase !== FlowPhase.closed) this.flows.setPhase(flow, FlowPhase.closed, time);
  }

  #forgetOlderThan(phase: FlowPhase, limit: number, time: number): void {
    for (
      let flow = this.flows.oldest(phase);
      flow !== null && flow.lastActive < limit;
      flow = this.flows.oldest(phase)
    ) {
      this.#close(flow, EndCause.forgotten, time);
      this.#remove(flow);
    }
  }
}
