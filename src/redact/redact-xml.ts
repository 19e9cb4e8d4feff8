/**
 * Finds what must not leave in XML and HTML by one walk over the tags: the text of elements and the values of attributes
 * that are named like a secret (whatever their namespace prefix), and those that a name beside them calls one:
 *
 *     <password>…</password>   <db password="…"/>   <wsse:Password>…</wsse:Password>   <![CDATA[…]]> in any of them
 *     <add key="password" value="…"/>   <input name="password" value="…">   <param name="password">…</param>
 *     <key>password</key><string>…</string>   <name>password</name><value><string>…</string></value>
 */
import type { Edits, View } from './edits.js';
import { type SensitiveNames, Sensitivity } from './sensitive-names.js';

export function redactXml(view: View, edits: Edits, names: SensitiveNames): void {
  const { bytes } = view;
  const { length } = bytes;
  const isSensitive = (name: string) => names.field(name) !== Sensitivity.none;
  let depth = 0;
  /** Depth inside of which all text is secret, or 0. */
  let secretDepth = 0;
  /** The element that begins next is the value of a name just read. */
  let valueFollows = false;
  /** Start of the text of a `key` or `name` element, or -1. */
  let nameStart = -1;

  function readText(start: number, end: number): void {
    if (secretDepth === 0) return;
    let from = start;
    let to = end;
    while (from < to && (bytes[from] as number) <= 0x20) from++;
    while (to > from && (bytes[to - 1] as number) <= 0x20) to--;
    edits.text(view, from, to);
  }

  function readCloseTag(tagStart: number): void {
    if (nameStart >= 0) valueFollows = isSensitive(bytes.toString('utf8', nameStart, tagStart).trim());
    else if (secretDepth === depth) valueFollows = false;
    nameStart = -1;
    if (secretDepth === depth) secretDepth = 0;
    if (depth > 0) depth--;
  }

  function readOpenTag(start: number, end: number): void {
    const tag = localName(bytes, start, end);
    const secret = readAttributes(view, start, end, edits, isSensitive);
    nameStart = -1;
    if (bytes[end - 1] === SLASH || VOID_ELEMENTS.has(tag.toLowerCase())) return;
    depth++;
    if (secretDepth === 0 && (secret || valueFollows || isSensitive(tag))) secretDepth = depth;
    valueFollows = false;
    if (/^(?:key|name)$/i.test(tag)) nameStart = end + 1;
  }

  for (let i = 0; i < length; ) {
    const open = bytes.indexOf(LESS_THAN, i);
    readText(i, open < 0 ? length : open);
    if (open < 0) return;
    if (bytes[open + 1] === 0x21 /* ! */) {
      const cdata = bytes.toString('latin1', open, open + 9) === '<![CDATA[';
      const closer = cdata ? ']]>' : bytes.toString('latin1', open, open + 4) === '<!--' ? '-->' : '>';
      const close = bytes.indexOf(closer, open + 2);
      if (cdata) readText(open + 9, close < 0 ? length : close);
      i = close < 0 ? length : close + closer.length;
      continue;
    }
    const end = tagEnd(bytes, open + 1);
    if (bytes[open + 1] === SLASH) readCloseTag(open);
    else if (isNameStart(bytes[open + 1])) readOpenTag(open + 1, end);
    i = end + 1;
  }
}

/** Redacts sensitive attributes from `start` to `end` of a tag; whether another names the element itself sensitive. */
function readAttributes(
  view: View,
  start: number,
  end: number,
  edits: Edits,
  isSensitive: (name: string) => boolean,
): boolean {
  const { bytes } = view;
  let named = false;
  const values: [number, number][] = [];
  let i = start;
  while (i < end && !isTagSpace(bytes[i])) i++;
  while (i < end) {
    while (i < end && (isTagSpace(bytes[i]) || bytes[i] === SLASH)) i++;
    const nameStart = i;
    while (i < end && !isTagSpace(bytes[i]) && bytes[i] !== EQUALS) i++;
    const name = localName(bytes, nameStart, i);
    while (i < end && isTagSpace(bytes[i])) i++;
    if (bytes[i] !== EQUALS || i >= end) continue;
    i++;
    while (i < end && isTagSpace(bytes[i])) i++;
    const quote = bytes[i];
    let valueStart = i;
    if (quote === 0x22 || quote === 0x27) {
      valueStart = ++i;
      while (i < end && bytes[i] !== quote) i++;
    } else {
      while (i < end && !isTagSpace(bytes[i])) i++;
    }
    if (isSensitive(name)) edits.text(view, valueStart, i);
    else if (/^(?:key|name|id|type|property|field)$/i.test(name))
      named ||= isSensitive(bytes.toString('utf8', valueStart, i));
    else if (/^(?:value|content)$/i.test(name)) values.push([valueStart, i]);
    if (i < end && (bytes[i] === 0x22 || bytes[i] === 0x27)) i++;
  }
  if (named) for (const [from, to] of values) edits.text(view, from, to);
  return named;
}

const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;
const SLASH = 0x2f;
const EQUALS = 0x3d;

/** HTML elements that have no content and often no slash (https://html.spec.whatwg.org/#void-elements). */
const VOID_ELEMENTS = new Set([
  'area',
  'base',
  'br',
  'col',
  'embed',
  'hr',
  'img',
  'input',
  'link',
  'meta',
  'source',
  'wbr',
]);

/** The name at `start` without its namespace prefix. */
function localName(bytes: Buffer, start: number, end: number): string {
  let stop = start;
  while (stop < end && !isTagSpace(bytes[stop]) && bytes[stop] !== SLASH) stop++;
  const name = bytes.toString('utf8', start, stop);
  return name.slice(name.lastIndexOf(':') + 1);
}

/** Where the tag's `>` is, or the end; one inside a quoted attribute is none. */
function tagEnd(bytes: Buffer, start: number): number {
  let quote = 0;
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === GREATER_THAN) {
      return i;
    } else if ((byte === 0x22 || byte === 0x27) && bytes[i - 1] === EQUALS) {
      quote = byte;
    }
  }
  return bytes.length;
}

function isNameStart(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte >= 0x80 || byte === 0x3f;
}

function isTagSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
