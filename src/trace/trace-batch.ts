/**
 * Traces on their way to another thread: what they are made of in columns of memory that both threads have, so that no objects are
 * copied and nothing is left for the garbage collectors.
 *
 * in: `Trace`s, not redacted or redacted · out: a `TraceBatch`, and the same traces on its other side
 *
 *     NUMBERS   of each trace what it is, its times, sizes and ports, and the spans of its heads
 *     TEXTS     its ids, its target, and heads that no other message has: a byte a character
 *     CONTENT   its bodies
 *     OUTPUT    what it becomes: whoever reads it writes there
 *
 * What comes again and again, as addresses, methods and heads that messages share, is sent once and then known by its number. A
 * trace that says more than most is sent as an object.
 */
import { HeaderList } from '../http/header-list.js';
import type { Endpoint } from '../pair/exchange.js';
import { HeadShapes } from './head-shape.js';
import { SentHead, SentRequest, SentResponse, sentHeadOf } from './sent-message.js';
import type { Trace, TraceBody, TraceRequest, TraceResponse } from './trace.js';
import { asOwnData, bodyBytes, flagsOf, Is, isPlain, isWholeTarget, textBytes } from './trace-columns.js';

export interface TraceBatch {
  readonly count: number;
  readonly memory: SharedArrayBuffer;
  readonly contentBytes: number;
  /** Words that are new, by the number of the first of them. */
  readonly words: readonly string[];
  readonly firstWord: number;
  /** Traces that are none of columns. */
  readonly others: readonly Trace[];
}

export interface BatchedTrace {
  readonly trace: Trace;
  readonly isRedacted: boolean;
}

const TRACES_MAX = 128;
const NUMBERS_MAX = 1 << 13;
const TEXTS = 8 * NUMBERS_MAX;
const TEXT_BYTES = 1 << 16;
const CONTENT = TEXTS + TEXT_BYTES;
const CONTENT_BYTES = 1 << 18;
const OUTPUT = CONTENT + CONTENT_BYTES;
const OUTPUT_BYTES = 1 << 19;
/** What one takes. */
export const BATCH_BYTES = OUTPUT + OUTPUT_BYTES;
/** Headers of both heads that a trace may have here, which is as many as have a shape. */
const SPANS_MAX = 2 * 4 * 64;
const NUMBERS_OF_TRACE = 32 + SPANS_MAX;
/** Above this, words are forgotten between two batches. */
const WORDS_MAX = 2048;
/** Heads that are remembered, on both sides. */
const LISTS_MAX = 256;
/** A call out of JavaScript takes longer than copying so many bytes. */
const COPIED_HERE_MAX = 96;

const NO_MEMORY = new SharedArrayBuffer(0);

/** What is known of a head: all of it follows, or what number it has. */
const Head = { alone: 0, first: 1, known: 2 } as const;

/** The numbers of words, which both sides count alike. */
class Words {
  readonly #numbers = new Map<string, number>();
  fresh: string[] = [];

  get first(): number {
    return this.#numbers.size - this.fresh.length;
  }

  numberOf(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(word, number);
    this.fresh.push(word);
    return number;
  }

  /** What is fresh is sent. */
  turn(): void {
    if (this.#numbers.size > WORDS_MAX) this.#numbers.clear();
    this.fresh = [];
  }
}

/** Where what a batch becomes is written. */
export function outputOf({ memory }: Pick<TraceBatch, 'memory'>): Buffer {
  return Buffer.from(memory, OUTPUT, OUTPUT_BYTES);
}

/** Fills batches. */
export class TraceBatchWriter {
  readonly #words = new Words();
  readonly #spent: SharedArrayBuffer[] = [];
  /** By a head that messages share, how many were sent before it. */
  readonly #lists = new WeakMap<HeaderList, number>();
  #listsSent = 0;
  #memory = NO_MEMORY;
  #numbers = new Float64Array(NO_MEMORY);
  #times = new BigInt64Array(NO_MEMORY);
  #texts = new Uint8Array(NO_MEMORY);
  #content = new Uint8Array(NO_MEMORY);
  #others: Trace[] = [];
  #count = 0;
  #at = 0;
  #textAt = 0;
  #contentAt = 0;

  get count(): number {
    return this.#count;
  }

  /** Whether another trace may find no room. */
  isFull(trace: Trace): boolean {
    return this.#count > 0 && (this.#count >= TRACES_MAX || !this.#hasRoom(trace));
  }

  #hasRoom(trace: Trace): boolean {
    return (
      this.#at + NUMBERS_OF_TRACE <= NUMBERS_MAX &&
      this.#textAt + textBytes(trace) <= TEXT_BYTES &&
      this.#contentAt + bodyBytes(trace) <= CONTENT_BYTES
    );
  }

  add(trace: Trace, isRedacted: boolean): void {
    if (this.#count === 0) this.#begin();
    this.#count++;
    const { request, response } = trace;
    const head = sentHeadOf(request);
    const answer = response === null ? null : sentHeadOf(response);
    const isColumn =
      head !== null && (response === null) === (answer === null) && isPlain(trace) && this.#hasRoom(trace);
    if (!isColumn) {
      this.#put(isRedacted ? Is.redacted : 0);
      this.#others.push({
        ...trace,
        request: asOwnData(request),
        response: response === null ? null : asOwnData(response),
      });
      return;
    }
    const isWhole = isWholeTarget(request);
    this.#put(flagsOf(trace, isRedacted) | (isWhole ? Is.wholeTarget : 0));
    this.#putFacts(trace);
    this.#putRequest(request, head, isWhole);
    if (response !== null && answer !== null) this.#putResponse(response, answer);
  }

  /** What was added, and what of it moves to the other thread. Others are begun then. */
  take(): { batch: TraceBatch; moves: ArrayBuffer[] } {
    const { first, fresh } = this.#words;
    const batch: TraceBatch = {
      count: this.#count,
      memory: this.#memory,
      contentBytes: this.#contentAt,
      words: fresh,
      firstWord: first,
      others: this.#others,
    };
    const moves = new Set<ArrayBuffer>();
    for (const { request, response } of this.#others)
      for (const { body } of response === null ? [request] : [request, response])
        if (body.content.byteLength > 0) moves.add(body.content.buffer as ArrayBuffer);
    this.#words.turn();
    this.#others = [];
    this.#count = 0;
    return { batch, moves: [...moves] };
  }

  /** Takes the memory of a batch back. */
  reuse(memory: SharedArrayBuffer): void {
    this.#spent.push(memory);
  }

  #begin(): void {
    const memory = this.#spent.pop() ?? new SharedArrayBuffer(BATCH_BYTES);
    if (memory !== this.#memory) {
      this.#memory = memory;
      this.#numbers = new Float64Array(memory, 0, NUMBERS_MAX);
      this.#times = new BigInt64Array(memory, 0, NUMBERS_MAX);
      this.#texts = new Uint8Array(memory, TEXTS, TEXT_BYTES);
      this.#content = new Uint8Array(memory, CONTENT, CONTENT_BYTES);
    }
    this.#at = 0;
    this.#textAt = 0;
    this.#contentAt = 0;
  }

  #put(number: number): void {
    this.#numbers[this.#at++] = number;
  }

  /** A text of a byte a character. */
  #putText(text: string): void {
    const { length } = text;
    this.#put(length);
    const bytes = this.#texts;
    const at = this.#textAt;
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
    this.#textAt = at + length;
  }

  #putFacts(trace: Trace): void {
    const { network, timing, parentSpanId, marks } = trace;
    this.#putText(trace.traceId);
    this.#putText(trace.spanId);
    if (parentSpanId !== null) this.#putText(parentSpanId);
    if (marks.length > 0) this.#putText(marks.join());
    this.#times[this.#at++] = trace.startTimeUnixNano;
    this.#put(trace.durationNano);
    this.#put(timing.requestEndNano);
    this.#put(timing.responseStartNano ?? -1);
    this.#put(this.#words.numberOf(network.interface));
    this.#put(this.#words.numberOf(network.protocol));
    this.#putEndpoint(network.client);
    this.#putEndpoint(network.server);
  }

  #putEndpoint({ address, port }: Endpoint): void {
    this.#put(this.#words.numberOf(address));
    this.#put(port);
  }

  #putRequest(request: TraceRequest, head: SentHead, isWhole: boolean): void {
    const { method, authority, target, path, query, body } = request;
    this.#put(this.#words.numberOf(method));
    this.#put(this.#words.numberOf(authority));
    this.#putText(target);
    if (isWhole) this.#put(path.length);
    else {
      this.#putText(path);
      this.#putText(query);
    }
    this.#putHead(head.list);
    this.#putBody(body);
  }

  #putResponse({ status, reason, body }: TraceResponse, head: SentHead): void {
    this.#put(status);
    this.#put(this.#words.numberOf(reason));
    this.#putHead(head.list);
    this.#putBody(body);
  }

  #putHead(list: HeaderList): void {
    if (list.isShared) {
      const before = this.#lists.get(list);
      if (before !== undefined && this.#listsSent - before <= LISTS_MAX) {
        this.#put(Head.known);
        this.#put(before);
        return;
      }
      this.#lists.set(list, this.#listsSent++);
    }
    const { spans, isPlain, lengths } = list;
    this.#put(list.isShared ? Head.first : Head.alone);
    this.#putText(list.text);
    this.#put(isPlain ? 1 : 0);
    this.#put(lengths);
    this.#put(spans.length);
    for (let i = 0; i < spans.length; i++) this.#put(spans[i] as number);
  }

  #putBody({ wireBytes, bytes, content }: TraceBody): void {
    const { length } = content;
    this.#put(wireBytes);
    this.#put(bytes);
    this.#put(length);
    const target = this.#content;
    const at = this.#contentAt;
    if (length > COPIED_HERE_MAX) target.set(content, at);
    else for (let i = 0; i < length; i++) target[at + i] = content[i] as number;
    this.#contentAt = at + length;
  }
}

/** Reads what one writer wrote, in that order. */
export class TraceBatchReader {
  readonly #shapes = new HeadShapes();
  readonly #lists = new Array<HeaderList | undefined>(LISTS_MAX).fill(undefined);
  #listsRead = 0;
  #other = 0;
  readonly #words: string[] = [];
  #numbers = new Float64Array(NO_MEMORY);
  #times = new BigInt64Array(NO_MEMORY);
  readonly #content = Buffer.allocUnsafeSlow(CONTENT_BYTES);
  #memory = NO_MEMORY;
  #texts = Buffer.from(NO_MEMORY);
  #at = 0;
  #textAt = 0;
  #contentAt = 0;

  begin({ memory, contentBytes, firstWord, words }: TraceBatch): void {
    if (memory !== this.#memory) {
      this.#memory = memory;
      this.#numbers = new Float64Array(memory, 0, NUMBERS_MAX);
      this.#times = new BigInt64Array(memory, 0, NUMBERS_MAX);
      this.#texts = Buffer.from(memory, TEXTS, TEXT_BYTES);
    }
    // Not all that reads bytes takes such as are shared.
    this.#content.set(new Uint8Array(memory, CONTENT, contentBytes));
    this.#at = this.#textAt = this.#contentAt = 0;
    this.#words.length = firstWord;
    this.#words.push(...words);
    this.#other = 0;
  }

  /** The next trace of a batch that was begun. Its bodies are there until another is begun. */
  read({ others }: TraceBatch): BatchedTrace {
    const flags = this.#next();
    const isRedacted = (flags & Is.redacted) !== 0;
    const trace = (flags & Is.column) === 0 ? (others[this.#other++] as Trace) : this.#trace(flags);
    return { trace, isRedacted };
  }

  #next(): number {
    return this.#numbers[this.#at++] as number;
  }

  #text(): string {
    const length = this.#next();
    const at = this.#textAt;
    this.#textAt = at + length;
    return this.#texts.latin1Slice(at, at + length);
  }

  #word(): string {
    return this.#words[this.#next()] as string;
  }

  #trace(flags: number): Trace {
    const traceId = this.#text();
    const spanId = this.#text();
    const parentSpanId = (flags & Is.child) === 0 ? null : this.#text();
    const marks = (flags & Is.marked) === 0 ? [] : this.#text().split(',');
    const startTimeUnixNano = this.#times[this.#at++] as bigint;
    const durationNano = this.#next();
    const requestEndNano = this.#next();
    const responseStart = this.#next();
    const interfaceName = this.#word();
    const protocol = this.#word();
    const client = this.#endpoint();
    const server = this.#endpoint();
    return {
      traceId,
      spanId,
      parentSpanId,
      kind: (flags & Is.server) === 0 ? 'client' : 'server',
      startTimeUnixNano,
      durationNano,
      timing: { requestEndNano, responseStartNano: responseStart < 0 ? null : responseStart },
      network: { interface: interfaceName, protocol, client, server },
      request: this.#request(flags),
      response: (flags & Is.answered) === 0 ? null : this.#response(flags),
      marks,
    };
  }

  #endpoint(): Endpoint {
    return { address: this.#word(), port: this.#next() };
  }

  #request(flags: number): TraceRequest {
    const method = this.#word();
    const authority = this.#word();
    const target = this.#text();
    const isWhole = (flags & Is.wholeTarget) !== 0;
    const pathEnd = isWhole ? this.#next() : 0;
    const fields = {
      method,
      scheme: (flags & Is.https) === 0 ? ('http' as const) : ('https' as const),
      authority,
      target,
      path: isWhole ? target.slice(0, pathEnd) : this.#text(),
      query: isWhole ? target.slice(pathEnd + 1) : this.#text(),
    };
    const head = this.#head();
    return new SentRequest(head, { trailers: [], body: this.#body((flags & Is.requestCut) !== 0) }, fields);
  }

  #response(flags: number): TraceResponse {
    const fields = { status: this.#next(), reason: this.#word() };
    const head = this.#head();
    return new SentResponse(head, { trailers: [], body: this.#body((flags & Is.responseCut) !== 0) }, fields);
  }

  #head(): SentHead {
    const list = this.#list();
    const shape = this.#shapes.of(list);
    if (shape === null) throw new RangeError('a head that had a shape has none');
    return new SentHead(list, shape);
  }

  #list(): HeaderList {
    const kind = this.#next();
    if (kind === Head.known) return this.#lists[this.#next() % LISTS_MAX] as HeaderList;
    const text = this.#text();
    const isPlain = this.#next() === 1;
    const lengths = this.#next();
    const spans = new Array<number>(this.#next());
    for (let i = 0; i < spans.length; i++) spans[i] = this.#next();
    const list = new HeaderList(text, spans, isPlain, lengths, kind === Head.first);
    if (kind === Head.first) this.#lists[this.#listsRead++ % LISTS_MAX] = list;
    return list;
  }

  #body(truncated: boolean): TraceBody {
    const wireBytes = this.#next();
    const bytes = this.#next();
    const length = this.#next();
    const at = this.#contentAt;
    this.#contentAt = at + length;
    return { wireBytes, bytes, truncated, content: this.#content.subarray(at, at + length), codingError: null };
  }
}
