/**
 * The seam between flows and protocols: how a protocol is recognised by the first bytes of a flow, and who reads the flow
 * from then on.
 */
import type { Counters } from '../counters.js';
import type { Flow } from '../flow/flow.js';
import type { Direction, EndCause, FlowConsumer } from '../flow/flow-consumer.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import type { ExchangeSink } from './exchange-sink.js';
import type { HeaderList } from './header-list.js';
import type { InflateWindows } from './inflate-windows.js';
import type { MessageHead } from './message-head.js';
import type { MessageSink } from './message-sink.js';
import type { MessageTaker } from './stream-message.js';
import type { TlsNames } from './tls-names.js';
import type { UnreadFlows } from './unread-flows.js';

/** Whether bytes are the beginning of a protocol. */
export const Recognition = {
  no: 0,
  /** As far as there are bytes. */
  maybe: 1,
  yes: 2,
} as const;
export type Recognition = (typeof Recognition)[keyof typeof Recognition];

/** The bytes a protocol begins with, `bytes[start, end)`, and the time of the last; valid during the call. */
export interface Opening {
  readonly direction: Direction;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly time: number;
  /** Where the other side asked for the protocol by the Upgrade of HTTP/1.1. */
  readonly upgrade?: Upgrade;
  /** Where a `MidstreamWatch` found it. */
  readonly joined?: JoinedMiddle;
}

/** A connection whose beginning was not seen, and whose protocol its segments have shown. */
export interface JoinedMiddle {
  readonly client: Direction;
  /** Since then, in the order they came; none where too much came before it was certain. Valid during the call. */
  readonly segments: readonly JoinedSegment[];
}

export interface JoinedSegment {
  readonly direction: Direction;
  readonly bytes: Buffer;
  readonly time: number;
}

/** Looks at a connection joined in the middle for a protocol that no single segment shows. */
export interface MidstreamWatch {
  /** Takes the next segment of a direction, valid during the call. Null as long as it is not certain. */
  segment(direction: Direction, bytes: Buffer, start: number, end: number, time: number): JoinedMiddle | null;
  /** Bytes of a direction are missing. */
  gap(direction: Direction): void;
  /** Nothing more is looked at. */
  release(): void;
}

/** What HTTP/1.1 leaves to the protocol that it is upgraded to (RFC 9110 §7.8). */
export interface Upgrade {
  /** The token of the response's Upgrade header, lower-case. */
  readonly to: string;
  /** The request that asked for it; null where nothing is kept of it. */
  readonly request: MessageHead | null;
  /** The exchange that goes on, where it goes on as messages and is kept. */
  readonly exchange: UpgradedExchange | null;
}

/** An exchange whose connection goes on as a stream of messages. */
export interface UpgradedExchange {
  readonly messages: MessageTaker;
  /** The headers of the response that agreed to it. */
  readonly response: HeaderList;
  /** No more comes. */
  end(cause: EndCause, time: number): void;
}

/** Opened without bytes. */
export function emptyOpening(direction: Direction, time: number): Opening {
  return { direction, bytes: NO_BYTES, start: 0, end: 0, time };
}

const NO_BYTES = Buffer.alloc(0);

export interface Protocol {
  readonly name: string;
  /** Counts the flows that speak it, where they are counted. */
  readonly counter: keyof Counters | null;
  /** Whether its beginning is beyond doubt, so that it is recognised behind messages of HTTP/1 too. */
  readonly isUnmistakable: boolean;
  recognise(bytes: Buffer, start: number, end: number): Recognition;
  /** Whether a segment is of its middle, where that can be said. */
  recogniseMidstream?(bytes: Buffer, start: number, end: number): boolean;
  /** For one of which several segments of both directions are needed to say so. */
  watchMidstream?(): MidstreamWatch;
  /**
   * Returns who reads `flow` from here on. The bytes of `opening` come to it as data like all others, perhaps in pieces;
   * they are given here for what can be said of them as a whole.
   */
  open(flow: DetectedFlow, opening: Opening): FlowConsumer;
}

export interface Protocols {
  /** In the order they are asked. One that may still be recognised is waited for before a later one is taken. */
  readonly known: readonly Protocol[];
  /** Finds its messages wherever they begin: for flows joined in the middle, and flows that lost bytes before a verdict. */
  readonly midstream: Protocol;
  /** For flows that speak none of the known. */
  readonly unknown: Protocol;
  /** For what follows on a flow that HTTP has ended on: by 101, or by 2xx to CONNECT. */
  readonly upgraded: Protocol;
  /** For flows joined in the middle: a protocol that has `watchMidstream`. */
  readonly watched: Protocol;
  /** For what follows a 101, by the token of its Upgrade header, where that is read. */
  readonly upgrades: Readonly<Record<string, Protocol>>;
}

/** A flow as a protocol's consumer sees it. */
export interface DetectedFlow {
  readonly flow: Flow;
  readonly protocols: Protocols;
  /** Whether the flow was first seen after its start, as far as is known now. */
  readonly isMidstream: boolean;
  /**
   * Which protocol begins with `bytes[start, end)`, where a message should. `isStart`: nothing of its stream was read
   * before; if there was, only what is unmistakable is recognised.
   */
  identify(bytes: Buffer, start: number, end: number, isStart: boolean): Verdict;
  /** The protocol whose middle `bytes[start, end)`, a segment, are of, where that can be said. */
  joined(bytes: Buffer, start: number, end: number): Protocol | undefined;
  /** Gives the flow to `protocol`, and the bytes of `opening` to its consumer. */
  handOver(protocol: Protocol, opening: Opening): void;
  /** What follows on the flow begins another connection: its protocol is found out anew. */
  detectAgain(): void;
}

/** A protocol; or none of those known; or more bytes are needed. */
export type Verdict = Protocol | 'none' | 'undecided';

/** What all flows share. */
export interface ProtocolContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly windows: InflateWindows;
  readonly tlsNames: TlsNames;
  readonly unreadFlows: UnreadFlows;
  /** Takes the protocol that a flow is given to, each time that it is. */
  onProtocol?(flow: Flow, protocol: string): void;
  /** The sinks of a flow's two directions, which pair its messages in the order they come. */
  openConversation(flow: Flow): readonly [MessageSink, MessageSink];
  /** The sink of a flow whose messages say themselves which request they answer. */
  openExchanges(flow: Flow, isMidstream: boolean): ExchangeSink;
}

/** Reads nothing. */
export const IGNORED_FLOW: FlowConsumer = { data() {}, gap() {}, end() {} };

/** How far `bytes[at, end)` agree with `prefix`. */
export function matchPrefix(bytes: Uint8Array, at: number, end: number, prefix: string): Recognition {
  for (let i = 0; i < prefix.length; i++) {
    if (at + i >= end) return Recognition.maybe;
    if (bytes[at + i] !== prefix.charCodeAt(i)) return Recognition.no;
  }
  return Recognition.yes;
}
