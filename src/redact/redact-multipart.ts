/**
 * Walks the parts of `multipart/*` (RFC 2046 §5.1, RFC 7578): a part named like a secret is replaced whole, any other is a
 * document of its own. A body cut short ends its last part.
 *
 *     --boundary CRLF  headers CRLF CRLF  content CRLF  --boundary--
 */
import { type Edits, part, type View } from './edits.js';

export interface MultipartContext {
  isSensitive(name: string): boolean;
  redactDocument(view: View, contentType: string): void;
}

/** The boundary a media type names, or null. */
export function multipartBoundary(contentType: string): string | null {
  const match = /^\s*multipart\/[^;]*;(?:.*;)?\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  return match === null ? null : (match[1] ?? match[2] ?? null);
}

export function redactMultipart(view: View, boundary: string, edits: Edits, context: MultipartContext): void {
  const { bytes } = view;
  const delimiter = `--${boundary}`;
  let start = bytes.indexOf(delimiter);
  // What comes before the first part is to be ignored (RFC 2046 §5.1.1), but it leaves with the rest.
  context.redactDocument(part(view, 0, start < 0 ? bytes.length : start), '');
  while (start >= 0) {
    start += delimiter.length;
    const next = bytes.indexOf(`\n${delimiter}`, start);
    let end = next < 0 ? bytes.length : next;
    if (next > 0 && bytes[next - 1] === 0x0d) end--;
    redactPart(view, start, end, edits, context);
    start = next < 0 ? -1 : next + 1;
  }
}

function redactPart(view: View, start: number, end: number, edits: Edits, context: MultipartContext): void {
  const { bytes } = view;
  const blank = /\r?\n\r?\n/.exec(bytes.toString('latin1', start, Math.min(end, start + PART_HEAD_BYTES_MAX)));
  if (blank === null) {
    context.redactDocument(part(view, start, end), '');
    return;
  }
  const head = bytes.toString('utf8', start, start + blank.index);
  const content = start + blank.index + blank[0].length;
  context.redactDocument(part(view, start, content), '');
  const name = /^content-disposition:.*?;\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/im.exec(head);
  if (name !== null && context.isSensitive(fieldName(name[1] ?? name[2] ?? ''))) {
    edits.text(view, content, end);
    return;
  }
  const type = /^content-type:\s*(.*?)\s*$/im.exec(head);
  context.redactDocument(part(view, content, end), type?.[1] ?? '');
}

/** A part's head is looked for in no more than this. */
const PART_HEAD_BYTES_MAX = 16_384;

/** Undoes the two ways browsers and libraries quote a name. */
function fieldName(quoted: string): string {
  return quoted
    .replace(/\\(.)/g, '$1')
    .replace(/%([0-7][0-9A-Fa-f])/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}
