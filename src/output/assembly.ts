/**
 * One trace being put together from what it is made of: words of the format, heads and bodies as they came.
 *
 * in: words, `SentHead`s, bodies, in order · out: their bytes, in the memory of a `Gatherer`
 */
import { isUtf8 } from 'node:buffer';
import type { HeadShape } from '../trace/head-shape.js';
import type { SentHead } from '../trace/sent-message.js';
import { Gatherer, Piece, TEXT_BYTES } from './gather.js';
import { quote } from './ndjson.js';

/** The text is divided: templates of heads, other words, heads and bodies. */
const TEMPLATE_BYTES = 4096;
const TEMPLATES_MAX = 16;
const WORDS = TEMPLATE_BYTES * TEMPLATES_MAX;
const WORDS_BYTES = 32 << 10;
/** Characters of words. Below the bytes that there are for them: what is cut at those must not be as long as all characters. */
const WORDS_MAX = WORDS_BYTES - 4;
const CONTENT = WORDS + WORDS_BYTES;

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

  constructor(texts: TemplateTexts) {
    this.texts = texts;
  }
}

export class Assembly {
  readonly #gatherer = new Gatherer();
  readonly #places: (Template | undefined)[] = new Array<Template | undefined>(TEMPLATES_MAX).fill(undefined);
  #nextPlace = 0;
  /** That of the head before, of the same trace. */
  #lastPlace = -1;
  #words = '';
  /** Where in the text the next head or body goes. */
  #free = CONTENT;
  /** Whether something had no room, or is nothing that can be put in so. */
  #hasFailed = false;

  begin(): void {
    this.#gatherer.begin();
    this.#words = '';
    this.#free = CONTENT;
    this.#lastPlace = -1;
    this.#hasFailed = false;
  }

  addWords(words: string): void {
    this.#gatherer.add(WORDS + this.#words.length, words.length, Piece.raw);
    this.#words += words;
  }

  addHead(head: SentHead, templates: Templates): void {
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
        this.addWords(quote(replaced).slice(1, -1));
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
    if (content.length === 0) return;
    const start = isUtf8(content) ? this.#take(content.length) : -1;
    if (start < 0) {
      this.#hasFailed = true;
      return;
    }
    this.#gatherer.text.set(content, start);
    this.#gatherer.add(start, content.length, Piece.text);
  }

  /** How many bytes it has become; -1 where it must be made otherwise. */
  finish(): number {
    const { length } = this.#words;
    if (this.#hasFailed || length > WORDS_MAX) return -1;
    const written = this.#gatherer.text.utf8Write(this.#words, WORDS, WORDS_BYTES);
    // Pieces were noted as if each character were a byte.
    return written === length ? this.#gatherer.gather() : -1;
  }

  /** What was assembled last. */
  copy(target: Buffer, at: number, bytes: number): void {
    this.#gatherer.copy(target, at, bytes);
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
    this.#gatherer.text.latin1Write(all, start, all.length);
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

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
