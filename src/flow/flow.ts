/**
 * One TCP connection: its two endpoints, its two streams, and its place among the others.
 *
 * Endpoint 0 sent the first packet seen.
 */
import type { AddressWords } from '../decode/address.js';
import type { Segment } from '../decode/segment.js';
import { Addresses } from './addresses.js';
import type { Direction, FlowConsumer } from './flow-consumer.js';
import type { Leg } from './legs.js';
import { TcpStream } from './tcp-stream.js';

/** What a flow with its streams takes from the budget, and what its consumer takes from its first bytes on (measured). */
export const FLOW_BYTES = 576;
export const CONSUMER_BYTES = 1024;

/** How far a flow has come. Each phase has a list in `FlowTable`; eviction begins with the first phase. */
export const FlowPhase = {
  /** Over: remembered so that a late retransmission does not open it again. */
  closed: 0,
  /** Nothing but a SYN yet: what a SYN flood leaves. */
  embryonic: 1,
  /** Bytes of one side, and not one packet of the other: what spoofed segments leave. */
  unanswered: 2,
  active: 3,
} as const;
export type FlowPhase = (typeof FlowPhase)[keyof typeof FlowPhase];

/** The side of a flow that sent PROXY headers, and the sources that they name, the nearest first. */
export interface ProxiedSide {
  readonly direction: Direction;
  readonly sources: readonly { readonly words: AddressWords; readonly port: number }[];
}

export class Flow extends Addresses {
  readonly hash: number;
  // What each packet asks for stands together, as it is in the processor's cache together then.
  readonly stream0 = new TcpStream();
  readonly stream1 = new TcpStream();
  consumer: FlowConsumer | null = null;
  phase: FlowPhase = FlowPhase.embryonic;
  /** The sides that sent a packet: bit 0 for endpoint 0, bit 1 for the other. */
  senders = 0;
  /** Whether packets were seen of one direction only. */
  isOneWay = true;
  /** Whether the first answers came from another address than it was sent to, and none from that. */
  isAnsweredElsewhere = false;
  /** Whether the flow was first seen after its start. */
  midstream = false;
  /** Since when a segment waits for bytes that have not come, or since when their receiver has them; -1: none does. */
  waitingSince = -1;
  lastActive: number;
  /** Its neighbours in the list of its phase. */
  newer: Flow | null = null;
  older: Flow | null = null;
  /** Packets of this flow since the receiver was seen to have what is waited for. */
  packetsWhileWaiting = 0;
  /** The side whose reset waits for the bytes in front of it, or -1; its sequence number and what it acknowledges. */
  resetAhead: Direction | -1 = -1;
  resetSequence = 0;
  resetAcknowledgement = 0;
  /** The side that reset the connection, or -1. */
  resetBy: Direction | -1 = -1;
  /** When its first packet was seen. */
  readonly openedAt: number;
  /** Whether it is in the table no longer. */
  isForgotten = false;
  /** The ways beside its own addresses that its packets take. */
  legs: readonly Leg[] = NO_LEGS;
  /** Where the last of its sightings is; -1: nowhere. */
  sightedAt = -1;
  /** Which of the places this is where the connection is seen; null if there is but one. */
  place: 'outer' | 'inner' | null = null;
  /** The leg whose address each endpoint is shown by; null for the flow's own. */
  shown0: Leg | null = null;
  shown1: Leg | null = null;
  /** Hashes of its endpoints, as `OneWayFlows` has them. */
  endpointHash0 = 0;
  endpointHash1 = 0;
  /** Called when no more of it is read, if any of it was: whether it was forgotten before it ended. */
  onClosed: ((isForgotten: boolean) => void) | null = null;
  /** Called when it is to be shown by other addresses. */
  onReaddressed: (() => void) | null = null;
  /** Called when it shows that the flow was seen from its start on, after it was taken for joined in the middle. */
  onBeginning: (() => void) | null = null;
  /** Called when it shows that other bytes of a direction were under way in front of the first that came of it. */
  onWithin: ((direction: Direction) => void) | null = null;
  /** What PROXY headers said of where the connection came from; null if it began with none. */
  proxied: ProxiedSide | null = null;

  constructor(segment: Segment, hash: number, interfaceId: number, time: number) {
    super(segment, interfaceId);
    this.hash = hash;
    this.openedAt = time;
    this.lastActive = time;
  }

  /** Shows its endpoints by the addresses of these legs from now on; null for its own. */
  show(leg0: Leg | null, leg1: Leg | null): void {
    this.shown0 = leg0;
    this.shown1 = leg1;
    this.onReaddressed?.();
  }

  /** Its SYN has come after the bytes behind it. */
  noteBeginning(): void {
    this.midstream = false;
    this.onBeginning?.();
  }

  /** The phase it is in once it has begun. */
  get openPhase(): FlowPhase {
    return this.senders === 3 ? FlowPhase.active : FlowPhase.unanswered;
  }

  stream(direction: Direction): TcpStream {
    return direction === 0 ? this.stream0 : this.stream1;
  }

  /** Whether all that was sent before the reset that waits is here. */
  get isResetDue(): boolean {
    if (this.resetAhead < 0) return false;
    const isFirst = this.resetAhead === 0;
    const stream = isFirst ? this.stream0 : this.stream1;
    const other = isFirst ? this.stream1 : this.stream0;
    const isHere = !stream.started || ((this.resetSequence - stream.next) | 0) <= 0;
    return isHere && !other.isBehindOf(this.resetAcknowledgement);
  }
}

const NO_LEGS: readonly Leg[] = [];
