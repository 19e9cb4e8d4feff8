/**
 * The seam between flows and protocols: how a protocol is recognised by the first bytes of a flow, and who reads the flow
 * from then on.
 */
import type { Counters } from '../counters.js';
import type { Flow } from '../flow/flow.js';
import type { Direction, FlowConsumer } from '../flow/flow-consumer.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import type { MessageSink } from './message-sink.js';
import type { TlsNames } from './tls-names.js';

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
}

/** A flow as a protocol's consumer sees it. */
export interface DetectedFlow {
  readonly flow: Flow;
  readonly protocols: Protocols;
  /** Whether the flow was first seen after its start. */
  readonly isMidstream: boolean;
  /**
   * Which protocol begins with `bytes[start, end)`, where a message should. `isStart`: nothing of its stream was read
   * before; if there was, only what is unmistakable is recognised.
   */
  identify(bytes: Buffer, start: number, end: number, isStart: boolean): Verdict;
  /** Gives the flow to `protocol`, and the bytes of `opening` to its consumer. */
  handOver(protocol: Protocol, opening: Opening): void;
}

/** A protocol; or none of those known; or more bytes are needed. */
export type Verdict = Protocol | 'none' | 'undecided';

/** What all flows share. */
export interface ProtocolContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly tlsNames: TlsNames;
  /** The sinks of a flow's two directions, which pair its messages in the order they come. */
  openConversation(flow: Flow, isMidstream: boolean): readonly [MessageSink, MessageSink];
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
