/**
 * A trace: an exchange as every output receives it. Its bodies are content-decoded and capped, its ids assigned, its
 * secrets redacted; outputs only encode it.
 */
import type { Endpoint, HeaderPair } from '../pair/exchange.js';

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
  network: { interface: string; protocol: string; client: Endpoint; server: Endpoint };
  request: TraceRequest;
  response: TraceResponse | null;
  /** Names as in `markNames`. */
  marks: string[];
  /** Share of the last half minute in which packets were taken, under a CPU budget; counts divided by it are estimates. */
  watchedShare?: number;
}
