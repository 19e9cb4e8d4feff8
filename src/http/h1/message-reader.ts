/**
 * One stream of an HTTP/1 connection → its messages (RFC 9112).
 *
 * in:  the stream's bytes in order, and its gaps · out: heads, body bytes and ends, on a `MessageSink`
 *
 * Requests and responses are distinguished at each message start, so no side has to be declared the client beforehand.
 * A head that lies in one segment, as nearly all do, is parsed where it lies; others are gathered first. Every path
 * consumes its bytes or ends, so hostile input terminates.
 */
import type { Counters } from '../../counters.js';
import type { Direction } from '../../flow/flow-consumer.js';
import type { Limits } from '../../limits.js';
import type { MemoryBudget } from '../../memory-budget.js';
import { decodeText, HeaderList } from '../header-list.js';
import { type MessageHead, NO_HEADERS } from '../message-head.js';
import { Ending, type MessageSink } from '../message-sink.js';
import { type Opening, Recognition } from '../protocol.js';
import { type BodyFraming, Framing, isFramingPlain, requestFraming, responseFraming } from './body-framing.js';
import { ChunkedDecoder, trailerPairs } from './chunked-decoder.js';
import type { HeadParser } from './head-parser.js';
import { behindEmptyLines, classifyStart, findMessageStart, Start } from './message-start.js';
import { HeadResult, MessageKind, type ParsedHead } from './parsed-head.js';
import { salvageHead } from './salvage-head.js';

/** What all readers share. */
export interface ReaderContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly parser: HeadParser;
  /** Written anew for each message that a sink is given. */
  readonly head: MessageHead;
}

/** Who decides about the flow when one of its streams is not, or no longer, HTTP/1. */
export interface ReaderOwner {
  /**
   * A message should begin with `opening`, and none does. Returns whether another protocol does; yes: it has the flow now.
   * `isStart`: no message of this stream was read before.
   */
  onForeign(opening: Opening, isStart: boolean): Recognition;
  /** The stream does not begin with anything that can be read. */
  onUnreadable(direction: Direction, time: number): void;
  /** The message that has just ended was the connection's last. */
  onUpgrade(direction: Direction, time: number): void;
}

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
  closed: 7,
} as const;
type State = (typeof State)[keyof typeof State];

const HEAD_BUFFER_BYTES_MIN = 2048;
const HEAD_LOOK_BYTES = 2048;
/** How often a gathered head may look complete and not be. */
const HEAD_ATTEMPTS_MAX = 8;
/**
 * How often a message start is looked for in one segment. Each try may read the whole rest of it, so a segment full of what
 * looks like a start and is none would cost its length squared.
 */
const RESYNCS_MAX = 16;
const NO_TRAILERS: [string, string][] = [];

const LF = 0x0a;
const CR = 0x0d;

type StreamEnding = typeof Ending.complete | typeof Ending.aborted | typeof Ending.unfinished;

export class MessageReader {
  readonly #context: ReaderContext;
  readonly #owner: ReaderOwner;
  readonly #sink: MessageSink;
  readonly #direction: Direction;
  /** Whether a stream that does not begin with a message may still be HTTP: the flow was joined in the middle. */
  readonly #isMidstream: boolean;
  #state: State = State.idle;
  /** Time of the current message's first byte. */
  #startTime = 0;
  /** Whether the current or next message is the first after the stream lost its place. */
  #isAfterLoss = false;
  /** Whether a message was read, or a head that was too long to be. */
  #sawMessage = false;
  /** Whether a message's head was read. */
  hasRead = false;
  /** The last byte skipped while lost, or -1 right behind lost ones. */
  #skipped = -1;
  /** Whether the place was lost in the middle of a body, so that its rest may still come. */
  #skipsBody = false;
  /** Bytes left of a body of known length. */
  #left = 0;
  #chunked: ChunkedDecoder | null = null;
  /** A head being gathered, how much of it was searched for its end, and how often it looked complete and was not. */
  #head: Buffer | null = null;
  #headLength = 0;
  #headScanned = 0;
  #headAttempts = 0;

  constructor(
    context: ReaderContext,
    owner: ReaderOwner,
    sink: MessageSink,
    direction: Direction,
    isMidstream: boolean,
  ) {
    this.#context = context;
    this.#owner = owner;
    this.#sink = sink;
    this.#direction = direction;
    this.#isMidstream = isMidstream;
  }

  /** Whether a message is under way. */
  get #isInMessage(): boolean {
    return this.#state === State.bodyLength || this.#state === State.bodyChunked || this.#state === State.bodyClose;
  }

  /** Returns where it stopped: before `end` only if the stream stopped being HTTP there. */
  data(bytes: Buffer, start: number, end: number, time: number): number {
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
          this.#sink.onBody(bytes, at, at + take, this.#left, time);
          this.#left -= take;
          at += take;
          if (this.#left === 0) this.#endMessage(Ending.complete, NO_TRAILERS, time);
          break;
        }
        case State.bodyChunked:
          at = this.#readChunked(bytes, at, end, time);
          break;
        case State.bodyClose:
          this.#sink.onBody(bytes, at, end, 0, time);
          at = end;
          break;
        case State.lost: {
          const found = findMessageStart(bytes, at, end, at > start ? (bytes[at - 1] as number) : this.#skipped);
          this.#skipped = bytes[end - 1] as number;
          // What is skipped may have been a message, without looking like one.
          if (found !== at) this.#sink.onDesync(true, this.#skipsBody);
          if (found < 0 || ++resyncs > RESYNCS_MAX) return end;
          this.#state = State.idle;
          at = found;
          break;
        }
        case State.astray: {
          const found = classifyStart(bytes, at, end);
          if (at > start || (found !== Start.request && found !== Start.response)) return end;
          this.#state = State.idle;
          at = this.#begin(bytes, at, end, time);
          break;
        }
        case State.closed:
          return at;
      }
    }
    return end;
  }

  /** `length` bytes of the stream are missing here. */
  gap(length: number, time: number): void {
    switch (this.#state) {
      case State.bodyLength:
        if (length <= this.#left) {
          this.#sink.onBodyLost(length);
          this.#left -= length;
          if (this.#left === 0) this.#endMessage(Ending.complete, NO_TRAILERS, time);
          return;
        }
        this.#sink.onBodyLost(this.#left);
        break;
      case State.bodyChunked:
        if (this.#chunked?.skip(length)) {
          this.#sink.onBodyLost(length);
          return;
        }
        this.#sink.onBodyLost(0);
        break;
      case State.bodyClose:
        this.#sink.onBodyLost(length);
        return;
      case State.closed:
        return;
      default:
        break;
    }
    this.#skipped = -1;
    this.#lose(Ending.lost, time);
  }

  /** The stream is over. */
  end(ending: StreamEnding, time: number): void {
    if (this.#state === State.bodyClose && ending === Ending.complete) {
      this.#endMessage(Ending.complete, NO_TRAILERS, time);
    } else if (this.#isInMessage) {
      this.#endMessage(ending === Ending.complete ? Ending.aborted : ending, NO_TRAILERS, time);
    }
    this.close();
  }

  /** Stops reading: nothing of this stream is looked at or kept from here on. */
  close(): void {
    this.#dropHead();
    this.#chunked = null;
    this.#state = State.closed;
  }

  /** The framing is lost: bytes of it were, or it makes no sense. */
  #lose(ending: typeof Ending.lost | typeof Ending.malformed, time: number): void {
    const wasInMessage = this.#isInMessage;
    const isLoss = ending === Ending.lost;
    this.#dropHead();
    this.#chunked = null;
    this.#state = isLoss ? State.lost : State.astray;
    this.#isAfterLoss ||= isLoss;
    if (wasInMessage) this.#sink.onMessageEnd(ending, NO_TRAILERS, time);
    this.#skipsBody = wasInMessage;
    this.#sink.onDesync(isLoss, wasInMessage);
  }

  #endMessage(ending: Ending, trailers: [string, string][], time: number): void {
    this.#chunked = null;
    this.#state = State.idle;
    this.#sink.onMessageEnd(ending, trailers, time);
  }

  /** At a message start. Returns where reading goes on. */
  #begin(bytes: Buffer, from: number, end: number, time: number): number {
    const at = behindEmptyLines(bytes, from, end);
    if (at === end) return end;
    const start = classifyStart(bytes, at, end);
    switch (start) {
      case Start.request:
      case Start.response: {
        // Empty lines are skipped before a request, and between responses; before the first response there is nothing
        // they could be left over from.
        if (start === Start.response && at > from && !this.#sawMessage) return this.#notAMessage(from, end, time);
        this.#startTime = time;
        const kind = start === Start.request ? MessageKind.request : MessageKind.response;
        const result = this.#parse(kind, bytes, at, end, false);
        if (result === HeadResult.complete) return this.#take(kind, bytes, at, time);
        if (result === HeadResult.invalid) return this.#notAMessage(at, end, time);
        return this.#gather(bytes, at, end, time);
      }
      case Start.undecided:
        this.#startTime = time;
        return this.#gather(bytes, at, end, time);
      default:
        switch (this.#askForeign(bytes, at, end, time)) {
          case Recognition.yes:
            return end;
          case Recognition.maybe:
            this.#startTime = time;
            return this.#gather(bytes, at, end, time);
          default:
            return this.#notAMessage(at, end, time);
        }
    }
  }

  /** Whether another protocol begins where a message should. */
  #askForeign(bytes: Buffer, start: number, end: number, time: number): Recognition {
    return this.#owner.onForeign({ direction: this.#direction, bytes, start, end, time }, !this.#sawMessage);
  }

  /**
   * A message should begin here, and none does. Where bytes were lost, the next start may be anywhere behind. Where none
   * were, the peer sent something that is not HTTP, and what looks like HTTP inside it is not either: only a new segment
   * is given another chance.
   */
  #notAMessage(at: number, end: number, time: number): number {
    this.#dropHead();
    if (this.#isAfterLoss || (this.#isMidstream && !this.#sawMessage)) {
      this.#state = State.lost;
      this.#isAfterLoss = true;
      // Past the byte that cannot begin a message, so that the search moves on.
      return Math.min(at + 1, end);
    }
    this.#state = State.astray;
    if (this.#sawMessage) {
      this.#context.counters.messages_malformed++;
      this.#sink.onDesync(false, false);
    } else {
      this.#owner.onUnreadable(this.#direction, time);
    }
    return end;
  }

  /** Parses the head at `bytes[start]`. `isWhole`: its empty line has come. */
  #parse(kind: MessageKind, bytes: Buffer, start: number, end: number, isWhole: boolean): HeadResult {
    const { parser } = this.#context;
    const parsed = parser.head;
    // Most heads are short, and what lies behind them need not be copied into the parser's memory.
    const near = Math.min(end, start + HEAD_LOOK_BYTES);
    let result = parser.parse(kind, bytes, start, near);
    if (result === HeadResult.incomplete && near < end) result = parser.parse(kind, bytes, start, end);
    // llhttp waits for more behind a request line that ends in LF alone and has no headers.
    const isRefused = result === HeadResult.invalid || (isWhole && result === HeadResult.incomplete);
    if (isRefused) result = salvageHead(parsed, kind, bytes, start, end);
    // Where the place had to be found again, only what is beyond doubt a head is one.
    if (!this.#isAfterLoss || result !== HeadResult.complete) return result;
    const isDoubtful =
      parsed.malformed || bytes.latin1Slice(start + parsed.reasonStart, start + parsed.reasonEnd).includes('HTTP/');
    return isDoubtful ? HeadResult.invalid : result;
  }

  /** Adds to the head being gathered, and parses it when its empty line has come. Returns where reading goes on. */
  #gather(bytes: Buffer, at: number, end: number, time: number): number {
    const { limits } = this.#context;
    const before = this.#headLength;
    const take = Math.min(end - at, limits.head_bytes_max - before);
    const head = this.#growHead(before + take);
    bytes.copy(head, before, at, at + take);
    this.#headLength = before + take;
    this.#state = State.head;

    const start = classifyStart(head, 0, this.#headLength);
    if (start === Start.unknown) {
      const foreign = this.#askForeign(head, 0, this.#headLength, time);
      if (foreign === Recognition.maybe && this.#headLength < limits.head_bytes_max) return at + take;
      return foreign === Recognition.yes ? end : this.#notAMessage(at, end, time);
    }
    const kind = start === Start.response ? MessageKind.response : MessageKind.request;
    while (start !== Start.undecided && this.#findHeadEnd()) {
      const result = this.#parse(kind, head, 0, this.#headLength, true);
      if (result === HeadResult.complete) {
        const consumed = this.#take(kind, head, 0, time) - before;
        this.#dropHead();
        return at + consumed;
      }
      if (result === HeadResult.invalid || ++this.#headAttempts > HEAD_ATTEMPTS_MAX) {
        return this.#notAMessage(at, end, time);
      }
    }
    if (this.#headLength >= limits.head_bytes_max) {
      // It is HTTP for all its size, so what comes behind it is looked at.
      this.#sawMessage = true;
      return this.#notAMessage(at, end, time);
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
      const { limits, budget } = this.#context;
      const size = Math.min(limits.head_bytes_max, Math.max(HEAD_BUFFER_BYTES_MIN, length, (head?.length ?? 0) * 2));
      const grown = Buffer.allocUnsafeSlow(size);
      if (head !== null) {
        head.copy(grown, 0, 0, this.#headLength);
        budget.remove(head.length);
      }
      budget.add(size);
      this.#head = grown;
      head = grown;
    }
    return head;
  }

  #dropHead(): void {
    if (this.#head !== null) this.#context.budget.remove(this.#head.length);
    this.#head = null;
    this.#headLength = 0;
    this.#headScanned = 0;
    this.#headAttempts = 0;
  }

  /** The head that was parsed, which begins at `bytes[at]`, is complete. Returns where its message goes on. */
  #take(kind: MessageKind, bytes: Buffer, at: number, time: number): number {
    const { counters, parser, head } = this.#context;
    const parsed = parser.head;
    const behind = at + parsed.length;
    if (parsed.malformed) counters.messages_malformed++;
    head.method = parsed.method;
    head.status = parsed.status;
    head.version = versionText(parsed);
    head.isAfterLoss = this.#isAfterLoss;
    head.startTime = this.#startTime;
    head.endTime = time;
    this.#sawMessage = true;
    this.hasRead = true;
    const body = kind === MessageKind.request ? this.#takeRequest(bytes, at) : this.#takeResponse(bytes, at);
    this.#isAfterLoss = false;
    this.#beginBody(body, time);
    return behind;
  }

  #takeRequest(bytes: Buffer, at: number): BodyFraming {
    const { parser, head } = this.#context;
    const parsed = parser.head;
    head.headers = headerList(parsed, bytes, at);
    head.target = textOf(parsed, head.headers.text, parsed.targetStart, parsed.targetEnd);
    head.reason = '';
    const body = requestFraming(head.headers, parsed);
    setBody(head, parsed, body);
    this.#sink.onRequest(head);
    return body;
  }

  #takeResponse(bytes: Buffer, at: number): BodyFraming {
    const { parser, head } = this.#context;
    const parsed = parser.head;
    head.target = '';
    if (!isFramingPlain(parsed) || this.#sink.wantsResponse()) {
      head.headers = headerList(parsed, bytes, at);
      head.reason = textOf(parsed, head.headers.text, parsed.reasonStart, parsed.reasonEnd);
    } else {
      head.headers = NO_HEADERS;
      head.reason = '';
    }
    const body = responseFraming(head.headers, parsed, parsed.status, this.#sink.awaitedMethod());
    setBody(head, parsed, body);
    this.#sink.onResponse(head);
    return body;
  }

  #beginBody(body: BodyFraming, time: number): void {
    switch (body.framing) {
      case Framing.none:
        this.#endMessage(Ending.complete, NO_TRAILERS, time);
        break;
      case Framing.length:
        this.#left = body.length;
        this.#state = State.bodyLength;
        break;
      case Framing.chunked:
        this.#chunked = new ChunkedDecoder(this.#context.limits.trailer_bytes_max);
        this.#state = State.bodyChunked;
        break;
      case Framing.close:
        this.#state = State.bodyClose;
        break;
      case Framing.tunnel:
        this.#endMessage(Ending.complete, NO_TRAILERS, time);
        this.#owner.onUpgrade(this.#direction, time);
        break;
    }
  }

  #readChunked(bytes: Buffer, from: number, end: number, time: number): number {
    const chunked = this.#chunked as ChunkedDecoder;
    const at = chunked.next(bytes, from, end);
    if (chunked.contentEnd > chunked.contentStart) {
      this.#sink.onBody(bytes, chunked.contentStart, chunked.contentEnd, 0, time);
    }
    if (chunked.isDone) {
      this.#endMessage(Ending.complete, chunked.trailer === '' ? NO_TRAILERS : trailerPairs(chunked.trailer), time);
    } else if (chunked.isInvalid) {
      this.#context.counters.messages_malformed++;
      this.#lose(Ending.malformed, time);
    }
    return at;
  }
}

/** What the framing of the body says of its message. */
function setBody(head: MessageHead, parsed: ParsedHead, { framing, malformed }: BodyFraming): void {
  head.malformed = parsed.malformed || malformed;
  head.isOpenEnded = framing === Framing.chunked || framing === Framing.close;
  head.leavesHttp = framing === Framing.tunnel;
}

/** The headers of the head that begins at `bytes[at]`. */
function headerList(parsed: ParsedHead, bytes: Buffer, at: number): HeaderList {
  const count = parsed.headerCount << 2;
  const spans: number[] = new Array(count);
  for (let i = 0; i < count; i++) spans[i] = parsed.spans[i] as number;
  return new HeaderList(bytes.latin1Slice(at, at + parsed.length), spans, parsed.isPlain);
}

function textOf(parsed: ParsedHead, head: string, start: number, end: number): string {
  const text = head.slice(start, end);
  return parsed.isPlain ? text : decodeText(text);
}

function versionText({ versionMajor, versionMinor }: ParsedHead): string {
  if (versionMajor === 1 && versionMinor === 1) return '1.1';
  return `${versionMajor}.${versionMinor}`;
}
