/**
 * What is believed of one direction of a stretch: chains of messages, and the spans between them in which messages may begin
 * or be text in a body.
 *
 * in:  what may be messages, and which readings are impossible · out: chains, each of which is in all readings that are left
 *
 * Behind lost bytes the first message that begins with a segment is one of those that look like it, or none is and all of the
 * span lies in a message that began before. Text in a body may be one message and end with it, but not several, each right
 * behind the other.
 */
import type { HiddenMessages } from './hidden-messages.js';
import { Begins, type Chain, type ChainedMessage, IN_ROW_MIN, type MessageFinder, type Run } from './message-chain.js';
import type { StretchSide } from './stretch.js';

/** Messages right behind each other that text in a body may be, with another behind them. */
const TEXT_IN_ROW_MAX = 1;

const NOWHERE: ReadonlySet<number> = new Set();

/** A part of a run that no chain covers. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** The chains that may begin it. Only one of them does, or none. */
  candidates: Chain[];
  /** Whether one does. */
  isBegun: boolean;
  /** Whether a message that is believed begins behind it. */
  readonly isFollowed: boolean;
}

/** Decides whether a span can begin with `chain`, or with none where that is null. */
export type Trial = (span: Span, chain: Chain | null) => boolean;

export class StreamReading {
  readonly hidden: HiddenMessages;
  chains: Chain[] = [];
  readonly #finder: MessageFinder;
  readonly #side: StretchSide;
  #spans: Span[] = [];

  /** `waiting`: messages whose places in line are in front of all others. */
  constructor(side: StretchSide, finder: MessageFinder, hidden: HiddenMessages, waiting: readonly ChainedMessage[]) {
    this.#side = side;
    this.#finder = finder;
    this.hidden = hidden;
    this.#begin(waiting);
  }

  #begin(waiting: readonly ChainedMessage[]): void {
    const { isPlaced, first, lostFrom, position } = this.#side;
    const chain = isPlaced ? this.#finder.follow(first, Begins.stretch) : null;
    if (chain !== null && (chain.row.length > 0 || waiting.length > 0)) {
      const messages = [...waiting, ...chain.messages];
      this.chains.push({
        ...chain,
        row: [...waiting, ...chain.row],
        messages,
        place: waiting[0]?.place ?? chain.place,
      });
    } else if (waiting.length > 0) {
      const isLast = isPlaced && position === first;
      const place = waiting[0]?.place ?? lostFrom;
      this.chains.push({ row: waiting, messages: waiting, isPlaced: true, place, covered: lostFrom, isLast });
    }
    const last = this.chains.at(-1);
    if (last?.isLast !== true) this.#open(chain?.covered ?? first, Number.POSITIVE_INFINITY);
  }

  /** Opens spans in what lies between two places. */
  #open(from: number, to: number): void {
    for (const run of this.#finder.runs) {
      const [first, last] = [Math.max(from, run.place), Math.min(to, run.place + run.bytes.length)];
      if (first < last) this.#spans.push(this.#span(first, last, run));
    }
    this.#spans.sort((a, b) => a.from - b.from);
  }

  #span(from: number, to: number, { pieces }: Run): Span {
    const candidates: Chain[] = [];
    let third = Number.POSITIVE_INFINITY;
    for (const { place } of pieces) {
      if (place < from || !this.#finder.mayBegin(place)) continue;
      if (place >= Math.min(to, third)) break;
      const chain = this.#finder.follow(place, Begins.perhaps);
      if (chain === null) continue;
      candidates.push(chain);
      third = Math.min(third, chain.row[IN_ROW_MIN - 1]?.place ?? third);
    }
    const span = withoutText({ from, to, candidates, isBegun: false, isFollowed: false });
    return { ...span, candidates: span.candidates.flatMap((chain) => this.#upToNext(chain)) };
  }

  /** Leaves out what is impossible, and believes what is in all that is left. Returns whether that is more than before. */
  decide(mayBe: Trial): boolean {
    let isMore = false;
    for (const span of this.#spans) {
      const { candidates } = span;
      if (candidates.length === 0) continue;
      span.candidates = candidates.filter((chain) => mayBe(span, chain));
      isMore ||= span.candidates.length < candidates.length;
      if (!span.isBegun && !mayBe(span, null)) {
        span.isBegun = true;
        isMore = true;
      }
      if (!span.isBegun && span.candidates.length === 0)
        for (const { place } of candidates) this.hidden.none.add(place);
    }
    return this.believe() || isMore;
  }

  /**
   * Believes what is in all readings of a span, and before that what begins at `places`. Returns whether there is any such.
   */
  believe(places: ReadonlySet<number> = NOWHERE): boolean {
    if (places.size > 0) this.#believeAt(places);
    for (let isMore = false; ; isMore = true) {
      const span = this.#spans.find((one) => one.isBegun && commonOf(one.candidates) !== null);
      const chain = span === undefined ? null : commonOf(span.candidates);
      if (span === undefined || chain === null) return isMore;
      this.#adopt(chain, span);
    }
  }

  #believeAt(places: ReadonlySet<number>): void {
    for (const place of places) {
      const span = this.#spans.find(({ from, to }) => from <= place && place < to);
      const chain = span === undefined ? null : this.#finder.follow(place, Begins.surely);
      if (span === undefined || chain === null || chain.row.length === 0) continue;
      for (const one of this.#upToNext(chain)) this.#adopt(one, span);
    }
  }

  #adopt(chain: Chain, span: Span): void {
    this.chains = [...this.chains, chain].sort((a, b) => a.place - b.place);
    const before = this.#inFrontOf(span, chain);
    const covered = chain.isLast ? Number.POSITIVE_INFINITY : chain.covered;
    const cut: Span[] = [];
    for (const one of this.#spans) {
      if (one === span || (one.from >= chain.place && one.to <= covered)) continue;
      // A span that the chain ends in begins anew there.
      if (one.from < covered && one.to > covered && one.from >= chain.place) cut.push(one);
    }
    const isKept = (one: Span) => one !== span && (one.to <= chain.place || one.from >= covered);
    this.#spans = this.#spans.filter(isKept);
    if (before !== null) this.#spans.push(before);
    for (const { to } of cut) this.#open(covered, to);
    if (span.to > covered) this.#open(covered, span.to);
    this.#spans.sort((a, b) => a.from - b.from);
    for (const one of this.#spans) one.candidates = one.candidates.flatMap((candidate) => this.#upToNext(candidate));
  }

  /** A candidate up to the next chain that is believed; none where it does not lead to that. */
  #upToNext(candidate: Chain): Chain[] {
    const next = this.chains.find(({ place }) => place > candidate.place);
    if (next === undefined || (!candidate.isLast && candidate.covered <= next.place)) return [candidate];
    const length = candidate.row.findIndex(({ place }) => place === next.place);
    if (length <= 0) return [];
    const row = candidate.row.slice(0, length);
    const messages = candidate.messages.filter(({ place }) => place < next.place);
    return [{ ...candidate, row, messages, covered: next.place, isLast: false }];
  }

  /** What is left of a span in front of a chain that is believed. */
  #inFrontOf({ from, candidates }: Span, { place: to }: Chain): Span | null {
    const left = candidates.flatMap((candidate) => (candidate.place < to ? this.#upToNext(candidate) : []));
    return left.length === 0 ? null : withoutText({ from, to, candidates: left, isBegun: false, isFollowed: true });
  }
}

/** Without readings in which several messages right behind each other are text, and another behind them. */
function withoutText(span: Span): Span {
  const { candidates, to, isFollowed } = span;
  const behind = ({ covered }: Chain) => Number(isFollowed && covered === to);
  const rows = candidates.filter((chain) => chain.row.length + behind(chain) >= IN_ROW_MIN);
  const isText = (chain: Chain) =>
    rows.some(({ row }) => {
      const text = row.findIndex((message) => chain.row.some(({ place }) => place === message.place));
      return text < 0 || text > TEXT_IN_ROW_MAX;
    });
  return { ...span, candidates: candidates.filter((chain) => !isText(chain)), isBegun: rows.length > 0 };
}

/** What is in all of them, from some message on; null where nothing is. */
function commonOf(chains: readonly Chain[]): Chain | null {
  const [first, ...others] = chains;
  if (first === undefined) return null;
  const isCommon = ({ place }: ChainedMessage) => others.every(({ row }) => row.some((one) => one.place === place));
  const from = first.row.findIndex(isCommon);
  if (from < 0) return null;
  const row = first.row.slice(from);
  const place = row[0]?.place ?? first.place;
  return { ...first, row, place, messages: first.messages.filter((message) => message.place >= place) };
}
