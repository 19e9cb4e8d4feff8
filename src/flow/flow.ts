/**
 * One TCP connection: its two endpoints, its two streams, and its place among the others.
 *
 * Endpoint 0 sent the first packet seen. Addresses are as in `Segment`.
 */
import type { Segment } from '../decode/segment.js';
import type { Direction, FlowConsumer } from './flow-consumer.js';
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
  active: 2,
} as const;
export type FlowPhase = (typeof FlowPhase)[keyof typeof FlowPhase];

export class Flow {
  readonly hash: number;
  readonly tunnelId: number;
  readonly word00: number;
  readonly word01: number;
  readonly word02: number;
  readonly word03: number;
  readonly port0: number;
  readonly word10: number;
  readonly word11: number;
  readonly word12: number;
  readonly word13: number;
  readonly port1: number;
  /** The interface the first packet was seen on. */
  readonly interfaceId: number;
  readonly stream0 = new TcpStream();
  readonly stream1 = new TcpStream();
  phase: FlowPhase = FlowPhase.embryonic;
  /** Whether the flow was first seen after its start. */
  midstream = false;
  /** The side that reset the connection, or -1. */
  resetBy: Direction | -1 = -1;
  consumer: FlowConsumer | null = null;
  lastActive: number;
  /** Since when a segment waits for bytes that have not come, or -1. */
  waitingSince = -1;
  /** Packets of this flow since `waitingSince`. */
  packetsWhileWaiting = 0;
  /** Its neighbours in the list of its phase. */
  newer: Flow | null = null;
  older: Flow | null = null;

  constructor(segment: Segment, hash: number, interfaceId: number, time: number) {
    this.hash = hash;
    this.tunnelId = segment.tunnelId;
    this.word00 = segment.sourceWord0;
    this.word01 = segment.sourceWord1;
    this.word02 = segment.sourceWord2;
    this.word03 = segment.sourceWord3;
    this.port0 = segment.sourcePort;
    this.word10 = segment.destinationWord0;
    this.word11 = segment.destinationWord1;
    this.word12 = segment.destinationWord2;
    this.word13 = segment.destinationWord3;
    this.port1 = segment.destinationPort;
    this.interfaceId = interfaceId;
    this.lastActive = time;
  }

  stream(direction: Direction): TcpStream {
    return direction === 0 ? this.stream0 : this.stream1;
  }

  /** The direction `s` goes in, or -1 if it is not of this flow. */
  directionOf(s: Segment): Direction | -1 {
    if (s.tunnelId !== this.tunnelId) return -1;
    if (
      s.sourcePort === this.port0 &&
      s.destinationPort === this.port1 &&
      s.sourceWord3 === this.word03 &&
      s.destinationWord3 === this.word13 &&
      s.sourceWord2 === this.word02 &&
      s.destinationWord2 === this.word12 &&
      s.sourceWord1 === this.word01 &&
      s.destinationWord1 === this.word11 &&
      s.sourceWord0 === this.word00 &&
      s.destinationWord0 === this.word10
    ) {
      return 0;
    }
    if (
      s.sourcePort === this.port1 &&
      s.destinationPort === this.port0 &&
      s.sourceWord3 === this.word13 &&
      s.destinationWord3 === this.word03 &&
      s.sourceWord2 === this.word12 &&
      s.destinationWord2 === this.word02 &&
      s.sourceWord1 === this.word11 &&
      s.destinationWord1 === this.word01 &&
      s.sourceWord0 === this.word10 &&
      s.destinationWord0 === this.word00
    ) {
      return 1;
    }
    return -1;
  }
}
