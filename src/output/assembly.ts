/**
 * One trace being put together from what it is made of: words of the format, values, heads and bodies as they came.
 *
 * in: constants, texts, numbers, `SentHead`s, bodies, in order · out: their bytes, in the memory of a `Gatherer`
 */
import { isUtf8 } from 'node:buffer';
import type { HeadShape } from '../trace/head-shape.js';
import type { SentHead } from '../trace/sent-message.js';
import { Gatherer, LONG_TEXT_MAX, Piece, TEXT_BYTES } from './gather.js';
import { quote } from './ndjson.js';

/** The text is divided: templates of heads, words that a format always has, values, heads and bodies. */
const TEMPLATE_BYTES = 4096;
const TEMPLATES_MAX = 16;
const CONSTANTS = TEMPLATE_BYTES * TEMPLATES_MAX;
const CONSTANTS_BYTES = 8192;
const VALUES = CONSTANTS + CONSTANTS_BYTES;
const VALUES_BYTES = 32 << 10;
const VALUES_END = VALUES + VALUES_BYTES;
/** Heads that come again and again, each as the text that it becomes. */
const HEAD_BYTES = 2048;
const HEADS_MAX = 64;
const HEADS = VALUES_END;
const CONTENT = HEADS + HEAD_BYTES * HEADS_MAX;

/** A longer text is written by a call out of JavaScript, which takes as long as so many characters. */
const WRITTEN_HERE_MAX = 96;
/** Nothing longer is kept as a field; no more than is written here, so that a text is not cut. */
const FIELD_BYTES = WRITTEN_HERE_MAX;
/** What must be left behind a text: one that is cut must not be as long as all of its characters. */
const SPARE = 4;
/** UTF-8 has no more bytes for a UTF-16 unit. */
const UTF8_FACTOR = 3;

/** What stands before the value of each header of a shape, and behind the last. */
export type TemplateTexts = (shape: HeadShape) => readonly string[];

/** Where each text of a template is. */
interface Template {
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
  /** Its place among those that are there. */
  readonly place: number;
}

/** The templates that a format has for heads of one kind. */
export class Templates {
  readonly texts: TemplateTexts;
  readonly known = new WeakMap<HeadShape, Template>();
  /** By what heads that are the same have in common. */
  readonly heads = new WeakMap<object, HeadText>();

  constructor(texts: TemplateTexts) {
    this.texts = texts;
  }
}

/** Where the text of a head is, as long as it has its place. */
interface HeadText {
  readonly length: number;
  /** Negative where it is too long for one. */
  readonly place: number;
}

/** A longer body does not go into the text: it is taken through it piece by piece when it is known where it goes. */
const CONTENT_BYTES_MAX = 32 << 10;
/** The least that is taken at once, so that a call is worth while. */
const LONG_ROOM_MIN = 8 << 10;

/** A body that stands behind so many pieces. */
interface LongContent {
  readonly content: Uint8Array;
  readonly behind: number;
}

/** Words that are always there. */
export interface Constant {
  readonly start: number;
  readonly length: number;
}

/** A text that is mostly the same from trace to trace, and stays where it is while it is. */
export class Field {
  text = '';
  readonly start: number;

  constructor(start: number) {
    this.start = start;
  }
}

export class Assembly {
  readonly #gatherer = new Gatherer();
  readonly #text: Buffer = this.#gatherer.text;
  readonly #places: (Template | undefined)[] = new Array<Template | undefined>(TEMPLATES_MAX).fill(undefined);
  #nextPlace = 0;
  /** That of the head before, of the same trace. */
  #lastPlace = -1;
  readonly #heads = new Array<HeadText | undefined>(HEADS_MAX).fill(undefined);
  #nextHead = 0;
  #lastHead = -1;
  /** Where the next constant goes, and the next value, head or body. */
  #freeConstant = CONSTANTS;
  #freeValue = VALUES;
  #free = CONTENT;
  /** Whether something had no room, or is nothing that can be put in so. */
  #hasFailed = false;
  #long: LongContent[] = [];

  begin(): void {
    this.#gatherer.begin();
    this.#freeValue = VALUES;
    this.#free = CONTENT;
    this.#lastPlace = -1;
    this.#lastHead = -1;
    this.#hasFailed = false;
    if (this.#long.length > 0) this.#long = [];
  }

  /**
   * Words of a format, which are ASCII. They stay.
   *
   * @throws RangeError where a format has too many
   */
  constant(words: string): Constant {
    const start = this.#freeConstant;
    const { length } = words;
    if (start + length > VALUES) throw new RangeError(`no room for the words ${words}`);
    this.#text.latin1Write(words, start, length);
    this.#freeConstant = start + length;
    return { start, length };
  }

  /**
   * Room for a text that mostly stays the same. A trace has it once.
   *
   * @throws RangeError where a format has too many
   */
  field(): Field {
    const { start } = this.constant(' '.repeat(FIELD_BYTES));
    return new Field(start);
  }

  addConstant({ start, length }: Constant): void {
    this.#gatherer.add(start, length, Piece.raw);
  }

  /** Words of the format, as they are. */
  addWords(words: string): void {
    const start = this.#freeValue;
    if (start + UTF8_FACTOR * words.length > VALUES_END) {
      this.#hasFailed = true;
      return;
    }
    const length = this.#text.utf8Write(words, start, VALUES_END - start);
    this.#gatherer.add(start, length, Piece.raw);
    this.#freeValue = start + length;
  }

  /** A text, as it stands inside a JSON string. */
  addText(text: string): void {
    const { length } = text;
    const start = this.#freeValue;
    if (start + length + SPARE > VALUES_END) {
      this.#hasFailed = true;
    } else if (this.#write(text, start)) {
      this.#gatherer.add(start, length, Piece.text);
      this.#freeValue = start + length;
    } else this.addWords(quote(text).slice(1, -1));
  }

  /** The same as `addText`. */
  addField(field: Field, text: string): void {
    if (text !== field.text) {
      if (text.length > FIELD_BYTES || !this.#write(text, field.start)) {
        // What was written over is no text of the field any more.
        field.text = '';
        this.addText(text);
        return;
      }
      field.text = text;
    }
    if (text !== '') this.#gatherer.add(field.start, text.length, Piece.text);
  }

  /** A text in which nothing is to be escaped. */
  addPlain(text: string): void {
    const { length } = text;
    const start = this.#freeValue;
    if (start + length + SPARE > VALUES_END || !this.#write(text, start)) {
      this.#hasFailed = true;
      return;
    }
    this.#gatherer.add(start, length, Piece.raw);
    this.#freeValue = start + length;
  }

  /** An integer, as `String` has it. */
  addInteger(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      this.addPlain(value.toString());
      return;
    }
    const start = this.#freeValue;
    const length = digitsOf(value);
    if (start + length > VALUES_END) {
      this.#hasFailed = true;
      return;
    }
    const text = this.#text;
    let left = value;
    for (let at = start + length - 1; at >= start; at--) {
      const next = Math.floor(left / 10);
      text[at] = 0x30 + left - 10 * next;
      left = next;
    }
    this.#gatherer.add(start, length, Piece.raw);
    this.#freeValue = start + length;
  }

  addHead(head: SentHead, templates: Templates): void {
    const { identity } = head;
    if (identity === null || !this.#addKnownHead(identity, head, templates)) this.#addHeaders(head, templates);
  }

  /** A head that is the same as others; false where it is too long to be remembered. */
  #addKnownHead(identity: object, head: SentHead, templates: Templates): boolean {
    let known = templates.heads.get(identity);
    if (known === undefined || (known.place >= 0 && this.#heads[known.place] !== known)) {
      known = this.#putHead(headText(head, templates));
      templates.heads.set(identity, known);
    }
    const { place, length } = known;
    if (place < 0) return false;
    this.#lastHead = place;
    this.#gatherer.add(HEADS + place * HEAD_BYTES, length, Piece.raw);
    return true;
  }

  #putHead(text: string): HeadText {
    const { length } = text;
    if (length > HEAD_BYTES || !PRINTABLE.test(text)) return { length, place: -1 };
    // The other head of the same trace keeps its own until both are gathered.
    const place = (this.#nextHead + (this.#nextHead === this.#lastHead ? 1 : 0)) % HEADS_MAX;
    this.#nextHead = (place + 1) % HEADS_MAX;
    this.#text.latin1Write(text, HEADS + place * HEAD_BYTES, length);
    const known = { length, place };
    this.#heads[place] = known;
    return known;
  }

  #addHeaders(head: SentHead, templates: Templates): void {
    const { text, spans } = head.list;
    const start = this.#take(text.length);
    const template = this.#templateOf(head.shape, templates);
    if (start < 0 || template === null) {
      this.#hasFailed = true;
      return;
    }
    const gatherer = this.#gatherer;
    gatherer.text.latin1Write(text, start, text.length);
    const { starts, lengths } = template;
    const count = spans.length >> 2;
    for (let i = 0; i < count; i++) {
      gatherer.add(starts[i] as number, lengths[i] as number, Piece.raw);
      const replaced = head.replaced?.get(i);
      if (replaced !== undefined) {
        this.addText(replaced);
        continue;
      }
      const from = spans[4 * i + 2] as number;
      let to = spans[4 * i + 3] as number;
      // The parser leaves the white space behind a value.
      while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
      gatherer.add(start + from, to - from, Piece.value);
    }
    gatherer.add(starts[count] as number, lengths[count] as number, Piece.raw);
  }

  /** Bytes that stand inside a JSON string. */
  addContent(content: Uint8Array): void {
    const { length } = content;
    if (length === 0) return;
    if (length > CONTENT_BYTES_MAX && isUtf8(content)) {
      this.#long.push({ content, behind: this.#gatherer.count });
      return;
    }
    const start = length <= WRITTEN_HERE_MAX || isUtf8(content) ? this.#take(length) : -1;
    if (start < 0 || !this.#copy(content, start)) {
      this.#hasFailed = true;
      return;
    }
    this.#gatherer.add(start, length, Piece.text);
  }

  /** How many bytes it has become; -1 where it must be made otherwise. */
  finish(): number {
    if (this.#hasFailed) return -1;
    const bytes = this.#gatherer.gather();
    if (this.#long.length === 0 || bytes < 0) return bytes;
    if (this.#longRoom < LONG_ROOM_MIN) return -1;
    return this.#long.reduce((sum, { content }) => sum + this.#eachPart(content, this.#measure), bytes);
  }

  /** What was assembled last, once. */
  copy(target: Buffer, at: number, bytes: number): void {
    const gatherer = this.#gatherer;
    if (this.#long.length === 0) {
      gatherer.copy(target, at, bytes);
      return;
    }
    let place = at;
    let from = 0;
    const write = (start: number, length: number): number => {
      const written = gatherer.writeText(target, place, start, length);
      place += written;
      return written;
    };
    for (const { content, behind } of this.#long) {
      place += gatherer.write(target, place, from, behind);
      this.#eachPart(content, write);
      from = behind;
    }
    gatherer.write(target, place, from, gatherer.count);
    this.#long = [];
  }

  get #longRoom(): number {
    return Math.min(TEXT_BYTES - this.#free, LONG_TEXT_MAX);
  }

  readonly #measure = (start: number, length: number): number => this.#gatherer.measure(start, length);

  /** Puts a content into the text part by part; the sum of what `take` says of them. */
  #eachPart(content: Uint8Array, take: (start: number, length: number) => number): number {
    const start = this.#free;
    const room = this.#longRoom;
    let sum = 0;
    for (let from = 0; from < content.length; from += room) {
      const part = content.subarray(from, from + room);
      this.#text.set(part, start);
      sum += take(start, part.length);
    }
    return sum;
  }

  /** Writes a text for which there is room; false where it is not ASCII, and something else was written. */
  #write(text: string, start: number): boolean {
    const bytes = this.#text;
    const { length } = text;
    if (length > WRITTEN_HERE_MAX) return bytes.utf8Write(text, start, VALUES_END - start) === length;
    let all = 0;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      all |= code;
      bytes[start + i] = code;
    }
    return all < 0x80;
  }

  /** Copies a content; false where it is short, and no UTF-8. */
  #copy(content: Uint8Array, start: number): boolean {
    const bytes = this.#text;
    const { length } = content;
    if (length > WRITTEN_HERE_MAX) {
      bytes.set(content, start);
      return true;
    }
    let all = 0;
    for (let i = 0; i < length; i++) {
      const byte = content[i] as number;
      all |= byte;
      bytes[start + i] = byte;
    }
    return all < 0x80 || isUtf8(content);
  }

  /** Room for `bytes` of the text; -1 where there is none. */
  #take(bytes: number): number {
    const start = this.#free;
    if (start + bytes > TEXT_BYTES) return -1;
    this.#free = start + bytes;
    return start;
  }

  #templateOf(shape: HeadShape, templates: Templates): Template | null {
    let template = templates.known.get(shape);
    if (template === undefined || this.#places[template.place] !== template) {
      const made = this.#putTemplate(templates.texts(shape));
      if (made === null) return null;
      templates.known.set(shape, made);
      template = made;
    }
    this.#lastPlace = template.place;
    return template;
  }

  #putTemplate(texts: readonly string[]): Template | null {
    const all = texts.join('');
    if (all.length > TEMPLATE_BYTES) return null;
    // The other head of the same trace keeps its own until both are gathered.
    const place = (this.#nextPlace + (this.#nextPlace === this.#lastPlace ? 1 : 0)) % TEMPLATES_MAX;
    this.#nextPlace = (place + 1) % TEMPLATES_MAX;
    let start = place * TEMPLATE_BYTES;
    this.#text.latin1Write(all, start, all.length);
    const starts: number[] = [];
    for (const { length } of texts) {
      starts.push(start);
      start += length;
    }
    const template = { starts, lengths: texts.map(({ length }) => length), place };
    this.#places[place] = template;
    return template;
  }
}

/** The same as `Assembly.addHead` makes of it. */
function headText(head: SentHead, { texts }: Templates): string {
  const words = texts(head.shape);
  const { length } = head.shape.names;
  let text = '';
  for (let i = 0; i < length; i++) text += `${words[i]}${quote(head.value(i)).slice(1, -1)}`;
  return text + words[length];
}

const PRINTABLE = /^[\x20-\x7e]*$/;

function digitsOf(value: number): number {
  let digits = 1;
  for (let power = 10; value >= power; power *= 10) digits++;
  return digits;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
