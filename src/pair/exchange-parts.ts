/**
 * What becomes of the messages of an exchange, however it was found out that they belong together.
 *
 * in:  an exchange under way and what has come of it · out: the exchange, completed
 */
import { countDropped, DropReason } from '../counters.js';
import { EndCause } from '../flow/flow-consumer.js';
import { BodyBuffer } from '../http/body-buffer.js';
import type { HeaderList } from '../http/header-list.js';
import { cutShort, NO_BODY } from '../http/message-body.js';
import type { MessageHead } from '../http/message-head.js';
import { Ending } from '../http/message-sink.js';
import { type SplitterRow, splitterRow } from '../http/splitters.js';
import type { MessageSplitter } from '../http/stream-message.js';
import type { ConversationContext } from './conversation.js';
import { mayDefer, replay } from './deferred-messages.js';
import { type Endpoint, type Exchange, type HeaderPair, type HttpRequest, Mark, UNDECIDED } from './exchange.js';
import { ExchangeStream } from './exchange-stream.js';
import { EXCHANGE_BYTES, PendingExchange } from './pending-exchanges.js';
import type { Route } from './route.js';

/** Bits of `PendingExchange.deferred`. */
const DEFERRED_REQUEST = 1;
const DEFERRED_RESPONSE = 2;

/** Until a message has ended. */
const NO_TRAILERS: HeaderPair[] = [];

/** Between whom an exchange goes, and what is known of it before its first byte. */
export interface ExchangeParties {
  readonly route: Route;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly marks: number;
}

/** A request's head is complete. */
export function createExchange(context: ConversationContext, head: MessageHead, parties: ExchangeParties): Exchange {
  context.counters.requests_seen++;
  context.counters.exchanges_seen++;
  const { method, target, headers } = head;
  return {
    route: parties.route,
    client: parties.client,
    server: parties.server,
    protocol: head.version,
    position: head.position,
    timeBaseSeconds: context.timeBaseSeconds + parties.route.secondsAhead,
    startTime: head.startTime,
    requestEndTime: head.endTime,
    responseStartTime: -1,
    endTime: head.endTime,
    request: { method, target, headers, body: NO_BODY, trailers: NO_TRAILERS },
    response: null,
    marks: parties.marks | marksOf(head),
    dropReason: DropReason.none,
    context: null,
    permit: null,
    standsFor: 1,
    hop: null,
  };
}

/** Asks whether the exchange is to be kept, and keeps it among those under way if it is. */
export function admitExchange(context: ConversationContext, exchange: Exchange, head: MessageHead): PendingExchange {
  const { counters, hooks, pending: exchanges } = context;
  const verdict = hooks.admit(exchange);
  const reason = verdict === UNDECIDED ? DropReason.none : verdict;
  const pending = new PendingExchange(exchange, reason, head);
  pending.isUndecided = verdict === UNDECIDED;
  if (reason !== DropReason.none) {
    exchange.dropReason = reason;
    countDropped(counters, reason);
  } else {
    exchanges.reserve(pending, EXCHANGE_BYTES + head.target.length + bytesOf(head.headers));
    exchanges.append(pending);
    const { method, headers, isOpenEnded } = head;
    if (method !== 'GET') split(context, pending, { headers, isOpenEnded, isRequest: true }, head.endTime);
  }
  return pending;
}

/** The head of its final response is complete. */
export function takeResponse(
  context: ConversationContext,
  pending: PendingExchange,
  exchange: Exchange,
  head: MessageHead,
): void {
  const { status, reason, version, headers } = head;
  const { pending: exchanges } = context;
  exchanges.reserve(pending, bytesOf(headers));
  exchange.marks |= marksOf(head);
  if (head.leavesHttp) exchange.marks |= Mark.upgraded;
  if (!pending.requestEnded) exchange.marks |= Mark.earlyResponse;
  exchange.responseStartTime = head.startTime;
  pending.responsePosition = head.position;
  exchange.endTime = head.endTime;
  exchange.response = { status, reason, version, headers, body: NO_BODY, trailers: NO_TRAILERS };
  exchanges.touch(pending, head.endTime);
  split(context, pending, { headers, isOpenEnded: head.isOpenEnded, isRequest: false }, head.endTime);
  if (head.isOpenEnded && pending.stream === null) {
    pending.streamsFrom = head.endTime + context.limits.stream_window_nanos;
  }
}

interface SplitMessage {
  readonly headers: HeaderList;
  readonly isOpenEnded: boolean;
  readonly isRequest: boolean;
}

/** Has a body split into messages, where it is of that kind. */
function split(
  context: ConversationContext,
  pending: PendingExchange,
  { headers, isOpenEnded, isRequest }: SplitMessage,
  time: number,
): void {
  const row = splitterRow(headers, isOpenEnded);
  if (row === null) return;
  if (row.isDeferred && isRequest) context.counters.grpc_calls++;
  if (row.isDeferred && pending.stream === null && pending.exchange !== null) {
    if (pending.deferred === 0) pending.deferredUntil = time + context.limits.stream_window_nanos;
    pending.deferred |= isRequest ? DEFERRED_REQUEST : DEFERRED_RESPONSE;
    pending.exchange.unsplit = context.limits;
    return;
  }
  openSplitter(context, pending, { row, headers, isRequest }, time);
}

/** Splits the bodies of `pending` from here on, and what has come of them. */
export function openDeferred(context: ConversationContext, pending: PendingExchange, time: number): void {
  const { deferred, exchange } = pending;
  pending.deferred = 0;
  pending.deferredUntil = Number.POSITIVE_INFINITY;
  if (exchange === null || deferred === 0) return;
  delete exchange.unsplit;
  const { request, response } = exchange;
  if ((deferred & DEFERRED_REQUEST) !== 0) openReplayed(context, pending, request, { isRequest: true, time });
  if ((deferred & DEFERRED_RESPONSE) !== 0 && response !== null)
    openReplayed(context, pending, response, { isRequest: false, time });
  exchange.messages?.sort();
}

function openReplayed(
  context: ConversationContext,
  pending: PendingExchange,
  { headers, body }: Pick<HttpRequest, 'headers' | 'body'>,
  { isRequest, time }: { isRequest: boolean; time: number },
): void {
  const row = splitterRow(headers, true);
  if (row === null) return;
  const splitter = openSplitter(context, pending, { row, headers, isRequest }, time);
  replay(body, splitter);
}

interface OpenedBody {
  readonly row: SplitterRow;
  readonly headers: HeaderList;
  readonly isRequest: boolean;
}

function openSplitter(
  context: ConversationContext,
  pending: PendingExchange,
  { row, headers, isRequest }: OpenedBody,
  time: number,
): MessageSplitter {
  pending.stream ??= new ExchangeStream(context, pending, time);
  pending.stream.openLog();
  const splitter = row.open(pending.stream, isRequest, {
    headers,
    budget: context.budget,
    windows: context.windows,
    trailerBytesMax: context.limits.trailer_bytes_max,
    onTrailers: (trailers) => {
      if (!isRequest) pending.bodyTrailers = trailers;
    },
  });
  if (isRequest) pending.requestSplitter = splitter;
  else pending.responseSplitter = splitter;
  return splitter;
}

/** What something that comes at `time` belongs to; null where nothing is kept of it. */
export function exchangeAt(context: ConversationContext, pending: PendingExchange, time: number): Exchange | null {
  if (pending.deferred !== 0 && time >= pending.deferredUntil) {
    openDeferred(context, pending, time);
    pending.stream?.cut();
  }
  if (pending.stream !== null) return pending.stream.resumed(time);
  if (time < pending.streamsFrom || pending.exchange === null) return pending.exchange;
  pending.stream = new ExchangeStream(context, pending, time);
  pending.stream.cut();
  return pending.stream.resumed(time);
}

/** Where a part of a body lies, `bytes[start, end)`, as in `MessageSink.onBody`; one object for all of them. */
export class BodyPart {
  bytes: Buffer = NO_BYTES;
  start = 0;
  end = 0;
  expected = 0;
  time = 0;

  set(bytes: Buffer, start: number, end: number, expected: number, time: number): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.expected = expected;
    this.time = time;
    return this;
  }
}

const NO_BYTES = Buffer.alloc(0);

/** Keeps a part of a body, or counts it. */
export function takeBody(
  context: ConversationContext,
  pending: PendingExchange,
  isRequest: boolean,
  part: BodyPart,
): void {
  const { bytes, start, end, expected, time } = part;
  const isDeferred = waits(context, pending, isRequest, part);
  // First, as a message may begin a window. Of one that was dropped too: the next one begins in the middle of it.
  (isRequest ? pending.requestSplitter : pending.responseSplitter)?.data(bytes, start, end, time);
  const exchange = pending.stream === null ? exchangeAt(context, pending, time) : pending.stream.withBody(time);
  if (exchange !== null) {
    const body = bodyOf(context, pending, exchange, isRequest);
    // What a tunnel carries is counted, not kept.
    if ((exchange.marks & Mark.upgraded) === 0 && pending.stream?.isLater !== true) {
      body.append(bytes, start, end, expected);
      if (isDeferred) body.note(time);
    } else {
      body.lose(end - start);
    }
    if (!isRequest || exchange.response === null) exchange.endTime = time;
    if (isRequest && pending.isUndecided) context.pending.decideByBody(pending);
    context.pending.touch(pending, time);
  }
}

/** Whether a part of a body is only kept, and split into messages later; if not, what was kept before is split now. */
function waits(context: ConversationContext, pending: PendingExchange, isRequest: boolean, part: BodyPart): boolean {
  if (pending.deferred === 0) return false;
  const { start, end, time } = part;
  const body = isRequest ? pending.requestBody : pending.responseBody;
  if (time >= pending.deferredUntil || !mayDefer(body ?? NO_BODY, end - start, context.limits.body_bytes_max)) {
    const isOver = time >= pending.deferredUntil;
    openDeferred(context, pending, time);
    if (isOver) pending.stream?.cut();
    return false;
  }
  return (pending.deferred & (isRequest ? DEFERRED_REQUEST : DEFERRED_RESPONSE)) !== 0;
}

/** Bytes of a body that the capture lost; 0 where nobody knows how many. */
export function loseBody(
  context: ConversationContext,
  pending: PendingExchange,
  isRequest: boolean,
  length: number,
): void {
  if (pending.deferred !== 0) openDeferred(context, pending, pending.lastActive);
  const { exchange } = pending;
  if (exchange !== null) {
    exchange.marks |= Mark.gap;
    bodyOf(context, pending, exchange, isRequest).lose(length);
  } else pending.stream?.noteGap();
  (isRequest ? pending.requestSplitter : pending.responseSplitter)?.gap(length);
}

/** The buffer of the request's or the response's body. */
function bodyOf(
  { bodies }: ConversationContext,
  pending: PendingExchange,
  exchange: Exchange,
  isRequest: boolean,
): BodyBuffer {
  const known = isRequest ? pending.requestBody : pending.responseBody;
  if (known !== null) return known;
  const body = new BodyBuffer(bodies);
  if (isRequest) {
    pending.requestBody = body;
    exchange.request.body = body;
  } else {
    pending.responseBody = body;
    if (exchange.response !== null) exchange.response.body = body;
  }
  return body;
}

export function endRequest(
  { pending: exchanges }: ConversationContext,
  pending: PendingExchange,
  ending: Ending,
  trailers: HeaderPair[],
  time: number,
): void {
  pending.requestSplitter?.finish(time);
  pending.requestEnded = true;
  const { exchange } = pending;
  if (exchange === null) return;
  exchange.request.trailers = trailers;
  exchange.requestEndTime = time;
  if (exchange.response === null && exchange.endTime < time) exchange.endTime = time;
  exchange.marks |= ENDING_MARKS[ending];
  if (isCut(ending)) exchange.request.body = cutShort(exchange.request.body);
  if (pending.isUndecided && !exchanges.decide(pending)) return;
  exchanges.touch(pending, time);
}

export function endResponse(pending: PendingExchange, ending: Ending, trailers: HeaderPair[], time: number): void {
  // The last window of a stream tells of its end, whatever else came in it.
  pending.stream?.resumed(time);
  if (ending === Ending.complete) pending.responseSplitter?.finish(time);
  pending.responseEnded = true;
  const { exchange } = pending;
  if (exchange === null) return;
  if (exchange.response !== null) {
    const { bodyTrailers } = pending;
    exchange.response.trailers = bodyTrailers.length === 0 ? trailers : [...trailers, ...bodyTrailers];
    if (isCut(ending)) exchange.response.body = cutShort(exchange.response.body);
  }
  exchange.endTime = time;
  exchange.marks |= ENDING_MARKS[ending];
}

/** The response was another's; its own is missing. */
export function takeBackResponse(pending: PendingExchange | null): void {
  const exchange = pending?.exchange;
  if (exchange == null) return;
  exchange.marks |= Mark.gap;
  exchange.response = null;
  exchange.responseStartTime = -1;
  exchange.endTime = exchange.requestEndTime;
}

/** What a message's head says of its exchange. */
function marksOf({ malformed, isTooLarge, isAfterLoss }: MessageHead): number {
  let marks = 0;
  if (malformed) marks |= Mark.malformed;
  if (isTooLarge) marks |= Mark.headTooLarge;
  if (isAfterLoss) marks |= Mark.gap;
  return marks;
}

/** What a list takes: its text, and the places or pointers of each header. */
function bytesOf(headers: HeaderList): number {
  return headers.textLength + 32 * headers.size;
}

/** What the way a message ended says of its exchange. */
const ENDING_MARKS = {
  [Ending.complete]: 0,
  [Ending.aborted]: Mark.aborted,
  [Ending.lost]: Mark.gap,
  [Ending.malformed]: Mark.malformed,
  [Ending.unfinished]: Mark.unfinished,
  [Ending.unframed]: Mark.malformed,
} as const;

/** Whether some of the message's body is missing, and it would not show. */
function isCut(ending: Ending): boolean {
  return ending === Ending.unfinished || ending === Ending.malformed;
}

/** What the way a stream ended says of the exchanges that waited for a response on it. */
export const END_MARKS = {
  [EndCause.fin]: 0,
  [EndCause.reset]: Mark.aborted,
  [EndCause.forgotten]: Mark.unfinished,
} as const;
