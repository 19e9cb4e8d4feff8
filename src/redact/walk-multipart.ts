/**
 * Walks the parts of `multipart/*` (RFC 2046 §5.1, RFC 7578): a part named like a secret is replaced whole, any other is a
 * document of its own. A body cut short ends its last part.
 *
 *     --boundary CRLF  headers CRLF CRLF  content CRLF  --boundary--
 */
import { CARRIAGE_RETURN, COLON, isBlank, LINE_FEED } from './byte-text.js';
import { part, type View } from './edits.js';
import { NAMELESS, type RedactionContext } from './redaction-context.js';
import { isSecretValue } from './value-shapes.js';

/** The boundary a media type names, or null. Read in one pass: the type may be long and hostile. */
export function multipartBoundary(contentType: string): string | null {
  if (!/^\s{0,64}multipart\//i.test(contentType)) return null;
  for (const parameter of contentType.slice(0, MEDIA_TYPE_MAX).split(';')) {
    const equals = parameter.indexOf('=');
    if (equals < 0 || parameter.slice(0, equals).trim().toLowerCase() !== 'boundary') continue;
    const value = parameter.slice(equals + 1).trim();
    const boundary = value.startsWith('"')
      ? value.slice(1, value.indexOf('"', 1) < 0 ? undefined : value.indexOf('"', 1))
      : value.replace(/[\s,].*$/s, '');
    return boundary === '' || boundary.length > 200 ? null : boundary;
  }
  return null;
}

const MEDIA_TYPE_MAX = 1024;

/** The boundary a body begins with, where its type names none. */
export function boundaryOf(bytes: Buffer): string | null {
  let start = 0;
  while (start < 4 && (bytes[start] === CARRIAGE_RETURN || bytes[start] === LINE_FEED)) start++;
  if (bytes[start] !== 0x2d || bytes[start + 1] !== 0x2d) return null;
  const line = /^--([^\r\n]{1,200}?)[ \t]*\r?\n[ \t]*content-/i.exec(bytes.toString('latin1', start, start + 260));
  return line === null ? null : (line[1] as string);
}

export function walkMultipart(view: View, boundary: string, context: RedactionContext): void {
  const { bytes } = view;
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  let start = bytes.indexOf(delimiter);
  // What comes before the first part is to be ignored (RFC 2046 §5.1.1), but it leaves with the rest.
  if (start !== 0) context.redactDocument(part(view, 0, start < 0 ? bytes.length : start));
  const next = Buffer.concat([Buffer.from('\n'), delimiter]);
  while (start >= 0) {
    start += delimiter.length;
    const found = bytes.indexOf(next, start);
    let end = found < 0 ? bytes.length : found;
    if (found > 0 && bytes[found - 1] === CARRIAGE_RETURN) end--;
    readPart(view, { start, end, isCut: found < 0 }, context);
    start = found < 0 ? -1 : found + 1;
  }
}

/** A part's head is looked for in no more than this. */
const PART_HEAD_BYTES_MAX = 16_384;

interface PartHead {
  /** Where the content begins, or -1. */
  content: number;
  name: string | null;
  type: string;
}

interface Span {
  start: number;
  end: number;
  /** No delimiter ends it: there was more of it. */
  isCut: boolean;
}

function readPart(view: View, { start, end, isCut }: Span, context: RedactionContext): void {
  if (end - start < 4) return;
  const head = readHead(view.bytes, start, Math.min(end, start + PART_HEAD_BYTES_MAX));
  if (head.content < 0) {
    context.redactDocument(part(view, start, end));
    return;
  }
  const { content, name, type } = head;
  context.redactPiece(view, start, content, NAMELESS);
  if (content >= end) return;
  const rule = name === null ? null : (context.names.ofText('field', name) ?? context.names.ofText('query', name));
  if (rule !== null && (isCut || isSecretValue(rule.value, view.bytes, content, end))) {
    context.redactText(view, content, end, { rule: rule.id, name });
    return;
  }
  context.redactDocument(part(view, content, end), type);
}

/** Reads the lines of a part's head, each once. */
function readHead(bytes: Buffer, start: number, end: number): PartHead {
  const head: PartHead = { content: -1, name: null, type: '' };
  let i = start;
  let isFirst = true;
  while (i < end) {
    let line = i;
    while (line < end && (bytes[line] !== LINE_FEED || isFolded(bytes, i, line))) line++;
    if (line >= end) return head;
    const last = line > i && bytes[line - 1] === CARRIAGE_RETURN ? line - 1 : line;
    if (last === i && !isFirst) {
      head.content = line + 1;
      return head;
    }
    if (!isFirst) readField(bytes, i, last, head);
    isFirst = false;
    i = line + 1;
  }
  return head;
}

/** Whether the line feed at `at` is none of the field's end, as the next line begins with a blank (RFC 5322 §2.2.3). */
function isFolded(bytes: Buffer, start: number, at: number): boolean {
  const length = at - start - (bytes[at - 1] === CARRIAGE_RETURN ? 1 : 0);
  return length > 0 && isBlank(bytes[at + 1]);
}

function readField(bytes: Buffer, start: number, end: number, head: PartHead): void {
  let colon = start;
  while (colon < end && bytes[colon] !== COLON && colon - start < 32) colon++;
  if (bytes[colon] !== COLON) return;
  const field = bytes.toString('latin1', start, colon).trim().toLowerCase();
  if (field === 'content-type') head.type = bytes.toString('latin1', colon + 1, Math.min(end, colon + 256)).trim();
  else if (field === 'content-disposition')
    head.name ??= partName(bytes.toString('utf8', colon + 1, Math.min(end, colon + 2048)));
}

/** The name of a part, however it is quoted: `name="…"`, `name='…'`, `name=…`, `name*=UTF-8''…`, `name*0="…"; name*1="…"`. */
function partName(disposition: string): string | null {
  let name: string | null = null;
  for (const [, continued, isExtended, quoted, single, bare] of disposition.matchAll(NAME_PARAMETER)) {
    const piece = (quoted ?? single ?? bare ?? '').replace(/\\(.)/g, '$1');
    const plain = isExtended === '*' ? piece.replace(/^[^']*'[^']*'/, '') : piece;
    name = (name ?? '') + plain;
    if (continued === undefined) break;
  }
  return name === null ? null : undone(name.trim());
}

const NAME_PARAMETER =
  /[;\s]name(?:\s{0,4}\*(\d))?\s{0,4}(\*?)\s{0,4}=\s{0,4}(?:"((?:[^"\\]|\\.)*)"?|'{1,2}([^']+)'{0,2}|([^\s;"]+))/gi;

/** Without percent-encoding (RFC 5987). */
function undone(name: string): string {
  return name.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
