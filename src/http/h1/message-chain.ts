/**
 * Where the messages of a stretch end, and what may be one.
 *
 * in:  one direction of a `Stretch` · out: chains of messages, each right behind the one before
 *
 * From a place where a message begins, each says where the next one does (RFC 9112 §6.3). What only looks like a message is text
 * in a body, and most often something follows it that is none.
 */
import { EndCause } from '../../flow/flow-consumer.js';
import { isInterim } from '../message-head.js';
import { Framing, requestFraming, responseFraming } from './body-framing.js';
import { ChunkedDecoder } from './chunked-decoder.js';
import type { HeadParser } from './head-parser.js';
import { behindEmptyLines, classifyResponse, classifyStart, Start } from './message-start.js';
import { parseHead } from './parse-head.js';
import { HeadResult, MessageKind } from './parsed-head.js';
import { headerList } from './read-head.js';
import type { Piece, StretchSide } from './stretch.js';

/** What a response's framing says of the request that it answers. */
export const Answers = {
  /** Nothing. */
  any: 0,
  /** It has no body although its head says so: only one to HEAD, or one that is not known to (RFC 9112 §6.3, rule 1). */
  head: 1,
  /** It has a body. */
  notHead: 2,
} as const;
export type Answers = (typeof Answers)[keyof typeof Answers];

/** Whether a message begins at a place. */
export const Begins = {
  perhaps: 0,
  surely: 1,
  /** It does, with the first number of all. */
  stretch: 2,
} as const;
export type Begins = (typeof Begins)[keyof typeof Begins];

export interface ChainedMessage {
  readonly place: number;
  /** Behind its last byte; infinite where it ends with its stream, or that ended first. */
  readonly end: number;
  /** Of a request. */
  readonly method: string;
  /** Of a response. */
  readonly status: number;
  /** What the segment with its first byte acknowledges. */
  readonly acknowledges: number;
  readonly answers: Answers;
  /** Behind its head, where it cannot be known whether it has a body. */
  readonly unclearFrom: number;
  /** Whether its stream ended before it did. */
  readonly isCut: boolean;
  /** Whether its sender says that it is the connection's last. */
  readonly closes: boolean;
}

export interface Chain {
  /** All of them, and those that are final: interim responses answer nothing. */
  readonly row: readonly ChainedMessage[];
  readonly messages: readonly ChainedMessage[];
  /** Whether it begins where a message is known to. */
  readonly isPlaced: boolean;
  /** Of its first byte, and up to where all messages behind its first are in it. */
  readonly place: number;
  readonly covered: number;
  /** Whether nothing follows it: the stream has ended behind its last message. */
  readonly isLast: boolean;
}

/** Messages right behind each other that are no text in a body. */
export const IN_ROW_MIN = 3;
/** How many messages ahead are looked at to decide between two readings. */
const AHEAD = 3;
/** Messages in a stretch that are followed. */
const MESSAGES_MAX = 4096;
/** An end that lost bytes hide. */
const LOST = -1;
/** No end: it is no message. */
const NONE = -2;
/** An end behind all that there is. */
const OPEN = Number.POSITIVE_INFINITY;

interface Read {
  readonly place: number;
  readonly headEnd: number;
  readonly method: string;
  readonly status: number;
  readonly closes: boolean;
  /** Whether it says how long it is. */
  readonly isFramed: boolean;
  /** Where it may end: one place, or another one where it has no body. */
  readonly end: number;
  readonly bodilessEnd: number;
}

/** `dead`: no message begins there. `cut`: lost bytes, or the end of the stream, hide what does. */
type Verdict = Read | 'dead' | 'cut';

export interface ChainReader {
  readonly kind: MessageKind;
  readonly parser: HeadParser;
  /** Of requests, whether one may be HEAD; of responses, whether they may answer one. */
  readonly mayBeHead: boolean;
  /** The place behind which a client has had the head of a response and gone on. */
  readonly goneOnAt: number;
  /** The method of the request that the response with this number answers, where the first is placed; empty if unknown. */
  methodOf(number: number): string;
}

/** Bytes without a gap. */
export interface Run {
  readonly place: number;
  readonly bytes: Buffer;
  readonly pieces: readonly Piece[];
}

export class MessageFinder {
  readonly runs: readonly Run[];
  readonly #side: StretchSide;
  readonly #reader: ChainReader;
  readonly #known = new Map<number, Verdict>();
  readonly #methods = new Map<number, string>();

  constructor(side: StretchSide, reader: ChainReader) {
    this.#side = side;
    this.#reader = reader;
    this.runs = runsOf(side.pieces);
  }

  /** The response at `place` answers `method`. Returns whether that says more of its end than was known. */
  learn(place: number, method: string): boolean {
    if (this.#methods.has(place)) return false;
    this.#methods.set(place, method);
    const read = this.#read(place);
    return typeof read !== 'string' && read.end !== read.bodilessEnd;
  }

  /** The chain from `place` on, to where it cannot be followed. Null where it ends in what is no message, and may be none. */
  follow(place: number, begins: Begins): Chain | null {
    const isPlaced = begins === Begins.stretch;
    const mayBeNone = begins === Begins.perhaps;
    const row: ChainedMessage[] = [];
    const chain = (covered: number, isLast: boolean): Chain => {
      const messages = row.filter(({ status }) => !isInterim(status));
      return { row, messages, isPlaced, place: row[0]?.place ?? place, covered, isLast };
    };
    let at = this.#behindEmptyLines(place);
    let number = 0;
    for (;;) {
      if (at >= this.#side.position) return chain(this.#side.position, true);
      const read = this.#read(at);
      if (read === 'dead' && mayBeNone) return null;
      if (read === 'dead' || read === 'cut') return chain(at, false);
      const isCounted = !isInterim(read.status);
      const method = this.#methods.get(at) ?? (isPlaced && isCounted ? this.#reader.methodOf(number) : '');
      const end = this.#endOf(read, method);
      if (end === 'dead' && mayBeNone) return null;
      row.push(this.#message(read, end === 'dead' || end === 'either' ? LOST : end));
      if (isCounted) number++;
      if (typeof end !== 'number' || end === LOST)
        return chain(end === LOST ? this.#runEnd(read.place) : read.headEnd, false);
      at = this.#behindEmptyLines(end);
    }
  }

  /** Whether what may be a message begins at `place`. */
  mayBegin(place: number): boolean {
    const run = this.#runAt(place);
    return run !== undefined && classifyStart(run.bytes, place - run.place, run.bytes.length) === this.#start;
  }

  get #hasClosed(): boolean {
    return this.#side.ended === EndCause.fin;
  }

  get #start(): Start {
    return this.#reader.kind === MessageKind.request ? Start.request : Start.response;
  }

  #message({ place, method, status, closes, isFramed, end: bodyEnd, bodilessEnd }: Read, end: number): ChainedMessage {
    const isDecided = bodilessEnd !== bodyEnd && end !== LOST;
    const answers = !isDecided ? Answers.any : end === bodilessEnd ? Answers.head : Answers.notHead;
    const unclearFrom = end === LOST && bodilessEnd !== bodyEnd ? bodilessEnd : Number.POSITIVE_INFINITY;
    return {
      place,
      end,
      method,
      status,
      acknowledges: this.#acknowledgedAt(place),
      answers,
      unclearFrom,
      isCut: end === OPEN && (isFramed || !this.#hasClosed),
      closes,
    };
  }

  /** Where a message ends: `either` where two readings remain, `dead` where none does. */
  #endOf({ end, bodilessEnd }: Read, method: string): number | 'either' | 'dead' {
    if (bodilessEnd === end || method !== '') {
      const only = method === 'HEAD' ? bodilessEnd : end;
      return only === NONE ? 'dead' : only;
    }
    const isBodied = end === LOST || this.#isViable(end, AHEAD);
    const isBodiless = this.#isViable(bodilessEnd, AHEAD);
    if (isBodied && isBodiless) return this.#areInRow(bodilessEnd, end) ? bodilessEnd : 'either';
    if (!isBodied && !isBodiless) return 'dead';
    return isBodied ? end : bodilessEnd;
  }

  /** Whether messages go on at `place`, as far as can be seen. */
  #isViable(place: number, ahead: number): boolean {
    if (place === NONE) return false;
    const at = this.#behindEmptyLines(place);
    if (at >= this.#side.position || !this.#isHere(at)) return true;
    const read = this.#read(at);
    if (read === 'dead') return false;
    if (read === 'cut' || ahead === 0) return true;
    const { end, bodilessEnd } = read;
    return (
      end === LOST || this.#isViable(end, ahead - 1) || (bodilessEnd !== end && this.#isViable(bodilessEnd, ahead - 1))
    );
  }

  /** Whether messages lie right behind each other from `place` on, as they do not in a body, and none goes beyond `limit`. */
  #areInRow(place: number, limit: number): boolean {
    let at = place;
    for (let count = 0; count < IN_ROW_MIN; count++) {
      const read = this.#read(this.#behindEmptyLines(at));
      if (typeof read === 'string' || read.end < 0 || read.end === OPEN) return false;
      if (read.end !== read.bodilessEnd && this.#isViable(read.bodilessEnd, 0)) return false;
      at = read.end;
    }
    return at <= limit;
  }

  #read(place: number): Verdict {
    const known = this.#known.get(place);
    if (known !== undefined) return known;
    if (this.#known.size >= MESSAGES_MAX) return 'cut';
    const read = this.#parse(place);
    this.#known.set(place, read);
    return read;
  }

  #parse(place: number): Verdict {
    const run = this.#runAt(place);
    if (run === undefined) return 'cut';
    const { kind, parser } = this.#reader;
    const { bytes } = run;
    const start = place - run.place;
    const isResponse = kind === MessageKind.response;
    const found = (isResponse ? classifyResponse : classifyStart)(bytes, start, bytes.length);
    if (found === Start.undecided) {
      // No request is so short that nothing more of it comes. A reset may cut off anything.
      const isAll = run.place + bytes.length === this.#side.position && this.#hasClosed;
      return isAll && !isResponse ? 'dead' : 'cut';
    }
    if (found !== this.#start) return 'dead';
    const result = parseHead(parser, { kind, bytes, start, end: bytes.length, isWhole: false, isDoubtful: true });
    const { head } = parser;
    if (result === HeadResult.incomplete) return 'cut';
    if (result === HeadResult.invalid || head.malformed || head.isOverfull || head.versionMajor !== 1) return 'dead';
    const { length, method, status } = head;
    const headers = headerList(head, bytes, start);
    const isRequest = kind === MessageKind.request;
    const { framing, length: bodyLength } = isRequest
      ? requestFraming(headers, head)
      : responseFraming(headers, head, status, 'GET');
    if (framing === Framing.unknown) return 'dead';
    if (isRequest && headers.get('host') === undefined) return 'dead';
    const headEnd = place + length;
    const end = this.#bodyEnd(framing, headEnd, bodyLength);
    const closes = headers.get('connection')?.toLowerCase().includes('close') ?? false;
    const mayBeBodiless = isRequest ? headers.get('expect') !== undefined : this.#reader.mayBeHead && status !== 101;
    const isFramed = framing === Framing.length || framing === Framing.chunked;
    return { place, headEnd, method, status, closes, isFramed, end, bodilessEnd: mayBeBodiless ? headEnd : end };
  }

  #bodyEnd(framing: Framing, headEnd: number, length: number): number {
    switch (framing) {
      case Framing.none:
        return headEnd;
      case Framing.length:
        return headEnd + length > this.#side.position ? OPEN : headEnd + length;
      case Framing.chunked:
        return this.#chunksEnd(headEnd);
      case Framing.unframed:
        return LOST;
      default:
        // A client that has had the head sends nothing more.
        return this.#reader.goneOnAt > headEnd ? NONE : OPEN;
    }
  }

  #chunksEnd(from: number): number {
    const decoder = new ChunkedDecoder(1 << 16);
    for (let at = from; ; ) {
      if (at >= this.#side.position) return OPEN;
      const run = this.#runAt(at);
      if (run === undefined) {
        const next = this.#runBehind(at);
        if (next === OPEN || !decoder.skip(next - at)) return LOST;
        at = next;
        continue;
      }
      const { bytes, place } = run;
      for (let i = at - place; i < bytes.length; ) {
        i = decoder.next(bytes, i, bytes.length);
        if (decoder.isInvalid) return NONE;
        if (decoder.isDone) return place + i;
      }
      at = place + bytes.length;
    }
  }

  #runAt(place: number): Run | undefined {
    return this.runs.find((run) => place >= run.place && place < run.place + run.bytes.length);
  }

  #isHere(place: number): boolean {
    return this.#runAt(place) !== undefined;
  }

  #runEnd(place: number): number {
    const run = this.#runAt(place);
    return run === undefined ? place : run.place + run.bytes.length;
  }

  /** Where the first run behind `place` begins. */
  #runBehind(place: number): number {
    return this.runs.find((run) => run.place > place)?.place ?? OPEN;
  }

  #behindEmptyLines(place: number): number {
    const run = this.#runAt(place);
    return run === undefined ? place : run.place + behindEmptyLines(run.bytes, place - run.place, run.bytes.length);
  }

  #acknowledgedAt(place: number): number {
    const pieces = this.#runAt(place)?.pieces ?? [];
    let acknowledges = 0;
    for (const piece of pieces) if (piece.place <= place) acknowledges = piece.acknowledges;
    return acknowledges;
  }
}

function runsOf(pieces: readonly Piece[]): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < pieces.length; ) {
    const first = pieces[i] as Piece;
    const own = [first];
    let end = first.place + first.bytes.length;
    for (i++; i < pieces.length && (pieces[i] as Piece).place === end; i++) {
      const piece = pieces[i] as Piece;
      own.push(piece);
      end += piece.bytes.length;
    }
    runs.push({ place: first.place, bytes: Buffer.concat(own.map(({ bytes }) => bytes)), pieces: own });
  }
  return runs;
}
