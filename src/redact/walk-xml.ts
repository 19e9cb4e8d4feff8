/**
 * Finds what must not leave in XML and HTML by one walk over the tags: the text of elements and the values of attributes
 * that are named like a secret (whatever their namespace prefix), and those that a name beside them calls one:
 *
 *     <password>…</password>   <db password="…"/>   <wsse:Password>…</wsse:Password>   <![CDATA[…]]> in any of them
 *     <add key="password" value="…"/>   <input name="password" value="…">   <param name="password">…</param>
 *     <key>password</key><string>…</string>   <name>password</name><value><string>…</string></value>
 *
 * What other text and attributes hold is looked at as text.
 */
import { COLON, EQUALS, GREATER_THAN, LESS_THAN, SLASH } from './byte-text.js';
import { type Cause, part, type View } from './edits.js';
import { isPlaceholder } from './placeholders.js';
import { NAMELESS, type RedactionContext } from './redaction-context.js';
import type { NameRule } from './sensitive-names.js';
import { isSecretValue } from './value-shapes.js';

export function walkXml(view: View, context: RedactionContext): void {
  new XmlWalker(view, context).walk();
}

interface Secret {
  rule: NameRule;
  cause: Cause;
}

class XmlWalker {
  readonly #view: View;
  readonly #bytes: Buffer;
  readonly #context: RedactionContext;
  #depth = 0;
  /** Depth inside of which all text is secret, or 0. */
  #secretDepth = 0;
  #secret: Secret | null = null;
  /** The element that begins next is the value of a name just read. */
  #following: Secret | null = null;
  /** Start of the text of a `key` or `name` element, or -1. */
  #nameStart = -1;
  /** Whether an attribute of the tag says that its value is a secret's. */
  #named: Secret | null = null;
  readonly #values: number[] = [];
  #name = { start: 0, end: 0 };
  /** Of the tag that is read. */
  #tag = { start: 0, end: 0 };
  /** The text of a `value` element whose `name` has not come yet. */
  #value = { start: 0, end: 0 };

  constructor(view: View, context: RedactionContext) {
    this.#view = view;
    this.#bytes = view.bytes;
    this.#context = context;
  }

  walk(): void {
    const bytes = this.#bytes;
    const { length } = bytes;
    for (let i = 0; i < length; ) {
      let open = i;
      while (open < length && bytes[open] !== LESS_THAN) open++;
      if (open > i) this.#readText(i, open);
      if (open === length) return;
      const next = bytes[open + 1];
      if (next === 0x21 /* ! */) i = this.#readDeclaration(open);
      else if (next === SLASH) {
        this.#readCloseTag(open);
        i = tagEnd(bytes, open + 1) + 1;
      } else if (isNameStart(next)) i = this.#readOpenTag(open + 1) + 1;
      else i = open + 1;
    }
  }

  /** CDATA is text, and so is what comments and declarations hold. */
  #readDeclaration(open: number): number {
    const bytes = this.#bytes;
    const isCdata = bytes[open + 2] === 0x5b && bytes.toString('latin1', open, open + 9) === '<![CDATA[';
    const closer = isCdata ? ']]>' : bytes[open + 2] === 0x2d && bytes[open + 3] === 0x2d ? '-->' : '>';
    const close = bytes.indexOf(closer, open + 2);
    const end = close < 0 ? bytes.length : close;
    if (isCdata) this.#readText(Math.min(open + 9, end), end);
    else this.#context.redactPiece(this.#view, open + 2, end, NAMELESS);
    return close < 0 ? bytes.length : close + closer.length;
  }

  #readText(start: number, end: number): void {
    const bytes = this.#bytes;
    let from = start;
    let to = end;
    while (from < to && (bytes[from] as number) <= 0x20) from++;
    while (to > from && (bytes[to - 1] as number) <= 0x20) to--;
    if (from === to) return;
    if (this.#secretDepth !== 0 && this.#secret !== null) {
      const { rule, cause } = this.#secret;
      const isWhole = this.#secretDepth === this.#depth && to < bytes.length;
      const isSecret = isWhole
        ? isSecretValue(rule.value, bytes, from, to)
        : !isPlaceholder(bytes.toString('latin1', from, Math.min(to, from + 64)));
      if (isSecret) {
        this.#context.redactText(this.#view, from, to, cause);
        return;
      }
    }
    this.#noteValue(from, to);
    if (to - from < 4) return;
    const first = bytes[from];
    if ((first === 0x7b || first === 0x5b) && bytes[from + 1] !== 0x26)
      this.#context.redactDocument(part(this.#view, from, to));
    else
      this.#context.redactPiece(this.#view, from, to, {
        name: bytes.toString('latin1', this.#name.start, this.#name.end),
      });
  }

  #noteValue(from: number, to: number): void {
    const { start, end } = this.#name;
    if (this.#nameStart >= 0 || end - start !== 5) return;
    if (this.#bytes.toString('latin1', start, end).toLowerCase() === 'value') this.#value = { start: from, end: to };
  }

  #readCloseTag(tagStart: number): void {
    if (this.#nameStart >= 0) {
      this.#following = this.#secretOf(this.#nameStart, tagStart);
      this.#redactValueBefore(tagStart);
    } else if (this.#secretDepth === this.#depth) this.#following = null;
    this.#nameStart = -1;
    if (this.#secretDepth === this.#depth) this.#secretDepth = 0;
    if (this.#depth > 0) this.#depth--;
  }

  /** `<value>…</value><name>password</name>`. */
  #redactValueBefore(tagStart: number): void {
    const { start, end } = this.#value;
    this.#value = { start: 0, end: 0 };
    if (this.#following === null || end === start || tagStart - end > VALUE_BEFORE_BYTES_MAX) return;
    const { rule, cause } = this.#following;
    if (isSecretValue(rule.value, this.#bytes, start, end)) this.#context.redactText(this.#view, start, end, cause);
    this.#following = null;
  }

  #secretOf(start: number, end: number): Secret | null {
    let from = start;
    let to = end;
    while (from < to && (this.#bytes[from] as number) <= 0x20) from++;
    while (to > from && (this.#bytes[to - 1] as number) <= 0x20) to--;
    if (to - from > 256) return null;
    const rule = this.#context.names.of('field', this.#bytes, from, to);
    return rule === null ? null : { rule, cause: this.#context.cause(rule.id, this.#view, from, to) };
  }

  /** Reads the tag whose name begins at `start`; returns where its `>` is. */
  #readOpenTag(start: number): number {
    const bytes = this.#bytes;
    const { length } = bytes;
    let stop = start;
    let local = start;
    for (; stop < length; stop++) {
      const byte = bytes[stop] as number;
      if (byte === COLON) local = stop + 1;
      if (byte === GREATER_THAN || byte === SLASH || byte <= 0x20) break;
    }
    this.#named = null;
    this.#tag = { start: local, end: stop };
    let end = stop;
    if (stop < length && bytes[stop] !== GREATER_THAN) end = this.#readAttributes(stop);
    this.#nameStart = -1;
    if (bytes[end - 1] === SLASH || isOneOf(VOID_ELEMENTS, bytes, local, stop)) return end;
    this.#depth++;
    this.#name = { start: local, end: stop };
    // Its name has come before it.
    if (this.#following !== null) this.#value = { start: 0, end: 0 };
    const secret = this.#named ?? this.#following ?? this.#secretOf(local, stop);
    if (this.#secretDepth === 0 && secret !== null) {
      this.#secretDepth = this.#depth;
      this.#secret = secret;
    }
    this.#following = null;
    if (isOneOf(NAMING_ELEMENTS, bytes, local, stop)) this.#nameStart = end + 1;
    return end;
  }

  #readAttributes(start: number): number {
    const bytes = this.#bytes;
    const { length } = bytes;
    this.#values.length = 0;
    let i = start;
    while (i < length && bytes[i] !== GREATER_THAN) {
      if ((bytes[i] as number) <= 0x20 || bytes[i] === SLASH) {
        i++;
        continue;
      }
      const nameStart = i;
      while (i < length && (bytes[i] as number) > 0x20 && bytes[i] !== EQUALS && bytes[i] !== GREATER_THAN) i++;
      const nameEnd = i;
      while (i < length && (bytes[i] as number) <= 0x20) i++;
      if (bytes[i] !== EQUALS) {
        if (i === nameStart) i++;
        continue;
      }
      i++;
      while (i < length && (bytes[i] as number) <= 0x20) i++;
      const quote = bytes[i];
      const isQuoted = quote === 0x22 || quote === 0x27;
      const valueStart = isQuoted ? ++i : i;
      if (isQuoted) while (i < length && bytes[i] !== quote) i++;
      else while (i < length && (bytes[i] as number) > 0x20 && bytes[i] !== GREATER_THAN) i++;
      this.#readAttribute(nameStart, nameEnd, valueStart, i);
      if (isQuoted) i++;
    }
    const end = Math.min(i, length);
    if (this.#named !== null) this.#redactValues(this.#named);
    return end;
  }

  #redactValues({ rule, cause }: Secret): void {
    for (let at = 0; at < this.#values.length; at += 2) {
      const [from, to] = [this.#values[at] as number, this.#values[at + 1] as number];
      if (isSecretValue(rule.value, this.#bytes, from, to)) this.#context.redactText(this.#view, from, to, cause);
    }
  }

  #attributeName(start: number, end: number): string {
    const name = this.#bytes.toString('latin1', start, end);
    return NUMBER_NAME.test(name) ? `${this.#bytes.toString('latin1', this.#tag.start, this.#tag.end)}_${name}` : name;
  }

  #readAttribute(nameStart: number, nameEnd: number, start: number, end: number): void {
    const { names } = this.#context;
    const bytes = this.#bytes;
    if (end === start) return;
    let local = nameStart;
    for (let i = nameStart; i < nameEnd; i++) if (bytes[i] === COLON) local = i + 1;
    const rule = names.of('field', bytes, local, nameEnd);
    if (rule !== null) {
      if (end >= bytes.length || isSecretValue(rule.value, bytes, start, end)) {
        this.#context.redactText(this.#view, start, end, this.#context.cause(rule.id, this.#view, local, nameEnd));
        return;
      }
    }
    const role = nameEnd - local <= 16 ? names.role(bytes, local, nameEnd) : null;
    if (role === 'naming') this.#named ??= this.#secretOf(start, end);
    else if (role === 'valuing' && this.#values.length < 16) this.#values.push(start, end);
    if (end - start < 4) return;
    const first = bytes[start];
    if ((first === 0x7b || first === 0x5b) && bytes[start + 1] !== 0x26)
      this.#context.redactDocument(part(this.#view, start, end));
    else this.#context.redactPiece(this.#view, start, end, { name: this.#attributeName(local, nameEnd) });
  }
}

/** `number` says little; of what, the element does. */
const NUMBER_NAME = /^(?:no|num|number|value)$/i;

/** How far behind a value its name may be. */
const VALUE_BEFORE_BYTES_MAX = 64;

/** Elements whose text names what the next one holds. */
const NAMING_ELEMENTS = byLength(['key', 'name', 'parametername', 'paramname', 'headername', 'parameterkey']);
/** HTML elements that have no content and often no slash (https://html.spec.whatwg.org/#void-elements). */
const VOID_ELEMENTS = byLength([
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

/** Names in small letters, those of each length in a list. */
function byLength(names: readonly string[]): readonly Buffer[][] {
  const lists: Buffer[][] = Array.from({ length: 16 }, () => []);
  for (const name of names) (lists[name.length] as Buffer[]).push(Buffer.from(name));
  return lists;
}

/** Whether the name from `start` to `end` is one of these, in letters of either case. */
function isOneOf(names: readonly Buffer[][], bytes: Buffer, start: number, end: number): boolean {
  const list = names[end - start];
  if (list === undefined) return false;
  for (const name of list) {
    let i = 0;
    while (i < name.length && ((bytes[start + i] as number) | 0x20) === name[i]) i++;
    if (i === name.length) return true;
  }
  return false;
}

/** Where the tag's `>` is, or the end. */
function tagEnd(bytes: Buffer, start: number): number {
  let i = start;
  while (i < bytes.length && bytes[i] !== GREATER_THAN) i++;
  return i;
}

function isNameStart(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte >= 0x80 || byte === 0x3f;
}
