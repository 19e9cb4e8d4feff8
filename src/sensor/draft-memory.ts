/**
 * What a draft takes of memory, and how its bodies are cut to less.
 *
 * in: drafts, bytes that there are · out: bytes that it takes; how much of its bodies fits
 */
import { decodedBytesMax, windowBytes } from '../http/content-coding.js';
import { MARK_ROWS } from '../pair/exchange.js';
import { messageCodings } from '../trace/grpc-content.js';
import type { Trace } from '../trace/trace.js';
import type { Draft, DraftBody } from '../trace/trace-builder.js';

/**
 * A body's content exists so many times at once: in pieces and joined while it is decoded, as text and edited while it is redacted.
 * One body comes after the other, and the content of the other one is there once.
 */
const COPIES = 5;
/** What a draft takes beside its texts and bodies. */
const DRAFT_BYTES = 2048;

/** Bytes that were kept of both bodies. */
export function keptBytes(draft: Draft): number {
  return bodiesOf(draft).reduce((sum, body) => sum + body.keptBytes, 0);
}

/** What a draft takes as it is. */
export function heldBytes(draft: Draft): number {
  return DRAFT_BYTES + keptBytes(draft) + messageBytes(draft.trace) + 2 * headBytes(draft.trace);
}

/** What finishing it takes beyond that, at most. */
export function costOf(draft: Draft, bodyBytesMax: number): number {
  const contents = contentsOf(draft, bodyBytesMax);
  return fixedCostOf(draft) + contents.reduce((sum, bytes) => sum + bytes, 0) + (COPIES - 1) * Math.max(0, ...contents);
}

/** How long the content of each of its bodies may be, if finishing it may take `bytes`; 0 or less where that is too little. */
export function contentBytesFor(draft: Draft, bodyBytesMax: number, bytes: number): number {
  const left = bytes - fixedCostOf(draft);
  const contents = contentsOf(draft, bodyBytesMax);
  const equal = Math.floor(left / (COPIES - 1 + Math.max(1, contents.length)));
  const shortest = Math.min(...contents);
  return contents.length < 2 || shortest >= equal ? equal : Math.floor((left - shortest) / COPIES);
}

/**
 * The draft with no more than `share` bytes kept of its bodies: half of them of each, and what the other one leaves. A body that is
 * cut shows as truncated.
 */
export function cutDraft(draft: Draft, share: number): Draft {
  const { trace, request, response } = draft;
  // A share of the memory may have half a byte in it, and bodies are cut at whole ones.
  const bytesMax = Math.floor(share);
  const others = response?.keptBytes ?? 0;
  const half = Math.floor(bytesMax / 2);
  const ofRequest = Math.min(request.keptBytes, Math.max(half, bytesMax - others));
  const ofResponse = Math.min(others, Math.max(half, bytesMax - request.keptBytes));
  if (ofRequest < request.keptBytes) trace.request.body.truncated = true;
  if (trace.response !== null && ofResponse < others) trace.response.body.truncated = true;
  return {
    trace,
    request: beginningOf(request, ofRequest),
    response: response === null ? null : beginningOf(response, ofResponse),
  };
}

/** Memory was short for it. Returns whether that is new. */
export function markShed({ marks }: Trace): boolean {
  const { name } = MARK_ROWS.shed;
  if (marks.includes(name)) return false;
  marks.push(name);
  return true;
}

/** Characters of the texts of both messages: each takes a byte or two. */
export function headBytes({ request, response }: Trace): number {
  let bytes = request.target.length + request.authority.length;
  for (const section of [request.headers, request.trailers, response?.headers ?? [], response?.trailers ?? []])
    for (const [name, value] of section) bytes += name.length + value.length;
  return bytes + (response?.reason.length ?? 0);
}

function beginningOf(body: DraftBody, bytesMax: number): DraftBody {
  if (body.keptBytes <= bytesMax) return body;
  const chunks: Uint8Array[] = [];
  let left = bytesMax;
  for (const chunk of body.chunks) {
    if (left <= 0) break;
    // A copy of a part, so that the rest is not held with it.
    chunks.push(chunk.length <= left ? chunk : Uint8Array.prototype.slice.call(chunk, 0, left));
    left -= chunk.length;
  }
  return { ...body, chunks, keptBytes: bytesMax };
}

function bodiesOf({ request, response }: Draft): DraftBody[] {
  return (response === null ? [request] : [request, response]).filter((body) => body.keptBytes > 0);
}

/** The most bytes that the content of each body has. */
function contentsOf(draft: Draft, bodyBytesMax: number): number[] {
  const isCoded = messageCodings(draft.trace).length > 0;
  return bodiesOf(draft).map(({ keptBytes: kept, codings }) =>
    codings.length === 0 && !isCoded ? Math.min(kept, bodyBytesMax) : decodedBytesMax(kept, bodyBytesMax),
  );
}

/** What there is to take however short its bodies are cut. */
function fixedCostOf(draft: Draft): number {
  return COPIES * (messageBytes(draft.trace) + headBytes(draft.trace)) + windowsOf(draft);
}

function messageBytes({ messages }: Trace): number {
  return messages?.reduce((sum, { content }) => sum + content.length, 0) ?? 0;
}

/** Bodies are decoded one after the other. */
function windowsOf(draft: Draft): number {
  return Math.max(
    windowBytes(messageCodings(draft.trace)),
    ...bodiesOf(draft).map(({ codings }) => windowBytes(codings)),
  );
}
