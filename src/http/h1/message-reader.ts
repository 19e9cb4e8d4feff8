/**
 * One stream of an HTTP/1 connection → its messages (RFC 9112).
 *
 * in:  the stream's bytes in order, and its gaps · out: heads, body bytes and ends, on a `MessageSink`
 *
 * Requests and responses are told apart at each message start, so no side has to be declared the client beforehand.
 * A head that lies in one segment, nearly all do, is parsed where it lies; others are gathered first. Every path
 * consumes its bytes or ends, so hostile input terminates.
 */
import type { Counters } from '../../counters.js';
import type { Limits } from '../../limits.js';
import type { MemoryBudget } from '../../memory-budget.js';
import { HeaderList } from '../header-list.js';
import { type BodyFraming, Framing, isFramingPlain } from './body-framing.js';
import { ChunkedDecoder, trailerPairs } from './chunked-decoder.js';
import { HeadResult, MessageKind, parsed, parseHead } from './llhttp.js';
import { classifyStart, findMessageStart, proxyHeaderEnd, Start } from './message-start.js';
import { salvageHead } from './salvage-head.js';

/** What a reader tells of its stream. */
export interface MessageSink {
  /** A request's head is complete; `parsed` holds the rest. Returns how its body ends. */
  onRequest(reader: MessageReader, target: string, headers: HeaderList, time: number): BodyFraming;
  onResponse(reader: MessageReader, reason: string, headers: HeaderList, time: number): BodyFraming;
  /** Whether anybody will look at the next response's reason and headers; if not, they come empty. */
  wantsResponse(reader: MessageReader): boolean;
  /** Body bytes, transfer coding removed; valid during the call. `expected` as in `BodyBuffer.append`. */
  onBody(reader: MessageReader, bytes: Buffer, start: number, end: number, expected: number, time: number): void;
  /** Body bytes that the capture lost. */
  onBodyLost(reader: MessageReader, length: number): void;
  /** The message is over; with trouble if it ended before its framing said so. */
  onMessageEnd(reader: MessageReader, ending: Ending, trailers: [string, string][], time: number): void;
  /**
   * The stream lost its place, by lost bytes (`isLoss`) or by bytes that make no sense: messages may be missing between
   * the last one and the next. `wasInMessage`: it happened in the middle of a body, which has been ended.
   */
  onDesync(reader: MessageReader, isLoss: boolean, wasInMessage: boolean): void;
  /** The stream is TLS; its first bytes, valid during the call. `onProtocol` follows. */
  onTls(bytes: Buffer, start: number, end: number): void;
  /** The stream, and with it the connection, is not HTTP/1 (any more). */
  onProtocol(protocol: StreamProtocol): void;
}

export const Ending = {
  /** As its framing said. */
  complete: 0,
  /** The connection closed first. */
  aborted: 1,
  /** The framing was lost in a gap. */
  lost: 2,
  /** The framing makes no sense from here on. */
  malformed: 3,
  /** The sensor stopped watching. */
  unwatched: 4,
} as const;
export type Ending = (typeof Ending)[keyof typeof Ending];

export type StreamProtocol = 'tls' | 'h2' | 'unknown' | 'tunnel';

const State = {
  /** Between messages. */
  idle: 0,
  /** Gathering a head that came in pieces. */
  head: 1,
  bodyLength: 2,
  bodyChunked: 3,
  bodyClose: 4,
  /** Bytes were lost: looking for the next message start wherever it is. */
  lost: 5,
  /** Not HTTP here: looking for a message start at the start of a segment only. */
  astray: 6,
  /** Not read any more. */
  deaf: 7,
} as const;
type State = (typeof State)[keyof typeof State];

const HEAD_BUFFER_BYTES_MIN = 2048;
const HEAD_LOOK_BYTES = 2048;
/** How often a gathered head may look complete and not be. */
const HEAD_ATTEMPTS_MAX = 8;
/**
 * How often a message start is looked for in one segment. Each try may read the whole rest of it, so a segment made of
 * what looks like starts and is none would cost its length squared.
 */
const RESYNCS_MAX = 16;
const NO_TRAILERS: [string, string][] = [];
const NO_HEADERS = new HeaderList('', []);

const LF = 0x0a;
const CR = 0x0d;

export class MessageReader {
  /** Time of the current message's first byte. */
  startTime = 0;
  /** Whether the current or next message is the first after the stream lost its place. */
  afterLoss = false;
  #state: State;
  readonly #sink: MessageSink;
  readonly #limits: Limits;
  readonly #counters: Counters;
  readonly #budget: MemoryBudget;
  /** Whether a stream that does not begin with a message may still be HTTP: seen from its middle. */
  readonly #midstream: boolean;
  #sawMessage = false;
  /** The last byte skipped while lost, or -1 right behind lost ones. */
  #skipped = -1;
  /** Whether the place was lost in the middle of a body, so that its rest may still come. */
  #skipsBody = false;
  #left = 0;
  #chunked: ChunkedDecoder | null = null;
  #head: Buffer | null = null;
  #headLength = 0;
  #headScanned = 0;
  #headAttempts = 0;

  constructor(sink: MessageSink, limits: Limits, counters: Counters, budget: MemoryBudget, midstream: boolean) {
    this.#sink = sink;
    this.#limits = limits;
    this.#counters = counters;
    this.#budget = budget;
    this.#midstream = midstream;
    this.#state = State.idle;
  }

  /** Whether a message is under way. */
  get isInMessage(): boolean {
    return this.#state === State.bodyLength || this.#state === State.bodyChunked || this.#state === State.bodyClose;
  }

  data(bytes: Buffer, start: number, end: number, time: number): void {
    let at = start;
    let resyncs = 0;
    while (at < end) {
      switch (this.#state) {
        case State.idle:
          at = this.#begin(bytes, at, end, time);
          break;
        case State.head:
          at = this.#gather(bytes, at, end, time);
          break;
        case State.bodyLength: {
          const take = Math.min(this.#left, end - at);
          this.#sink.onBody(this, bytes, at, at + take, this.#left, time);
          this.#left -= take;
          at += take;
          if (this.#left === 0) this.#endMessage(Ending.complete, NO_TRAILERS, time);
          break;
        }
        case State.bodyChunked:
          at = this.#readChunked(bytes, at, end, time);
          break;
        case State.bodyClose:
          this.#sink.onBody(this, bytes, at, end, 0, time);
          at = end;
          break;
        case State.lost: {
          const found = findMessageStart(bytes, at, end, at > start ? (bytes[at - 1] as number) : this.#skipped);
          this.#skipped = bytes[end - 1] as number;
          // What is skipped may have been a message that cannot be told from what is not.
          if (found !== at) this.#sink.onDesync(this, true, this.#skipsBody);
          if (found < 0 || ++resyncs > RESYNCS_MAX) return;
          this.#state = State.idle;
          at = found;
          break;
        }
        case State.astray: {
          const found = classifyStart(bytes, at, end);
          if (at > start || (found !== Start.request && found !== Start.response)) return;
          this.#state = State.idle;
          at = this.#begin(bytes, at, end, time);
          break;
        }
        case State.deaf:
          return;
      }
    }
  }

  /** `length` bytes of the stream are missing here. */
  gap(length: number, time: number): void {
    switch (this.#state) {
      case State.bodyLength:
        if (length <= this.#left) {
          this.#sink.onBodyLost(this, length);
          this.#left -= length;
          if (this.#left === 0) this.#endMessage(Ending.complete, NO_TRAILERS, time);
          return;
        }
        this.#sink.onBodyLost(this, this.#left);
        break;
      case State.bodyChunked:
        if (this.#chunked?.skip(length)) {
          this.#sink.onBodyLost(this, length);
          return;
        }
        this.#sink.onBodyLost(this, 0);
        break;
      case State.bodyClose:
        this.#sink.onBodyLost(this, length);
        return;
      case State.deaf:
        return;
      default:
        break;
    }
    this.#skipped = -1;
    this.#lose(Ending.lost, time);
  }

  /** The stream is over. */
  end(ending: typeof Ending.complete | typeof Ending.aborted | typeof Ending.unwatched, time: number): void {
    if (this.#state === State.bodyClose && ending === Ending.complete) {
      this.#endMessage(Ending.complete, NO_TRAILERS, time);
    } else if (this.isInMessage) {
      this.#endMessage(ending === Ending.complete ? Ending.aborted : ending, NO_TRAILERS, time);
    }
    this.deafen();
  }

  /** Stops reading: nothing of this stream is looked at or kept from here on. */
  deafen(): void {
    this.#dropHead();
    this.#chunked = null;
    this.#state = State.deaf;
  }

  /** The framing is lost: with bytes, or because it makes no sense. */
  #lose(ending: typeof Ending.lost | typeof Ending.malformed, time: number): void {
    const wasInMessage = this.isInMessage;
    const isLoss = ending === Ending.lost;
    this.#dropHead();
    this.#chunked = null;
    this.#state = isLoss ? State.lost : State.astray;
    this.afterLoss ||= isLoss;
    if (wasInMessage) this.#sink.onMessageEnd(this, ending, NO_TRAILERS, time);
    this.#skipsBody = wasInMessage;
    this.#sink.onDesync(this, isLoss, wasInMessage);
  }

  #endMessage(ending: Ending, trailers: [string, string][], time: number): void {
    this.#chunked = null;
    this.#state = State.idle;
    this.#sink.onMessageEnd(this, ending, trailers, time);
  }

  /** At a message start. */
  #begin(bytes: Buffer, from: number, end: number, time: number): number {
    let at = from;
    let start = classifyStart(bytes, at, end);
    if (start === Start.unknown) {
      // An empty line before a request is skipped (RFC 9112 §2.2), and between responses; before the first response
      // there is nothing it could be left over from.
      while (at < end && (bytes[at] === LF || (bytes[at] === CR && (at + 1 === end || bytes[at + 1] === LF)))) at++;
      if (at === end) return end;
      if (at > from) start = classifyStart(bytes, at, end);
      if (start === Start.response && at > from && !this.#sawMessage) return this.#notAMessage(from, end);
    }
    switch (start) {
      case Start.request:
      case Start.response: {
        this.startTime = time;
        const kind = start === Start.request ? MessageKind.request : MessageKind.response;
        const result = this.#parse(kind, bytes, at, end, false);
        if (result === HeadResult.complete) return this.#take(kind, bytes, at, time);
        if (result === HeadResult.invalid) return this.#notAMessage(at, end);
        return this.#gather(bytes, at, end, time);
      }
      case Start.undecided:
        this.startTime = time;
        return this.#gather(bytes, at, end, time);
      case Start.proxy: {
        const behind = proxyHeaderEnd(bytes, at, end);
        return behind > 0 ? behind : this.#gather(bytes, at, end, time);
      }
      case Start.tls:
        if (this.#sawMessage) return this.#notAMessage(at, end);
        this.#sink.onTls(bytes, at, end);
        this.#sink.onProtocol('tls');
        return end;
      case Start.h2:
        this.#sink.onProtocol('h2');
        return end;
      default:
        return this.#notAMessage(at, end);
    }
  }

  /**
   * Bytes where a message should begin, and none does. Where bytes were lost, the next start may be anywhere behind.
   * Where none were, the peer said something that is not HTTP, and what looks like HTTP inside it is not either: only
   * a new segment is given another chance.
   */
  #notAMessage(at: number, end: number): number {
    this.#dropHead();
    if (this.afterLoss || (this.#midstream && !this.#sawMessage)) {
      this.#state = State.lost;
      this.afterLoss = true;
      // Past the byte that cannot begin a message, so that the search moves on.
      return Math.min(at + 1, end);
    }
    this.#state = State.astray;
    if (this.#sawMessage) {
      this.#counters.messages_malformed++;
      this.#sink.onDesync(this, false, false);
    } else {
      this.#sink.onProtocol('unknown');
    }
    return end;
  }

  /** `isWhole`: the empty line has come. */
  #parse(kind: MessageKind, bytes: Buffer, start: number, end: number, isWhole: boolean): HeadResult {
    // Most heads are short, and what lies behind them need not be copied into the parser's memory.
    const near = Math.min(end, start + HEAD_LOOK_BYTES);
    let result = parseHead(kind, bytes, start, near);
    if (result === HeadResult.incomplete && near < end) result = parseHead(kind, bytes, start, end);
    // llhttp waits for more behind a request line that ends in LF alone and has no headers.
    const isRefused = result === HeadResult.invalid || (isWhole && result === HeadResult.incomplete);
    if (isRefused) result = salvageHead(kind, bytes, start, end);
    // Where the place had to be found again, only what is beyond doubt a head is one.
    if (!this.afterLoss || result !== HeadResult.complete) return result;
    const isDoubtful =
      parsed.malformed || bytes.latin1Slice(start + parsed.reasonStart, start + parsed.reasonEnd).includes('HTTP/');
    return isDoubtful ? HeadResult.invalid : result;
  }

  /** Adds to the head being gathered, and parses it when its empty line has come. */
  #gather(bytes: Buffer, at: number, end: number, time: number): number {
    const before = this.#headLength;
    const take = Math.min(end - at, this.#limits.head_bytes_max - before);
    const head = this.#growHead(before + take);
    bytes.copy(head, before, at, at + take);
    this.#headLength = before + take;
    this.#state = State.head;

    const start = classifyStart(head, 0, this.#headLength);
    if (start === Start.proxy) {
      const behind = proxyHeaderEnd(head, 0, this.#headLength);
      if (behind === 0) return take > 0 ? at + take : this.#notAMessage(at, end);
      this.#dropHead();
      this.#state = State.idle;
      return at + behind - before;
    }
    if (start === Start.tls || start === Start.h2) {
      if (start === Start.tls) this.#sink.onTls(head, 0, this.#headLength);
      this.#dropHead();
      this.#sink.onProtocol(start === Start.tls ? 'tls' : 'h2');
      return end;
    }
    if (start === Start.unknown) return this.#notAMessage(at, end);
    const kind = start === Start.response ? MessageKind.response : MessageKind.request;
    while (start !== Start.undecided && this.#findHeadEnd()) {
      const result = this.#parse(kind, head, 0, this.#headLength, true);
      if (result === HeadResult.complete) {
        const consumed = parsed.length - before;
        this.#take(kind, head, 0, time);
        this.#dropHead();
        return at + consumed;
      }
      if (result === HeadResult.invalid || ++this.#headAttempts > HEAD_ATTEMPTS_MAX) {
        this.#dropHead();
        return this.#notAMessage(at, end);
      }
    }
    if (this.#headLength >= this.#limits.head_bytes_max) {
      // It is HTTP for all its size, so what comes behind it is looked at.
      this.#sawMessage = true;
      return this.#notAMessage(at, end);
    }
    return at + take;
  }

  /** Whether an empty line has come since the last look. */
  #findHeadEnd(): boolean {
    const head = this.#head as Buffer;
    for (let i = this.#headScanned; i < this.#headLength; i++) {
      if (head[i] !== LF) continue;
      let previous = i - 1;
      while (previous >= 0 && head[previous] === CR) previous--;
      if (previous >= 0 && head[previous] !== LF) continue;
      this.#headScanned = i + 1;
      return true;
    }
    this.#headScanned = this.#headLength;
    return false;
  }

  #growHead(length: number): Buffer {
    let head = this.#head;
    if (head === null || head.length < length) {
      const size = Math.min(
        this.#limits.head_bytes_max,
        Math.max(HEAD_BUFFER_BYTES_MIN, length, (head?.length ?? 0) * 2),
      );
      const grown = Buffer.allocUnsafeSlow(size);
      if (head !== null) {
        head.copy(grown, 0, 0, this.#headLength);
        this.#budget.remove(head.length);
      }
      this.#budget.add(size);
      this.#head = grown;
      head = grown;
    }
    return head;
  }

  #dropHead(): void {
    if (this.#head !== null) this.#budget.remove(this.#head.length);
    this.#head = null;
    this.#headLength = 0;
    this.#headScanned = 0;
    this.#headAttempts = 0;
  }

  /** The head in `parsed`, which begins at `bytes[at]`, is complete. Returns where its message goes on. */
  #take(kind: MessageKind, bytes: Buffer, at: number, time: number): number {
    this.#sawMessage = true;
    const behind = at + parsed.length;
    if (parsed.malformed) this.#counters.messages_malformed++;
    let body: BodyFraming;
    if (kind === MessageKind.request) {
      const headers = headerList(bytes, at);
      const target = headers.text.slice(parsed.targetStart, parsed.targetEnd);
      body = this.#sink.onRequest(this, target, headers, time);
    } else if (!isFramingPlain(parsed) || this.#sink.wantsResponse(this)) {
      const headers = headerList(bytes, at);
      const reason = headers.text.slice(parsed.reasonStart, parsed.reasonEnd);
      body = this.#sink.onResponse(this, reason, headers, time);
    } else {
      body = this.#sink.onResponse(this, '', NO_HEADERS, time);
    }
    this.afterLoss = false;
    switch (body.framing) {
      case Framing.none:
        this.#endMessage(Ending.complete, NO_TRAILERS, time);
        break;
      case Framing.length:
        this.#left = body.length;
        this.#state = State.bodyLength;
        break;
      case Framing.chunked:
        this.#chunked = new ChunkedDecoder(this.#limits.trailer_bytes_max);
        this.#state = State.bodyChunked;
        break;
      case Framing.close:
        this.#state = State.bodyClose;
        break;
      case Framing.tunnel:
        this.#endMessage(Ending.complete, NO_TRAILERS, time);
        this.#sink.onProtocol('tunnel');
        break;
    }
    return behind;
  }

  #readChunked(bytes: Buffer, from: number, end: number, time: number): number {
    const chunked = this.#chunked as ChunkedDecoder;
    const at = chunked.next(bytes, from, end);
    if (chunked.contentEnd > chunked.contentStart) {
      this.#sink.onBody(this, bytes, chunked.contentStart, chunked.contentEnd, 0, time);
    }
    if (chunked.isDone) {
      this.#endMessage(Ending.complete, chunked.trailer === '' ? NO_TRAILERS : trailerPairs(chunked.trailer), time);
    } else if (chunked.isInvalid) {
      this.#counters.messages_malformed++;
      this.#lose(Ending.malformed, time);
    }
    return at;
  }
}

/** The headers of the head in `parsed`, which begins at `bytes[at]`. */
function headerList(bytes: Buffer, at: number): HeaderList {
  const count = parsed.headerCount << 2;
  const spans: number[] = new Array(count);
  for (let i = 0; i < count; i++) spans[i] = parsed.spans[i] as number;
  return new HeaderList(bytes.latin1Slice(at, at + parsed.length), spans, parsed.isPlain);
}
