/**
 * A trace with a large body as JSON, without stopping the capture while it is encoded.
 *
 * in: `Trace`, the encoder for all of it at once · out: the same bytes, made in slices between which other work has its turn
 *
 * The trace is encoded with a short stand-in for each large body; then the body itself, sliced, takes the stand-in's place. So
 * it serves every format that has a body as a JSON string: text as it is, the rest as base64.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { Trace, TraceBody } from '../trace/trace.js';
import { asBuffer, textOf, wholeCharacters } from './ndjson.js';

/** Bytes of bodies that are encoded in one go: half a millisecond's worth. */
export const LARGE_BODY_BYTES = 65_536;
/** A multiple of three, so that slices of base64 join. */
const SLICE_BYTES = 49_152;
/** Bytes that are copied in one go. */
const JOIN_BYTES = 1 << 20;

/** Bytes of the bodies of both messages. */
export function bodyBytes({ request, response }: Trace): number {
  return request.body.content.length + (response?.body.content.length ?? 0);
}

export async function encodeLarge(trace: Trace, encode: (trace: Trace) => Buffer): Promise<Buffer> {
  const request = standIn(trace.request.body);
  const response = trace.response === null ? null : standIn(trace.response.body);
  const outline = encode({
    ...trace,
    request: { ...trace.request, body: request.body },
    response: trace.response === null || response === null ? null : { ...trace.response, body: response.body },
  });
  const parts: Buffer[] = [];
  let from = 0;
  for (const { marker, slices } of response === null ? [request] : [request, response]) {
    if (marker === null) continue;
    const at = outline.indexOf(marker, from);
    parts.push(outline.subarray(from, at));
    for (const slice of slices()) {
      parts.push(Buffer.from(slice));
      await new Promise((resolve) => setImmediate(resolve));
    }
    from = at + marker.length;
  }
  parts.push(outline.subarray(from));
  return join(parts);
}

/** As `Buffer.concat`, in slices: the pages of the new buffer are what takes the time. */
async function join(parts: readonly Buffer[]): Promise<Buffer> {
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  let turnAt = JOIN_BYTES;
  for (const part of parts) {
    at += part.copy(joined, at);
    if (at < turnAt) continue;
    turnAt = at + JOIN_BYTES;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return joined;
}

interface StandIn {
  body: TraceBody;
  /** What stands in the outline where the body belongs; null where the body is there itself. */
  marker: string | null;
  slices: () => Iterable<string>;
}

function standIn(body: TraceBody): StandIn {
  const content = asBuffer(body.content);
  if (content.length <= SLICE_BYTES) return { body, marker: null, slices: () => [] };
  // 24 random bytes are in no other part of the trace.
  const random = randomBytes(24);
  if (isText(content, body.truncated)) {
    const marker = random.toString('hex');
    return {
      body: { ...body, content: Buffer.from(marker), truncated: body.truncated },
      marker,
      slices: () => textSlices(content),
    };
  }
  const bytes = Buffer.concat([Buffer.from([0xff, 0xff, 0xff]), random]);
  return { body: { ...body, content: bytes }, marker: bytes.toString('base64'), slices: () => base64Slices(content) };
}

/** As `textOf` decides it, without making the text. */
function isText(content: Buffer, truncated: boolean): boolean {
  if (isUtf8(content)) return true;
  const end = wholeCharacters(content);
  return truncated && end < content.length && isUtf8(content.subarray(0, end));
}

function* textSlices(content: Buffer): Iterable<string> {
  const end = isUtf8(content) ? content.length : wholeCharacters(content);
  for (let from = 0; from < end; ) {
    const to = from + SLICE_BYTES >= end ? end : wholeEnd(content, from + SLICE_BYTES);
    yield JSON.stringify(textOf(content.subarray(from, to), false)).slice(1, -1);
    from = to;
  }
}

function* base64Slices(content: Buffer): Iterable<string> {
  for (let from = 0; from < content.length; from += SLICE_BYTES)
    yield content.toString('base64', from, Math.min(content.length, from + SLICE_BYTES));
}

/** The start of the UTF-8 character (RFC 3629 §3) that the place `end` inside of `content` lies in. */
function wholeEnd(content: Buffer, end: number): number {
  let start = end;
  while (start > 0 && end - start < 4 && ((content[start] as number) & 0xc0) === 0x80) start--;
  return start;
}
