/**
 * The line of a trace, made of the bytes that came: heads and bodies are put into it without a string being made of them.
 *
 * in: `Trace` · out: the bytes of `encodeNdjson` and a newline, where it is made of what can be so taken; most are
 */
import { isUtf8 } from 'node:buffer';
import type { HeadShape } from '../trace/head-shape.js';
import { type SentHead, sentHeadOf } from '../trace/sent-message.js';
import type { Trace, TraceBody, TraceRequest, TraceResponse } from '../trace/trace.js';
import { Gatherer, Piece, TEXT_BYTES } from './gather.js';
import {
  beforeBody,
  beforeContent,
  beforeRequestHeaders,
  beforeResponseHeaders,
  behindContent,
  behindResponse,
  headers,
  quote,
  whyNot,
} from './ndjson.js';

/** The text is divided: templates of heads, other texts, heads, bodies. */
const TEMPLATE_BYTES = 2048;
const TEMPLATES_MAX = 16;
const WORDS = TEMPLATE_BYTES * TEMPLATES_MAX;
const WORDS_BYTES = 32 << 10;
const CONTENT = WORDS + WORDS_BYTES;

/** Where the piece before the value of each header is, and the last behind all of them. */
interface Template {
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
  /** The number of its place among templates. */
  readonly place: number;
}

/** Null where the processor has no vectors. */
export function openNdjsonBytes(): NdjsonBytes | null {
  try {
    return new NdjsonBytes();
  } catch {
    return null;
  }
}

export class NdjsonBytes {
  readonly #gatherer = new Gatherer();
  readonly #templates = new WeakMap<HeadShape, Template>();
  /** Which shape has each place for a template. */
  readonly #places: (HeadShape | undefined)[] = new Array<HeadShape | undefined>(TEMPLATES_MAX).fill(undefined);
  #nextPlace = 0;
  /** That of the head before, of the same trace. */
  #otherShape: HeadShape | null = null;
  /** Texts that are no part of a head or a body, joined. */
  #words = '';
  /** Where in the text the next head or body goes. */
  #free = CONTENT;

  /** How many bytes the line has; -1 where it must be made otherwise. */
  encode(trace: Trace): number {
    const gatherer = this.#gatherer;
    gatherer.begin();
    this.#words = '';
    this.#free = CONTENT;
    this.#otherShape = null;
    const { request, response } = trace;
    this.#add(beforeRequestHeaders(trace));
    if (!this.#addMessage(request)) return -1;
    this.#add(beforeResponseHeaders(response));
    if (response !== null && !this.#addMessage(response)) return -1;
    this.#add(`${behindResponse(trace)}\n`);
    const { length } = this.#words;
    // In which a character is a byte.
    if (length > WORDS_BYTES || gatherer.text.write(this.#words, WORDS, WORDS_BYTES) !== length) return -1;
    return gatherer.gather();
  }

  /** The line that was encoded last. */
  copy(target: Buffer, at: number, bytes: number): void {
    this.#gatherer.copy(target, at, bytes);
  }

  #add(words: string): void {
    this.#gatherer.add(WORDS + this.#words.length, words.length, Piece.raw);
    this.#words += words;
  }

  #addMessage(message: TraceRequest | TraceResponse): boolean {
    const head = sentHeadOf(message);
    if (head === null) this.#add(headers(message.headers));
    else if (!this.#addHead(head)) return false;
    this.#add(`${beforeBody(message.trailers)}{`);
    return this.#addBody(message.body);
  }

  #addHead(head: SentHead): boolean {
    const { text, spans } = head.list;
    const start = this.#take(text.length);
    const template = this.#templateOf(head.shape);
    this.#otherShape = head.shape;
    if (start < 0 || template === null) return false;
    const gatherer = this.#gatherer;
    gatherer.text.write(text, start, 'latin1');
    const { starts, lengths } = template;
    const count = spans.length >> 2;
    for (let i = 0; i < count; i++) {
      gatherer.add(starts[i] as number, lengths[i] as number, Piece.raw);
      const replaced = head.replaced?.get(i);
      if (replaced !== undefined) {
        this.#add(quote(replaced).slice(1, -1));
        continue;
      }
      const from = spans[4 * i + 2] as number;
      let to = spans[4 * i + 3] as number;
      // The parser leaves the white space behind a value.
      while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
      gatherer.add(start + from, to - from, Piece.value);
    }
    gatherer.add(starts[count] as number, lengths[count] as number, Piece.raw);
    return true;
  }

  #addBody(body: TraceBody): boolean {
    const { content } = body;
    if (!isUtf8(content)) return false;
    this.#add(`${beforeContent(body, 'utf8')}"`);
    if (content.length > 0) {
      const start = this.#take(content.length);
      if (start < 0) return false;
      this.#gatherer.text.set(content, start);
      this.#gatherer.add(start, content.length, Piece.text);
    }
    this.#add(`"${whyNot(body)}${behindContent(body)}`);
    return true;
  }

  /** Room for `bytes` of the text; -1 where there is none. */
  #take(bytes: number): number {
    const start = this.#free;
    if (start + bytes > TEXT_BYTES) return -1;
    this.#free = start + bytes;
    return start;
  }

  #templateOf(shape: HeadShape): Template | null {
    const known = this.#templates.get(shape);
    if (known !== undefined && this.#places[known.place] === shape) return known;
    const texts = shape.names.map((name, i) => `${i === 0 ? '[' : '"],'}["${name}","`);
    texts.push(texts.length === 0 ? '[]' : '"]]');
    const all = texts.join('');
    if (all.length > TEMPLATE_BYTES) return null;
    // The other head of the same trace keeps its own until both are gathered.
    const isTaken = this.#places[this.#nextPlace] === this.#otherShape;
    const place = (this.#nextPlace + (isTaken ? 1 : 0)) % TEMPLATES_MAX;
    this.#nextPlace = (place + 1) % TEMPLATES_MAX;
    this.#places[place] = shape;
    let start = place * TEMPLATE_BYTES;
    this.#gatherer.text.write(all, start, 'latin1');
    const starts: number[] = [];
    for (const { length } of texts) {
      starts.push(start);
      start += length;
    }
    const template = { starts, lengths: texts.map(({ length }) => length), place };
    this.#templates.set(shape, template);
    return template;
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
