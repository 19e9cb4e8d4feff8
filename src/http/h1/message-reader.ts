/**
 * One stream of an HTTP/1 connection → its messages (RFC 9112).
 *
 * in:  the stream's bytes in order, and its gaps · out: heads, body bytes and ends, on a `MessageSink`. Every path
 *      consumes its bytes or ends, so hostile input terminates.
 */
import type { Direction, StreamPlace } from '../../flow/flow-consumer.js';
import type { MessageHead } from '../message-head.js';
import { Ending, type MessageSink } from '../message-sink.js';
import { Recognition } from '../protocol.js';
import { type BodyFraming, Framing, isFramingPlain, requestFraming, responseFraming } from './body-framing.js';
import { BodyReader, NO_TRAILERS } from './body-reader.js';
import { HeadBuffer } from './head-buffer.js';
import {
  beginsRequest,
  behindEmptyLines,
  classifyResponse,
  classifyStart,
  isInterimStart,
  isSimpleRequest,
  mayBeRequest,
  Start,
} from './message-start.js';
import { beginsHead, parseHead } from './parse-head.js';
import { HeadResult, MessageKind } from './parsed-head.js';
import { countTooLarge, headerList, kindOf, readRequest, readResponse, setBody, versionText } from './read-head.js';
import type { ReaderContext, ReaderOwner, ReaderPlace } from './reader-context.js';
import { MessageStart, type ReaderEnding, SIMPLE_RESPONSE, State, TO_THE_END } from './reader-state.js';
import type { Piece } from './stretch.js';

const LF = 0x0a;
/** How often a gathered head may seem to have ended and go on. */
const HEAD_ENDS_MAX = 8;

export class MessageReader {
  readonly #context: ReaderContext;
  readonly #owner: ReaderOwner;
  readonly #sink: MessageSink;
  readonly #direction: Direction;
  readonly #stream: StreamPlace;
  readonly #peer: StreamPlace;
  readonly #flow: ReaderPlace['flow'];
  readonly #slot: number;
  #state: State = State.idle;
  /** Time of the last bytes read. */
  #time = 0;
  /** Whether the current or next message is the first after the stream lost its place. */
  #isAfterLoss = false;
  /** Whether a message was read, or a head that was too long to be; and whether a message's head was. */
  #sawMessage = false;
  hasRead = false;
  readonly #start = new MessageStart();
  /** What the segment being read acknowledges, and the one before it. */
  #acknowledges = -1;
  #acknowledgedBefore = -1;
  /** Where the bytes given to `data` begin, less their place in the stream. */
  #offset = 0;
  /** Whether the message being read is a response that nobody waits for: it may answer a HEAD that was not seen. */
  #isOrphan = false;
  /** Whether this side has answered a request. */
  #isServer = false;
  /** Whether the last message had no body whatever its headers say: what comes right behind it may be one all the same. */
  #wasBodiless = false;
  readonly #body: BodyReader;
  /** Whether the head being taken is not all of it. */
  #isHeadCut = false;
  /** A head being gathered. */
  #head: HeadBuffer | null = null;
  /** Messages after which it stops, the one under way not counted. */
  messagesLeft = Number.POSITIVE_INFINITY;

  constructor(
    context: ReaderContext,
    owner: ReaderOwner,
    sink: MessageSink,
    { direction, stream, peer, flow }: ReaderPlace,
  ) {
    this.#context = context;
    this.#owner = owner;
    this.#sink = sink;
    this.#direction = direction;
    this.#stream = stream;
    this.#peer = peer;
    this.#flow = flow;
    this.#slot = context.parser.takeSlot();
    this.#body = new BodyReader(sink, context.limits.trailer_bytes_max);
  }

  /** Whether what is read may be the rest of a message that began before the flow was joined. */
  get #isJoined(): boolean {
    return !this.#sawMessage && this.#flow.isMidstream;
  }

  /** Whether it is in no message, so that someone else can read its stream; `isPlaced`: and one begins with the next byte. */
  get isAtRest(): boolean {
    return this.#state !== State.body && this.#state !== State.closed;
  }
  get isPlaced(): boolean {
    return this.#state === State.idle;
  }

  /** Takes out what was gathered of a head that has not ended: it begins there. Null where there is none. */
  takeHead(): Piece | null {
    if (this.#state !== State.head) return null;
    const piece = this.#start.pieceOf(this.#head);
    this.#dropHead();
    this.#state = piece === null ? State.lost : State.idle;
    return piece;
  }

  /** Returns where it stopped: before `end` only if the stream stopped being HTTP there, or after the last message to read. */
  data(bytes: Buffer, start: number, end: number, time: number): number {
    let at = start;
    this.#acknowledgedBefore = this.#acknowledges;
    this.#acknowledges = this.#stream.acknowledges;
    this.#offset = this.#stream.position - end;
    if (this.#body.isUntouched) this.#lookForBody(bytes, at, end);
    this.#time = time;
    while (at < end) {
      if (this.messagesLeft === 0 && this.isAtRest) return at;
      switch (this.#state) {
        case State.idle:
          at = this.#begin(bytes, at, end, time);
          break;
        case State.head:
          if (at === start && this.#isNewHead(bytes, at, end)) {
            this.#dropHead();
            this.#state = State.idle;
            at = this.#begin(bytes, at, end, time);
          } else {
            at = this.#gather(bytes, at, end, time);
          }
          break;
        case State.body:
          // Behind a body whose framing makes no sense the next request shows its end.
          if (at === start && this.#body.isUnframed && this.#endsUnframed(bytes, at, end)) {
            this.#endMessage(Ending.unframed, NO_TRAILERS, this.#offset + at);
            break;
          }
          if (this.#isOrphan) this.#sink.onUnread(this.#acknowledges);
          at = this.#readBody(bytes, at, end, time);
          break;
        case State.lost:
          if (at > start || !this.#mayBegin(bytes, at, end, time)) {
            if (!isInterimStart(bytes, at, end)) this.#sink.onUnread(this.#acknowledges);
            return end;
          }
          this.#state = State.idle;
          break;
        case State.astray: {
          const found = this.#classify(bytes, at, end);
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
  gap(length: number): void {
    if (this.#state === State.closed) return;
    const place = this.#stream.position - length;
    if (this.#state === State.head && this.#stream.isCut && this.#takeCut(place)) return;
    const mayBeNextRequest = this.#body.isUntouched && this.#sink.mayLeaveOutBody(Infinity) !== false;
    const within = this.#state === State.body && !mayBeNextRequest ? this.#body.skip(length) : 0;
    if (within > 0 && this.#body.isDone) this.#endMessage(Ending.complete, NO_TRAILERS, place + within);
    if (within < length) this.#lose(Ending.lost, place + within);
  }

  /** A message begins with the stream's next byte: a client that takes turns has sent a request, and has all before that. */
  beginAnew(): void {
    if (this.#state === State.closed) return;
    this.#dropHead();
    if (this.#state === State.body) {
      if (!this.#isOrphan && !this.#body.isUnframed) return;
      this.#endMessage(this.#body.isUnframed ? Ending.unframed : Ending.complete, NO_TRAILERS, this.#stream.position);
    }
    this.#state = State.idle;
  }

  /** The stream is over. */
  end(ending: ReaderEnding): void {
    if (this.#state === State.head) this.#sink.onUnread(this.#start.acknowledges);
    if (this.#state === State.body) {
      this.#body.giveUpChunks(this.#time, ending !== Ending.complete);
      const isOver =
        this.#body.endsWithStream || (this.#body.isUntouched && this.#sink.mayLeaveOutBody(Infinity) === true);
      const isCut = ending === Ending.complete && !isOver;
      const isUnframed = this.#body.isUnframed && ending === Ending.complete;
      const how = isUnframed ? Ending.unframed : isCut ? Ending.aborted : ending;
      this.#endMessage(how, NO_TRAILERS, this.#stream.position);
    }
    this.close();
  }

  /** Stops reading: nothing of this stream is looked at or kept from here on. */
  close(): void {
    this.#dropHead();
    this.#body.drop();
    this.#state = State.closed;
  }

  /** The framing is lost at `place`: bytes of it were, or it makes no sense. */
  #lose(ending: typeof Ending.lost | typeof Ending.malformed, place: number): void {
    const wasInMessage = this.#state === State.body;
    const isLoss = ending === Ending.lost;
    if (wasInMessage) {
      this.#body.drop();
      this.#sink.onMessageEnd(ending, NO_TRAILERS, this.#time, Number.POSITIVE_INFINITY);
    }
    this.#dropHead();
    this.#state = isLoss || wasInMessage ? State.lost : State.astray;
    this.#isAfterLoss ||= isLoss;
    this.#sink.onDesync(isLoss, wasInMessage, place, this.#stream.isCut, this.#stream.position - place);
  }

  #endMessage(ending: Ending, trailers: [string, string][], place: number): void {
    this.#body.drop();
    this.#state = State.idle;
    // A message ends with its last byte, not with what shows later that it was the last.
    this.#sink.onMessageEnd(ending, trailers, this.#time, place);
  }

  /**
   * A body should begin at `bytes[at]`. Where a request does, whose predecessor had been answered before its client had sent
   * any of the body, that has none: with `Expect: 100-continue` a client may leave it out and go on (RFC 9110 §10.1.1).
   */
  #lookForBody(bytes: Buffer, at: number, end: number): void {
    // A body of just that length is one all the same, whatever it looks like.
    if (this.#body.isLeft(end - at)) return;
    const mayBeLeftOut = this.#sink.mayLeaveOutBody(this.#acknowledges);
    if (mayBeLeftOut === false || !beginsRequest(bytes, at, end)) return;
    if (this.#parse(MessageKind.request, bytes, at, end, false) === HeadResult.invalid) return;
    if (mayBeLeftOut === null) this.#lose(Ending.lost, this.#offset + at);
    else this.#endMessage(Ending.complete, NO_TRAILERS, this.#offset + at);
  }

  /** Whether a head begins at `bytes[at]`, though one is being gathered: its sender has received an answer since that. */
  #isNewHead(bytes: Buffer, at: number, end: number): boolean {
    return (
      this.#acknowledges > this.#start.acknowledges &&
      this.#classify(bytes, at, end) === Start.request &&
      beginsHead(this.#context.parser, bytes, at, end)
    );
  }

  /** Whether a message begins at `bytes[at]`, where a segment does, behind a body whose framing makes no sense. */
  #endsUnframed(bytes: Buffer, at: number, end: number): boolean {
    if (this.#isNewHead(bytes, at, end)) return true;
    // The client had all before it when it sent the request that this answers.
    const isAnswer = this.#isServer && this.#peer.acknowledges === this.#offset + at;
    return isAnswer && this.#parse(MessageKind.response, bytes, at, end, false) === HeadResult.complete;
  }

  /** Whether a message may begin at `bytes[at]`, where a segment does, though the place was lost. */
  #mayBegin(bytes: Buffer, at: number, end: number, time: number): boolean {
    if (this.#isServer || this.#stream.isSentAgain || !mayBeRequest(bytes, at, end)) return false;
    this.#startAt(at, time);
    const { place, acknowledges, quietNanos } = this.#start;
    const [before, { position: received, acknowledges: answered }] = [this.#acknowledgedBefore, this.#peer];
    const isWhole = () => this.#parse(MessageKind.request, bytes, at, end, false) === HeadResult.complete;
    const headers = () => (isWhole() ? headerList(this.#context.parser.head, bytes, at) : null);
    return this.#sink.mayBegin({ place, acknowledges, before, received, answered, quietNanos, headers });
  }

  #classify(bytes: Buffer, at: number, end: number): Start {
    return this.#isServer ? classifyResponse(bytes, at, end) : classifyStart(bytes, at, end);
  }

  /** The current message begins at `bytes[at]`. */
  #startAt(at: number, time: number): void {
    this.#start.set(time, this.#offset + at, this.#stream, this.#peer, this.#flow.isMidstream);
  }

  /** At a message start. Returns where reading goes on. */
  #begin(bytes: Buffer, from: number, end: number, time: number): number {
    const at = behindEmptyLines(bytes, from, end);
    if (at === end) return end;
    const start = this.#classify(bytes, at, end);
    if (start !== Start.response && this.#sink.awaitsSimple()) return this.#takeSimple(from, time);
    switch (start) {
      case Start.request:
      case Start.response: {
        this.#startAt(at, time);
        // Receivers skip one empty line in front of the first response. More could be left over from nothing.
        const isFirst = start === Start.response && !this.#sawMessage;
        if (isFirst && at > from && bytes.indexOf(LF, from) < at - 1) return this.#notAMessage(end, time);
        const kind = start === Start.request ? MessageKind.request : MessageKind.response;
        const result = this.#parse(kind, bytes, at, end, false);
        if (result === HeadResult.complete) return this.#take(kind, bytes, at, time);
        if (result === HeadResult.invalid) return this.#notAMessage(end, time);
        return this.#gather(bytes, at, end, time);
      }
      case Start.undecided:
        this.#startAt(at, time);
        return this.#gather(bytes, at, end, time);
      default: {
        this.#startAt(at, time);
        const foreign = this.#askForeign(bytes, at, end, time);
        if (foreign === Recognition.yes) return end;
        return foreign === Recognition.maybe ? this.#gather(bytes, at, end, time) : this.#notAMessage(end, time);
      }
    }
  }

  /** Whether another protocol begins where a message should. */
  #askForeign(bytes: Buffer, start: number, end: number, time: number): Recognition {
    return this.#owner.onForeign({ direction: this.#direction, bytes, start, end, time }, !this.#sawMessage);
  }

  /**
   * A message should begin here, and none does. Where bytes were lost, or the flow was joined, that may be the rest of one.
   * Where none were, the peer sent something that is not HTTP, and what looks like HTTP inside it is not either: only a new
   * segment is given another chance.
   */
  #notAMessage(end: number, time: number): number {
    this.#dropHead();
    const isFound = this.#sawMessage && !this.#isServer && this.#sink.doubtsRequests;
    if (this.#isAfterLoss || this.#isJoined || isFound) {
      this.#state = State.lost;
      if (this.#isAfterLoss || isFound) this.#sink.onDesync(this.#isAfterLoss, false, this.#start.place, false);
      return end;
    }
    this.#state = State.astray;
    if (this.#sawMessage) this.#context.counters.messages_malformed++;
    else this.#owner.onUnreadable(this.#direction, time);
    if (!this.#wasBodiless && (this.#state as State) !== State.closed)
      this.#sink.onDesync(false, false, this.#start.place, false);
    return end;
  }

  /** Parses the head at `bytes[start]`. `isWhole`: its empty line has come. */
  #parse(kind: MessageKind, bytes: Buffer, start: number, end: number, isWhole: boolean): HeadResult {
    const isRequest = kind === MessageKind.request;
    const isDoubtful = this.#isAfterLoss || this.#isJoined || (isRequest && this.#sink.doubtsRequests);
    return parseHead(this.#context.parser, { kind, bytes, start, end, isWhole, isDoubtful, slot: this.#slot });
  }

  /** Adds to the head being gathered, and parses it when its empty line has come. Returns where reading goes on. */
  #gather(bytes: Buffer, at: number, end: number, time: number): number {
    this.#head ??= new HeadBuffer(this.#context.limits, this.#context.budget);
    const head = this.#head;
    if (head.isCut) return this.#skim(head, bytes, at, end, time);
    const before = head.length;
    const take = head.append(bytes, at, end);
    this.#state = State.head;

    const start = this.#classify(head.bytes, 0, head.length);
    if (start === Start.unknown) {
      const foreign = this.#askForeign(head.bytes, 0, head.length, time);
      if (foreign === Recognition.maybe && !head.isFull) return at + take;
      return foreign === Recognition.yes ? end : this.#notAMessage(end, time);
    }
    const kind = kindOf(start);
    const isSimple = isSimpleRequest(head.bytes, 0, head.length);
    while (start !== Start.undecided && (head.findEnd() || isSimple)) {
      const result = this.#parse(kind, head.bytes, 0, head.length, true);
      if (result === HeadResult.complete) {
        const consumed = this.#take(kind, head.bytes, 0, time) - before;
        this.#dropHead();
        return at + consumed;
      }
      if (result === HeadResult.invalid || head.endsFound > HEAD_ENDS_MAX) return this.#notAMessage(end, time);
    }
    if (!head.isFull) return at + take;
    head.cut();
    countTooLarge(this.#context.counters, kind);
    return this.#skim(head, bytes, at + take, end, time);
  }

  /** Reads on in a head over the cap, to where its message goes on. */
  #skim(head: HeadBuffer, bytes: Buffer, at: number, end: number, time: number): number {
    const behind = head.skim(bytes, at, end);
    if (behind < 0) return end;
    const kind = kindOf(classifyStart(head.bytes, 0, head.length));
    if (this.#parse(kind, head.bytes, 0, head.length, true) !== HeadResult.complete)
      return this.#notAMessage(end, time);
    this.#take(kind, head.bytes, 0, time);
    this.#dropHead();
    return behind;
  }

  #dropHead(): void {
    this.#head?.release();
    this.#head = null;
  }

  /** A head ends at `place`, but not for its sender: it is taken as far as it goes. Returns whether that is far enough. */
  #takeCut(place: number): boolean {
    const bytes = this.#head?.cutShort() ?? null;
    if (bytes === null) return false;
    const kind = kindOf(this.#classify(bytes, 0, bytes.length));
    if (this.#parse(kind, bytes, 0, bytes.length, true) !== HeadResult.complete) return false;
    this.#isHeadCut = true;
    this.#isAfterLoss = true;
    this.#take(kind, bytes, 0, this.#time);
    this.#isHeadCut = false;
    if (this.#state === State.body) this.#lose(Ending.lost, place);
    return true;
  }

  /** The head that was parsed, which begins at `bytes[at]`, is complete. Returns where its message goes on. */
  #take(kind: MessageKind, bytes: Buffer, at: number, time: number): number {
    const { counters, parser, head } = this.#context;
    const parsed = parser.head;
    const behind = at + parsed.length;
    if (parsed.malformed) counters.messages_malformed++;
    const isCut = this.#head?.isCut === true;
    head.isTooLarge = parsed.isOverfull || isCut;
    if (parsed.isOverfull && !isCut) countTooLarge(counters, kind);
    const length = isCut ? (this.#head?.wholeLength ?? 0) : parsed.length;
    head.method = parsed.method;
    head.status = parsed.status;
    head.version = versionText(parsed);
    head.isAfterLoss = this.#isAfterLoss;
    this.#noteStart(head, time);
    this.messagesLeft--;
    const framing = kind === MessageKind.request ? this.#takeRequest(bytes, at) : this.#takeResponse(bytes, at);
    const body = this.#isHeadCut ? TO_THE_END : framing;
    this.#isAfterLoss = false;
    this.#beginBody(body, this.#start.place + length, time);
    return behind;
  }

  /** A response of HTTP/0.9 is all that comes (RFC 1945 §6): it has no head. */
  #takeSimple(at: number, time: number): number {
    const { head } = this.#context;
    this.#startAt(at, time);
    this.#noteStart(Object.assign(head, SIMPLE_RESPONSE), time);
    this.#sink.onResponse(head);
    this.#beginBody(TO_THE_END, this.#start.place, time);
    return at;
  }

  #noteStart(head: MessageHead, time: number): void {
    this.#start.tell(head, time);
    this.#sawMessage = true;
    this.hasRead = true;
  }

  #takeRequest(bytes: Buffer, at: number): BodyFraming {
    const { head, parser } = this.#context;
    const parsed = parser.head;
    readRequest(head, parsed, bytes, at);
    const body = requestFraming(head.headers, parsed);
    setBody(head, parsed, body);
    this.#isOrphan = false;
    if (this.#sink.onRequest(head)) this.#owner.onTurn(this.#direction);
    return body;
  }

  #takeResponse(bytes: Buffer, at: number): BodyFraming {
    const { parser, head } = this.#context;
    const parsed = parser.head;
    const isWanted = !isFramingPlain(parsed) || this.#sink.wantsResponse(head);
    readResponse(head, parsed, isWanted ? bytes : null, at);
    const method = this.#sink.awaitedMethod(head);
    this.#isOrphan = method === '';
    this.#isServer ||= method !== '';
    const body = responseFraming(head.headers, parsed, parsed.status, method);
    this.#wasBodiless = method === 'HEAD' || parsed.status === 204 || parsed.status === 304;
    setBody(head, parsed, body);
    this.#sink.onResponse(head);
    return body;
  }

  /** `place`: of its first byte. */
  #beginBody(body: BodyFraming, place: number, time: number): void {
    this.#state = State.body;
    this.#body.begin(body);
    const { framing } = body;
    if (framing === Framing.none || framing === Framing.tunnel) this.#endMessage(Ending.complete, NO_TRAILERS, place);
    if (framing === Framing.tunnel) this.#owner.onUpgrade(this.#direction, time);
    if (framing === Framing.unknown) this.#lose(Ending.malformed, place);
  }

  #readBody(bytes: Buffer, from: number, end: number, time: number): number {
    const body = this.#body;
    const wasUnframed = body.isUnframed;
    const at = body.read(bytes, from, end, time);
    if (body.isUnframed && !wasUnframed) this.#context.counters.messages_malformed++;
    if (body.isDone) {
      this.#endMessage(Ending.complete, body.trailers, this.#offset + at);
    } else if (body.isInvalid) {
      this.#context.counters.messages_malformed++;
      this.#lose(Ending.malformed, this.#offset + at);
      return end;
    }
    return at;
  }
}
