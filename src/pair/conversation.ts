/**
 * One flow's messages → exchanges: first in, first out (RFC 9112 §9.3.2).
 *
 * in:  the messages of both directions of a flow · out: exchanges, each emitted once
 *
 * Either side may be the client: its requests wait in its `Lane`, and the responses of the other side are matched with
 * the first of them. What a lane cannot pair with certainty stays unpaired and is marked.
 */
import { type Counters, countDropped, DropReason } from '../counters.js';
import { EndCause } from '../flow/flow-consumer.js';
import { BodyBuffer, type BodyMemory } from '../http/body-buffer.js';
import { NO_BODY } from '../http/message-body.js';
import { isInterim, type MessageHead } from '../http/message-head.js';
import { Ending, type MessageSink } from '../http/message-sink.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { type Endpoint, type Exchange, type HeaderPair, Mark } from './exchange.js';
import { Lane } from './lane.js';
import { EXCHANGE_BYTES, PendingExchange, type PendingExchanges } from './pending-exchanges.js';

/** The stages behind. */
export interface ExchangeHooks {
  /** A request's head is complete: should its exchange be kept? Called once for each exchange. */
  admit(exchange: Exchange): DropReason;
  /** An exchange that was kept is as complete as it will get. */
  complete(exchange: Exchange): void;
}

/** What all conversations share. */
export interface ConversationContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly bodies: BodyMemory;
  readonly hooks: ExchangeHooks;
  readonly pending: PendingExchanges;
  timeBaseSeconds: number;
}

/** Until a message has ended. */
const NO_TRAILERS: HeaderPair[] = [];

/** Responses that are meant never to end. */
const STREAMING_TYPES = /^(text\/event-stream|multipart\/x-mixed-replace|application\/(x-ndjson|stream\+json|grpc))/i;

/** What the two sides of a connection share. */
interface Connection {
  readonly context: ConversationContext;
  readonly interfaceName: string;
  /** Marks for the next exchange to begin, whoever begins it. */
  nextMarks: number;
}

/** The sinks of the messages that endpoint 0 and endpoint 1 of a flow send. */
export function openConversation(
  context: ConversationContext,
  interfaceName: string,
  [endpoint0, endpoint1]: readonly [Endpoint, Endpoint],
  isMidstream: boolean,
): readonly [MessageSink, MessageSink] {
  const connection = { context, interfaceName, nextMarks: isMidstream ? Mark.midstream : 0 };
  const lane0 = new Lane(context, isMidstream);
  const lane1 = new Lane(context, isMidstream);
  return [
    new Side(connection, endpoint0, endpoint1, lane0, lane1),
    new Side(connection, endpoint1, endpoint0, lane1, lane0),
  ];
}

/** What one endpoint sends: requests of its own, and responses to the requests of its peer. */
class Side implements MessageSink {
  readonly #connection: Connection;
  readonly #context: ConversationContext;
  readonly #endpoint: Endpoint;
  readonly #peer: Endpoint;
  /** The requests of this side. */
  readonly #own: Lane;
  /** The requests of the peer, which this side answers. */
  readonly #answered: Lane;

  constructor(connection: Connection, endpoint: Endpoint, peer: Endpoint, own: Lane, answered: Lane) {
    this.#connection = connection;
    this.#context = connection.context;
    this.#endpoint = endpoint;
    this.#peer = peer;
    this.#own = own;
    this.#answered = answered;
  }

  onRequest(head: MessageHead): void {
    const { counters, hooks, pending: exchanges } = this.#context;
    counters.requests_seen++;
    counters.exchanges_seen++;
    const lane = this.#own;
    const isDoubtful = lane.arrive();
    const exchange = this.#exchangeOf(head, isDoubtful);
    const reason = hooks.admit(exchange);
    const pending = new PendingExchange(exchange, reason, head.endTime);
    if (reason !== DropReason.none) {
      exchange.dropReason = reason;
      countDropped(counters, reason);
    } else {
      exchanges.reserve(pending, EXCHANGE_BYTES + head.headers.text.length);
      exchanges.append(pending);
    }
    lane.join(pending);
  }

  #exchangeOf(head: MessageHead, isDoubtful: boolean): Exchange {
    const connection = this.#connection;
    let marks = connection.nextMarks;
    connection.nextMarks = 0;
    if (isDoubtful || head.isAfterLoss) marks |= Mark.gap;
    if (head.malformed) marks |= Mark.malformed;
    const { method, target, headers } = head;
    return {
      interfaceName: connection.interfaceName,
      client: this.#endpoint,
      server: this.#peer,
      protocol: head.version,
      timeBaseSeconds: this.#context.timeBaseSeconds,
      startTime: head.startTime,
      requestEndTime: head.endTime,
      responseStartTime: -1,
      endTime: head.endTime,
      request: { method, target, headers, body: NO_BODY, trailers: NO_TRAILERS },
      response: null,
      marks,
      dropReason: DropReason.none,
      context: null,
      permit: null,
    };
  }

  awaitedMethod(): string {
    return this.#answered.first?.method ?? '';
  }

  wantsResponse(): boolean {
    const pending = this.#answered.first;
    return pending !== undefined && pending.exchange !== null;
  }

  onResponse(head: MessageHead): void {
    const { counters, pending: exchanges } = this.#context;
    counters.responses_seen++;
    const { status, headers } = head;
    // An interim response never answers a request (RFC 9110 §15.2).
    if (isInterim(status)) return;
    const lane = this.#answered;
    const pending = lane.first;
    if (pending === undefined) {
      counters.responses_unpaired++;
      lane.noteOrphan();
      return;
    }
    lane.answering = pending;
    const { exchange } = pending;
    if (exchange === null) {
      // A dropped exchange's response is read for its framing only; a late one is of no more use.
      if (pending.dropReason === DropReason.none) counters.responses_unpaired++;
      return;
    }
    exchanges.reserve(pending, headers.text.length);
    if (head.malformed) exchange.marks |= Mark.malformed;
    if (head.isAfterLoss) exchange.marks |= Mark.gap;
    if (head.leavesHttp) exchange.marks |= Mark.upgraded;
    exchange.responseStartTime = head.startTime;
    exchange.endTime = head.endTime;
    const { reason, version } = head;
    exchange.response = { status, reason, version, headers, body: NO_BODY, trailers: NO_TRAILERS };
    exchanges.touch(pending, head.endTime);
    if (head.isOpenEnded) pending.streaming = STREAMING_TYPES.test(headers.get('content-type') ?? '');
  }

  onBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void {
    const { sending } = this.#own;
    const pending = sending ?? this.#answered.answering;
    const exchange = pending?.exchange ?? null;
    if (pending === null || exchange === null) return;
    const body = this.#bodyOf(pending, exchange, sending !== null);
    body.append(bytes, start, end, expected);
    exchange.endTime = time;
    const { pending: exchanges } = this.#context;
    exchanges.touch(pending, time);
    if (pending.streaming && body.truncated) exchanges.emit(pending, Mark.unfinished);
  }

  onBodyLost(length: number): void {
    const { sending } = this.#own;
    const pending = sending ?? this.#answered.answering;
    const exchange = pending?.exchange ?? null;
    if (pending === null || exchange === null) return;
    exchange.marks |= Mark.gap;
    this.#bodyOf(pending, exchange, sending !== null).lose(length);
  }

  /** The buffer of the request's or the response's body. */
  #bodyOf(pending: PendingExchange, exchange: Exchange, isRequest: boolean): BodyBuffer {
    const known = isRequest ? pending.requestBody : pending.responseBody;
    if (known !== null) return known;
    const body = new BodyBuffer(this.#context.bodies);
    if (isRequest) {
      pending.requestBody = body;
      exchange.request.body = body;
    } else {
      pending.responseBody = body;
      if (exchange.response !== null) exchange.response.body = body;
    }
    return body;
  }

  onMessageEnd(ending: Ending, trailers: HeaderPair[], time: number): void {
    const { sending } = this.#own;
    if (sending !== null) {
      this.#own.sending = null;
      this.#endRequest(sending, ending, trailers, time);
      return;
    }
    const { answering } = this.#answered;
    if (answering === null) return;
    this.#answered.shift();
    this.#endResponse(answering, ending, trailers, time);
  }

  #endRequest(pending: PendingExchange, ending: Ending, trailers: HeaderPair[], time: number): void {
    pending.requestEnded = true;
    const { exchange } = pending;
    if (exchange === null) return;
    exchange.request.trailers = trailers;
    exchange.requestEndTime = time;
    if (exchange.endTime < time) exchange.endTime = time;
    exchange.marks |= ENDING_MARKS[ending];
    this.#context.pending.touch(pending, time);
    if (pending.responseEnded) this.#context.pending.emit(pending, 0);
  }

  #endResponse(pending: PendingExchange, ending: Ending, trailers: HeaderPair[], time: number): void {
    pending.responseEnded = true;
    const { exchange } = pending;
    if (exchange === null) return;
    if (exchange.response !== null) exchange.response.trailers = trailers;
    exchange.endTime = time;
    exchange.marks |= ENDING_MARKS[ending];
    // A server may answer before it has received everything: the request's own end is waited for.
    if (pending.requestEnded) this.#context.pending.emit(pending, 0);
  }

  onDesync(isLoss: boolean, wasInMessage: boolean): void {
    const mark = isLoss ? Mark.gap : Mark.malformed;
    this.#own.loseRequests(wasInMessage, mark);
    this.#answered.loseResponses(mark);
  }

  onStreamEnd(cause: EndCause): void {
    this.#answered.close(END_MARKS[cause]);
  }

  onLeave(): void {
    this.#own.leaveHttp();
  }
}

/** What the way a message ended says of its exchange. */
const ENDING_MARKS = {
  [Ending.complete]: 0,
  [Ending.aborted]: Mark.aborted,
  [Ending.lost]: Mark.gap,
  [Ending.malformed]: Mark.malformed,
  [Ending.unfinished]: Mark.unfinished,
} as const;

/** What the way a stream ended says of the exchanges that waited for a response on it. */
const END_MARKS = {
  [EndCause.fin]: 0,
  [EndCause.reset]: Mark.aborted,
  [EndCause.forgotten]: Mark.unfinished,
} as const;
