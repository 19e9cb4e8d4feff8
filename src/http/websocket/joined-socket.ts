/**
 * A WebSocket that was joined behind its handshake: an exchange of which the heads are unknown, and the messages since.
 *
 * in:  both streams of a flow · out: one exchange, on an `ExchangeSink`
 */
import { type Direction, EndCause, type FlowConsumer } from '../../flow/flow-consumer.js';
import type { MemoryBudget } from '../../memory-budget.js';
import type { ExchangeSink, StreamedExchange } from '../exchange-sink.js';
import { MessageHead } from '../message-head.js';
import { Ending } from '../message-sink.js';
import type { JoinedMiddle } from '../protocol.js';

/** What a connection takes beside what is kept of its messages. */
const CONNECTION_BYTES = 2048;
const SWITCHING_PROTOCOLS = 101;

export class JoinedSocket implements FlowConsumer {
  readonly #exchange: StreamedExchange;
  readonly #client: Direction;
  readonly #budget: MemoryBudget;
  #openSides = 2;

  constructor(exchanges: ExchangeSink, { client, segments }: JoinedMiddle, time: number, budget: MemoryBudget) {
    this.#client = client;
    this.#budget = budget;
    budget.add(CONNECTION_BYTES);
    const head = new MessageHead();
    const startTime = segments[0]?.time ?? time;
    Object.assign(head, { method: 'GET', version: '1.1', startTime, endTime: startTime });
    this.#exchange = exchanges.onRequest(head, {
      client,
      stream: 0,
      authority: null,
      scheme: 'http',
      protocol: 'websocket',
      hasUnknown: true,
      isPushed: false,
    });
    // What both sides say from now on is no request's, nor a response's.
    this.#exchange.onRequestEnd(Ending.complete, [], startTime);
    Object.assign(head, { method: '', status: SWITCHING_PROTOCOLS, leavesHttp: true });
    this.#exchange.onResponse(head);
    for (const { direction, bytes, time: at } of segments) this.data(direction, bytes, 0, bytes.length, at);
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    if (direction === this.#client) this.#exchange.onRequestBody(bytes, start, end, 0, time);
    else this.#exchange.onResponseBody(bytes, start, end, 0, time);
  }

  gap(direction: Direction, length: number): void {
    this.#exchange.onBodyLost(direction === this.#client, length);
  }

  end(_direction: Direction, cause: EndCause, time: number): void {
    this.#openSides--;
    if (this.#openSides === 0) this.#budget.remove(CONNECTION_BYTES);
    // One side may still have something to say.
    if (cause !== EndCause.fin) this.#exchange.onStreamEnd(cause);
    else if (this.#openSides === 0) this.#exchange.onResponseEnd(Ending.complete, [], time);
  }
}
