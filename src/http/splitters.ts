/** The splitters of bodies into messages, by the media type they are for. One more is a row. */
import type { MemoryBudget } from '../memory-budget.js';
import { CodedSplitter } from './coded-splitter.js';
import { contentCodings } from './content-coding.js';
import { EventSplitter } from './events/event-splitter.js';
import { LineSplitter } from './events/line-splitter.js';
import { GrpcSplitter } from './grpc/grpc-splitter.js';
import { GRPC_TYPE, grpcType, PLAIN_GRPC } from './grpc/grpc-type.js';
import type { HeaderList } from './header-list.js';
import type { InflateWindows } from './inflate-windows.js';
import type { MessageSplitter, MessageTaker } from './stream-message.js';

export interface SplitterRow {
  /** Of the value of Content-Type. */
  readonly type: RegExp;
  /** Whether it is a stream even where the message says how long it is. */
  readonly splitsKnownLength: boolean;
  /** Whether most of these bodies are over in a moment, and may be split as a whole then. */
  readonly isDeferred: boolean;
  /** Takes the messages of one direction out of its body. `headers`: of the message. */
  open(taker: MessageTaker, isRequest: boolean, context: SplitterContext): MessageSplitter;
}

export interface SplitterContext {
  readonly headers: HeaderList;
  readonly budget: MemoryBudget;
  /** For bodies that are coded as a whole. */
  readonly windows: InflateWindows;
  readonly trailerBytesMax: number;
  /** Trailers that the body had in it. */
  readonly onTrailers: (trailers: [string, string][]) => void;
}

const ROWS: readonly SplitterRow[] = [
  {
    type: GRPC_TYPE,
    splitsKnownLength: true,
    isDeferred: true,
    open: (taker, isRequest, { headers, ...context }) =>
      new GrpcSplitter(taker, isRequest, {
        ...context,
        type: grpcType(headers.get('content-type')) ?? PLAIN_GRPC,
        coding: headers.get('grpc-encoding')?.trim().toLowerCase() ?? '',
      }),
  },
  {
    type: /^\s*text\/event-stream\s*(?:;|$)/i,
    splitsKnownLength: true,
    isDeferred: false,
    open: (taker, isRequest, { budget }) => new EventSplitter(taker, isRequest, budget),
  },
  {
    type: /^\s*application\/(?:x-|vnd\.)?(?:ndjson|jsonl|jsonlines|json-lines|json-seq|stream\+json)\s*(?:;|$)/i,
    splitsKnownLength: false,
    isDeferred: false,
    open: (taker, isRequest, { budget }) => new LineSplitter(taker, isRequest, budget),
  },
];

/**
 * The row for a message with these headers; null where its body is no stream of messages, or is coded as a whole in a way that is not
 * undone as it comes.
 */
export function splitterRow(headers: HeaderList, isOpenEnded: boolean): SplitterRow | null {
  const type = headers.get('content-type');
  if (type === undefined || !mayBeStream(type)) return null;
  for (const row of ROWS) {
    if (!row.type.test(type) || !(isOpenEnded || row.splitsKnownLength)) continue;
    if (headers.get('content-encoding') === undefined) return row;
    const codings = contentCodings(headers.getAll('content-encoding'));
    return codings.length === 0 ? row : codedRow(row, codings);
  }
  return null;
}

/** `row` for bodies that are coded as a whole; null where that is not by one coding that is known. */
function codedRow(row: SplitterRow, [coding = '', ...others]: readonly string[]): SplitterRow | null {
  if (row.isDeferred || others.length > 0 || !STREAMED_CODINGS.has(coding)) return null;
  return {
    ...row,
    open: (taker, isRequest, context) =>
      new CodedSplitter(row.open(taker, isRequest, context), taker, isRequest, coding, context.windows),
  };
}

const STREAMED_CODINGS: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'zstd']);

/** Whether a row may be for it, by two characters: nearly all types are none of these. */
function mayBeStream(type: string): boolean {
  const first = type.charCodeAt(0) | 0x20;
  if (first === 0x74 /* t */) return (type.charCodeAt(5) | 0x20) === 0x65; /* text/e */
  if (first !== 0x61 /* a */) return first <= 0x20;
  const subtype = type.charCodeAt(12) | 0x20;
  // application/json goes on where JSON Lines and the like do.
  if (subtype === 0x6a /* j */) return type.length > 16 && type.charCodeAt(16) !== 0x3b && type.charCodeAt(16) !== 0x20;
  return (
    subtype === 0x67 || subtype === 0x78 || subtype === 0x76 || subtype === 0x6e || subtype === 0x73
  ); /* g x v n s */
}
