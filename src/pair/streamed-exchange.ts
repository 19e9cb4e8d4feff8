/**
 * Messages that say themselves which request they answer → exchanges: HTTP/2, whose streams are one exchange each (RFC 9113
 * §8.1). Nothing has to be found out here; what is lost of one stream is no other's.
 *
 * in:  what becomes of each stream of a flow · out: exchanges, each emitted once
 */
import { DropReason } from '../counters.js';
import type { Direction, EndCause } from '../flow/flow-consumer.js';
import type { ExchangeSink, StreamedExchange, StreamHead } from '../http/exchange-sink.js';
import { cutShort } from '../http/message-body.js';
import { isInterim, type MessageHead } from '../http/message-head.js';
import type { Ending } from '../http/message-sink.js';
import { openSocket } from '../http/websocket/websocket.js';
import type { ConversationContext } from './conversation.js';
import { type Exchange, type HeaderPair, Mark } from './exchange.js';
import {
  admitExchange,
  createExchange,
  END_MARKS,
  endRequest,
  endResponse,
  exchangeAt,
  loseBody,
  takeBody,
  takeResponse,
} from './exchange-parts.js';
import { ExchangeStream } from './exchange-stream.js';
import type { PendingExchange } from './pending-exchanges.js';
import type { FlowRoute } from './route.js';

export function openExchanges(context: ConversationContext, route: FlowRoute, isMidstream: boolean): ExchangeSink {
  let nextMarks = isMidstream ? Mark.midstream : 0;
  return {
    onRequest(head, stream) {
      let marks = nextMarks;
      nextMarks = 0;
      if (stream.isPushed) marks |= Mark.pushed;
      if (stream.hasUnknown) marks |= Mark.headersUnknown;
      if (stream.hasUnknown && head.target === '') context.counters.requests_without_path++;
      const client = route.endpoints[stream.client];
      const server = route.endpoints[otherOf(stream.client)];
      const exchange = createExchange(context, head, { route, client, server, marks });
      // One that is no stream of HTTP/2 has no number.
      if (stream.stream !== 0) exchange.stream = factsOf(stream);
      const isSocket = stream.protocol?.toLowerCase() === 'websocket';
      return new StreamExchange(context, admitExchange(context, exchange, head), isSocket);
    },
  };
}

function factsOf({ stream, authority, scheme }: StreamHead): NonNullable<Exchange['stream']> {
  return { id: stream, authority, scheme, error: null };
}

function otherOf(direction: Direction): Direction {
  return direction === 0 ? 1 : 0;
}

/** What a trailer takes beside its characters. */
const TRAILER_BYTES = 32;

class StreamExchange implements StreamedExchange {
  readonly #context: ConversationContext;
  readonly #pending: PendingExchange;
  /** Whether it asks for a WebSocket (RFC 8441 §5). */
  readonly #isSocket: boolean;

  constructor(context: ConversationContext, pending: PendingExchange, isSocket: boolean) {
    this.#isSocket = isSocket;
    this.#context = context;
    this.#pending = pending;
  }

  get isWanted(): boolean {
    return this.#pending.isKept;
  }

  onResponse(head: MessageHead): void {
    const { counters } = this.#context;
    counters.responses_seen++;
    // An interim response never answers a request (RFC 9110 §15.2).
    if (isInterim(head.status)) return;
    const pending = this.#pending;
    const exchange = exchangeAt(this.#context, pending, head.endTime);
    if (exchange === null) {
      if (pending.isKept) return;
      if (pending.isOverdue) counters.responses_late++;
      else if (pending.dropReason === DropReason.none) counters.responses_unpaired++;
      return;
    }
    takeResponse(this.#context, pending, exchange, head);
    if (this.#isSocket && head.leavesHttp) this.#openSocket(head);
  }

  #openSocket({ headers, endTime }: MessageHead): void {
    const pending = this.#pending;
    const isPartial = ((pending.exchange?.marks ?? 0) & Mark.headersUnknown) !== 0;
    pending.stream ??= new ExchangeStream(this.#context, pending, endTime);
    pending.stream.openLog();
    [pending.requestSplitter, pending.responseSplitter] = openSocket(this.#context, pending.stream, headers, isPartial);
  }

  onUnknownFields(): void {
    const { exchange } = this.#pending;
    if (exchange !== null) exchange.marks |= Mark.headersUnknown;
  }

  onRequestBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void {
    const { part } = this.#context;
    if (this.isWanted) takeBody(this.#context, this.#pending, true, part.set(bytes, start, end, expected, time));
  }

  onResponseBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void {
    const { part } = this.#context;
    if (this.isWanted) takeBody(this.#context, this.#pending, false, part.set(bytes, start, end, expected, time));
  }

  onBodyLost(isRequest: boolean, length: number): void {
    if (this.isWanted) loseBody(this.#context, this.#pending, isRequest, length);
  }

  onRequestEnd(ending: Ending, trailers: HeaderPair[], time: number): void {
    const pending = this.#pending;
    if (pending.requestEnded) return;
    this.#reserve(trailers);
    endRequest(this.#context, pending, ending, trailers, time);
    if (pending.responseEnded) this.#context.pending.emit(pending, 0);
  }

  onResponseEnd(ending: Ending, trailers: HeaderPair[], time: number): void {
    const pending = this.#pending;
    if (pending.responseEnded) return;
    this.#reserve(trailers);
    endResponse(pending, ending, trailers, time);
    // A server may answer before it has received everything: the request's own end is waited for, if it can still come.
    if (pending.requestEnded || pending.isInDoubt) this.#context.pending.emit(pending, 0);
  }

  #reserve(trailers: readonly HeaderPair[]): void {
    if (this.#pending.exchange === null) return;
    for (const [name, value] of trailers) {
      this.#context.pending.reserve(this.#pending, name.length + value.length + TRAILER_BYTES);
    }
  }

  onDoubt(): void {
    const pending = this.#pending;
    this.#context.pending.doubt(pending);
    if (pending.exchange !== null) pending.exchange.marks |= Mark.gap;
    if (pending.responseEnded) this.#context.pending.emit(pending, 0);
  }

  onAbandon(error: string | null, time: number): void {
    const pending = this.#pending;
    const { pending: exchanges } = this.#context;
    const exchange = exchangeAt(this.#context, pending, time);
    if (exchange === null || pending.responseEnded) {
      this.onAbort(error, time);
      return;
    }
    if (exchange.stream !== undefined) exchange.stream.error = error;
    exchange.endTime = time;
    exchange.marks |= Mark.aborted;
    if (!pending.requestEnded) exchange.request.body = cutShort(exchange.request.body);
    pending.requestEnded = true;
    exchanges.abandon(pending, time);
  }

  onAbort(error: string | null, time: number): void {
    const pending = this.#pending;
    const exchange = exchangeAt(this.#context, pending, time);
    if (exchange?.stream !== undefined && !pending.isAbandoned) exchange.stream.error = error;
    if (exchange !== null) exchange.endTime = time;
    this.#context.pending.emit(pending, Mark.aborted);
  }

  onStreamEnd(cause: EndCause): void {
    this.#context.pending.emit(this.#pending, END_MARKS[cause]);
  }

  onEvicted(): void {
    this.#context.pending.emit(this.#pending, Mark.unfinished);
  }
}
