/**
 * The streams of one HTTP/2 connection (RFC 9113 §5): what their frames say, as messages of exchanges.
 *
 * in:  header blocks decoded, DATA, resets and losses, by direction and stream · out: exchanges, on an `ExchangeSink`
 *
 * Which side is the client is known from the preface, or from the first header block that only one of both sends. A stream that
 * is not in the table has ended, or its request was not seen: what comes of it passes.
 */
import type { Counters } from '../../counters.js';
import { type Direction, EndCause } from '../../flow/flow-consumer.js';
import type { Limits } from '../../limits.js';
import type { MemoryBudget } from '../../memory-budget.js';
import type { ExchangeSink, StreamedExchange, StreamHead } from '../exchange-sink.js';
import { isInterim, MessageHead, NO_HEADERS } from '../message-head.js';
import { Ending } from '../message-sink.js';
import { errorName } from './frame.js';
import type { HeadFields } from './head-fields.js';
import { type DataRange, type HeadersPlace, STREAM_BYTES, type Stream } from './stream.js';

export interface StreamsContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  /** Written anew for each message that is told of. */
  readonly head: MessageHead;
}

export class Streams {
  /** -1: not known yet. */
  client: Direction | -1 = -1;
  /** Whether streams may have been missed. */
  #isDoubtful: boolean;
  readonly #context: StreamsContext;
  readonly #sink: ExchangeSink;
  /** In the order they began. */
  readonly #open = new Map<number, Stream>();
  /** The one that was asked for last: most frames are of the same stream as the one before. */
  #latest: Stream | undefined;
  /**
   * Those of them of which nothing can have been lost in each direction since they were told of it, as each loss is told of once;
   * null as long as that is all of them.
   */
  readonly #certain: [Set<Stream> | null, Set<Stream> | null] = [null, null];
  /** How often the place among the frames of each direction was lost. */
  readonly #losses: [number, number] = [0, 0];
  #goAways = 0;
  /** Those that their client gave up, in that order: some of them have ended since. */
  readonly #abandoned: Stream[] = [];
  /** The highest that the client began, and the highest that the server promised. */
  #highest = 0;
  #highestPromised = 0;
  /** Whether the place among the frames of each direction is lost now. */
  readonly #lost: [boolean, boolean];
  /** Whether each direction has ended. */
  readonly #ended: [boolean, boolean] = [false, false];
  /** Why a side said that it would close the connection; null if none did, or there was no error. */
  #farewell: string | null = null;

  /** What is said of a request beyond its head; written anew for each. */
  readonly #facts: Writable<StreamHead> = {
    client: 0,
    stream: 0,
    authority: null,
    scheme: 'http',
    protocol: null,
    hasUnknown: false,
    isPushed: false,
  };

  /** `lost`: whether each direction is to be searched for frames first. */
  constructor(context: StreamsContext, sink: ExchangeSink, isMidstream: boolean, lost: readonly [boolean, boolean]) {
    this.#context = context;
    this.#sink = sink;
    this.#isDoubtful = isMidstream || lost[0] || lost[1];
    this.#lost = [...lost];
  }

  /** The request of HTTP/1.1 that asked for HTTP/2 is stream 1 (RFC 7540 §3.2); null where it was dropped. */
  beginUpgraded(client: Direction, request: MessageHead | null): void {
    this.client = client;
    this.#highest = 1;
    if (request === null) return;
    Object.assign(this.#facts, { client, stream: 1 });
    this.#endRequest(this.#add(1, this.#sink.onRequest(request, this.#facts)), NO_TRAILERS, request.endTime);
  }

  /** Whether anything is done with the values of a block's fields beside its pseudo-header fields. */
  wantsFields(direction: Direction, id: number): boolean {
    const stream = this.#find(id);
    return stream === undefined ? direction === this.client || this.client === -1 : stream.exchange.isWanted;
  }

  #find(id: number): Stream | undefined {
    const latest = this.#latest;
    if (latest !== undefined && latest.id === id) return latest;
    const stream = this.#open.get(id);
    if (stream !== undefined) this.#latest = stream;
    return stream;
  }

  onHeaders(place: HeadersPlace, fields: HeadFields): void {
    if (this.client === -1) {
      if (fields.status !== 0) this.client = otherOf(place.direction);
      else if (fields.isRequest) this.client = place.direction;
      else return;
    }
    if (place.direction === this.client) this.#onRequest(place, fields);
    else this.#onResponse(place, fields);
  }

  /** The server will answer, on the stream `promised`, a request that it expects (§8.4). */
  onPromise(place: HeadersPlace, promised: number, fields: HeadFields): void {
    if (this.client === -1) this.client = otherOf(place.direction);
    if (place.direction === this.client || promised <= this.#highestPromised || promised % 2 !== 0) return;
    this.#highestPromised = promised;
    if (fields.isRequest) this.#endRequest(this.#begin(promised, place, fields, true), NO_TRAILERS, place.endTime);
  }

  onData(direction: Direction, id: number, bytes: Buffer, range: DataRange): void {
    const stream = this.#find(id);
    if (stream === undefined) return;
    if (stream.uncertain !== 0) this.#goOn(stream, direction);
    const { start, end, left, time } = range;
    if (direction === this.client) {
      stream.exchange.onRequestBody(bytes, start, end, left, time);
    } else if (this.#hasResponse(stream, time)) {
      stream.exchange.onResponseBody(bytes, start, end, left, time);
    } else {
      stream.exchange.onBodyLost(false, end - start);
    }
  }

  onDataLost(direction: Direction, id: number, length: number, time: number): void {
    const stream = this.#find(id);
    if (stream === undefined) return;
    if (stream.uncertain !== 0) this.#goOn(stream, direction);
    if (direction !== this.client) this.#hasResponse(stream, time);
    stream.exchange.onBodyLost(direction === this.client, length);
  }

  /** Something has come of it behind a loss: the next one is another. */
  #goOn(stream: Stream, direction: Direction): void {
    stream.uncertain &= ~(1 << direction);
    this.#certain[direction]?.add(stream);
  }

  /** DATA has ended the stream in one direction. */
  onEnd(direction: Direction, id: number, time: number): void {
    const stream = this.#find(id);
    if (stream === undefined) return;
    if (direction === this.client) {
      this.#endRequest(stream, NO_TRAILERS, time);
      return;
    }
    this.#hasResponse(stream, time);
    this.#endResponse(stream, NO_TRAILERS, time);
  }

  /** RST_STREAM (§6.4). What the server had sent when it received its client's is on its way, and still belongs to the stream. */
  onReset(direction: Direction, id: number, code: number, time: number): void {
    const stream = this.#find(id);
    if (stream === undefined) return;
    const error = code === 0 ? null : errorName(code);
    if (direction === this.client && !stream.isAbandoned && stream.exchange.isWanted) {
      this.#abandon(stream, error, time);
      return;
    }
    stream.exchange.onAbort(error, time);
    this.#remove(stream);
  }

  #abandon(stream: Stream, error: string | null, time: number): void {
    stream.isAbandoned = true;
    stream.requestEnded = true;
    stream.exchange.onAbandon(error, time);
    if (stream.responseEnded) {
      this.#remove(stream);
      return;
    }
    this.#abandoned.push(stream);
    if (this.#abandoned.length <= this.#context.limits.h2_abandoned_streams_max) return;
    const oldest = this.#abandoned.shift();
    if (oldest === undefined) return;
    oldest.exchange.onStreamEnd(EndCause.reset);
    this.#remove(oldest);
  }

  /** GOAWAY (§6.8): the streams behind `last` were not looked at by the side that sent it, and will not be. */
  onGoAway(direction: Direction, last: number, code: number, time: number): void {
    if (code !== 0) this.#farewell = errorName(code);
    if (++this.#goAways > this.#context.limits.h2_goaways_max) return;
    for (const stream of [...this.#open.values()]) {
      const isPromised = stream.id % 2 === 0;
      if (stream.id <= last || (direction === this.client) !== isPromised) continue;
      stream.exchange.onAbort(this.#farewell ?? 'REFUSED_STREAM', time);
      this.#remove(stream);
    }
  }

  /** Frames of a direction may have been lost: of any stream that had not ended in it. */
  onPlaceLost(direction: Direction): void {
    this.#isDoubtful = true;
    this.#lost[direction] = true;
    this.#losses[direction]++;
    const isRequest = direction === this.client;
    for (const stream of this.#certain[direction] ?? this.#open.values()) {
      const { exchange } = stream;
      stream.uncertain |= 1 << direction;
      if (isRequest ? stream.requestEnded : stream.responseEnded) continue;
      if (isRequest || stream.hasResponse) exchange.onBodyLost(isRequest, 0);
      if (!isRequest) stream.mayLackHead = true;
      exchange.onDoubt();
    }
    this.#certain[direction] = new Set();
  }

  /** A frame of a direction was found, and what follows it is read. */
  onPlaceFound(direction: Direction): void {
    this.#lost[direction] = false;
  }

  /** A direction had ended before it was known what the connection speaks. */
  noteEnded(direction: Direction): void {
    this.#ended[direction] = true;
  }

  /** No more comes in this direction. */
  onStreamEnd(direction: Direction, cause: EndCause, time: number): void {
    this.#ended[direction] = true;
    if (this.client === -1) return;
    const isRequest = direction === this.client;
    const ending = ENDINGS[cause];
    // What was sent to a server that had ended is answered by nobody.
    const isOver = this.#ended[0] && this.#ended[1];
    for (const stream of [...this.#open.values()]) {
      const { exchange } = stream;
      if (isRequest) {
        if (!stream.requestEnded) this.#endRequest(stream, NO_TRAILERS, time, ending);
        if (!isOver) continue;
      }
      if (stream.isAbandoned) exchange.onStreamEnd(EndCause.reset);
      else if (this.#farewell !== null) exchange.onAbort(this.#farewell, time);
      else if (stream.hasResponse && !stream.responseEnded) exchange.onResponseEnd(ending, NO_TRAILERS, time);
      exchange.onStreamEnd(cause);
      this.#remove(stream);
    }
  }

  #onRequest(place: HeadersPlace, fields: HeadFields): void {
    const stream = this.#find(place.stream);
    if (stream !== undefined) {
      if (stream.requestEnded) return;
      if (fields.hasUnknown) stream.exchange.onUnknownFields();
      if (place.isCut) stream.exchange.onBodyLost(true, 0);
      this.#endRequest(stream, trailersOf(stream, fields), place.endTime);
      return;
    }
    // A stream is begun once, and those of a client count up by odd numbers (§5.1.1).
    if (!fields.isRequest || place.stream <= this.#highest || place.stream % 2 === 0) return;
    this.#highest = place.stream;
    const begun = this.#begin(place.stream, place, fields, false);
    if (place.endsStream) this.#endRequest(begun, NO_TRAILERS, place.endTime);
  }

  #onResponse(place: HeadersPlace, fields: HeadFields): void {
    const stream = this.#find(place.stream);
    if (stream === undefined) {
      if (fields.status !== 0 && !isInterim(fields.status)) this.#onUnpaired(place.stream);
      return;
    }
    const { exchange } = stream;
    if (fields.hasUnknown) exchange.onUnknownFields();
    if (isInterim(fields.status)) {
      exchange.onResponse(this.#headOf(place, fields, false));
      return;
    }
    if (fields.status !== 0) {
      if (!stream.hasResponse) this.#takeHead(stream, this.#headOf(place, fields, exchange.isWanted));
      if (place.endsStream) this.#endResponse(stream, NO_TRAILERS, place.endTime);
      return;
    }
    if (!stream.hasResponse && fields.beginsUnknown) {
      this.#onDoubtfulHead(stream, place, fields);
      return;
    }
    if (isStatusMissing(stream, place, fields)) {
      fields.malformed = true;
      this.#takeHead(stream, this.#headOf(place, fields, exchange.isWanted));
    }
    this.#hasResponse(stream, place.startTime);
    if (place.isCut) exchange.onBodyLost(false, 0);
    if (place.endsStream) this.#endResponse(stream, trailersOf(stream, fields), place.endTime);
  }

  /** A block whose status is not known, if it has one: an interim head, a final one, or, where that was lost, trailers. */
  #onDoubtfulHead(stream: Stream, place: HeadersPlace, fields: HeadFields): void {
    const isOnly = !stream.mayLackHead && stream.doubtfulHead === null;
    const head = this.#headOf(place, fields, stream.exchange.isWanted);
    if (!place.endsStream) {
      stream.doubtfulHead = Object.assign(new MessageHead(), head);
      stream.doubtedAt = this.#losses[place.direction];
      return;
    }
    stream.doubtfulHead = null;
    if (isOnly) this.#takeHead(stream, head);
    else this.#hasResponse(stream, place.startTime);
    this.#endResponse(stream, NO_TRAILERS, place.endTime);
  }

  #takeHead(stream: Stream, head: MessageHead): void {
    this.#beginResponse(stream);
    stream.doubtfulHead = null;
    head.leavesHttp = stream.isConnect && head.status >= 200 && head.status < 300;
    stream.exchange.onResponse(head);
  }

  #beginResponse(stream: Stream): void {
    stream.hasResponse = true;
    // The next loss is its body's.
    this.#certain[otherOf(this.client as Direction)]?.add(stream);
  }

  /** Whether the head of the final response, more of which has come, was seen. One that was lost is told of as such. */
  #hasResponse(stream: Stream, time: number): boolean {
    if (stream.hasResponse) return true;
    if (stream.doubtfulHead !== null && stream.doubtedAt === this.#losses[otherOf(this.client as Direction)]) {
      this.#takeHead(stream, stream.doubtfulHead);
      return true;
    }
    this.#missResponse(stream, time);
    return false;
  }

  #onUnpaired(id: number): void {
    // What still comes on a stream that was given up is no news.
    if (!this.#isDoubtful && id <= this.#highest) return;
    this.#context.counters.responses_seen++;
    this.#context.counters.responses_unpaired++;
  }

  /** The head of a response was lost, and there is more of it. */
  #missResponse(stream: Stream, time: number): void {
    const { head } = this.#context;
    this.#beginResponse(stream);
    Object.assign(head, { status: 0, reason: '', headers: NO_HEADERS, startTime: time, endTime: time });
    Object.assign(head, {
      malformed: false,
      isTooLarge: false,
      isAfterLoss: true,
      leavesHttp: false,
      isOpenEnded: false,
    });
    stream.exchange.onResponse(head);
    stream.exchange.onUnknownFields();
  }

  #begin(id: number, place: HeadersPlace, fields: HeadFields, isPushed: boolean): Stream {
    const client = this.client as Direction;
    const facts = this.#facts;
    // Nearly every request has these.
    const hasAll = fields.method !== null && fields.scheme !== null && fields.path !== null && fields.path !== '';
    if (!hasAll && fields.lacksRequest) fields.malformed = true;
    facts.client = client;
    facts.stream = id;
    facts.authority = fields.authority;
    facts.scheme = fields.scheme === 'https' ? 'https' : 'http';
    facts.protocol = fields.protocol;
    facts.hasUnknown = fields.hasUnknown;
    facts.isPushed = isPushed;
    const stream = this.#add(id, this.#sink.onRequest(this.#headOf(place, fields, true), facts));
    stream.isConnect = fields.method === 'CONNECT';
    return stream;
  }

  #add(id: number, exchange: StreamedExchange): Stream {
    const { limits, counters, budget } = this.#context;
    if (this.#open.size >= limits.h2_streams_max) {
      const [oldest] = this.#open.values();
      counters.streams_evicted++;
      oldest?.exchange.onEvicted();
      if (oldest !== undefined) this.#remove(oldest);
    }
    const stream: Stream = {
      id,
      exchange,
      requestEnded: false,
      responseEnded: false,
      hasResponse: false,
      mayLackHead: this.#lost[otherOf(this.client as Direction)],
      doubtfulHead: null,
      doubtedAt: 0,
      isConnect: false,
      isAbandoned: false,
      uncertain: 0,
    };
    this.#open.set(id, stream);
    this.#latest = stream;
    this.#certain[0]?.add(stream);
    this.#certain[1]?.add(stream);
    budget.add(STREAM_BYTES);
    return stream;
  }

  #remove(stream: Stream): void {
    if (!this.#open.delete(stream.id)) return;
    if (this.#latest === stream) this.#latest = undefined;
    this.#certain[0]?.delete(stream);
    this.#certain[1]?.delete(stream);
    this.#context.budget.remove(STREAM_BYTES);
  }

  #endRequest(stream: Stream, trailers: Trailers, time: number, ending: RequestEnding = Ending.complete): void {
    stream.requestEnded = true;
    stream.exchange.onRequestEnd(ending, trailers, time);
    if (stream.responseEnded) this.#remove(stream);
  }

  #endResponse(stream: Stream, trailers: Trailers, time: number): void {
    stream.responseEnded = true;
    stream.exchange.onResponseEnd(Ending.complete, trailers, time);
    if (stream.requestEnded) this.#remove(stream);
  }

  #headOf(place: HeadersPlace, fields: HeadFields, isWanted: boolean): MessageHead {
    const { head } = this.#context;
    const { status, protocol } = fields;
    // The target of CONNECT is an authority (RFC 9110 §9.3.6).
    const isTunnel = fields.method === 'CONNECT' && protocol === null;
    head.method = fields.method ?? '';
    head.target = (isTunnel ? fields.authority : fields.path) ?? '';
    head.status = status;
    head.reason = '';
    head.version = '2';
    head.headers = isWanted ? fields.list() : NO_HEADERS;
    head.malformed = fields.malformed;
    head.isTooLarge = fields.isTooLarge;
    head.isAfterLoss = place.isCut;
    head.isOpenEnded = !place.endsStream && head.headers.get('content-length') === undefined;
    head.leavesHttp = false;
    head.startTime = place.startTime;
    head.endTime = place.endTime;
    return head;
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Trailers = [string, string][];
type RequestEnding = typeof Ending.complete | (typeof ENDINGS)[EndCause];

const NO_TRAILERS: Trailers = [];

function trailersOf(stream: Stream, fields: HeadFields): Trailers {
  return stream.exchange.isWanted ? fields.pairs() : NO_TRAILERS;
}

/** Whether a head that is all there, and the first of its response, says no status (§8.3.2). */
function isStatusMissing(stream: Stream, place: HeadersPlace, fields: HeadFields): boolean {
  const isFirst = !stream.hasResponse && !stream.mayLackHead && stream.doubtfulHead === null;
  return isFirst && !place.isCut && !fields.hasUnknown && !fields.isTooLarge;
}

function otherOf(direction: Direction): Direction {
  return direction === 0 ? 1 : 0;
}

/** How a message under way ends when the connection does. */
const ENDINGS = {
  [EndCause.fin]: Ending.aborted,
  [EndCause.reset]: Ending.aborted,
  [EndCause.forgotten]: Ending.unfinished,
} as const;
