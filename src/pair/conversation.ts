/**
 * One flow's messages → exchanges: first in, first out (RFC 9112 §9.3.2).
 *
 * in:  the messages of both directions of a flow · out: exchanges, each emitted once
 *
 * Either side may be the client: its requests wait in its `Lane`, and the responses of the other side are matched with
 * the first of them. What a lane cannot pair with certainty stays unpaired and is marked.
 */
import { type Counters, DropReason } from '../counters.js';
import { type Direction, EndCause } from '../flow/flow-consumer.js';
import type { BodyMemory } from '../http/body-buffer.js';
import type { HeaderList } from '../http/header-list.js';
import type { InflateWindows } from '../http/inflate-windows.js';
import { isInterim, MessageHead } from '../http/message-head.js';
import type { BelievedPair, Certainty, Ending, MessageSink, SegmentStart } from '../http/message-sink.js';
import type { Upgrade, UpgradedExchange } from '../http/protocol.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';
import { type Endpoint, type Exchange, type HeaderPair, Mark, type UNDECIDED } from './exchange.js';
import {
  admitExchange,
  type BodyPart,
  createExchange,
  END_MARKS,
  endRequest,
  endResponse,
  loseBody,
  takeBody,
  takeResponse,
} from './exchange-parts.js';
import { ExchangeStream } from './exchange-stream.js';
import { Lane } from './lane.js';
import type { PendingExchange, PendingExchanges } from './pending-exchanges.js';
import type { FlowRoute, Route } from './route.js';

/** The stages behind. */
export interface ExchangeHooks {
  /** A request's head is complete: should its exchange be kept? Called once for each exchange. */
  admit(exchange: Exchange): DropReason | typeof UNDECIDED;
  /** The same where that was undecided, and the request's body has come, or enough of it. Absent where nothing is undecided. */
  decide?(exchange: Exchange): DropReason;
  /** An exchange that was kept is as complete as it will get. */
  complete(exchange: Exchange): void;
}

/** What all conversations share. */
export interface ConversationContext {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly budget: MemoryBudget;
  readonly bodies: BodyMemory;
  readonly windows: InflateWindows;
  readonly hooks: Pick<ExchangeHooks, 'admit'>;
  readonly pending: PendingExchanges;
  /** Written anew for each part of a body. */
  readonly part: BodyPart;
  timeBaseSeconds: number;
}

/** What the two sides of a connection share. */
interface Connection {
  readonly context: ConversationContext;
  readonly route: Route;
  /** Marks for the next exchange to begin, whoever begins it. */
  nextMarks: number;
  /** The one that got them, which the connection does not keep: it may last for days. */
  first: WeakRef<Exchange> | null;
}

/** A flow that may have been joined in the middle. */
interface JoinedFlow {
  readonly midstream: boolean;
  /** Called when it shows that it was not, only that its SYN was late. */
  onBeginning: (() => void) | null;
  /** Called when it shows that other bytes of a direction were under way in front of the first that came. */
  onWithin: ((direction: Direction) => void) | null;
}

/** The sinks of the messages that endpoint 0 and endpoint 1 of a flow send. */
export function openConversation(
  context: ConversationContext,
  flow: JoinedFlow,
  route: FlowRoute,
): readonly [MessageSink, MessageSink] {
  const [endpoint0, endpoint1] = route.endpoints;
  const { midstream } = flow;
  const connection: Connection = { context, route, nextMarks: midstream ? Mark.midstream : 0, first: null };
  const side0 = new Side(connection, endpoint0, endpoint1);
  const side1 = new Side(connection, endpoint1, endpoint0);
  Side.join(side0, side1);
  if (midstream) {
    const lanes = [side0.openLane(true), side1.openLane(true)];
    flow.onBeginning = () => {
      const first = connection.first?.deref();
      if (first !== undefined) first.marks &= ~Mark.midstream;
      if (connection.first === null) connection.nextMarks = 0;
      for (const lane of lanes) lane.noteBeginning();
    };
    flow.onWithin = (direction) => lanes[direction]?.noteWithin();
  }
  return [side0, side1];
}

/** What one endpoint sends: requests of its own, and responses to the requests of its peer. */
class Side implements MessageSink {
  readonly #connection: Connection;
  readonly #context: ConversationContext;
  readonly #endpoint: Endpoint;
  readonly #peer: Endpoint;
  /** What the peer sends. */
  #other: Side = this;
  /** The requests of this side; null before the first: nearly always one side alone sends any. */
  #own: Lane | null = null;
  /** The requests of the peer, which this side answers; null before the first. */
  #answered: Lane | null = null;
  /** How the stream of the peer's responses ended that answered no request; null while it goes on. */
  #closed: { readonly mark: number; readonly isLacking: boolean } | null = null;
  #upgrade: Upgrade | null = null;
  /** Responses of this side that were paired with nothing. */
  #unpaired = 0;

  constructor(connection: Connection, endpoint: Endpoint, peer: Endpoint) {
    this.#connection = connection;
    this.#context = connection.context;
    this.#endpoint = endpoint;
    this.#peer = peer;
  }

  /** Each sends what the other one answers. */
  static join(one: Side, other: Side): void {
    one.#other = other;
    other.#other = one;
  }

  /** The lane for the requests of this side, which is made when it is needed. */
  openLane(isMidstream = false): Lane {
    if (this.#own !== null) return this.#own;
    const lane = new Lane(this.#context, isMidstream);
    this.#own = lane;
    this.#other.#answered = lane;
    if (this.#closed !== null) lane.close(this.#closed.mark, this.#closed.isLacking);
    return lane;
  }

  onRequest(head: MessageHead): boolean {
    const connection = this.#connection;
    const lane = this.#own ?? this.openLane();
    const { isSettling } = lane.deferral;
    const isDoubtful = !isSettling && lane.arrive(head);
    let marks = connection.nextMarks;
    connection.nextMarks = 0;
    if (isDoubtful) marks |= Mark.gap;
    const exchange = createExchange(this.#context, head, {
      route: connection.route,
      client: this.#endpoint,
      server: this.#peer,
      marks,
    });
    if ((marks & Mark.midstream) !== 0) connection.first = new WeakRef(exchange);
    const pending = admitExchange(this.#context, exchange, head);
    if (!isSettling) {
      lane.join(pending);
      pending.isRefuted ||= pending.isFound && this.#isAsked;
      return lane.isTurn(head);
    }
    lane.sending = pending;
    lane.deferral.join(pending);
    return false;
  }

  awaitedMethod(head: MessageHead): string {
    return this.#answeredBy(head)?.method ?? '';
  }

  #answeredBy(head: MessageHead): PendingExchange | undefined {
    const lane = this.#answered;
    if (lane === null) return undefined;
    return lane.deferral.isSettling ? lane.first : lane.answeredBy(head);
  }

  awaitsSimple(): boolean {
    return this.#answered?.first?.isSimple ?? false;
  }

  wantsResponse(head: MessageHead): boolean {
    const pending = this.#answeredBy(head);
    return pending !== undefined && (pending.exchange !== null || head.status === 101);
  }

  onResponse(head: MessageHead): void {
    const { counters } = this.#context;
    const lane = this.#answered ?? this.#other.openLane();
    if (!lane.deferral.isSettling || lane.deferral.isDeferred) counters.responses_seen++;
    else if (this.#unpaired > 0 && !isInterim(head.status)) {
      // It was read before, and found no request.
      this.#unpaired--;
      counters.responses_unpaired--;
    }
    // An interim response never answers a request (RFC 9110 §15.2).
    if (isInterim(head.status)) {
      lane.trust.noteInterim();
      return;
    }
    const pending = this.#answeredBy(head);
    if (pending === undefined) {
      counters.responses_unpaired++;
      this.#unpaired++;
      lane.noteOrphan(head);
      this.#own?.noteAnswering(head.position);
      return;
    }
    lane.answering = pending;
    pending.isLast = head.endsWithStream;
    const { exchange } = pending;
    if (head.status === 101) this.#upgrade = upgradeOf(head, exchange);
    const socket = exchange !== null && this.#upgrade !== null && isWebSocket(this.#upgrade, exchange);
    if (exchange === null) {
      // A dropped exchange's response is read for its framing only; a late one is of no more use.
      if (pending.isOverdue) counters.responses_late++;
      else if (pending.dropReason === DropReason.none) counters.responses_unpaired++;
      return;
    }
    takeResponse(this.#context, pending, exchange, head);
    if (socket && this.#upgrade !== null) {
      this.#upgrade = { ...this.#upgrade, exchange: new UpgradedConversation(this.#context, pending, head) };
    }
  }

  onBody(bytes: Buffer, start: number, end: number, expected: number, time: number): void {
    const sending = this.#own === null ? null : this.#own.sending;
    const pending = sending ?? this.#answered?.answering ?? null;
    if (pending === null || !pending.isKept) return;
    takeBody(this.#context, pending, sending !== null, this.#context.part.set(bytes, start, end, expected, time));
  }

  onBodyLost(length: number): void {
    const sending = this.#own === null ? null : this.#own.sending;
    const pending = sending ?? this.#answered?.answering ?? null;
    if (pending?.isKept === true) loseBody(this.#context, pending, sending !== null, length);
  }

  onMessageEnd(ending: Ending, trailers: HeaderPair[], time: number, place: number): void {
    const own = this.#own;
    const sending = own === null ? null : own.sending;
    if (own !== null && sending !== null) {
      own.sending = null;
      endRequest(this.#context, sending, ending, trailers, time);
      if (sending.responseEnded && sending.isKept && !sending.isUpgraded) own.finish(sending);
      return;
    }
    const lane = this.#answered;
    if (lane === null) return;
    const { answering } = lane;
    if (answering === null) {
      lane.endOrphan(place);
      return;
    }
    lane.shift(place);
    answering.responseEnded = true;
    lane.noteCut(answering, ending);
    endResponse(answering, ending, trailers, time);
    // A server may answer before it has received everything: the request's own end is waited for.
    if (answering.requestEnded && answering.isKept && !answering.isUpgraded) lane.finish(answering);
  }

  onDesync(isLoss: boolean, wasInMessage: boolean, place: number, isCut: boolean, lost = Infinity): void {
    this.openLane().loseRequests(isLoss, wasInMessage, place, isCut);
    this.#other.openLane().loseResponses(isLoss, wasInMessage ? Infinity : place, isCut, lost);
  }

  onUnread(acknowledges: number): void {
    this.#answered?.noteUnread(acknowledges);
  }

  get doubtsRequests(): boolean {
    return this.#own !== null && !this.#own.trust.isGiven;
  }

  /** Whether the other side has sent requests: a side that is asked asks nothing. */
  get #isAsked(): boolean {
    return this.#answered?.trust.hasAsked ?? false;
  }

  mayBegin(start: SegmentStart): boolean {
    return !this.#isAsked && (this.#own?.mayBegin(start) ?? false);
  }

  mayLeaveOutBody(acknowledges: number): boolean | null {
    return this.#own === null ? false : this.#own.mayLeaveOutBody(acknowledges);
  }

  get isDeferred(): boolean {
    return this.#own?.deferral.isDeferred ?? false;
  }

  get underWayMax(): number {
    return this.openLane().underWayMax;
  }

  get mayBeSingle(): boolean {
    return this.openLane().turns.mayBeSingle;
  }

  awaited(): readonly PendingExchange[] {
    return this.openLane().deferral.line;
  }

  settle(isSettling: boolean): void {
    const lane = this.openLane();
    lane.deferral.settle(lane, isSettling);
  }

  passOver(left: number): void {
    this.openLane().deferral.passOver(left);
  }

  withhold(): void {
    this.openLane().deferral.withhold();
  }

  get certainty(): Certainty {
    return this.#own?.certainty ?? 'whole';
  }

  get isLacking(): boolean {
    return this.#own?.deferral.isLacking ?? false;
  }

  believed(): readonly BelievedPair[] {
    return this.#own?.deferral.believed() ?? [];
  }

  release(): void {
    if (this.#own === null) return;
    const { trust, deferral } = this.#own;
    // Where both sides may have asked, or one has answered, text in a body is what nobody answers.
    const mayBeAsked = trust.hasAnswered || this.#answered?.trust.hasNoted === true;
    if (!trust.hasAsked && mayBeAsked) deferral.refuteUnanswered();
    deferral.release(this.#isAsked, trust.unpreceded);
  }

  get withheld(): number {
    return this.#own?.deferral.withheld ?? 0;
  }

  withdraw(place: number): boolean {
    const marks = this.openLane().deferral.withdraw(place);
    if (marks > 0) this.#connection.nextMarks |= marks;
    return marks >= 0;
  }

  refute(places: ReadonlySet<number>): void {
    this.#own?.deferral.refute(places);
  }

  upgrade(): Upgrade | null {
    return this.#upgrade;
  }

  onStreamEnd(cause: EndCause, isLacking: boolean): void {
    const mark = END_MARKS[cause];
    if (this.#answered === null) this.#other.#closed = { mark, isLacking };
    else this.#answered.close(mark, isLacking);
  }

  onLeave(): void {
    const own = this.#own;
    if (own === null) return;
    const { sending } = own;
    own.leaveHttp();
    // One that has its response, and whose request had not ended.
    if (sending !== null) this.#context.pending.emit(sending, 0);
  }
}

/** What the 101 in `head` leaves to the next protocol: the request that it answers, whose answer is still to come. */
function upgradeOf({ headers }: MessageHead, exchange: Exchange | null): Upgrade | null {
  const to = headers.get('upgrade')?.trim().toLowerCase();
  if (to === undefined) return null;
  if (exchange === null) return { to, request: null, exchange: null };
  const { method, target, headers: sent } = exchange.request;
  const { startTime, requestEndTime: endTime } = exchange;
  return {
    to,
    request: Object.assign(new MessageHead(), { method, target, headers: sent, startTime, endTime, version: '2' }),
    exchange: null,
  };
}

/** Whether both sides say so: a 101 that was paired with another's request would be a lie. */
function isWebSocket({ to }: Upgrade, { request }: Exchange): boolean {
  return to === 'websocket' && /^\s*websocket\s*$/i.test(request.headers.get('upgrade') ?? '');
}

/** An exchange whose connection is its own from here on. */
class UpgradedConversation implements UpgradedExchange {
  readonly messages: ExchangeStream;
  readonly response: HeaderList;
  readonly #context: ConversationContext;
  readonly #pending: PendingExchange;

  constructor(context: ConversationContext, pending: PendingExchange, { headers, endTime }: MessageHead) {
    this.#context = context;
    this.#pending = pending;
    this.response = headers;
    pending.isUpgraded = true;
    pending.stream ??= new ExchangeStream(context, pending, endTime);
    this.messages = pending.stream;
    this.messages.openLog();
  }

  end(cause: EndCause, time: number): void {
    // The last window tells of the end, whatever else came in it; of one that nobody waited for, nothing.
    const exchange = cause === EndCause.forgotten ? this.messages.underway(time) : this.messages.resumed(time);
    if (exchange !== null && cause !== EndCause.forgotten) exchange.endTime = time;
    this.#context.pending.emit(this.#pending, END_MARKS[cause]);
  }
}
