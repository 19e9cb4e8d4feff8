/**
 * The model: an HTTP request and the response it got (RFC 9110 §3.7), as assembled from the wire.
 *
 * in:  messages of both streams of a flow · out: to `policy/`, then to `trace/`
 *
 * Times are nanoseconds since `timeBaseSeconds` (see `PacketBatch`).
 */

import { column } from '../columns.js';
import type { DropReason } from '../counters.js';
import type { HeaderList } from '../http/header-list.js';
import type { MessageBody } from '../http/message-body.js';
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
} as const satisfies Record<string, MarkRow>;

/** The bits of `Exchange.marks`. */
export const Mark = column(MARK_ROWS, ({ bit }) => bit);

export interface Endpoint {
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly address: string;
  readonly port: number;
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
  readonly status: number;
  readonly reason: string;
  /** `1.1`, `1.0`. */
  readonly version: string;
  readonly headers: HeaderList;
  body: MessageBody;
  trailers: HeaderPair[];
}

export interface Exchange {
  readonly interfaceName: string;
  /** The endpoint that sent the request, whichever sent the SYN. */
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** HTTP version of the request: `1.1`, `1.0`. */
  readonly protocol: string;
  readonly timeBaseSeconds: number;
  /** First byte of the request. */
  startTime: number;
  requestEndTime: number;
  /** First byte of the final response, or -1. */
  responseStartTime: number;
  /** Last byte seen of the response, or of the request where there is none. */
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
}

/** Leave to send one exchange, out of a limited number. */
export interface Permit {
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
