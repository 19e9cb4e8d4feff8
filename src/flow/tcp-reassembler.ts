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
import type { MemoryBudget } from '../memory-budget.js';
import { CONSUMER_BYTES, FLOW_BYTES, type Flow, FlowPhase } from './flow.js';
import { type Direction, EndCause, type FlowConsumer } from './flow-consumer.js';
import { FlowTable } from './flow-table.js';
import {
  CLOSED_NANOS,
  DROPS_RECENT_NANOS,
  RETRANSMISSION_BYTES_MAX,
  STALL_NANOS,
  STALL_PACKETS,
  STALL_PACKETS_BEHIND_DROPS,
  SWEEP_NANOS,
} from './patience.js';
import type { HeldSegment, Piece, TcpStream } from './tcp-stream.js';

export class TcpReassembler {
  readonly flows: FlowTable;
  readonly #limits: Limits;
  readonly #counters: Counters;
  readonly #budget: MemoryBudget;
  readonly #openConsumer: (flow: Flow) => FlowConsumer;
  /** Flows with a segment that waits. */
  readonly #waiting = new Set<Flow>();
  #lastSweep = Number.NEGATIVE_INFINITY;
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
    this.#limits = limits;
    this.#counters = counters;
    this.#budget = budget;
    this.#openConsumer = openConsumer;
  }

  push(segment: Segment, interfaceId: number, time: number): void {
    this.#counters.segments_seen++;
    const flags = segment.flags;
    let flow = this.flows.find(segment);
    if (flow !== null && (flags & TcpFlag.syn) !== 0 && this.#isNewConnection(flow, segment)) {
      this.#close(flow, EndCause.forgotten, time);
      this.#remove(flow);
      flow = null;
    }
    if (flow === null) {
      // A bare acknowledgement or reset of an unknown flow says nothing worth a table entry.
      if ((flags & TcpFlag.syn) === 0 && segment.payloadEnd === segment.payloadStart) return;
      flow = this.#open(segment, interfaceId, time);
    } else {
      this.flows.touch(flow, time);
    }
    const direction = flow.directionOf(segment) === 1 ? 1 : 0;
    if (flow.phase === FlowPhase.closed && !this.#reopens(flow, direction, segment, time)) return;
    this.#receive(flow, direction, segment, time);
  }

  /**
   * Whether a closed flow goes on. A side that resets a connection sends nothing more on it: if its next byte comes, the
   * reset was forged, or refused by the receiver (RFC 5961 §3.2, RFC 2385).
   */
  #reopens(flow: Flow, direction: Direction, segment: Segment, time: number): boolean {
    const stream = flow.stream(direction);
    if (flow.resetBy !== direction || segment.payloadEnd === segment.payloadStart) return false;
    if (segment.sequence !== stream.next || stream.hasFin) return false;
    flow.resetBy = -1;
    flow.midstream = stream.carried;
    flow.stream0.ended = false;
    flow.stream1.ended = false;
    this.flows.setPhase(flow, FlowPhase.active, time);
    return true;
  }

  /** Time is `time` now: gives up what was waited for too long, forgets flows that have been quiet too long. */
  advance(time: number): void {
    if (time - this.#lastSweep < SWEEP_NANOS) return;
    this.#lastSweep = time;
    for (const flow of this.#waiting) this.#reconsider(flow, time);
    this.#forgetOlderThan(FlowPhase.closed, time - CLOSED_NANOS, time);
    this.#forgetOlderThan(FlowPhase.embryonic, time - this.#limits.stream_timeout_nanos, time);
    this.#forgetOlderThan(FlowPhase.active, time - this.#limits.flow_idle_nanos, time);
  }

  /** The kernel dropped packets before `time`. */
  noteDrops(time: number): void {
    this.#lastDrops = time;
  }

  /** The capture is over: what is missing is given up, every stream ends. */
  finish(time: number): void {
    for (const phase of Object.values(FlowPhase)) this.#forgetOlderThan(phase, Number.POSITIVE_INFINITY, time);
  }

  /**
   * Releases memory until the budget is relieved: first the reorder stores, of the flows that have waited longest, then
   * whole flows, the least recently active first.
   */
  shed(time: number): void {
    for (const flow of this.#waiting) {
      if (this.#budget.relieved) return;
      this.#counters.segments_shed += flow.stream0.held.length + flow.stream1.held.length;
      this.#giveUp(flow, time);
    }
    while (!this.#budget.relieved) {
      const evictee = this.flows.evictee;
      if (evictee === null) return;
      this.#evict(evictee, time);
    }
  }

  #evict(flow: Flow, time: number): void {
    if (flow.phase !== FlowPhase.closed) this.#counters.flows_evicted++;
    this.#close(flow, EndCause.forgotten, time);
    this.#remove(flow);
  }

  #remove(flow: Flow): void {
    this.flows.remove(flow);
    this.#removeConsumer(flow);
    this.#budget.remove(FLOW_BYTES);
  }

  /** A SYN that does not repeat the one which opened the flow begins a new connection on the same ports. */
  #isNewConnection(flow: Flow, segment: Segment): boolean {
    const stream = flow.stream(flow.directionOf(segment) === 1 ? 1 : 0);
    if (stream.hasSyn) return stream.synSequence !== segment.sequence;
    if (flow.phase === FlowPhase.closed) return true;
    // Its own SYN may have been overtaken by what follows it.
    return stream.carried && ((segment.sequence + 1) | 0) !== stream.first;
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
    return this.flows.insert(segment, interfaceId, time);
  }

  #receive(flow: Flow, direction: Direction, segment: Segment, time: number): void {
    const stream = flow.stream(direction);
    const other = flow.stream(direction === 0 ? 1 : 0);
    const { flags, payloadStart, payloadEnd, payloadCut } = segment;
    let sequence = segment.sequence;
    if ((flags & TcpFlag.syn) !== 0) {
      stream.hasSyn = true;
      stream.synSequence = sequence;
      sequence = (sequence + 1) | 0;
      if (!stream.carried) stream.startAt(sequence);
    } else if (!stream.started) {
      stream.startAt(sequence);
      if (!flow.midstream) this.#noteMidstream(flow);
    }
    if ((flags & TcpFlag.ack) !== 0) this.#noteAcknowledgement(flow, stream, other, segment.acknowledgement);

    const hasPayload = payloadEnd > payloadStart || payloadCut > 0;
    // Data, or the third packet of the handshake: a connection may rest a long time before its first request.
    const isOpen = hasPayload || (stream.hasSyn && other.hasSyn && (flags & TcpFlag.syn) === 0);
    if (isOpen && flow.phase === FlowPhase.embryonic) this.flows.setPhase(flow, FlowPhase.active, time);
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
      this.#reset(flow, direction, sequence, time);
    } else {
      if (stream.hasFin) this.#endIfDone(flow, direction, time);
      if (flow.waitingSince >= 0) this.#countWait(flow, time);
    }
  }

  /** A segment of `stream` acknowledges the other one up to `acknowledgement`. */
  #noteAcknowledgement(flow: Flow, stream: TcpStream, other: TcpStream, acknowledgement: number): void {
    if (!other.started) {
      // The receiver has everything before this, so the stream goes on here: a loss right behind it shows as a gap.
      other.startAt(acknowledgement);
      if (!other.hasSyn && !flow.midstream && !stream.hasSyn) this.#noteMidstream(flow);
    }
    if (!other.hasAcknowledged || ((acknowledgement - other.acknowledged) | 0) > 0) {
      other.hasAcknowledged = true;
      other.acknowledged = acknowledgement;
    }
  }

  #noteMidstream(flow: Flow): void {
    flow.midstream = true;
    this.#counters.flows_midstream++;
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
        this.#gap(flow, direction, stream, sequence, time);
      } else if (end - start + cut + ahead <= 0) {
        this.#counters.segments_retransmitted++;
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
    const acknowledges = (segment.flags & TcpFlag.ack) !== 0;
    const mustWait = ahead > 0 || stream.held.length > 0 || (acknowledges && other.isBehindOf(segment.acknowledgement));
    if (mustWait) {
      const acknowledgement = acknowledges ? segment.acknowledgement : other.next;
      this.#hold(flow, stream, { sequence, bytes, start, end, cut, acknowledgement, time });
      return;
    }
    if (end > start) this.#carry(flow, stream, end - start, time).data(direction, bytes, start, end, time);
    if (cut > 0) this.#gap(flow, direction, stream, (stream.next + cut) | 0, time);
    if (flow.waitingSince >= 0) this.#progress(flow, time);
  }

  /** Holds a copy until its turn comes: the one place where a packet's bytes are copied to outlive their batch. */
  #hold(flow: Flow, stream: TcpStream, piece: Piece): void {
    const { time } = piece;
    if (stream.hold(piece, this.#budget) === 0) {
      this.#counters.segments_retransmitted++;
    } else {
      this.#counters.segments_reordered++;
      if (flow.waitingSince < 0) {
        flow.waitingSince = time;
        flow.packetsWhileWaiting = 0;
        this.#waiting.add(flow);
      }
    }
    this.#progress(flow, time);
    const { reorder_bytes_max, reorder_segments_max } = this.#limits;
    while (stream.heldBytes > reorder_bytes_max || stream.held.length > reorder_segments_max) {
      const before = stream.held.length;
      this.#giveUp(flow, time);
      if (stream.held.length >= before) break;
    }
  }

  /** Moves the stream on by `length` bytes. Returns who takes them. */
  #carry(flow: Flow, stream: TcpStream, length: number, time: number): FlowConsumer {
    stream.carried = true;
    stream.next = (stream.next + length) | 0;
    flow.consumer ??= this.#openConsumerOf(flow, time);
    return flow.consumer;
  }

  /** Opens a consumer for a flow's first bytes, which begins with the end of a stream that ended without any. */
  #openConsumerOf(flow: Flow, time: number): FlowConsumer {
    const consumer = this.#openConsumer(flow);
    this.#budget.add(CONSUMER_BYTES);
    if (flow.stream0.ended) consumer.end(0, EndCause.fin, time);
    if (flow.stream1.ended) consumer.end(1, EndCause.fin, time);
    return consumer;
  }

  #removeConsumer(flow: Flow): void {
    if (flow.consumer !== null) this.#budget.remove(CONSUMER_BYTES);
    flow.consumer = null;
  }

  /** Moves the stream on to `sequence`, over bytes that were never captured. */
  #gap(flow: Flow, direction: Direction, stream: TcpStream, sequence: number, time: number): void {
    const length = (sequence - stream.next) >>> 0;
    stream.next = sequence;
    if (length === 0) return;
    stream.carried = true;
    this.#counters.gaps++;
    this.#counters.gap_bytes += length;
    flow.consumer ??= this.#openConsumerOf(flow, time);
    flow.consumer.gap(direction, length, time);
  }

  /** Delivers what has become deliverable on both streams, each unlocking the other. */
  #progress(flow: Flow, time: number): void {
    while (this.#drain(flow, 0, false) || this.#drain(flow, 1, false)) {
      // Every turn took a held segment out.
      flow.waitingSince = time;
      flow.packetsWhileWaiting = 0;
    }
    this.#endWait(flow);
  }

  /** Ends the wait of a flow that holds nothing any more. */
  #endWait(flow: Flow): void {
    if (flow.stream0.held.length > 0 || flow.stream1.held.length > 0) return;
    flow.waitingSince = -1;
    this.#waiting.delete(flow);
  }

  /** Delivers the first held segment of a stream if it is its turn; with `force`, whatever it acknowledges. */
  #drain(flow: Flow, direction: Direction, force: boolean): boolean {
    const stream = flow.stream(direction);
    const first = stream.held[0];
    const ahead = first === undefined ? 1 : (first.sequence - stream.next) | 0;
    if (first === undefined || ahead > 0) return false;
    if (!force && flow.stream(direction === 0 ? 1 : 0).isBehindOf(first.acknowledgement)) return false;
    stream.shift(this.#budget);
    this.#deliverHeld(flow, direction, first);
    return true;
  }

  /** Delivers what a held segment adds to its stream; a gap or an earlier copy may have covered some of it already. */
  #deliverHeld(flow: Flow, direction: Direction, { sequence, bytes, cut, time }: HeldSegment): void {
    const stream = flow.stream(direction);
    const end = bytes.length;
    // Not `-ahead`: minus zero is no integer, and V8 would compile everything it reaches for fractions.
    const covered = 0 - ((sequence - stream.next) | 0);
    if (covered >= end + cut || stream.ended) return;
    const start = Math.min(covered, end);
    const uncovered = cut - Math.max(0, covered - end);
    if (end > start) this.#carry(flow, stream, end - start, time).data(direction, bytes, start, end, time);
    if (uncovered > 0) this.#gap(flow, direction, stream, (stream.next + uncovered) | 0, time);
    if (stream.hasFin) this.#endIfDone(flow, direction, time);
  }

  #countWait(flow: Flow, time: number): void {
    flow.packetsWhileWaiting++;
    if (flow.packetsWhileWaiting >= this.#stallPackets(time)) this.#reconsider(flow, time);
  }

  #stallPackets(time: number): number {
    return time - this.#lastDrops < DROPS_RECENT_NANOS ? STALL_PACKETS_BEHIND_DROPS : STALL_PACKETS;
  }

  /** Gives up what a flow waits for if that has taken too long. */
  #reconsider(flow: Flow, time: number): void {
    const isLost = flow.stream0.isBehind || flow.stream1.isBehind;
    const waited = time - flow.waitingSince;
    const stalled = isLost && (flow.packetsWhileWaiting >= this.#stallPackets(time) || waited >= STALL_NANOS);
    if (!stalled && waited < this.#limits.stream_timeout_nanos) return;
    this.#giveUp(flow, time);
  }

  /**
   * Gives up the first missing bytes of the flow and delivers what waited for them. Where both streams miss bytes, the
   * ones sent first are given up first: a request's lost bytes come before the response that acknowledges them.
   */
  #giveUp(flow: Flow, time: number): void {
    const before = flow.stream0.held.length + flow.stream1.held.length;
    if (before === 0) {
      this.#endWait(flow);
      return;
    }
    const first0 = flow.stream0.held[0];
    const first1 = flow.stream1.held[0];
    // A stream whose next segment is here waits only for what that segment acknowledges of the other.
    const isNext0 = first0 !== undefined && ((first0.sequence - flow.stream0.next) | 0) <= 0;
    const isNext1 = first1 !== undefined && ((first1.sequence - flow.stream1.next) | 0) <= 0;
    if (isNext0 && isNext1) {
      // Each acknowledges the other, so the one that came later is a retransmission of bytes first sent before the other.
      this.#drain(flow, first0.time > first1.time ? 0 : 1, true);
    } else if (isNext1) {
      this.#skipMissing(flow, 0, first1.acknowledgement, time);
    } else if (isNext0) {
      this.#skipMissing(flow, 1, first0.acknowledgement, time);
    } else if (first0 !== undefined && !flow.stream1.isBehindOf(first0.acknowledgement)) {
      // Both miss bytes: the segment that acknowledges nothing missing was sent first.
      this.#skipMissing(flow, 0, first0.sequence, time);
    } else if (first1 !== undefined && !flow.stream0.isBehindOf(first1.acknowledgement)) {
      this.#skipMissing(flow, 1, first1.sequence, time);
    } else if (first1 !== undefined) {
      this.#skipMissing(flow, 0, first1.acknowledgement, time);
    } else if (first0 !== undefined) {
      this.#skipMissing(flow, 1, first0.acknowledgement, time);
    }
    flow.waitingSince = time;
    flow.packetsWhileWaiting = 0;
    this.#progress(flow, time);
  }

  /** Moves a stream over its missing bytes, up to `limit` or to its first held segment if that is nearer. */
  #skipMissing(flow: Flow, direction: Direction, limit: number, time: number): void {
    const stream = flow.stream(direction);
    const first = stream.held[0];
    let to = first !== undefined && ((first.sequence - limit) | 0) < 0 ? first.sequence : limit;
    // An acknowledged FIN takes a sequence number and no byte.
    if (stream.hasFin && ((to - stream.finSequence) | 0) > 0) to = stream.finSequence;
    if (((to - stream.next) | 0) > 0) this.#gap(flow, direction, stream, to, time);
    if (stream.hasFin) this.#endIfDone(flow, direction, time);
  }

  #endIfDone(flow: Flow, direction: Direction, time: number): void {
    const stream = flow.stream(direction);
    if (stream.ended || ((stream.finSequence - stream.next) | 0) > 0) return;
    stream.ended = true;
    flow.consumer?.end(direction, EndCause.fin, time);
    if (flow.stream0.ended && flow.stream1.ended) this.#retire(flow, time);
  }

  #reset(flow: Flow, direction: Direction, sequence: number, time: number): void {
    const stream = flow.stream(direction);
    // RFC 5961 §3.2, as seen from outside: a reset from before what was delivered is old or forged.
    if (stream.started && ((sequence - stream.next) | 0) < 0) return;
    flow.resetBy = direction;
    this.#close(flow, EndCause.reset, time);
    this.#retire(flow, time);
  }

  /** Ends both streams, giving up first what they wait for. */
  #close(flow: Flow, cause: EndCause, time: number): void {
    while (flow.stream0.held.length > 0 || flow.stream1.held.length > 0) {
      const before = flow.stream0.held.length + flow.stream1.held.length;
      this.#giveUp(flow, time);
      if (flow.stream0.held.length + flow.stream1.held.length >= before) {
        // Gaps alone released nothing: what is held is delivered in sequence, whatever it acknowledges.
        if (!this.#drain(flow, 0, true) && !this.#drain(flow, 1, true)) break;
      }
    }
    for (const direction of [0, 1] as const) {
      const stream = flow.stream(direction);
      this.#counters.segments_shed += stream.release(this.#budget);
      if (stream.ended) continue;
      // Bytes that the receiver acknowledged and the capture does not have, with nothing behind them.
      if (stream.carried && stream.isBehind && cause !== EndCause.reset)
        this.#skipMissing(flow, direction, stream.acknowledged, time);
      if (stream.ended) continue;
      stream.ended = true;
      flow.consumer?.end(direction, cause, time);
    }
    this.#endWait(flow);
  }

  /** Keeps a closed flow for a while without its consumer. */
  #retire(flow: Flow, time: number): void {
    flow.stream0.release(this.#budget);
    flow.stream1.release(this.#budget);
    this.#endWait(flow);
    this.#removeConsumer(flow);
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
