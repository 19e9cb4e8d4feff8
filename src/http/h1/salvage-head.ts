/**
 * The head of a message that llhttp refuses, read line by line as lenient receivers do.
 *
 * in:  bytes that begin with a start line · out: the places of everything in the head, in the parser's `ParsedHead`
 *
 * A sensor does not get to refuse what the application accepted: methods outside the registry, raw UTF-8 in a target,
 * a header without a colon. What can be read is read; `malformed` says whether the grammar was broken.
 */
import { HEADERS_MAX } from './head-recorder.js';
import { ContentLength, HeadResult, MessageKind, type ParsedHead } from './parsed-head.js';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** Lines that are no fields, beyond as many as there are fields, that a head may have. */
const JUNK_LINES_MAX = 3;

/** Fills `parsed` from the head at `bytes[start]`. A line ends with CRLF or LF (RFC 9112 §2.2). */
export function salvageHead(
  parsed: ParsedHead,
  kind: MessageKind,
  bytes: Buffer,
  start: number,
  end: number,
): HeadResult {
  // A view of its own: a search must not run on into the rest of the batch.
  const head = bytes.subarray(start, end);
  parsed.headerCount = 0;
  parsed.contentLength = ContentLength.unclear;
  parsed.mayBeCoded = true;
  parsed.malformed = false;
  parsed.isOverfull = false;
  parsed.isPlain = false;
  parsed.reasonStart = 0;
  parsed.reasonEnd = 0;
  let lineEnd = head.indexOf(LF);
  if (lineEnd < 0) return HeadResult.incomplete;
  const startLine = kind === MessageKind.request ? requestLine : statusLine;
  if (!startLine(parsed, head.toString('latin1', 0, contentEnd(head, 0, lineEnd)))) return HeadResult.invalid;
  if (parsed.versionMajor === 0) {
    // HTTP/0.9 has no headers (RFC 1945 §4.1).
    parsed.length = lineEnd + 1;
    return HeadResult.complete;
  }
  let junk = 0;
  for (;;) {
    const lineStart = lineEnd + 1;
    lineEnd = head.indexOf(LF, lineStart);
    if (lineEnd < 0) return HeadResult.incomplete;
    const textEnd = contentEnd(head, lineStart, lineEnd);
    if (textEnd === lineStart) {
      parsed.length = lineEnd + 1;
      // Where junk outnumbers fields by far, a body is being read as a head.
      return junk > parsed.headerCount + JUNK_LINES_MAX ? HeadResult.invalid : HeadResult.complete;
    }
    if (!headerLine(parsed, head, lineStart, textEnd)) junk++;
  }
}

/** Where a line's text ends: every CR before the LF belongs to the line's end. */
function contentEnd(bytes: Buffer, lineStart: number, lineEnd: number): number {
  let end = lineEnd;
  while (end > lineStart && bytes[end - 1] === CR) end--;
  return end;
}

/**
 * method SP target SP HTTP/x.y. Words are split at white space (RFC 9112 §3): where a careless client left a space in its
 * target, the target ends at the space, as it does for servers that accept the request.
 */
function requestLine(parsed: ParsedHead, line: string): boolean {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)([ \t]+)(\S+)([ \t].*)?[ \t]HTTP\/(\d+)\.(\d+)[ \t]*$/.exec(line);
  if (match !== null) {
    const [, method, space, target, extra, major, minor] = match as unknown as string[];
    setTarget(parsed, method as string, `${method}${space}`.length, (target as string).length);
    parsed.versionMajor = Number(major);
    parsed.versionMinor = Number(minor);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a target may not hold
    parsed.malformed = (extra ?? '').trim() !== '' || /[\x00-\x1f\x7f]/.test(target as string);
    return true;
  }
  // HTTP/0.9: GET and a path, nothing else (RFC 1945 §5.1).
  const simple = /^GET (\/\S*)$/.exec(line);
  if (simple === null) return false;
  setTarget(parsed, 'GET', 4, line.length - 4);
  parsed.versionMajor = 0;
  parsed.versionMinor = 9;
  return true;
}

function setTarget(parsed: ParsedHead, method: string, start: number, length: number): void {
  parsed.method = method;
  parsed.targetStart = start;
  parsed.targetEnd = start + length;
  parsed.status = 0;
}

/**
 * HTTP/x.y SP status [SP reason]. The status is the number that the three characters in its place begin with: some
 * receivers take "HTTP/1.1 2000" for a 200.
 */
function statusLine(parsed: ParsedHead, line: string): boolean {
  const match = /^HTTP\/([^ \t]+)[ \t]+(?=\S{3})(\d{1,3})(.*)$/is.exec(line);
  if (match === null) return false;
  const [, version, status, rest] = match as unknown as [string, string, string, string];
  const numbers = /(\d+)\D*(\d*)/.exec(version);
  parsed.method = '';
  parsed.versionMajor = Number(numbers?.[1] ?? 1);
  parsed.versionMinor = Number(numbers?.[2] || 0);
  parsed.status = Number(status);
  const reason = rest.trimStart();
  parsed.reasonEnd = line.length;
  parsed.reasonStart = line.length - reason.length;
  // A bare CR is no delimiter (RFC 9112 §2.2): it may be part of the reason, and hide no field.
  if (rest.startsWith('\r') && rest.includes(':')) return false;
  const isOdd = rest.startsWith('\r') || (rest !== '' && rest === reason) || !line.startsWith('HTTP/');
  parsed.malformed = !/^\d\.\d$/.test(version) || status.length < 3 || isOdd;
  return parsed.versionMajor > 0;
}

const FRAMING_NAME = /^(?:content-length|transfer-encoding)[ \t]*$/i;
const FRAMING_NAME_BYTES_MAX = 32;

/** Returns whether the line is a field or goes on with one. */
function headerLine(parsed: ParsedHead, bytes: Buffer, from: number, to: number): boolean {
  const { spans } = parsed;
  const first = bytes[from] as number;
  if (first === SP || first === TAB) {
    // A fold goes on with the value before it (RFC 9112 §5.2); before the first header it is skipped (§2.2).
    if (parsed.headerCount > 0) spans[(parsed.headerCount << 2) - 1] = to;
    else parsed.malformed = true;
    return parsed.headerCount > 0;
  }
  const colon = indexOfByte(bytes, COLON, from, to);
  if (colon < 0) {
    parsed.malformed = true;
    return false;
  }
  if (parsed.headerCount >= HEADERS_MAX) {
    parsed.isOverfull = true;
    if (!FRAMING_NAME.test(bytes.latin1Slice(from, Math.min(colon, from + FRAMING_NAME_BYTES_MAX)))) return true;
    // It takes the place of the last one.
    parsed.headerCount--;
  }
  let nameEnd = colon;
  while (nameEnd > from && (bytes[nameEnd - 1] === SP || bytes[nameEnd - 1] === TAB)) nameEnd--;
  if (nameEnd !== colon || nameEnd === from) parsed.malformed = true;
  let valueStart = colon + 1;
  while (valueStart < to && (bytes[valueStart] === SP || bytes[valueStart] === TAB)) valueStart++;
  // Invalid and dangerous in a value (RFC 9110 §5.5).
  if (indexOfByte(bytes, 0, valueStart, to) >= 0 || indexOfByte(bytes, CR, valueStart, to) >= 0)
    parsed.malformed = true;
  const i = parsed.headerCount << 2;
  spans[i] = from;
  spans[i + 1] = nameEnd;
  spans[i + 2] = valueStart;
  spans[i + 3] = to;
  parsed.headerCount++;
  return true;
}

function indexOfByte(bytes: Buffer, byte: number, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === byte) return i;
  return -1;
}
