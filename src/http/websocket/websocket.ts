/**
 * WebSocket on a flow that HTTP/1.1 was upgraded on (RFC 6455 §4), and on a stream of HTTP/2 (RFC 8441).
 *
 * in:  both streams of a flow behind the 101 · out: messages, to the exchange that it answers
 */

import { type Direction, EndCause, type FlowConsumer } from '../../flow/flow-consumer.js';
import type { Limits } from '../../limits.js';
import type { MemoryBudget } from '../../memory-budget.js';
import type { HeaderList } from '../header-list.js';
import type { InflateWindows } from '../inflate-windows.js';
import {
  type DetectedFlow,
  IGNORED_FLOW,
  type MidstreamWatch,
  type Opening,
  type Protocol,
  type ProtocolContext,
  Recognition,
  type UpgradedExchange,
} from '../protocol.js';
import type { MessageSplitter, MessageTaker } from '../stream-message.js';
import { JoinedSocket } from './joined-socket.js';
import { agreedDeflate, MessageInflater } from './message-inflater.js';
import { SocketSplitter } from './socket-splitter.js';
import { SocketWatch } from './socket-watch.js';

export interface SocketLimits {
  readonly limits: Pick<Limits, 'websocket_compressed_bytes_max'>;
  readonly budget: MemoryBudget;
  readonly windows: InflateWindows;
}

/**
 * What splits both directions of a WebSocket: that of the client, and that of the server. `response`: the headers that agreed to it.
 * `isPartial`: some of them are not known, so that messages may be compressed though none says so.
 */
export function openSocket(
  { limits, budget, windows }: SocketLimits,
  taker: MessageTaker,
  response: HeaderList,
  isPartial = false,
): readonly [MessageSplitter, MessageSplitter] {
  const agreed = agreedDeflate(response.getAll('sec-websocket-extensions'));
  const isUnknown = agreed === null && isPartial;
  const deflate = isUnknown ? UNKNOWN_DEFLATE : agreed;
  const context = { budget, compressedBytesMax: limits.websocket_compressed_bytes_max };
  const inflater = (keepsContext: boolean | undefined) =>
    keepsContext === undefined ? null : new MessageInflater(keepsContext, windows, isUnknown);
  return [
    new SocketSplitter(taker, true, inflater(deflate?.clientKeepsContext), context),
    new SocketSplitter(taker, false, inflater(deflate?.serverKeepsContext), context),
  ];
}

/** What is remembered does no harm where messages refer to none before them. */
const UNKNOWN_DEFLATE = { clientKeepsContext: true, serverKeepsContext: true };

export class WebSocketProtocol implements Protocol {
  readonly name = 'websocket';
  readonly counter = 'flows_websocket';
  readonly isUnmistakable = false;
  readonly #context: ProtocolContext;

  constructor(context: ProtocolContext) {
    this.#context = context;
  }

  /** Its first bytes alone say nothing without its handshake. */
  recognise(): Recognition {
    return Recognition.no;
  }

  watchMidstream(): MidstreamWatch {
    return new SocketWatch(this.#context.budget);
  }

  open({ flow }: DetectedFlow, { direction, upgrade, joined, time }: Opening): FlowConsumer {
    if (joined !== undefined) {
      const { budget } = this.#context;
      return new JoinedSocket(this.#context.openExchanges(flow, true), joined, time, budget);
    }
    const exchange = upgrade?.exchange ?? null;
    return exchange === null ? IGNORED_FLOW : new SocketFlow(this.#context, exchange, direction);
  }
}

/** What a connection takes beside what is kept of its messages. */
const CONNECTION_BYTES = 2048;

class SocketFlow implements FlowConsumer {
  readonly #exchange: UpgradedExchange;
  /** The direction that the 101 came in. */
  readonly #server: Direction;
  readonly #fromClient: MessageSplitter;
  readonly #fromServer: MessageSplitter;
  readonly #budget: MemoryBudget;
  #openSides = 2;

  constructor(context: SocketLimits, exchange: UpgradedExchange, server: Direction) {
    this.#budget = context.budget;
    this.#budget.add(CONNECTION_BYTES);
    this.#exchange = exchange;
    this.#server = server;
    [this.#fromClient, this.#fromServer] = openSocket(context, exchange.messages, exchange.response);
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    this.#from(direction).data(bytes, start, end, time);
  }

  gap(direction: Direction, length: number): void {
    this.#from(direction).gap(length);
  }

  end(direction: Direction, cause: EndCause, time: number): void {
    this.#from(direction).close();
    this.#openSides--;
    if (this.#openSides === 0) this.#budget.remove(CONNECTION_BYTES);
    // One side may still have something to say.
    if (this.#openSides === 0 || cause !== EndCause.fin) this.#exchange.end(cause, time);
  }

  #from(direction: Direction): MessageSplitter {
    return direction === this.#server ? this.#fromServer : this.#fromClient;
  }
}
