/**
 * An exchange that goes on after its heads, as a stream of messages or a body without end: told of in windows, the first when it
 * has lasted for one, and later ones when something comes.
 *
 * in:  messages, and the time of whatever else comes · out: each window once as an exchange, all but the last marked `continues`
 *
 * A window holds what came in it, and nothing of the others: heads are those of the stream, bodies are kept of the first alone,
 * as what begins in the middle cannot be searched for secrets. Each later one asks policy anew.
 */
import { countDropped, DropReason } from '../counters.js';
import { NO_BODY } from '../http/message-body.js';
import type { MessageKind, MessageTaker, StreamMessage } from '../http/stream-message.js';
import type { ConversationContext } from './conversation.js';
import { type Exchange, type HeaderPair, Mark, UNDECIDED } from './exchange.js';
import { MessageLog } from './message-log.js';
import { EXCHANGE_BYTES, type PendingExchange } from './pending-exchanges.js';

/** What counts each kind of messages; control frames are none. */
const COUNTERS: Readonly<Partial<Record<MessageKind, MessageCounter>>> = {
  text: 'messages_websocket',
  binary: 'messages_websocket',
  event: 'messages_events',
  line: 'messages_lines',
  message: 'messages_rpc',
};
type MessageCounter = 'messages_websocket' | 'messages_events' | 'messages_lines' | 'messages_rpc';

const NO_TRAILERS: HeaderPair[] = [];
/** What holds for a stream as a whole. */
const LASTING_MARKS = Mark.midstream | Mark.upgraded | Mark.pushed | Mark.headersUnknown;

export class ExchangeStream implements MessageTaker {
  readonly #context: ConversationContext;
  readonly #pending: PendingExchange;
  /** When the window that is open ends. Later windows end later, so that those in a row are in order. */
  until: number;
  /** What later windows are made of; null in the first. */
  #model: Exchange | null = null;
  #modelBytes = 0;
  /** Whether it is split into messages: then each window has a log of them, and be it empty. */
  #hasMessages = false;
  /** Whether policy dropped the window that is open. */
  #isDropped = false;
  /** What was lost since the last window: the next one tells of it. */
  #missed = { marks: 0, request: 0, response: 0 };

  /** The exchange is under way at `time`. */
  constructor(context: ConversationContext, pending: PendingExchange, time: number) {
    this.#context = context;
    this.#pending = pending;
    this.until = time + context.limits.stream_window_nanos;
    context.pending.streams.add(this);
  }

  // --- MessageTaker

  room(isRequest: boolean, time: number): number {
    const exchange = this.underway(time);
    if (exchange !== null) return exchange.messages?.room(isRequest) ?? 0;
    // The message begins the next window, if it is one.
    const { stream_messages_max, stream_message_bytes_max } = this.#context.limits;
    return this.#isDropped || stream_messages_max === 0 ? 0 : stream_message_bytes_max;
  }

  take(message: StreamMessage): void {
    const { time, kind } = message;
    // That both sides still live is nothing to begin a window for.
    const isHeartbeat = kind === 'ping' || kind === 'pong';
    const exchange = isHeartbeat ? this.underway(time) : this.resumed(time);
    if (exchange === null) return;
    exchange.messages?.take(message);
    const counter = COUNTERS[kind];
    if (counter !== undefined) this.#context.counters[counter]++;
    // Messages of a body that was kept until now are earlier than what has come since.
    if (exchange.endTime < time) exchange.endTime = time;
    this.#context.pending.touch(this.#pending, time);
  }

  lose(isRequest: boolean, bytes: number, why?: 'gap' | 'malformed'): void {
    const { exchange } = this.#pending;
    const marks = why === undefined ? 0 : Mark[why];
    if (exchange === null) {
      this.#missed[isRequest ? 'request' : 'response'] += bytes;
      this.#missed.marks |= marks;
      return;
    }
    exchange.messages?.lose(isRequest, bytes);
    exchange.marks |= marks;
  }

  // ---

  /** Bytes of a body were lost while no window was open. */
  noteGap(): void {
    this.#missed.marks |= Mark.gap;
  }

  /** Its bodies are split into messages. */
  openLog(): void {
    this.#hasMessages = true;
    const { exchange } = this.#pending;
    if (exchange !== null) exchange.messages ??= new MessageLog(this.#context.limits, this.#context.budget);
  }

  /** Whether this is a later window, of which no body is kept. */
  get isLater(): boolean {
    return this.#model !== null;
  }

  /** The window that is open at `time`; null where none is, or nothing is kept of it. */
  underway(time: number): Exchange | null {
    if (time >= this.until) this.cut();
    return this.#pending.exchange;
  }

  /** The same; where none is open, the next one begins. */
  resumed(time: number): Exchange | null {
    const exchange = this.underway(time);
    return exchange === null && !this.#isDropped ? this.#begin(time) : exchange;
  }

  /** What bytes of a body that come at `time` belong to. They begin no window where messages do. */
  withBody(time: number): Exchange | null {
    return this.#hasMessages ? this.underway(time) : this.resumed(time);
  }

  /** The window that is open is over, and the stream goes on. */
  cut(): void {
    const { pending } = this.#context;
    pending.streams.delete(this);
    this.until = Number.POSITIVE_INFINITY;
    this.#isDropped = false;
    const { exchange, requestEnded, responseEnded, isUpgraded } = this.#pending;
    // One that has ended only waits to be emitted.
    if (exchange === null || (requestEnded && responseEnded && !isUpgraded)) return;
    exchange.window ??= { index: 0, span: { id: null } };
    this.#keep(exchange);
    pending.emitWindow(this.#pending);
  }

  /** The exchange has been emitted for good. */
  release(): void {
    this.#context.pending.streams.delete(this);
    this.#context.budget.remove(this.#modelBytes);
    this.#modelBytes = 0;
    this.#isDropped = true;
    this.until = Number.POSITIVE_INFINITY;
  }

  /** A window ends: its heads are those of the next one too. */
  #keep(exchange: Exchange): void {
    const { request, response } = exchange;
    const heads = request.target.length + request.headers.textLength + (response?.headers.textLength ?? 0);
    this.#context.budget.remove(this.#modelBytes);
    this.#modelBytes = EXCHANGE_BYTES + heads;
    this.#context.budget.add(this.#modelBytes);
    this.#model = { ...exchange, ...withoutContents(exchange), permit: null, standsFor: 1, hop: null };
    delete this.#model.messages;
  }

  /** The next window, which begins with what comes at `time`. */
  #begin(time: number): Exchange | null {
    const { counters, hooks, limits, pending } = this.#context;
    const last = this.#model;
    if (last === null) return null;
    const exchange: Exchange = {
      ...last,
      ...withoutContents(last),
      startTime: time,
      requestEndTime: time,
      responseStartTime: last.response === null ? -1 : time,
      endTime: time,
      marks: (last.marks & LASTING_MARKS) | this.#missed.marks,
      dropReason: DropReason.none,
      window: { index: (last.window?.index ?? 0) + 1, span: last.window?.span ?? { id: null } },
    };
    if (last.stream !== undefined) exchange.stream = { ...last.stream };
    const missed = this.#missed;
    this.#missed = { marks: 0, request: 0, response: 0 };
    this.until = time + limits.stream_window_nanos;
    pending.streams.add(this);
    counters.exchanges_seen++;
    counters.stream_windows++;
    const verdict = hooks.admit(exchange);
    const reason = verdict === UNDECIDED ? DropReason.none : verdict;
    this.#pending.isUndecided = verdict === UNDECIDED;
    if (reason !== DropReason.none) {
      countDropped(counters, reason);
      this.#isDropped = true;
      return null;
    }
    pending.resume(this.#pending, exchange, time);
    pending.reserve(this.#pending, EXCHANGE_BYTES);
    if (this.#hasMessages) this.openLog();
    exchange.messages?.lose(true, missed.request);
    exchange.messages?.lose(false, missed.response);
    return exchange;
  }
}

function withoutContents({ request, response }: Exchange): Pick<Exchange, 'request' | 'response'> {
  const none = { body: NO_BODY, trailers: NO_TRAILERS };
  return { request: { ...request, ...none }, response: response === null ? null : { ...response, ...none } };
}
