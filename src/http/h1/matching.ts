/**
 * Which response of a stretch answers which request, as far as only one reading remains.
 *
 * in:  what may be messages of both streams · out: for each request its response, where that is certain
 *
 * What is believed of the messages bounds their numbers (`numbering.ts`), what is impossible by their numbers leaves fewer
 * readings of what may be text (`stream-reading.ts`), and the method of a request says where its response ends: each in turn,
 * until nothing more follows.
 */
import type { BelievedPair } from '../message-sink.js';
import type { Chain, MessageFinder } from './message-chain.js';
import { type Chains, countBefore, type Matches, Numbering } from './numbering.js';
import type { Span, StreamReading } from './stream-reading.js';

export interface Stretched {
  readonly requests: StreamReading;
  /** Read anew each time that more is known of where they end. */
  readonly responses: () => StreamReading;
  readonly finder: MessageFinder;
  /** Where the stretch begins and ends. */
  readonly from: { readonly requests: number; readonly responses: number };
  readonly to: { readonly requests: number; readonly responses: number };
  /** Places of requests and responses that belong together. */
  readonly believed: readonly BelievedPair[];
  /** Requests that the client had under way at most when it sent another; -1: not known. */
  readonly underWayMax: number;
  /** Whether it was not seen to have several under way. */
  readonly mayBeSingle: boolean;
  /** See `Numbered`. */
  readonly isBased: boolean;
  readonly isOver: boolean;
  readonly isClosed: boolean;
}

export interface Matching {
  readonly requests: readonly Chain[];
  readonly responses: readonly Chain[];
  readonly matches: Matches;
}

/** How often as many requests must have been seen under way. */
const SEEN_MIN = 4;
/** The same where that many requests were seen, as if the client had sent so many twice. */
const SEEN_MIN_OF_MANY = 2;
const manyOf = (most: number): number => 2 * most + 4;
/** Turns after which a client of whose connection the beginning was not seen is taken to do nothing else. */
const TURNS_MIN = 12;
/** Chains of each stream that are compared. */
const CHAINS_MAX = 48;
/** How often more is concluded from what was. */
const ROUNDS_MAX = 8;
const NONE: Matches = new Map();

export function matchingOf(stretched: Stretched): Matching {
  const { requests, finder } = stretched;
  let responses = stretched.responses();
  requests.believe(new Set(stretched.believed.map(({ request }) => request)));
  const answers = new Set(stretched.believed.map(({ response }) => response));
  responses.believe(answers);
  for (let round = 0; ; round++) {
    const numbering = numberingOf(stretched, responses);
    const matches = numbering?.matches() ?? NONE;
    if (numbering === null || round === ROUNDS_MAX) {
      return { requests: requests.chains, responses: responses.chains, matches };
    }
    let isMore = requests.decide((span, chain) => mayBe(numbering, requests, span, chain, true));
    const own = responses;
    isMore = responses.decide((span, chain) => mayBe(numbering, own, span, chain, false)) || isMore;
    let isClearer = false;
    for (const [{ method }, { place }] of matches) isClearer = finder.learn(place, method) || isClearer;
    if (isClearer) {
      responses = stretched.responses();
      responses.believe(answers);
    } else if (!isMore) {
      return { requests: requests.chains, responses: responses.chains, matches };
    }
  }
}

/** Whether a span can begin with `chain`; with none where that is null. */
function mayBe(
  numbering: Numbering,
  { hidden }: StreamReading,
  { candidates }: Span,
  chain: Chain | null,
  isRequest: boolean,
): boolean {
  const none = candidates.filter(({ place }) => chain === null || place < chain.place).map(({ place }) => place);
  const added = none.filter((place) => !hidden.none.has(place));
  for (const place of added) hidden.none.add(place);
  const isPossible = chain === null ? numbering.mayHideLess() : numbering.mayBe(chain, isRequest);
  for (const place of added) hidden.none.delete(place);
  return isPossible;
}

/** The numbers as far as they are bounded; null where all contradicts itself. */
function numberingOf({ requests, ...stretched }: Stretched, responses: StreamReading): Numbering | null {
  const { from, to, isBased, isOver, isClosed, believed } = stretched;
  const chains = ({ chains: all, hidden }: StreamReading, stream: 'requests' | 'responses'): Chains => ({
    chains: all.slice(0, CHAINS_MAX),
    hidden,
    from: from[stream],
    to: to[stream],
  });
  const isAll = requests.chains.length <= CHAINS_MAX && responses.chains.length <= CHAINS_MAX;
  const numbered = {
    requests: chains(requests, 'requests'),
    responses: chains(responses, 'responses'),
    ...{ isBased, isOver: isOver && isAll, isClosed, believed },
  };
  const isSingle = stretched.mayBeSingle && takesTurns(numbered.requests.chains, numbered.responses.chains);
  const underWayMax = isSingle ? 0 : stretched.underWayMax;
  const solved = (most: number) => {
    const numbering = new Numbering(numbered, most);
    return numbering.solve() ? numbering : null;
  };
  const seenBy = (numbering: Numbering) => mostUnderWay(numbered.requests.chains, numbered.responses.chains, numbering);
  const first = solved(underWayMax);
  const seen = first === null ? -1 : seenBy(first);
  if (first !== null && (seen === underWayMax || (seen < underWayMax && underWayMax >= 0))) return first;
  // What is certain without it says how many requests the client has under way. More than before: that says nothing.
  const bare = first !== null && underWayMax < 0 ? first : solved(-1);
  if (bare === null || underWayMax >= 0 || seen < 0) return bare;
  const again = solved(seen);
  return again === null || seenBy(again) > seen ? bare : again;
}

/** Whether the client was seen to take turns often enough, with one request in each, and to do nothing else. */
function takesTurns(requests: readonly Chain[], responses: readonly Chain[]): boolean {
  const answers = responses.flatMap(({ row }) => row);
  const beginning = new Map(answers.map((answer) => [answer.place, answer]));
  let turns = 0;
  for (const { messages } of requests) {
    for (const [k, { place, acknowledges }] of messages.entries()) {
      const before = messages[k - 1];
      const answer = beginning.get(acknowledges);
      const isBatched = before !== undefined && acknowledges <= before.acknowledges;
      const isCrossing = answers.some((one) => one.place < acknowledges && acknowledges < one.end);
      if (isBatched || isCrossing || (answer !== undefined && answer.acknowledges <= place)) return false;
      if (answer !== undefined) turns++;
    }
  }
  return turns >= TURNS_MIN;
}

/** How many requests were under way at most when another was sent, among those that are certain; -1: not seen often enough. */
function mostUnderWay(requests: readonly Chain[], responses: readonly Chain[], numbering: Numbering): number {
  let most = -1;
  let seen = 0;
  let count = 0;
  for (const answers of responses) {
    for (const asked of requests) {
      const apart = numbering.apartOf(asked, answers);
      if (apart === null) continue;
      const first = answers.messages[0]?.place ?? 0;
      asked.messages.forEach(({ acknowledges }, j) => {
        if (acknowledges < first || isBehind(answers, acknowledges)) return;
        const underWay = j - answeredBy(answers, acknowledges) - apart;
        count++;
        if (underWay > most) seen = 0;
        if (underWay < most) return;
        most = underWay;
        seen++;
      });
    }
  }
  return seen >= SEEN_MIN || (seen >= SEEN_MIN_OF_MANY && count >= manyOf(most)) ? most : -1;
}

/** Whether a client that acknowledges so much may have had responses that are not counted. */
function isBehind({ messages, covered }: Chain, acknowledges: number): boolean {
  const isLastClear = (messages.at(-1)?.end ?? 0) >= 0;
  return isLastClear ? acknowledges > covered : acknowledges >= covered;
}

/** How many responses a client has had that acknowledges so much. */
function answeredBy({ messages }: Chain, acknowledges: number): number {
  return countBefore(messages, acknowledges + 1, ({ end }) => (end < 0 ? Number.POSITIVE_INFINITY : end));
}
