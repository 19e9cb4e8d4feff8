/**
 * One flow's messages → exchanges: first in, first out (RFC 9112 §9.3.2).
 *
 * in:  both streams of a flow · out: exchanges, each handed on once
 *
 * Either side may be the client: requests wait in the lane of their direction, and responses of the other direction
 * are matched with the first of it. What `Lane` cannot pair for sure stays unpaired, and says so.
 */
import type { Counters } from '../counters.js';
import { countDropped, DropReason } from '../counters.js';
import { type Direction, EndCause, type FlowConsumer } from '../flow/flow-consumer.js';
import { BodyBuffer } from '../http/h1/body-buffer.js';
import { type BodyFraming, Framing, isInterim, requestFraming, responseFraming } from '../http/h1/body-framing.js';
import { parsed } from '../http/h1/llhttp.js';
import { Ending, MessageReader, type MessageSink, type StreamProtocol } from '../http/h1/message-reader.js';
import { decodeText, type HeaderList } from '../http/header-list.js';
import { NO_BODY } from '../http/message-body.js';
import { serverNameOf } from '../http/tls-client-hello.js';
import type { TlsNames } from '../http/tls-names.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { type Endpoint, type Exchange, type HeaderPair, Mark } from './exchange.js';
import { Lane } from './lane.js';
import { EXCHANGE_BYTES, PENDING_BYTES, PendingExchange, type PendingExchanges } from './pending-exchanges.js';

/** What the stages behind are asked and told. */
export interface ExchangeHooks {
  /** A request's head is complete: should its exchange be kept? Called once an exchange. */
  admit(exchange: Exchange): DropReason;
  /** An exchange that was kept is as complete as it will get. */
  complete(exchange: Exchange): void;
}

/** What all conversations share. */
export interface ConversationContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly hooks: ExchangeHooks;
  readonly pending: PendingExchanges;
  readonly tlsNames: TlsNames;
  timeBaseSeconds: number;
}

/** Until a message has ended. */
const NO_TRAILERS: HeaderPair[] = [];

/** Places in line, for each request that may wait, of requests whose response is read for its framing only. */
const SPENT_PLACES_FACTOR = 16;

/** Responses that are meant never to end. */
const STREAMING_TYPES = /^(text\/event-stream|multipart\/x-mixed-replace|application\/(x-ndjson|stream\+json|grpc))/i;

export class Conversation implements FlowConsumer, MessageSink {
  readonly #context: ConversationContext;
  readonly #interfaceName: string;
  readonly #endpoint0: Endpoint;
  readonly #endpoint1: Endpoint;
  readonly #reader0: MessageReader;
  readonly #reader1: MessageReader;
  /** By the direction of the requests. */
  readonly #lane0: Lane;
  readonly #lane1: Lane;
  /** Marks for the next exchange to begin. */
  #nextMarks = 0;
  #sawHttp = false;
  #isOver = false;

  constructor(
    context: ConversationContext,
    interfaceName: string,
    endpoint0: Endpoint,
    endpoint1: Endpoint,
    midstream: boolean,
  ) {
    this.#context = context;
    this.#interfaceName = interfaceName;
    this.#endpoint0 = endpoint0;
    this.#endpoint1 = endpoint1;
    const { limits, counters, budget } = context;
    this.#reader0 = new MessageReader(this, limits, counters, budget, midstream);
    this.#reader1 = new MessageReader(this, limits, counters, budget, midstream);
    this.#lane0 = new Lane(midstream);
    this.#lane1 = new Lane(midstream);
    if (midstream) this.#nextMarks = Mark.midstream;
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    if (this.#isOver) return;
    (direction === 0 ? this.#reader0 : this.#reader1).data(bytes, start, end, time);
  }

  gap(direction: Direction, length: number, time: number): void {
    if (this.#isOver) return;
    (direction === 0 ? this.#reader0 : this.#reader1).gap(length, time);
  }

  end(direction: Direction, cause: EndCause, time: number): void {
    const ending =
      cause === EndCause.fin ? Ending.complete : cause === EndCause.reset ? Ending.aborted : Ending.unwatched;
    (direction === 0 ? this.#reader0 : this.#reader1).end(ending, time);
    // No response comes this way any more.
    const mark = cause === EndCause.reset ? Mark.aborted : cause === EndCause.forgotten ? Mark.unfinished : 0;
    const lane = this.#laneAnsweredBy(direction);
    this.#giveUpAll(lane.waiting.splice(0), mark);
    lane.answering = null;
    lane.isClosed = true;
  }

  // --- MessageSink

  onRequest(reader: MessageReader, rawTarget: string, headers: HeaderList, time: number): BodyFraming {
    const { counters, limits, budget, hooks } = this.#context;
    const direction = this.#directionOf(reader);
    this.#sawHttp = true;
    counters.requests_seen++;
    counters.exchanges_seen++;
    const framing = requestFraming(headers, parsed);
    const lane = this.#laneOf(direction);
    let marks = this.#nextMarks;
    this.#nextMarks = 0;
    if (reader.afterLoss) marks |= Mark.gap;
    if (parsed.malformed || framing.malformed) marks |= Mark.malformed;
    const unanswered = lane.arrive();
    if (unanswered.length > 0) {
      this.#giveUpAll(unanswered, Mark.gap);
      marks |= Mark.gap;
    }
    if (lane.isUnpairable) marks |= Mark.gap;
    const exchange: Exchange = {
      interfaceName: this.#interfaceName,
      client: direction === 0 ? this.#endpoint0 : this.#endpoint1,
      server: direction === 0 ? this.#endpoint1 : this.#endpoint0,
      protocol: versionText(),
      timeBaseSeconds: this.#context.timeBaseSeconds,
      startTime: reader.startTime,
      requestEndTime: time,
      responseStartTime: -1,
      endTime: time,
      request: {
        method: parsed.method,
        target: parsed.isPlain ? rawTarget : decodeText(rawTarget),
        headers,
        body: NO_BODY,
        trailers: NO_TRAILERS,
      },
      response: null,
      marks,
      dropReason: DropReason.none,
      admission: null,
    };
    const reason = hooks.admit(exchange);
    const pending = new PendingExchange(exchange, reason, time);
    if (reason !== DropReason.none) {
      exchange.dropReason = reason;
      countDropped(counters, reason);
    } else {
      this.#reserve(pending, EXCHANGE_BYTES + headers.text.length);
      this.#context.pending.append(pending);
    }
    const places = lane.waiting.length;
    if (places >= limits.pipeline_requests_max) {
      // Who sends this many without reading: the oldest goes unanswered, and keeps its place in line.
      this.#handOn(lane.waiting[places - limits.pipeline_requests_max] as PendingExchange, 0);
      if (places >= limits.pipeline_requests_max * SPENT_PLACES_FACTOR) {
        // There is no following who is answered this late.
        this.#giveUpAll(lane.waiting.splice(0), 0);
        lane.isUnpairable = true;
      }
    }
    if (lane.isUnpairable || lane.isClosed) {
      pending.responseEnded = true;
    } else {
      budget.add(PENDING_BYTES);
      lane.waiting.push(pending);
    }
    lane.sending = pending;
    return framing;
  }

  onResponse(reader: MessageReader, reason: string, headers: HeaderList, time: number): BodyFraming {
    const { counters } = this.#context;
    const direction = this.#directionOf(reader);
    const { status } = parsed;
    this.#sawHttp = true;
    counters.responses_seen++;
    const lane = this.#laneAnsweredBy(direction);
    const pending = lane.waiting[0];
    const framing = responseFraming(headers, parsed, status, pending?.method ?? '');
    // An interim response never answers a request (RFC 9110 §15.2).
    if (isInterim(status)) return framing;
    if (pending === undefined) {
      counters.responses_unpaired++;
      lane.noteOrphan();
      return framing;
    }
    lane.answering = pending;
    const { exchange } = pending;
    if (exchange === null) {
      // A dropped exchange's response is read for its framing only; a late one is of no more use.
      if (pending.dropReason === DropReason.none) counters.responses_unpaired++;
      return framing;
    }
    this.#reserve(pending, headers.text.length);
    if (parsed.malformed || framing.malformed) exchange.marks |= Mark.malformed;
    if (reader.afterLoss) exchange.marks |= Mark.gap;
    if (framing.framing === Framing.tunnel) exchange.marks |= Mark.upgraded;
    exchange.responseStartTime = reader.startTime;
    exchange.endTime = time;
    exchange.response = {
      status,
      reason: parsed.isPlain ? reason : decodeText(reason),
      version: versionText(),
      headers,
      body: NO_BODY,
      trailers: NO_TRAILERS,
    };
    this.#context.pending.touch(pending, time);
    if (framing.framing === Framing.chunked || framing.framing === Framing.close) {
      pending.streaming = STREAMING_TYPES.test(headers.get('content-type') ?? '');
    }
    return framing;
  }

  wantsResponse(reader: MessageReader): boolean {
    const pending = this.#laneAnsweredBy(this.#directionOf(reader)).waiting[0];
    return pending !== undefined && pending.exchange !== null;
  }

  onBody(reader: MessageReader, bytes: Buffer, start: number, end: number, expected: number, time: number): void {
    const direction = this.#directionOf(reader);
    const { limits, budget } = this.#context;
    const { sending } = this.#laneOf(direction);
    const pending = sending ?? this.#laneAnsweredBy(direction).answering;
    const exchange = pending?.exchange ?? null;
    if (pending === null || exchange === null) return;
    let buffer = sending === null ? pending.responseBody : pending.requestBody;
    if (buffer === null) {
      buffer = new BodyBuffer(limits.body_bytes_max, budget);
      if (sending === null) {
        pending.responseBody = buffer;
        if (exchange.response !== null) exchange.response.body = buffer;
      } else {
        pending.requestBody = buffer;
        exchange.request.body = buffer;
      }
    }
    buffer.append(bytes, start, end, expected);
    exchange.endTime = time;
    this.#context.pending.touch(pending, time);
    if (pending.streaming && buffer.truncated) this.#handOn(pending, Mark.unfinished);
  }

  onBodyLost(reader: MessageReader, length: number): void {
    const direction = this.#directionOf(reader);
    const { sending } = this.#laneOf(direction);
    const pending = sending ?? this.#laneAnsweredBy(direction).answering;
    const exchange = pending?.exchange ?? null;
    if (pending === null || exchange === null) return;
    const { limits, budget } = this.#context;
    exchange.marks |= Mark.gap;
    if (sending === null) {
      pending.responseBody ??= new BodyBuffer(limits.body_bytes_max, budget);
      pending.responseBody.lose(length);
      if (exchange.response !== null) exchange.response.body = pending.responseBody;
    } else {
      pending.requestBody ??= new BodyBuffer(limits.body_bytes_max, budget);
      pending.requestBody.lose(length);
      exchange.request.body = pending.requestBody;
    }
  }

  onMessageEnd(reader: MessageReader, ending: Ending, trailers: [string, string][], time: number): void {
    const direction = this.#directionOf(reader);
    const marks = ENDING_MARKS[ending] as number;
    const { sending } = this.#laneOf(direction);
    if (sending !== null) {
      this.#laneOf(direction).sending = null;
      sending.requestEnded = true;
      const { exchange } = sending;
      if (exchange !== null) {
        exchange.request.trailers = trailers;
        exchange.requestEndTime = time;
        if (exchange.endTime < time) exchange.endTime = time;
        exchange.marks |= marks;
        this.#context.pending.touch(sending, time);
        if (sending.responseEnded) this.#handOn(sending, 0);
      }
      return;
    }
    const lane = this.#laneAnsweredBy(direction);
    const { answering } = lane;
    if (answering === null) return;
    lane.answering = null;
    if (lane.waiting.shift() !== undefined) this.#context.budget.remove(PENDING_BYTES);
    lane.noteResponse();
    answering.responseEnded = true;
    const { exchange } = answering;
    if (exchange === null) return;
    if (exchange.response !== null) exchange.response.trailers = trailers;
    exchange.endTime = time;
    exchange.marks |= marks;
    // A server may answer before it has heard all: the request's own end is waited for.
    if (answering.requestEnded) this.#handOn(answering, 0);
  }

  onDesync(reader: MessageReader, isLoss: boolean, wasInMessage: boolean): void {
    const direction = this.#directionOf(reader);
    const mark = isLoss ? Mark.gap : Mark.malformed;
    this.#giveUpAll(this.#laneOf(direction).loseRequests(wasInMessage), mark);
    const lane = this.#laneAnsweredBy(direction);
    for (const { exchange } of lane.waiting) if (exchange !== null) exchange.marks |= mark;
    this.#giveUpAll(lane.loseResponses(), mark);
  }

  onTls(bytes: Buffer, start: number, end: number): void {
    const name = serverNameOf(bytes, start, end);
    if (name !== null) this.#context.tlsNames.add(name);
  }

  onProtocol(protocol: StreamProtocol): void {
    const { counters } = this.#context;
    if (protocol === 'tunnel') counters.flows_upgraded++;
    else if (protocol === 'tls') counters.flows_tls++;
    else if (protocol === 'h2') counters.flows_h2++;
    else if (this.#sawHttp) return;
    else counters.flows_not_http++;
    // What waits for a response on a flow that is no longer HTTP will not get one.
    for (const lane of [this.#lane0, this.#lane1]) {
      this.#giveUpAll(lane.waiting.splice(0), 0);
    }
    this.#isOver = true;
    this.#reader0.deafen();
    this.#reader1.deafen();
  }

  // ---

  /** The lane of the requests that go in `direction`. */
  #laneOf(direction: Direction): Lane {
    return direction === 0 ? this.#lane0 : this.#lane1;
  }

  /** The lane whose responses go in `direction`. */
  #laneAnsweredBy(direction: Direction): Lane {
    return direction === 0 ? this.#lane1 : this.#lane0;
  }

  #directionOf(reader: MessageReader): Direction {
    return reader === this.#reader0 ? 0 : 1;
  }

  /** No more will come of those that were taken out of line. */
  #giveUpAll(pendings: readonly PendingExchange[], mark: number): void {
    this.#context.budget.remove(pendings.length * PENDING_BYTES);
    for (const pending of pendings) this.#handOn(pending, mark);
  }

  #reserve(pending: PendingExchange, bytes: number): void {
    pending.reserved += bytes;
    this.#context.budget.add(bytes);
  }

  #handOn(pending: PendingExchange, mark: number): void {
    handOn(this.#context, pending, mark);
  }
}

/** Hands an exchange on as it is, once; what still comes of it is read for its framing only. */
export function handOn(context: ConversationContext, pending: PendingExchange, mark: number): void {
  const { exchange } = pending;
  if (exchange === null) return;
  pending.exchange = null;
  context.pending.remove(pending);
  context.budget.remove(pending.reserved);
  pending.requestBody?.release();
  pending.responseBody?.release();
  pending.requestBody = null;
  pending.responseBody = null;
  exchange.marks |= mark;
  if (exchange.response === null) exchange.marks |= Mark.noResponse;
  context.hooks.complete(exchange);
}

const ENDING_MARKS: readonly number[] = [0, Mark.aborted, Mark.gap, Mark.malformed, Mark.unfinished];

function versionText(): string {
  const { versionMajor, versionMinor } = parsed;
  if (versionMajor === 1 && versionMinor === 1) return '1.1';
  return `${versionMajor}.${versionMinor}`;
}
