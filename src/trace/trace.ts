/**
 * A trace: an exchange as every output receives it. Its bodies are content-decoded and capped, its ids assigned, its
 * secrets redacted; outputs only encode it.
 */
import type { GraphqlOperation } from '../http/graphql/graphql-request.js';
import type { EventFields, MessageKind, SeenMessages } from '../http/stream-message.js';
import type { Endpoint, HeaderPair } from '../pair/exchange.js';
import type { Pod } from '../pair/pod.js';
import type { Place } from '../pair/route.js';
import type { Client } from './client.js';

export interface TraceBody {
  /** Bytes as transferred, after chunk decoding and before content decoding. */
  wireBytes: number;
  /** Bytes after content decoding: of the whole body where that is known, else `content.length`. */
  bytes: number;
  truncated: boolean;
  /** The decoded bytes up to the configured cap; the bytes as transferred where `codingError` is set. */
  content: Uint8Array;
  /** Why the content coding could not be undone. */
  codingError: string | null;
  /** The coding that was undone, where no header named one and the body began by it. */
  unlabelledCoding?: string;
  /** Why redaction left the content out: nobody could have looked into it. */
  omitted?: string;
}

/** A rule that replaced something, and where: `request.header.x-api-key`, `response.body.access_token`. */
export interface Redaction {
  where: string;
  rule: string;
}

/** One value that was replaced: what can be said of it without saying what it was. */
export interface Replacement extends Redaction {
  /** How long it was; null where a body as a whole was left out. */
  bytes: number | null;
  /** What kinds of characters it was made of, or why a body was left out. */
  looks: string;
}

export interface TraceRequest {
  method: string;
  scheme: 'http' | 'https';
  /** host[:port] from the target or the Host header, else the server's address and port. */
  authority: string;
  /** As sent. */
  target: string;
  path: string;
  /** Without the question mark; empty if there is none. */
  query: string;
  headers: HeaderPair[];
  trailers: HeaderPair[];
  body: TraceBody;
}

export interface TraceResponse {
  status: number;
  reason: string;
  headers: HeaderPair[];
  trailers: HeaderPair[];
  body: TraceBody;
}

/** One message of a stream: a frame of a WebSocket, a server-sent event, a line, a message of a call. */
export interface TraceMessage {
  /** `request`: sent by the client. */
  direction: 'request' | 'response';
  kind: MessageKind;
  /** When its last byte came, from the start. */
  offsetNano: number;
  /** Of its payload as transferred, and of its content. */
  wireBytes: number;
  bytes: number;
  truncated: boolean;
  /** As much of it as was kept; where `codingError` is set none, of a call as it was sent. */
  content: Uint8Array;
  codingError: string | null;
  /** As `TraceBody.omitted`. */
  omitted?: string;
  /** Of a server-sent event: what it says beside its data. */
  event?: EventFields;
  /** Of a WebSocket's close frame. */
  closeCode?: number;
}

/** The part of a pod that a trace tells. */
export interface TracePod extends Pick<Pod, 'namespace' | 'workload'> {
  readonly pod: string;
  /** The container that listens on the port, where that is known. */
  readonly container: string | null;
}

export interface Trace {
  /** 32 lowercase hex digits. */
  traceId: string;
  /** 16 lowercase hex digits. */
  spanId: string;
  parentSpanId: string | null;
  /** `server` where the server's address belongs to the task, else `client`. */
  kind: 'server' | 'client';
  startTimeUnixNano: bigint;
  /** First request byte to last response byte seen. */
  durationNano: number;
  timing: { requestEndNano: number; responseStartNano: number | null };
  network: {
    interface: string;
    protocol: string;
    client: Endpoint;
    server: Endpoint;
    /** Of a connection or a request seen in several places: which of them this is. */
    leg?: Place;
    /** Of HTTP/2: which stream of the connection it was. */
    streamId?: number;
    /** The name of the error code by which one side gave that up; absent if none did. */
    streamError?: string;
  };
  /** The client behind the proxies that are trusted. Absent where nobody has looked: `network.client` is all that is known then. */
  client?: Client;
  /** The pods of Kubernetes at both ends, null where none is known; absent where nobody was asked, or neither is known. */
  kubernetes?: { readonly client: TracePod | null; readonly server: TracePod | null };
  request: TraceRequest;
  response: TraceResponse | null;
  /** What the server says of the status of a call, percent-encoding undone; absent where it says nothing. */
  statusMessage?: string;
  /** What it asks of a GraphQL service, one for each request of a batch; absent where it asks none. */
  graphql?: GraphqlOperation[];
  /** Its path without values, `/users/{userId}`; absent where there are too many, or nothing is at the path. */
  route?: string;
  /** Names as in `markNames`. */
  marks: string[];
  /** The first messages of a stream, as they ended; absent where it is none. */
  messages?: TraceMessage[];
  /** How many there were each way, kept or not. */
  messagesSeen?: { request: SeenMessages; response: SeenMessages };
  /** Which window of a stream it is, from 0 on; absent where it is the whole exchange. */
  window?: number;
  /**
   * How many exchanges it stands for, itself included, where that is more than one: by the sample rate, and by what limits refused
   * of its endpoint since its last trace. Sums of it estimate what there was.
   */
  adjustedCount?: number;
  /** Share of the last half minute in which packets were taken, under a CPU budget; counts divided by it are estimates. */
  watchedShare?: number;
  /** What was redacted; absent where nothing was. */
  redactions?: Redaction[];
  /** Each value that was replaced, in its order; present only where the redactor was asked to explain itself. */
  replacements?: Replacement[];
}

/** The value of the first of `pairs` with this name. */
export function headerOf(pairs: readonly HeaderPair[], lowercaseName: string): string | undefined {
  for (const [name, value] of pairs) {
    if (name.length === lowercaseName.length && name.toLowerCase() === lowercaseName) return value;
  }
  return undefined;
}
