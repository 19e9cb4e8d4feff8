/**
 * The model: an HTTP request and the response it got (RFC 9110 §3.7), as assembled from the wire.
 *
 * in:  messages of both streams of a flow · out: to `policy/`, then to `trace/`
 *
 * Times are moments (see `Clocks`): nanoseconds since `timeBaseSeconds`, which has what its interface's clock is ahead.
 */

import { column } from '../columns.js';
import type { DropReason } from '../counters.js';
import type { HeaderList } from '../http/header-list.js';
import type { MessageBody } from '../http/message-body.js';
import type { Limits } from '../limits.js';
import type { Hop } from './hops.js';
import type { MessageLog } from './message-log.js';
import type { Place, Route } from './route.js';
import type { TraceContext } from './trace-context.js';

/** A header or trailer as sent: name and value, in order, repeats kept. */
export type HeaderPair = [name: string, value: string];

export interface MarkRow {
  readonly bit: number;
  /** As it stands in a trace. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
}

/** What is known to be incomplete or unusual about an exchange, one row a mark, by rising bits. */
export const MARK_ROWS = {
  midstream: {
    bit: 1 << 0,
    name: 'midstream',
    help: 'The flow was first seen after its start.',
  },
  gap: {
    bit: 1 << 1,
    name: 'gap',
    help: 'Bytes of this exchange were not captured.',
  },
  aborted: {
    bit: 1 << 2,
    name: 'aborted',
    help: 'The connection ended or was reset before the message did.',
  },
  noResponse: {
    bit: 1 << 3,
    name: 'no-response',
    help: 'The response never came.',
  },
  upgraded: {
    bit: 1 << 4,
    name: 'upgraded',
    help: 'The connection stopped being HTTP here: 101, or 2xx to CONNECT.',
  },
  unfinished: {
    bit: 1 << 5,
    name: 'unfinished',
    help: 'It had not ended when its time ran out, its flow was forgotten or the capture ended; what had come by then is here.',
  },
  shed: {
    bit: 1 << 6,
    name: 'shed',
    help: 'Memory ran short, and a body or part of one was given up.',
  },
  drops: {
    bit: 1 << 7,
    name: 'drops',
    help: 'The kernel dropped packets while this exchange was under way.',
  },
  malformed: {
    bit: 1 << 8,
    name: 'malformed',
    help: 'The message departs from the grammar; what could be read of it is here.',
  },
  earlyResponse: {
    bit: 1 << 9,
    name: 'early-response',
    help: 'The response began before the request had ended.',
  },
  overtime: {
    bit: 1 << 10,
    name: 'overtime',
    help: 'Decoding or redacting it took too long, and it has no bodies.',
  },
  headTooLarge: {
    bit: 1 << 11,
    name: 'head-too-large',
    help: 'A head was longer than a head may be, or had more headers; the beginning of it is here.',
  },
  headersUnknown: {
    bit: 1 << 12,
    name: 'headers-unknown',
    help: 'Fields of a head were sent as references to earlier ones that were not captured; an empty target, and a status of 0, may be among them.',
  },
  pushed: {
    bit: 1 << 13,
    name: 'pushed',
    help: 'The server answered a request that it expected, and that nobody sent.',
  },
  continues: {
    bit: 1 << 14,
    name: 'continues',
    help: 'A window of a stream that had not ended; what comes later is in other traces, whose parent is the first.',
  },
} as const satisfies Record<string, MarkRow>;

/** The bits of `Exchange.marks`. */
export const Mark = column(MARK_ROWS, ({ bit }) => bit);

export interface Endpoint {
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly address: string;
  readonly port: number;
  /** Where its connection came from before, by the PROXY headers it began with: the nearest first. Absent if it had none. */
  readonly sources?: readonly Endpoint[];
}

export interface HttpRequest {
  readonly method: string;
  /** The request target as sent (RFC 9112 §3.2). */
  readonly target: string;
  readonly headers: HeaderList;
  body: MessageBody;
  trailers: HeaderPair[];
}

export interface HttpResponse {
  /** 0 where it is not known. */
  readonly status: number;
  readonly reason: string;
  /** `1.1`, `1.0`, `2`. */
  readonly version: string;
  readonly headers: HeaderList;
  body: MessageBody;
  trailers: HeaderPair[];
}

/** What HTTP/2 says of an exchange beside its messages (RFC 9113 §5). */
export interface StreamFacts {
  readonly id: number;
  /** `:authority`; null where the Host header has it, or nobody knows. */
  readonly authority: string | null;
  /** `:scheme`. */
  readonly scheme: 'http' | 'https';
  /** The name of the error code by which one side gave it up (§7); null if none did. */
  error: string | null;
}

export interface StreamWindow {
  /** From 0 on. */
  readonly index: number;
  /** The span of the first window, the parent of all others. Whichever becomes a trace first sets it. */
  readonly span: { id: string | null };
}

export interface Exchange {
  readonly route: Route;
  /** Where on its way the request was seen, if it was seen in several places; absent where its connection says it. */
  place?: Place;
  /** The endpoint that sent the request, whichever sent the SYN. */
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** HTTP version of the request: `1.1`, `1.0`, `2`. */
  readonly protocol: string;
  /** The place of the request's first byte in its stream; 0 where its protocol has no places. */
  readonly position: number;
  /** Of HTTP/2; absent elsewhere. */
  stream?: StreamFacts;
  /** What it carried beside or in its bodies, message by message; absent where it is no stream of messages. */
  messages?: MessageLog;
  /** Its bodies are still to be split into messages, by these limits; absent where they are not. */
  unsplit?: Limits;
  /** Which part of a stream it is; absent where it is all of one. */
  window?: StreamWindow;
  readonly timeBaseSeconds: number;
  /** First byte of the request. */
  startTime: number;
  requestEndTime: number;
  /** First byte of the final response, or -1. */
  responseStartTime: number;
  /** Last byte seen of the response, or of the request as long as there is none. */
  endTime: number;
  request: HttpRequest;
  response: HttpResponse | null;
  /** Bits of `Mark`. */
  marks: number;
  /** Why this exchange will not be sent, decided when the request's head was complete; 0 if it is kept. */
  dropReason: DropReason;
  /** The trace it belongs to; set when it is admitted. */
  context: TraceContext | null;
  /** What the rate limit granted for it when it was admitted; null without a limit, or once it was given back. */
  permit: Permit | null;
  /** How many exchanges it stands for, itself included: by the sample rate, and by what limits refused of its endpoint. */
  standsFor: number;
  /** What it is known by as a hop of its request, while it is; null elsewhere. */
  hop: Hop | null;
}

/** In place of a `DropReason`: whether it is kept will be decided when the request's body has come, or enough of it. */
export const UNDECIDED = -1;

/** Leave to send one exchange, out of a limited number. */
export interface Permit {
  /** How many exchanges with the endpoint asked for it: this one, and those refused since the last permit. */
  readonly standsFor: number;
  /** The exchange is dropped for another reason after all. At most once. */
  giveBack(): void;
}

/** The names of the set bits, in the order of the rows. */
export function markNames(marks: number): string[] {
  const names: string[] = [];
  for (const { bit, name } of MARKS) if (marks & bit) names.push(name);
  return names;
}

const MARKS: readonly MarkRow[] = Object.values(MARK_ROWS);
