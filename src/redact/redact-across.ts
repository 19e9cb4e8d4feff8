/**
 * Finds secrets that are cut: over lines of an event, over messages of a stream.
 *
 * in:  parts of texts that belong together, in their order · out: edits of those texts, each part's own
 */
import { QUOTE } from './byte-text.js';
import { type Cause, copyInto, createEdits, type Edits } from './edits.js';
import { eachEvent, eachLine, eachThatGoesOn, type Span } from './event-text.js';
import type { DocumentRedactor } from './redact-document.js';

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;
const BACKSLASH = 0x5c;

export interface Text {
  readonly bytes: Buffer;
  readonly edits: Edits;
}

interface Part {
  readonly text: Text;
  readonly start: number;
  readonly end: number;
}

export function textOf(bytes: Uint8Array): Text {
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), edits: createEdits() };
}

/** The body of a stream, whose events and lines have been searched each for itself. */
export function redactStreamed(text: Text, kind: 'events' | 'lines', documents: DocumentRedactor): readonly Cause[] {
  const causes: Cause[] = [];
  const joined = new Joined();
  if (kind === 'lines') eachLine(text.bytes, (start, end) => joined.add({ text, start, end }));
  else
    eachEvent(text.bytes, (spans) => {
      const parts = partsOf(text, spans);
      if (parts.length > 1) causes.push(...redactParts(parts, '\n', documents));
      for (const part of parts) joined.add(part);
    });
  return [...causes, ...joined.redact(documents)];
}

/** The messages of one direction, in their order. `isCut`: more came behind them that was not kept. */
export function redactMessagesAcross(
  texts: readonly Text[],
  isCut: boolean,
  documents: DocumentRedactor,
): readonly Cause[] {
  const joined = new Joined();
  for (const text of texts) joined.add({ text, start: 0, end: text.bytes.length });
  return joined.redact(documents, isCut);
}

/** What may be one text in several: what is no JSON, JSON that is cut, and of JSON that is whole the strings that go on. */
class Joined {
  readonly #plain: Part[] = [];
  readonly #byName = new Map<string, Part[]>();
  /** Those of each JSON text that has not ended where the first of them does. */
  readonly #cut: Part[][] = [];
  /** The last of those, if it goes on. */
  #open: Part[] | null = null;
  readonly #brackets = new Brackets();

  add(part: Part): void {
    const { text, start, end } = part;
    const first = text.bytes[start];
    if (end === start) return;
    const isJson = first === OPEN_BRACE || first === OPEN_BRACKET;
    this.#followJson(part, isJson);
    if (!isJson) {
      this.#plain.push(part);
      return;
    }
    eachThatGoesOn(text.bytes, part, (name, from, to) => {
      const parts = this.#byName.get(name);
      const string: Part = { text, start: from, end: to };
      if (parts === undefined) this.#byName.set(name, [string]);
      else parts.push(string);
    });
  }

  #followJson(part: Part, isJson: boolean): void {
    const { text, start, end } = part;
    const brackets = this.#brackets;
    if (this.#open !== null) {
      // One that is whole is none's rest.
      if (isJson && !new Brackets().readUpTo(text.bytes, start, end)) this.#open = null;
      else {
        this.#open.push(part);
        if (!brackets.readUpTo(text.bytes, start, end)) this.#open = null;
        return;
      }
    }
    brackets.clear();
    if (!isJson || !brackets.readUpTo(text.bytes, start, end)) return;
    this.#open = [part];
    this.#cut.push(this.#open);
  }

  redact(documents: DocumentRedactor, isCut = false): Cause[] {
    return [this.#plain, ...this.#byName.values(), ...this.#cut].flatMap((parts) =>
      redactParts(parts, '', documents, isCut),
    );
  }
}

/** How deep a place in JSON is, which may come in pieces. */
class Brackets {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  clear(): void {
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
  }

  /** Returns whether more is to come. */
  readUpTo(bytes: Buffer, start: number, end: number): boolean {
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === QUOTE) this.#isInString = !this.#isInString;
      else if (this.#isInString) this.#isEscaped = byte === BACKSLASH;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
      else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --this.#depth <= 0) return false;
    }
    return true;
  }
}

function partsOf(text: Text, spans: readonly Span[]): Part[] {
  return spans.map(([start, end]) => ({ text, start, end }));
}

/** Searches the parts as one text, and redacts in each what is its own of what is found. */
function redactParts(
  parts: readonly Part[],
  separator: '' | '\n',
  documents: DocumentRedactor,
  isCut = false,
): readonly Cause[] {
  if (parts.length < 2) return [];
  /** Where each part begins among all. */
  const places: number[] = [];
  let length = 0;
  for (const { start, end } of parts) {
    places.push(length);
    length += end - start + separator.length;
  }
  const all = Buffer.alloc(length, separator);
  parts.forEach(({ text, start, end }, i) => {
    copyInto(all, places[i] as number, text.bytes, start, end);
  });
  const found = documents.find(all, isCut);
  let at = 0;
  found.eachSpan((from, to, isNumber) => {
    // Spans are in order: none begins in a part before that in which the last one did.
    while (at + 1 < parts.length && (places[at + 1] as number) <= from) at++;
    for (let i = at; i < parts.length && (places[i] as number) < to; i++) {
      const { text, start, end } = parts[i] as Part;
      const begin = Math.max(start, start + from - (places[i] as number));
      const until = Math.min(end, start + to - (places[i] as number));
      const [cause = UNKNOWN] = found.causes;
      const view = { bytes: text.bytes, base: 0, origin: null };
      if (isNumber) text.edits.number(view, begin, until, cause);
      else text.edits.text(view, begin, until, cause);
    }
  });
  return found.causes;
}

const UNKNOWN: Cause = { rule: 'bound:cut', name: null };
