/**
 * Redacts a body, or a document inside one, by what it is: JSON, XML, a form, multipart, other text or bytes.
 *
 * in: bytes and their media type · out: new bytes where there was a secret, else the same
 */
import type RE2 from 're2';
import { DEFAULT_LIMITS } from '../limits.js';
import { compileRe2 } from '../re2.js';
import { createEdits, type Edits, type View } from './edits.js';
import { redactJson, type Span } from './redact-json.js';
import { multipartBoundary, redactMultipart } from './redact-multipart.js';
import { findPairsInText, redactPairs } from './redact-query.js';
import { redactXml } from './redact-xml.js';
import type { SecretValues } from './secret-values.js';
import { type SensitiveNames, Sensitivity } from './sensitive-names.js';

export interface DocumentRedactor {
  /** The bytes with their secrets replaced; the argument itself where there are none. */
  redactBody(bytes: Uint8Array, contentType: string): Uint8Array;
  /**
   * Whether there might be something to be found by its form in any of the texts joined to this one. False goes for each of
   * them, and is what the methods below take as `isClean`.
   */
  mayHoldSecretValue(joined: string): boolean;
  /** Whether `redactText` might find something in the text; of clean texts also in any of those joined to it. */
  mayRedactText(text: string, isClean: boolean): boolean;
  /** The same for a piece of text such as a header's value. */
  redactText(text: string): string;
  /** The same for the query of a URL, without its question mark. */
  redactQuery(query: string, isClean: boolean): string;
}

export function createDocumentRedactor(names: SensitiveNames, values: SecretValues): DocumentRedactor {
  const isField = (name: string) => names.field(name) !== Sensitivity.none;
  // One pass for most bodies: is there anything a name or a form could be found by?
  const hint = secretHint(names.fieldPattern, values.hint);

  function mayHoldSecret(bytes: Buffer): boolean {
    return hint?.test(bytes) === true || values.mayContainAdded(bytes);
  }

  function findIn(bytes: Buffer, inProse: boolean): Span[] {
    const found: Span[] = [];
    const report = (start: number, end: number) => {
      found.push({ start, end });
    };
    values.find(bytes, report);
    findPairsInText(bytes, (name) => names.query(name), inProse, report);
    return found.sort((a, b) => a.start - b.start);
  }

  function redact(view: View, edits: Edits, contentType: string, nesting: number): void {
    const { bytes } = view;
    if (bytes.length === 0) return;
    if (nesting > DEFAULT_LIMITS.redaction_nesting_max) {
      if (mayHoldSecret(bytes)) edits.text(view, 0, bytes.length);
      return;
    }
    const redactInside = (inside: View, type = '') => redact(inside, edits, type, nesting + 1);
    const boundary = multipartBoundary(contentType);
    if (boundary !== null) {
      redactMultipart(view, boundary, edits, { isSensitive: isField, redactDocument: redactInside });
      return;
    }
    const kind = documentKind(bytes, contentType);
    if (kind === 'form') {
      const isSensitive = (name: string) => names.query(name) || isField(name);
      redactPairs(view, edits, { isSensitive, redactValue: redactInside, mayHoldSecret });
      // Every value was looked at in its decoded form; a pattern of the user's may be about more than a value.
      values.findAdded(bytes, (start, end) => edits.text(view, start, end));
      return;
    }
    if (!mayHoldSecret(bytes)) return;
    const inProse = kind === 'text';
    const found = findIn(bytes, inProse);
    if (kind === 'json' || (kind === 'text' && (bytes.includes('"') || bytes.includes(": '"))))
      redactJson(view, edits, { names, found, inProse, redactDocument: redactInside, mayHoldSecret });
    if (kind === 'xml') redactXml(view, edits, names);
    if (kind !== 'json') for (const { start, end } of found) edits.text(view, start, end);
  }

  /** Whether nothing in the query is secret, seen without decoding anything. */
  function isPlainQuery(query: string, isClean: boolean): boolean {
    if (query === '') return true;
    if (/[%+{[<]/.test(query) || (!isClean && values.mayContain(query))) return false;
    return (
      !query.split('&').some((pair) => names.query(pair.slice(0, Math.max(0, pair.indexOf('='))))) &&
      !/(?:^|&)code=/.test(query)
    );
  }

  function edited(bytes: Buffer, edit: (view: View, edits: Edits) => void): Buffer {
    const edits = createEdits();
    edit({ bytes, base: 0, origin: null }, edits);
    if (edits.size === 0) return bytes;
    // Formats that count their bytes would not survive another length.
    return isBinary(bytes) ? edits.mask(bytes) : edits.apply(bytes);
  }

  return {
    redactBody(body, contentType) {
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const result = edited(bytes, (view, edits) => redact(view, edits, contentType, 0));
      return result === bytes ? body : result;
    },
    // A pattern of the user's may be about a whole text, which joined texts are not.
    mayHoldSecretValue: (joined) => values.hasAdded || values.mayContain(joined),
    mayRedactText: (text, isClean) => (!isClean && values.mayContain(text)) || mayHoldPairs(text),
    redactText(text) {
      return edited(Buffer.from(text), (view, edits) => {
        for (const { start, end } of findIn(view.bytes, false)) edits.text(view, start, end);
      }).toString();
    },
    redactQuery(query, isClean) {
      if (isPlainQuery(query, isClean)) return query;
      return edited(Buffer.from(query), (view, edits) =>
        redactPairs(view, edits, {
          isSensitive: names.query,
          redactValue: (value) => redact(value, edits, '', 1),
          mayHoldSecret,
        }),
      ).toString();
    },
  };
}

function secretHint(fieldPattern: string | null, valueHint: string | null): RE2 | null {
  // A name ends at what is neither letter nor digit. An escape may be a letter in disguise.
  const named = fieldPattern === null ? null : `${fieldPattern}[0-9]*(?:[^a-z0-9]|$)`;
  const others = '\\\\u00[2-7]|[?&;]sig(?:nature)?=|assertion=';
  const sources = [named, named === null ? null : others, valueHint].filter((source) => source !== null);
  return sources.length === 0 ? null : compileRe2(sources.join('|'), 'i');
}

/** Whether there may be a URL with a query or a fragment in the text. */
function mayHoldPairs(text: string): boolean {
  return text.includes('=') && (text.includes('?') || text.includes('&') || text.includes('#'));
}

type DocumentKind = 'json' | 'xml' | 'form' | 'text' | 'binary';

/** Judged by its first bytes: what clients declare is often only their default. */
function documentKind(bytes: Buffer, contentType: string): DocumentKind {
  const type = contentType.toLowerCase();
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while ((bytes[start] as number) <= 0x20) start++;
  const first = bytes[start];
  if (first === 0x7b || first === 0x5b) return 'json';
  if (first === 0x3c) return 'xml';
  if (type.includes('json')) return 'json';
  if (type.includes('x-www-form-urlencoded')) return 'form';
  if (isBinary(bytes)) return 'binary';
  return /^[^\s=&<>"'{}]{1,128}=[^\s<>"{};]*$/.test(bytes.toString('latin1', start, start + 4096).trimEnd())
    ? 'form'
    : 'text';
}

/** Whether there is a NUL at the beginning, as tools that tell text from data ask. */
function isBinary(bytes: Buffer): boolean {
  const nul = bytes.indexOf(0);
  return nul >= 0 && nul < 8192;
}
