/** What a body is, judged by its first bytes: what clients declare is often only their default. */
import { OPEN_BRACE, OPEN_BRACKET, QUOTE } from './byte-text.js';
import type { View } from './edits.js';
import type { MediaType } from './media-type.js';

export type DocumentKind = 'json' | 'xml' | 'form' | 'table' | 'text' | 'binary';

export function documentKind(bytes: Buffer, contentType: string): DocumentKind {
  const type = contentType.slice(0, 256).toLowerCase();
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while ((bytes[start] as number) <= 0x20) start++;
  const first = bytes[start];
  // `{&quot;…`: JSON as HTML has it is text.
  if ((first === OPEN_BRACE || first === OPEN_BRACKET) && bytes[start + 1] === 0x26) return 'text';
  if (first === OPEN_BRACE || (first === OPEN_BRACKET && isArray(bytes, start, type))) return 'json';
  if (first === 0x3c) return 'xml';
  if (type.includes('json')) return 'json';
  if (type.includes('x-www-form-urlencoded')) return 'form';
  if (isBinary(bytes)) return 'binary';
  if (type.includes('csv') || type.includes('tab-separated')) return 'table';
  if (/^(?:text\/(?!plain)|application\/(?:javascript|x-yaml|yaml|toml))/.test(type)) return 'text';
  return /^[^\s=&<>"'{}:;,]{1,128}=(?!=?$)[^\s<>"{};]*$/.test(bytes.toString('latin1', start, start + 4096).trimEnd())
    ? 'form'
    : 'text';
}

/** Whether what a bracket opens is an array: not `[section]` of a file of settings, nor the time of a log line. */
function isArray(bytes: Buffer, start: number, type: string): boolean {
  if (type.includes('json')) return true;
  return !/^\[[A-Za-z][^\]"'{[,]{0,80}\]\s*(?:\n|\r|$)|^\[[\d:. TZ/+-]{8,40}\] |^\[(?:[A-Z]{3,8}|\d{1,3})\] /.test(
    bytes.toString('latin1', start, start + 128),
  );
}

/** Whether there is a NUL at the beginning, as tools that tell text from data ask. */
export function isBinary(bytes: Buffer): boolean {
  return (bytes.length > NUL_BYTES_MAX ? bytes.subarray(0, NUL_BYTES_MAX) : bytes).includes(0);
}

/** How far a NUL is looked for. */
const NUL_BYTES_MAX = 8192;

/** Whether at least nine in ten of the first bytes are printable. */
export function isMostlyText(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, 1024);
  let odd = 0;
  for (let i = 0; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) odd++;
    else if (byte === 0x7f) odd++;
  }
  return length > 0 && odd * 10 <= length && isUtf8Like(bytes, length);
}

function isUtf8Like(bytes: Buffer, length: number): boolean {
  let high = 0;
  for (let i = 0; i < length; i++) if ((bytes[i] as number) >= 0x80) high++;
  return high * 5 <= length || !bytes.toString('utf8', 0, length).slice(0, -1).includes('\ufffd');
}

export type TextEncoding = 'utf8' | 'utf16le' | 'utf16be';

/** UTF-16 by its byte order mark, by what the type says, or by a NUL in every other byte of `{"` and the like. */
export function textEncoding(bytes: Uint8Array, { isUtf16 }: MediaType): TextEncoding {
  if (bytes.length < 4) return 'utf8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf16be';
  const isLittle = isEveryOtherZero(bytes, 1);
  const isBig = isEveryOtherZero(bytes, 0);
  if (isLittle && (isUtf16 || isStart(bytes[0] as number))) return 'utf16le';
  if (isBig && (isUtf16 || isStart(bytes[1] as number))) return 'utf16be';
  return 'utf8';
}

/** Whether of the first bytes every second one is a NUL, beginning at `first`, and no other is. */
function isEveryOtherZero(bytes: Uint8Array, first: 0 | 1): boolean {
  const length = Math.min(bytes.length, 32);
  if (length < 8) return false;
  for (let i = 0; i < length; i++) if ((bytes[i] === 0) !== (i % 2 === first)) return false;
  return true;
}

function isStart(byte: number): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET || byte === 0x3c || byte === QUOTE || (byte | 0x20) >= 0x61;
}

/** UTF-16 as UTF-8. What is no ASCII is judged by nobody, and must not take more room than it had. */
export function utf8View({ bytes, base, origin }: View, encoding: 'utf16le' | 'utf16be'): View {
  const [low, high] = encoding === 'utf16le' ? [0, 1] : [1, 0];
  const length = bytes.length >> 1;
  const plain = Buffer.allocUnsafe(length);
  const places = new Int32Array(length + 1);
  for (let i = 0; i < length; i++) {
    const at = 2 * i;
    const byte = bytes[at + low] as number;
    plain[i] = byte < 0x80 && bytes[at + high] === 0 ? byte : 0xff;
    places[i] = origin === null ? base + at : (origin[at] as number);
  }
  places[length] = origin === null ? base + bytes.length : (origin[bytes.length] as number);
  return { bytes: plain, base: 0, origin: places };
}
