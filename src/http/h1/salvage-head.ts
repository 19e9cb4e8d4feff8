/**
 * The head of a message that llhttp refuses, read line by line as lenient receivers do.
 *
 * A sensor does not get to refuse what the application accepted: methods outside the registry, raw UTF-8 in a target,
 * a header without a colon. What can be read is read; `parsed.malformed` says whether the grammar was broken.
 */
import { HEADERS_MAX, HeadResult, MessageKind, parsed } from './llhttp.js';

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** Fills `parsed` from the head at `bytes[start]`. A line ends with CRLF or LF (RFC 9112 §2.2). */
export function salvageHead(kind: MessageKind, bytes: Buffer, start: number, end: number): HeadResult {
  // A view of its own: a search must not run on into the rest of the batch.
  const head = bytes.subarray(start, end);
  parsed.headerCount = 0;
  parsed.malformed = false;
  parsed.reasonStart = 0;
  parsed.reasonEnd = 0;
  let lineEnd = head.indexOf(LF);
  if (lineEnd < 0) return HeadResult.incomplete;
  const startLine = kind === MessageKind.request ? requestLine : statusLine;
  if (!startLine(head.toString('latin1', 0, contentEnd(head, 0, lineEnd)))) return HeadResult.invalid;
  if (parsed.versionMajor === 0) {
    // HTTP/0.9 has no headers (RFC 1945 §4.1).
    parsed.length = lineEnd + 1;
    return HeadResult.complete;
  }
  for (;;) {
    const lineStart = lineEnd + 1;
    lineEnd = head.indexOf(LF, lineStart);
    if (lineEnd < 0) return HeadResult.incomplete;
    const textEnd = contentEnd(head, lineStart, lineEnd);
    if (textEnd === lineStart) {
      parsed.length = lineEnd + 1;
      return HeadResult.complete;
    }
    headerLine(head, lineStart, textEnd);
  }
}

/** `*[CR]` before the LF belongs to the line's end. */
function contentEnd(bytes: Buffer, lineStart: number, lineEnd: number): number {
  let end = lineEnd;
  while (end > lineStart && bytes[end - 1] === CR) end--;
  return end;
}

/** method SP target [SP HTTP/x.y]; the target may hold spaces, as no server refuses them all. */
function requestLine(line: string): boolean {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]+(\S(?:.*\S)?)[ \t]+HTTP\/(\d+)\.(\d+)[ \t]*$/s.exec(line);
  if (match !== null) {
    const targetAt = line.indexOf(match[2] as string, (match[1] as string).length);
    setRequest(match[1] as string, targetAt, (match[2] as string).length, Number(match[3]), Number(match[4]));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a target may not hold
    if (/[\x00-\x20\x7f]/.test(match[2] as string)) parsed.malformed = true;
    return true;
  }
  // HTTP/0.9: GET and a path, nothing else (RFC 1945 §5.1).
  const simple = /^(GET) (\/\S*)$/.exec(line);
  if (simple === null) return false;
  setRequest('GET', 4, line.length - 4, 0, 9);
  return true;
}

function setRequest(method: string, targetStart: number, targetLength: number, major: number, minor: number): void {
  parsed.method = method;
  parsed.targetStart = targetStart;
  parsed.targetEnd = targetStart + targetLength;
  parsed.versionMajor = major;
  parsed.versionMinor = minor;
  parsed.status = 0;
}

/** HTTP/x.y SP status [SP reason]. */
function statusLine(line: string): boolean {
  const match = /^HTTP\/(\d+)\.(\d+)([ \t]+)(\d{3})(?:([ \t]+)(.*))?$/is.exec(line);
  if (match === null) return false;
  parsed.method = '';
  parsed.versionMajor = Number(match[1]);
  parsed.versionMinor = Number(match[2]);
  parsed.status = Number(match[4]);
  parsed.reasonEnd = line.length;
  parsed.reasonStart = parsed.reasonEnd - (match[6]?.length ?? 0);
  return parsed.versionMajor > 0;
}

function headerLine(bytes: Buffer, from: number, to: number): void {
  const { spans } = parsed;
  const first = bytes[from] as number;
  if (first === SP || first === TAB) {
    // A fold goes on with the value before it (RFC 9112 §5.2); before the first header it is skipped (§2.2).
    if (parsed.headerCount > 0) spans[(parsed.headerCount << 2) - 1] = to;
    else parsed.malformed = true;
    return;
  }
  const colon = bytes.indexOf(COLON, from);
  if (colon < 0 || colon >= to || parsed.headerCount >= HEADERS_MAX) {
    parsed.malformed = true;
    return;
  }
  let nameEnd = colon;
  while (nameEnd > from && (bytes[nameEnd - 1] === SP || bytes[nameEnd - 1] === TAB)) nameEnd--;
  if (nameEnd !== colon || nameEnd === from) parsed.malformed = true;
  let valueStart = colon + 1;
  while (valueStart < to && (bytes[valueStart] === SP || bytes[valueStart] === TAB)) valueStart++;
  const i = parsed.headerCount << 2;
  spans[i] = from;
  spans[i + 1] = nameEnd;
  spans[i + 2] = valueStart;
  spans[i + 3] = to;
  parsed.headerCount++;
}
