/**
 * What a lane leaves to be decided when more is known: which response answers which request, after a loss where turns
 * overlap, and, of a connection that was joined in the middle, whether what it has read were requests at all.
 *
 * in:  the lane's line, and exchanges as they begin and end · out: the same, told of, read again or dropped
 */
import { DropReason } from '../counters.js';
import type { HeaderList } from '../http/header-list.js';
import type { BelievedPair } from '../http/message-sink.js';
import type { MemoryBudget } from '../memory-budget.js';
import { type Exchange, Mark } from './exchange.js';
import { areAlike, mayBeText } from './likeness.js';
import { type PendingExchange, type PendingExchanges, PLACE_BYTES } from './pending-exchanges.js';
import { UnderWay } from './under-way.js';

/** What lanes work with. */
export interface LaneContext {
  readonly budget: MemoryBudget;
  readonly pending: PendingExchanges;
  readonly limits: { readonly pipeline_requests_max: number };
}

/** Of lanes that withhold nothing, as nearly all do. */
const NOTHING = new Map<PendingExchange, Exchange>();
const NOWHERE: ReadonlySet<number> = new Set();

/** The one whose request is being read, and the one whose response is. */
interface UnderWayNow {
  sending: PendingExchange | null;
  answering: PendingExchange | null;
}

export class Deferral {
  /** See `MessageSink.isDeferred` and `MessageSink.settle`. */
  isDeferred = false;
  isSettling = false;
  /** What a lane was at when its past began to be settled, and goes on with then. */
  #aside: (UnderWayNow & { readonly line: readonly PendingExchange[] }) | null = null;
  readonly underWay = new UnderWay();
  /** Requests whose responses have not ended, oldest first: the lane's own. */
  readonly line: PendingExchange[];
  /** See `MessageSink.withhold`: what has begun since, and what of it is over. */
  #begun: PendingExchange[] | null = null;
  #over: Map<PendingExchange, Exchange> = NOTHING;
  readonly #budget: MemoryBudget;
  readonly #pending: PendingExchanges;

  constructor({ budget, pending }: LaneContext, line: PendingExchange[]) {
    this.#budget = budget;
    this.#pending = pending;
    this.line = line;
  }

  /** See `MessageSink.settle`. */
  settle(lane: UnderWayNow, isSettling: boolean): void {
    this.isSettling = isSettling;
    const now = { sending: null, answering: null };
    if (isSettling && !this.isDeferred) {
      this.#aside = { line: this.line.splice(0), sending: lane.sending, answering: lane.answering };
      Object.assign(lane, now);
    } else if (this.#aside !== null) {
      const { line, sending, answering } = this.#aside;
      this.#aside = null;
      this.line.push(...line);
      Object.assign(lane, { sending, answering });
    }
  }

  /** The first in line leaves it. */
  shift(): void {
    if (this.line.shift() !== undefined) this.#budget.remove(PLACE_BYTES);
  }

  /** See `MessageSink.passOver`. */
  passOver(left: number): void {
    for (const one of this.line.splice(0, Math.max(0, this.line.length - left))) {
      this.#budget.remove(PLACE_BYTES);
      one.responseEnded = true;
      this.#pending.emit(one, Mark.gap);
    }
  }

  /** A request is read again, and takes its place in line. */
  join(pending: PendingExchange): void {
    this.#budget.add(PLACE_BYTES);
    this.line.push(pending);
  }

  /** See `MessageSink.mayLeaveOutBody`: null where it is not known yet; where it is read again, what follows has shown it. */
  mayLeaveOutBody(acknowledges: number): boolean | null {
    return this.isSettling ? acknowledges === Number.POSITIVE_INFINITY : null;
  }

  noteBegun(pending: PendingExchange): void {
    this.#begun?.push(pending);
  }

  /** Emits an exchange, or withholds it. */
  emit(pending: PendingExchange, mark: number): void {
    this.#pending.emit(pending, mark, this.#begun === null || this.isSettling ? null : this.#over);
  }

  withhold(): void {
    if (this.#begun !== null) return;
    this.#begun = [];
    this.#over = new Map();
  }

  /** See `MessageSink.isLacking`. */
  get isLacking(): boolean {
    for (const exchange of this.#over.values()) if (exchange.response === null) return true;
    return false;
  }

  /** See `MessageSink.believed`. */
  believed(): BelievedPair[] {
    const pairs: BelievedPair[] = [];
    for (const [{ position, responsePosition, isRefuted }, exchange] of this.#over)
      if (exchange.response !== null && !isRefuted) pairs.push({ request: position, response: responsePosition });
    return pairs;
  }

  /** How many requests are withheld. */
  get withheld(): number {
    return this.#begun?.length ?? 0;
  }

  /**
   * `isServer`: the other side has sent requests. Then what seems to be one of this side is text. So may be one that
   * nothing preceded (`unpreceded`).
   */
  release(isServer: boolean, unpreceded: PendingExchange | null): void {
    const begun = this.#begun ?? [];
    this.#begun = null;
    const first = unpreceded === null ? undefined : this.#over.get(unpreceded);
    if (unpreceded !== null && first !== undefined) unpreceded.isRefuted ||= this.#isText(unpreceded, first, begun);
    if (isServer) this.refuteUnanswered();
    if (isServer) for (const one of begun) one.isRefuted ||= one.isFound;
    this.#pending.release(this.#over);
    this.#over = NOTHING;
  }

  /** Whether the first request of a connection is text in a body, by what else has begun on that. */
  #isText(first: PendingExchange, { request }: Exchange, begun: readonly PendingExchange[]): boolean {
    const others: HeaderList[] = [];
    for (const one of begun) {
      const exchange = one === first ? undefined : (one.exchange ?? this.#over.get(one));
      if (exchange !== undefined) others.push(exchange.request.headers);
    }
    if (others.length === 0) return mayBeText(request.method, request.headers);
    return !others.some((headers) => areAlike(request.headers, headers));
  }

  /**
   * Takes back the one whose request is at `place`, to be read again. Returns those of its marks that the one read instead
   * takes over, or -1 if it has its response, or is gone, as one is that has waited for too long, or that nobody wants.
   */
  withdraw(place: number): number {
    const one = this.#begun?.find(({ position }) => position === place);
    if (one === undefined) return 0;
    const exchange = one.exchange ?? this.#over.get(one);
    if (exchange === undefined || !one.requestEnded || exchange.response !== null) return -1;
    this.#pending.withdraw(one, this.#over);
    this.#over.delete(one);
    return exchange.marks & Mark.midstream;
  }

  /** What is over without a response is no request. */
  refuteUnanswered(): void {
    this.refute(NOWHERE);
  }

  /** See `MessageSink.refute`. */
  refute(places: ReadonlySet<number>): void {
    for (const [one, exchange] of this.#over) {
      if (exchange.response !== null || places.has(one.position)) continue;
      this.#over.delete(one);
      this.#pending.drop(exchange, DropReason.doubtful);
    }
  }
}
