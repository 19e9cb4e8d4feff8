/**
 * The trace an exchange belongs to, as its `traceparent` header says (W3C Trace Context, Recommendation).
 *
 * in:  a request's headers · out: the `TraceContext` they carry, or null
 *
 *     00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
 *     version  trace-id (32)              parent-id (16)   flags
 */
import type { HeaderList } from '../http/header-list.js';

/** Where an exchange stands in its trace. */
export interface TraceContext {
  /** 32 lowercase hex digits: from a valid `traceparent`, else fresh. */
  traceId: string;
  /** 16 lowercase hex digits, or null where the exchange starts its trace. */
  parentSpanId: string | null;
  /** Whether the caller sampled this trace; null where no caller said. */
  sampled: boolean | null;
}

export interface Traceparent {
  traceId: string;
  parentId: string;
  /** The trace-flags byte; bit 0 is `sampled`. */
  flags: number;
}

/**
 * Reads a `traceparent` value strictly; null if it is invalid, in which case the trace starts anew (§3.2.2).
 * A version later than 00 may carry more fields after the flags, set off by a dash (§3.2.4).
 */
export function parseTraceparent(value: string): Traceparent | null {
  const match = TRACEPARENT.exec(value);
  if (match === null) return null;
  const [, version, traceId, parentId, flags, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (version === 'ff' || traceId === ZERO_TRACE_ID || parentId === ZERO_SPAN_ID) return null;
  if (version === '00' && rest !== '') return null;
  return { traceId, parentId, flags: Number.parseInt(flags, 16) };
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})((?:-.*)?)$/s;
const ZERO_TRACE_ID = '0'.repeat(32);
const ZERO_SPAN_ID = '0'.repeat(16);

/** The context the request's headers carry, or null. A header sent twice cannot be believed. */
export function traceContextOf(headers: HeaderList): TraceContext | null {
  const value = headers.get('traceparent');
  if (value === undefined) return null;
  const parent = parseTraceparent(value);
  if (parent === null || headers.getAll('traceparent').length > 1) return null;
  return { traceId: parent.traceId, parentSpanId: parent.parentId, sampled: (parent.flags & 1) === 1 };
}
