/**
 * What a parsed head says, taken out of the bytes that it was parsed from, which are gone with their batch.
 *
 * in:  a `ParsedHead` and its bytes · out: texts and headers of their own
 */
import type { Counters } from '../../counters.js';
import { decodeText, HeaderList } from '../header-list.js';
import { type MessageHead, NO_HEADERS } from '../message-head.js';
import { type BodyFraming, Framing } from './body-framing.js';
import { Start } from './message-start.js';
import { MessageKind, type ParsedHead } from './parsed-head.js';
import type { RepeatedHead } from './repeated-heads.js';

/** What the framing of the body says of its message. */
export function setBody(head: MessageHead, parsed: ParsedHead, { framing, malformed }: BodyFraming): void {
  head.malformed = parsed.malformed || malformed;
  head.isOpenEnded = framing === Framing.chunked || framing === Framing.close || framing === Framing.unframed;
  head.endsWithStream = framing === Framing.close;
  head.leavesHttp = framing === Framing.tunnel;
}

/** The headers of the head that begins at `bytes[at]`; the same list for heads that share it. */
export function headerList(parsed: ParsedHead, bytes: Buffer, at: number): HeaderList {
  return parsed.known?.list ?? listOf(parsed, bytes, at, 0, false);
}

/** The same, to be shared with heads whose bytes are the same from the first `before` bytes on. */
export function sharedList(parsed: ParsedHead, bytes: Buffer, at: number, before: number): HeaderList {
  return listOf(parsed, bytes, at, before, true);
}

/** `before`: how many bytes of the head the list is to be without. */
function listOf(parsed: ParsedHead, bytes: Buffer, at: number, before: number, isShared: boolean): HeaderList {
  const count = parsed.headerCount << 2;
  const places = parsed.spans;
  const spans: number[] = new Array(count);
  let lengths = 0;
  for (let i = 0; i < count; i += 4) {
    const start = places[i] as number;
    const end = places[i + 1] as number;
    lengths |= 1 << ((end - start) & 31);
    spans[i] = start - before;
    spans[i + 1] = end - before;
    spans[i + 2] = (places[i + 2] as number) - before;
    spans[i + 3] = (places[i + 3] as number) - before;
  }
  const text = bytes.latin1Slice(at + before, at + parsed.length);
  return new HeaderList(text, spans, parsed.isPlain, lengths, isShared);
}

function textOf(parsed: ParsedHead, head: string, start: number, end: number): string {
  const text = head.slice(start, end);
  return parsed.isPlain ? text : decodeText(text);
}

export function versionText({ versionMajor, versionMinor }: ParsedHead): string {
  if (versionMajor === 1 && versionMinor === 1) return '1.1';
  return `${versionMajor}.${versionMinor}`;
}

/** Whether the request line of the head at `bytes[start]` names HTTP: llhttp reads RTSP and ICE as well. */
export function isHttpHead(
  kind: MessageKind,
  { targetEnd, versionMajor }: ParsedHead,
  bytes: Buffer,
  start: number,
): boolean {
  if (kind !== MessageKind.request || versionMajor === 0) return true;
  let at = start + targetEnd;
  while (bytes[at] === 0x20) at++;
  return bytes[at] === 0x48 /* H */ && bytes[at + 1] === 0x54 /* T */;
}

/** What a message that begins so is, if it is one. */
export function kindOf(start: Start): MessageKind {
  return start === Start.response ? MessageKind.response : MessageKind.request;
}

/** Counts a head over the caps: once, and when it is found to be, since its end may never come. */
export function countTooLarge(counters: Counters, kind: MessageKind): void {
  counters[kind === MessageKind.request ? 'request_heads_too_large' : 'response_heads_too_large']++;
}

/** Fills in the target and headers of a request whose head begins at `bytes[at]`. */
export function readRequest(head: MessageHead, parsed: ParsedHead, bytes: Buffer, at: number): void {
  const { targetStart, targetEnd, known } = parsed;
  head.headers = headerList(parsed, bytes, at);
  // A list that others share does not begin with the line of the request.
  head.target =
    known === null
      ? textOf(parsed, head.headers.text, targetStart, targetEnd)
      : targetOf(known, bytes, at + targetStart, at + targetEnd);
  head.reason = '';
}

/** The target at `bytes[start, end)`, which may be that of the last request with the same headers. */
function targetOf(known: RepeatedHead, bytes: Buffer, start: number, end: number): string {
  if (isAt(known.target, bytes, start, end)) return known.target;
  const target = bytes.latin1Slice(start, end);
  known.target = target.length <= TARGET_LENGTH_MAX ? target : '';
  return target;
}

/** A longer target is not kept. */
const TARGET_LENGTH_MAX = 256;

function isAt(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

/** Fills in the reason and headers of a response whose head begins at `bytes[at]`; null: nobody wants them. */
export function readResponse(head: MessageHead, parsed: ParsedHead, bytes: Buffer | null, at: number): void {
  head.target = '';
  head.headers = bytes === null ? NO_HEADERS : headerList(parsed, bytes, at);
  head.reason = bytes === null ? '' : textOf(parsed, head.headers.text, parsed.reasonStart, parsed.reasonEnd);
}
