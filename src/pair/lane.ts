/**
 * The requests of one direction of a connection, and the responses that come the other way: first in, first out
 * (RFC 9112 §9.3.2), as long as it can be known which answers which.
 *
 * Nearly every client takes turns with its server: it sends a request, or several at once, and the next when it has
 * received all the responses. As long as a client has been seen to do nothing else, lost bytes cost what they held and no
 * more: when the client speaks again and acknowledges all that the server has sent (RFC 9293 §3.4), everything before is
 * answered, and the next byte of the server begins the next response. A client whose turns overlap says no such thing, and
 * nothing more is paired on its connection after a loss that may have held whole messages: a missing response can be
 * marked, and a wrong one would be a lie.
 *
 * `proof.ts` says when what was paired is believed. A client whose turns overlap gets its own reading of all that follows the
 * loss, when the connection has ended or enough has come (`Deferral`, `http/h1/matching.ts`). Places are those of `StreamPlace`.
 */
import type { MessageHead } from '../http/message-head.js';
import type { Certainty, Ending, SegmentStart } from '../http/message-sink.js';
import { Deferral, type LaneContext } from './deferral.js';
import { Mark } from './exchange.js';
import { takeBackResponse } from './exchange-parts.js';
import { Leaving } from './leaving.js';
import { asksFirst, INTERIM_BYTES, REQUEST_BYTES_MIN, resembles } from './likeness.js';
import { type PendingExchange, PLACE_BYTES } from './pending-exchanges.js';
import {
  endProves,
  isLikely,
  mayHide,
  maySwallow,
  silenceNanos,
  TURNS_TO_PROVE,
  TURNS_TO_PROVE_SINGLE,
  UNPROVEN_MAX,
} from './proof.js';
import { Trust } from './trust.js';
import { Turns } from './turns.js';

/** Places in line, for each request that may wait, of requests whose response is read for its framing only. */
const SPENT_PLACES_FACTOR = 16;

export class Lane {
  /** The one whose request is being read. */
  sending: PendingExchange | null = null;
  /** The one whose response is being read: the first in line. */
  answering: PendingExchange | null = null;
  readonly #context: LaneContext;
  /** Requests whose responses have not ended, oldest first. */
  readonly #line: PendingExchange[] = [];
  #isClosed = false;
  /** Whether the connection was joined in the middle, and no request was seen yet. */
  #isJoined: boolean;
  /** What the client had received when it sent its latest request. */
  #turn = -1;
  readonly turns = new Turns();
  /** Bytes were lost that may have held requests, from this place on; -1: none since the last turn began. */
  #requestsLostAt = -1;
  /** Whether they belong to a request that was seen. */
  #isOwnLoss = false;
  /** Whether what was lost of the requests has been answered: then the client may have gone on. */
  #isLossAnswered = false;
  /** Whether bytes were lost that may have held responses, since the last turn began. */
  #areResponsesLost = false;
  #areResponsesMissed = false; // not only cut by the snap length
  /** `Mark.gap` where bytes were lost of the requests or the responses since the last turn began. */
  #lossMark = 0;
  /** Whether a response came that nobody waited for, or one may come, since the last turn began. */
  #hasStrays = false;
  /** Where the last response ended, as far as that is known; infinite where its end is not. */
  #responsesRead = 0;
  /** It cannot be known any more which response answers which request. */
  #isUnpairable = false;
  /** Whether all requests of the connection were seen, from its start on. */
  #areRequestsWhole: boolean;
  readonly #leaving = new Leaving();
  /** Whether what came were requests. */
  readonly trust: Trust;
  /** Whether it is known where the responses begin. */
  #isPlaced: boolean;
  /** Turns that have still to pass as expected before what was paired is believed, as the place had to be found first. */
  #turnsToProve = 0;
  /** Exchanges that are over and not believed yet. */
  #unproven: PendingExchange[] = [];
  #provenAt = 0;
  readonly deferral: Deferral;

  constructor(context: LaneContext, isMidstream: boolean) {
    this.#context = context;
    this.deferral = new Deferral(context, this.#line);
    this.#isJoined = isMidstream;
    this.trust = new Trust(!isMidstream);
    this.#areRequestsWhole = !isMidstream;
    this.#isPlaced = !isMidstream;
  }

  /** The connection was not joined in its middle after all: its SYN was only late. */
  noteBeginning(): void {
    if (!this.#isJoined && !this.#isInDoubt && !this.#isUnpairable) this.#prove();
    this.#isJoined = false;
    this.trust.begin(this.#requestsLostAt < 0);
    this.#isPlaced = true;
  }

  /** Whether anything is in doubt since the last turn began. */
  get #isInDoubt(): boolean {
    return this.#requestsLostAt >= 0 || this.#areResponsesLost || this.#hasStrays;
  }

  /** Whether a pause so long says that no request was under way, seen or not: of a client that takes turns one by one. */
  #isQuiet(nanos: number): boolean {
    const isSingle = this.#line.length === 0 && this.turns.mayBeSingle;
    return isSingle && nanos >= silenceNanos(this.turns.areSingle);
  }

  /**
   * The request that the response in `head` answers. One that was sent before the first byte of the oldest request was
   * received answers something else.
   */
  answeredBy({ acknowledges }: MessageHead): PendingExchange | undefined {
    const first = this.#line[0];
    if (first === undefined || !this.#isPlaced || acknowledges <= first.position) return undefined;
    // One that comes early answers another more likely, as long as there may be others.
    const isEarly = !first.requestEnded && !asksFirst(first);
    return isEarly && this.#turnsToProve > TURNS_TO_PROVE_SINGLE ? undefined : first;
  }

  /** The request that waits longest. */
  get first(): PendingExchange | undefined {
    return this.#line[0];
  }

  /** See `MessageSink.mayBegin`: only where a turn of the client's begins, after all before it has been answered. */
  mayBegin({ place, acknowledges, before, received, answered, quietNanos, headers }: SegmentStart): boolean {
    // With responses on their way, or without any since the segment before it, this is the rest of what was lost.
    if (this.#isUnpairable && !this.#isQuiet(quietNanos)) return false;
    if (this.turns.overlap || this.answering !== null || acknowledges !== received || acknowledges <= before)
      return false;
    if (this.#isUnpairable) return true;
    const lostAt = this.#requestsLostAt;
    // A server has all of the client's turn when it answers, so the next turn begins right behind that.
    if (lostAt < 0) return this.#isJoined && this.trust.mayBegin(place, answered);
    if (answered > lostAt) return this.#isLossAnswered && place === answered;
    // The responses were lost as well. Several requests of a turn may then have been, and this be one of the next turn's.
    if (this.turns.batch || (!this.#isOwnLoss && place - lostAt < REQUEST_BYTES_MIN)) return false;
    if (!this.#areResponsesLost || acknowledges - this.#responsesRead <= INTERIM_BYTES) return false;
    const waiting = this.#line.length;
    if (waiting === 0 || (this.#isOwnLoss && waiting === 1)) return true;
    // What was lost may be no more than the response to the one that waits, and the head of a request whose body this is.
    return waiting === 1 && resembles(headers(), this.#line[0]?.exchange?.request.headers);
  }

  /**
   * A request has come, and will join the line. Gives up those that it shows to be unanswered. Returns whether bytes were
   * lost that make its own response doubtful, or took theirs.
   */
  arrive(head: MessageHead): boolean {
    const { acknowledges, received, isSentAgain, quietNanos } = head;
    if (this.#isQuiet(quietNanos)) {
      this.#areRequestsWhole = true;
      if (this.#isUnpairable) this.#lossMark = 0;
      this.#hasStrays ||= this.#isUnpairable;
      this.#isUnpairable = false;
    }
    const turn = this.#turn;
    const wasJoined = this.#isJoined;
    this.#isJoined = false;
    this.#turn = acknowledges;
    if (this.#isUnpairable) return this.trust.isLacking;
    const isNewTurn = acknowledges > turn && !isSentAgain;
    if (acknowledges <= turn && !wasJoined) {
      this.turns.batch = true;
      if (this.#turnsToProve > 0) this.#turnsToProve = TURNS_TO_PROVE;
    }
    // It was sent before all had come that was on its way, or that was still to come.
    const isCrossing = isNewTurn && !wasJoined && (acknowledges !== received || this.#line.length > 0);
    if (wasJoined) {
      this.trust.join(head);
      this.#doubt();
      if (acknowledges !== received) this.#hasStrays = true;
    }
    if (!this.#isInDoubt) {
      if (this.#turnsToProve === 0 && !isSentAgain) this.deferral.underWay.note(this.#line.length, acknowledges);
      // One that acknowledges less than the one in front of it shows that that was sent again, and began no turn.
      if (isCrossing || acknowledges < turn) {
        this.turns.overlap ||= isCrossing;
        this.#disprove();
        return this.#isUnpairable && this.trust.isLacking;
      } else if (isNewTurn && !wasJoined) {
        this.turns.passed++;
        if (this.#turnsToProve === 0) this.turns.clean++;
        else if (--this.#turnsToProve === 0) this.#prove();
      }
      return false;
    }
    const mark = this.#lossMark;
    const isTurn = isNewTurn && acknowledges === received && this.answering === null && !this.turns.overlap;
    if (!isTurn) {
      this.#isUnpairable = true;
      this.#disprove();
      if (this.#areResponsesLost) this.#giveUp(mark);
      return mark !== 0;
    }
    this.#giveUp(mark);
    this.#requestsLostAt = -1;
    this.#lossMark = 0;
    this.#isLossAnswered = false;
    this.#isOwnLoss = false;
    this.#areResponsesLost = false;
    this.#hasStrays = false;
    this.#doubt();
    return mark !== 0;
  }

  /** Whether the next byte of the responses begins a message, now that a request has come that acknowledges all before. */
  isTurn({ acknowledges, received, isSentAgain }: MessageHead): boolean {
    if (acknowledges !== received || isSentAgain || this.turns.overlap || this.#isUnpairable || this.#line.length > 1)
      return false;
    this.#isPlaced = true;
    return true;
  }

  /** See `MessageSink.mayLeaveOutBody`. */
  mayLeaveOutBody(acknowledges: number): boolean | null {
    const { sending } = this;
    if (sending === null || !asksFirst(sending)) return false;
    if (this.deferral.isSettling || this.deferral.isDeferred) return this.deferral.mayLeaveOutBody(acknowledges);
    if (this.#isUnpairable || (this.#areResponsesLost && !sending.responseEnded)) return null;
    if (this.answering === sending && acknowledges === Number.POSITIVE_INFINITY) return null;
    // Nor is it known whether all of an answer had come that lost its end.
    if (sending.responseEnded && this.#responsesRead === Number.POSITIVE_INFINITY) return null;
    return sending.responseEnded && this.#line.length === 0 && acknowledges >= this.#responsesRead;
  }

  /** The request that has arrived takes its place in line. */
  join(pending: PendingExchange): void {
    const { budget, limits } = this.#context;
    const max = limits.pipeline_requests_max;
    const places = this.#line.length;
    if (places >= max) {
      // When a client sends this many requests without reading, the oldest goes unanswered, and keeps its place in line.
      this.deferral.emit(this.#line[places - max] as PendingExchange, 0);
      if (places >= max * SPENT_PLACES_FACTOR) {
        // Responses this late are not followed.
        this.#giveUp(0);
        this.#isUnpairable = true;
      }
    }
    this.sending = pending;
    this.deferral.noteBegun(pending);
    this.trust.note(pending, this.#isClosed, this.#leaving.hasLeft);
    this.#leaving.noteUnanswered(null);
    if (this.#isUnpairable || this.#isClosed) {
      pending.responseEnded = true;
      this.#leaving.noteUnanswered(pending);
    } else {
      budget.add(PLACE_BYTES);
      this.#line.push(pending);
    }
  }

  /** The response of the first in line has been read to its end, at `place`. */
  shift(place: number): void {
    this.answering = null;
    this.deferral.shift();
    if (this.deferral.isSettling) return;
    this.#responsesRead = place;
    this.deferral.underWay.noteAnswered(place);
    if (this.#isOwnLoss && this.#line.length === 0) this.#isLossAnswered = true;
  }

  /**
   * A response has come that nobody waits for. Where a request was lost, or before the first one was seen, that is to be
   * expected. Elsewhere something is out of order, and only the next turn puts it right.
   */
  noteOrphan(head: MessageHead): void {
    this.trust.noteOrphan(head);
    if (this.#requestsLostAt >= 0 && this.#turnsToProve <= TURNS_TO_PROVE_SINGLE) {
      this.#isLossAnswered = true;
    } else if (this.turns.overlap || this.#turnsToProve > 0) {
      this.#disprove();
      this.#isUnpairable = true;
    } else {
      this.#hasStrays = true;
    }
  }

  /** Other bytes were under way in front of the first that came: it begins within a message, or within several. */
  noteWithin(): void {
    if (this.trust.isGiven) return;
    this.trust.isHeard = true;
    this.#disprove();
  }

  /** The side whose requests these are sends a response, at `place`: those that may be text are, and wait for none. */
  noteAnswering(place: number): void {
    this.trust.hasAnswered = true;
    if (!this.trust.isGiven && this.#line.some(({ isFound }) => isFound)) this.#refute(place);
  }

  /** An orphan response has ended at `place`. */
  endOrphan(place: number): void {
    this.#responsesRead = place;
    this.trust.endOrphan(place);
  }

  /** Bytes of the responses passed that could not be read, sent when the requests up to `acknowledges` had come. */
  noteUnread(acknowledges: number): void {
    if (this.#requestsLostAt >= 0 && acknowledges > this.#requestsLostAt) this.#isLossAnswered = true;
    // There are more responses than requests that were seen.
    if (this.#turnsToProve > TURNS_TO_PROVE_SINGLE && this.#line.length === 0) this.#disprove();
  }

  /**
   * Bytes of the requests' stream were lost from `place` on, or (`isLoss`: false) make no sense there. `wasSending`: in the
   * middle of a request; `isCut`: by the snap length.
   */
  loseRequests(isLoss: boolean, wasSending: boolean, place: number, isCut: boolean): void {
    if (this.#defers(isLoss && !isCut)) return;
    if (isLoss) this.#lossMark = this.trust.noteLoss();
    this.#areRequestsWhole = false;
    const first = this.#line[0];
    const isCutShort = !isCut && first?.isFound === true && first.exchange?.response === null;
    if (!this.trust.isGiven && (!isLoss || isCutShort)) {
      this.#refute(place);
      if (isLoss) this.trust.refute(place);
      return;
    }
    if (!isLoss && !wasSending) {
      this.#leaving.noteAlien(this.#line, this.#areResponsesLost);
      // Input of a program whose output is the response (RFC 9112 §6.3, rule 8): nothing is answered any more.
      if (this.answering?.isLast === true) return;
      // The server may answer what is no request, too.
      this.#hasStrays = true;
      this.trust.withdraw();
      return;
    }
    this.#requestsLostAt = place;
    this.#isOwnLoss = wasSending;
    this.#isLossAnswered = false;
    this.trust.withdraw();
    this.trust.isHeard = false;
  }

  /** `lost` bytes of the responses' stream were that may have held responses, or (infinite) some make no sense, at `place`. */
  loseResponses(isLoss: boolean, place: number, isCut: boolean, lost: number): void {
    if (this.#defers(isLoss && !isCut)) return;
    const mark = isLoss ? Mark.gap : Mark.malformed;
    for (const { exchange } of this.#line) if (exchange !== null) exchange.marks |= mark;
    this.#responsesRead = place;
    if (isLoss) this.#lossMark = this.trust.noteLoss();
    if (!isLoss) {
      this.trust.isHeard = true;
      this.#leaving.noteAlien(this.#line, this.#areResponsesLost);
    }
    if (this.turns.batch) this.#disprove();
    // No response is where the one to a request would be: there was none.
    if ((!isLoss || lost === Infinity) && this.#line.length > 0 && !this.trust.isGiven)
      return void this.#refute(this.#line[0]?.position ?? 0);
    // Among what was lost may be what would have shown that there were too many, where no request was that it belongs to.
    if (isLoss && !isCut && this.#requestsLostAt < 0 && mayHide(this.#turnsToProve, lost)) this.#void();
    const waiting = this.#line.length;
    if (waiting > 0 && (this.turns.overlap || !isLoss)) {
      // What makes no sense was a response all the same, or several, and took the places of those that wait.
      this.#isUnpairable ||= this.turns.overlap;
      this.#giveUp(mark);
    } else {
      this.#areResponsesLost = true;
      this.#areResponsesMissed ||= !isCut;
    }
  }

  /** Whether what follows a loss is to be read when more is known: everything before it is certain, and turns overlap. */
  #defers(isLoss: boolean): boolean {
    if (this.deferral.isDeferred || this.deferral.isSettling) return true;
    const isCertain = !this.#isUnpairable && !this.#isInDoubt && this.#turnsToProve === 0 && !this.#isJoined;
    this.deferral.isDeferred = isLoss && isCertain && (this.turns.overlap || this.turns.batch) && !this.#isClosed;
    return this.deferral.isDeferred;
  }

  /** See `MessageSink.underWayMax`. */
  get underWayMax(): number {
    return this.turns.underWayMax(this.deferral.underWay.max, this.#isClosed);
  }

  /** See `MessageSink.certainty`. */
  get certainty(): Certainty {
    if (this.#isUnpairable) return 'none';
    return this.#isJoined || this.#isInDoubt || this.#turnsToProve > 0 ? 'open' : 'whole';
  }

  /** No response comes any more: the stream of the responses has ended. */
  close(mark: number, isLacking: boolean): void {
    const { sending } = this;
    // Closed on a client that had not sent all of its request: what came of that is all there will be.
    if (sending !== null && !sending.responseEnded && sending.exchange !== null) sending.exchange.marks |= Mark.aborted;
    if (mark !== Mark.unfinished) this.trust.isHeard = true; // a connection that is only forgotten says nothing
    const isOwed = this.#line.length > 0 || (this.#areResponsesLost && this.#areResponsesMissed);
    if (endProves(this.#turnsToProve, isOwed, mark !== 0, isLacking)) this.#prove();
    else this.#disprove();
    this.#giveUp(mark);
    this.answering = null;
    this.#isClosed = true;
  }

  /** No response comes any more: the connection is not HTTP. */
  leaveHttp(): void {
    this.#giveUp(0);
  }

  /** The response of `pending` did not end as it should: then it may have been another's, which swallowed what followed. */
  noteCut(pending: PendingExchange, ending: Ending): void {
    const isOnlyOne = this.#unproven.length === 0 && !this.turns.batch;
    if (!maySwallow(pending, ending, this.#turnsToProve, isOnlyOne)) return;
    if (isLikely(this.#turnsToProve)) this.#emitUnproven();
    this.#unproven.push(pending);
    this.#disprove();
  }

  /** An exchange is over. It is emitted, unless it has to be proven first that its response is its own. */
  finish(pending: PendingExchange): void {
    if (this.#turnsToProve === 0 || this.#unproven.length >= UNPROVEN_MAX) {
      this.deferral.emit(pending, 0);
      return;
    }
    this.#unproven.push(pending);
    this.#provenAt = pending.lastActive + silenceNanos(this.#turnsToProve <= TURNS_TO_PROVE_SINGLE);
    this.#context.pending.unproven.add(this);
  }

  advance(now: number): void {
    if (now >= this.#provenAt && this.#line.length === 0) this.#prove();
  }

  #doubt(): void {
    const isSingle = !this.turns.batch && (this.#areRequestsWhole || this.turns.areSingle);
    this.#turnsToProve = isSingle ? TURNS_TO_PROVE_SINGLE : TURNS_TO_PROVE;
  }

  /** What was taken for requests since the last loss was text in a body, which goes on at `place`. */
  #refute(place: number): void {
    for (const one of [...this.#unproven, ...this.#line]) {
      if (one.isFound && one.exchange !== null) one.exchange.response = null;
      one.isRefuted = one.isFound;
    }
    this.#turnsToProve = 0;
    this.#emitUnproven();
    this.#giveUp(0);
    this.trust.withdraw();
    this.#hasStrays = false;
    if (this.#requestsLostAt < 0 && this.turns.clean === 0) {
      this.#isJoined = true;
      this.#isPlaced = false;
    } else {
      this.#requestsLostAt = place;
      this.#isOwnLoss = true;
      this.#isLossAnswered = false;
      this.#areResponsesLost = true;
    }
  }

  /** What was paired since the place was found is right. */
  #prove(): void {
    this.#turnsToProve = 0;
    this.trust.prove(this.#unproven.length > 0);
    this.#emitUnproven();
  }

  /** What was paired since the place was found is not right: the client's turns overlap, so those are others' responses. */
  #disprove(): void {
    if (this.#turnsToProve === 0) return;
    this.#isUnpairable = true;
    this.turns.passed = 0;
    this.#void();
  }

  /** What was paired since the place was found is not believed. */
  #void(): void {
    // One that was answered early and has not ended is in neither.
    for (const one of [...this.#unproven, ...this.#line, this.sending]) takeBackResponse(one);
    for (const one of this.#unproven) one.isRefuted = one.isFound;
    this.#turnsToProve = 0;
    this.#emitUnproven();
    this.#giveUp(this.trust.isLacking ? Mark.gap : 0);
  }

  #emitUnproven(): void {
    this.#context.pending.unproven.delete(this);
    for (const one of this.#unproven.splice(0)) this.deferral.emit(one, 0);
  }

  /** Emits all in line without a response. */
  #giveUp(mark: number): void {
    const { budget } = this.#context;
    const unanswered = this.#line.splice(0);
    budget.remove(unanswered.length * PLACE_BYTES);
    this.#leaving.noteGivenUp(unanswered);
    for (const one of unanswered) {
      one.isRefuted ||= one.isFound && this.trust.isHeard;
      this.deferral.emit(one, mark);
    }
  }
}
