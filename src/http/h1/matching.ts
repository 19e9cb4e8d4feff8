/**
 * Which response of a stretch answers which request, as far as only one reading remains.
 *
 * in:  chains of requests and of responses · out: for each request its response, where that is certain
 *
 * Responses come in the order of their requests (RFC 9112 §9.3.2), so each message has a number, and those of a chain follow
 * each other. What is known of the numbers of different chains are bounds of their differences:
 * - Between two chains of a stream there are as many messages at most as find room there.
 * - A response answers nothing that its server had not received, which it says by what it acknowledges (RFC 9293 §3.4).
 * - A client that never had more than so many requests under way has no more now.
 * - When both sides have closed, everything was answered.
 * - Only a response to HEAD has no body though its head says so.
 */
import { Differences } from './differences.js';
import type { HiddenMessages } from './hidden-messages.js';
import { Answers, type Chain, type ChainedMessage } from './message-chain.js';

export interface Stretched {
  /** What may be between chains. */
  readonly hidden: { readonly requests: HiddenMessages; readonly responses: HiddenMessages };
  /** Requests, oldest first. */
  readonly requests: readonly Chain[];
  readonly responses: readonly Chain[];
  /**
   * The places of both streams from which on requests and responses have the same numbers; null where none is known, as in a
   * connection that was joined in the middle.
   */
  readonly base: { readonly requests: number; readonly responses: number } | null;
  /** Where what has come of both streams ends. */
  readonly behind: { readonly requests: number; readonly responses: number };
  /** Requests that the client had under way at most when it sent another; -1: not known. */
  readonly underWayMax: number;
  /** Whether both streams have ended with nothing missing behind what there is. */
  readonly isOver: boolean;
  /** Whether both were closed, not reset. */
  readonly isClosed: boolean;
}

export type Matches = ReadonlyMap<ChainedMessage, ChainedMessage>;

/** How often as many requests must have been seen under way. */
const SEEN_MIN = 4;
/** Chains of both streams that are compared. */
const CHAINS_MAX = 128;
/** A status line without a reason and its empty line. */
const RESPONSE_BYTES_MIN = 17;
/** Lost bytes of the requests, right behind one, that are more than the empty lines that some clients send there. */
const EMPTY_LINES_BYTES_MAX = 4;
const NONE: Matches = new Map();

export function matchesOf(all: Stretched): Matches {
  const requests = all.requests.slice(0, CHAINS_MAX >> 1);
  const responses = all.responses.slice(0, CHAINS_MAX >> 1);
  const isAll = requests.length === all.requests.length && responses.length === all.responses.length;
  const stretched = { ...all, requests, responses, isOver: all.isOver && isAll };
  const { underWayMax } = stretched;
  const matches = new Numbering(stretched, underWayMax).matches();
  const seen = matches === null ? -1 : mostUnderWay(stretched, matches);
  if (matches !== null && (seen === underWayMax || (seen < underWayMax && underWayMax >= 0))) return matches;
  // What is certain without it says how many requests the client has under way. More than before: that says nothing.
  const bare = matches !== null && underWayMax < 0 ? matches : new Numbering(stretched, -1).matches();
  if (bare === null) return NONE;
  if (underWayMax >= 0 || seen < 0) return bare;
  const again = new Numbering(stretched, seen).matches();
  return again === null || mostUnderWay(stretched, again) > seen ? bare : again;
}

/** The numbers of the first messages of all chains. */
class Numbering {
  readonly #stretched: Stretched;
  readonly #underWayMax: number;
  readonly #differences: Differences;
  /** The numbers of the base, and of what would follow the last message of each stream. */
  readonly #base = 0;
  readonly #requestsEnd = 1;
  readonly #responsesEnd = 2;

  constructor(stretched: Stretched, underWayMax: number) {
    this.#stretched = stretched;
    this.#underWayMax = underWayMax;
    this.#differences = new Differences(3 + stretched.requests.length + stretched.responses.length);
  }

  #request = (chain: number): number => 3 + chain;
  #response = (chain: number): number => 3 + this.#stretched.requests.length + chain;

  /** Null where what is taken for granted contradicts itself. */
  matches(): Matches | null {
    const { requests, responses, base, behind, isOver, isClosed } = this.#stretched;
    this.#order(requests, this.#request, { from: base?.requests, to: behind.requests, end: this.#requestsEnd });
    this.#order(responses, this.#response, { from: base?.responses, to: behind.responses, end: this.#responsesEnd });
    responses.forEach((chain, j) => {
      for (const [m, response] of chain.messages.entries()) this.#answer(response, this.#response(j), m);
    });
    if (this.#underWayMax >= 0) {
      requests.forEach((chain, i) => {
        for (const [k, request] of chain.messages.entries()) this.#turn(request, this.#request(i), k);
      });
    }
    const last = responses.at(-1);
    const isOpen = last?.messages.at(-1)?.closes !== false || last.messages.at(-1)?.isCut === true;
    // A reset may come in front of answers, or within one.
    const isAll = isClosed || (requests.at(-1)?.isLast === true && last?.isLast === true);
    if (isOver && isAll && !isOpen) this.#same(this.#requestsEnd, this.#responsesEnd);
    if (!this.#differences.close() || !this.#compare()) return null;
    return this.#certain();
  }

  #same(one: number, other: number): void {
    this.#differences.atMost(one, other, 0);
    this.#differences.atMost(other, one, 0);
  }

  /** Chains follow each other, with as many messages between them as find room. */
  #order(chains: readonly Chain[], nodeOf: (chain: number) => number, { from, to, end }: Extent): void {
    const { hidden: all, requests } = this.#stretched;
    const hidden = chains === requests ? all.requests : all.responses;
    let before = from === undefined ? -1 : this.#base;
    let count = 0;
    let isClear = false;
    let place = from ?? 0;
    const follow = (node: number, at: number) => {
      if (before < 0) return;
      this.#differences.atLeast(
        before,
        node,
        count + (isClear && hidden.isLost(place, at, EMPTY_LINES_BYTES_MAX) ? 1 : 0),
      );
      this.#differences.atMost(before, node, count + hidden.within(place, at));
    };
    chains.forEach((chain, i) => {
      const isBase = chain.isPlaced && before === this.#base;
      follow(nodeOf(i), isBase ? place : (chain.messages[0]?.place ?? place));
      before = nodeOf(i);
      count = chain.messages.length;
      place = chain.isLast ? to : chain.covered;
      // What is lost right behind a request is another.
      isClear = chains === requests && chain.messages.at(-1)?.end === place;
    });
    if (place >= to || this.#stretched.isClosed) follow(end, to);
    // The last may have been cut off.
    if (before < 0 || place >= to || this.#stretched.isClosed) return;
    this.#differences.atLeast(before, end, count);
    this.#differences.atMost(before, end, count + hidden.beginning(place, to) + 1);
  }

  /** A response answers a request that its server had at least the beginning of. */
  #answer({ acknowledges }: ChainedMessage, node: number, number: number): void {
    const { requests, base } = this.#stretched;
    const { requests: hidden } = this.#stretched.hidden;
    const next = requests.findIndex(({ messages }) => (messages[0]?.place ?? 0) >= acknowledges);
    if (next >= 0) this.#differences.atMost(this.#request(next), node, -1 - number);
    const last = next < 0 ? requests.length - 1 : next - 1;
    const chain = requests[last];
    if (chain === undefined) {
      if (base === null) return;
      this.#differences.atMost(this.#base, node, hidden.beginning(base.requests, acknowledges) - 1 - number);
      return;
    }
    const begun = countBefore(chain.messages, acknowledges, ({ place }) => place);
    const isAll = begun === chain.messages.length && !chain.isLast;
    const more = isAll ? hidden.beginning(chain.covered, acknowledges) : 0;
    this.#differences.atMost(this.#request(last), node, begun + more - 1 - number);
  }

  /** A client sends a request when it has received enough of the responses to those before it. */
  #turn({ acknowledges }: ChainedMessage, node: number, number: number): void {
    if (acknowledges === Number.POSITIVE_INFINITY) return;
    const { responses, base } = this.#stretched;
    const { responses: hidden } = this.#stretched.hidden;
    const most = this.#underWayMax - number;
    const next = responses.findIndex(
      ({ messages }) => (messages[0] === undefined ? 0 : leastEnd(messages[0])) > acknowledges,
    );
    if (next >= 0) this.#differences.atMost(this.#response(next), node, most);
    const last = next < 0 ? responses.length - 1 : next - 1;
    const chain = responses[last];
    if (chain === undefined) {
      if (base === null) return;
      this.#differences.atMost(this.#base, node, hidden.within(base.responses, acknowledges) + most);
      return;
    }
    const ended = countBefore(chain.messages, acknowledges + 1, leastEnd);
    const isAll = ended === chain.messages.length && !chain.isLast;
    const more = isAll ? hidden.within(chain.covered, acknowledges) : 0;
    this.#differences.atMost(this.#response(last), node, ended + more + most);
  }

  /** Leaves out what disagrees about bodies. Returns false where nothing agrees. */
  #compare(): boolean {
    const { requests, responses } = this.#stretched;
    for (let changed = true; changed; ) {
      changed = false;
      for (const [i, asked] of requests.entries()) {
        for (const [j, answers] of responses.entries()) {
          const [one, other] = [this.#request(i), this.#response(j)];
          let [least, most] = [this.#differences.least(one, other), this.#differences.most(one, other)];
          if (least === most || most - least > asked.messages.length + answers.messages.length) continue;
          while (least <= most && !agrees(asked, answers, least)) least++;
          while (least <= most && !agrees(asked, answers, most)) most--;
          if (least > most) return false;
          const isNarrower = least > this.#differences.least(one, other) || most < this.#differences.most(one, other);
          if (!isNarrower) continue;
          this.#differences.atLeast(one, other, least);
          this.#differences.atMost(one, other, most);
          if (!this.#differences.close()) return false;
          changed = true;
        }
      }
    }
    return true;
  }

  #certain(): Matches {
    const { requests, responses } = this.#stretched;
    const matches = new Map<ChainedMessage, ChainedMessage>();
    for (const [i, asked] of requests.entries()) {
      for (const [j, answers] of responses.entries()) {
        const [one, other] = [this.#request(i), this.#response(j)];
        const apart = this.#differences.most(one, other);
        if (apart !== this.#differences.least(one, other)) continue;
        answers.messages.forEach((response, m) => {
          const request = asked.messages[m + apart];
          if (request !== undefined) matches.set(request, response);
        });
      }
    }
    return matches;
  }
}

interface Extent {
  readonly from: number | undefined;
  readonly to: number;
  readonly end: number;
}

/** Where a message may end at the earliest. */
const leastEnd = ({ place, end }: ChainedMessage): number => (end < 0 ? place + RESPONSE_BYTES_MIN : end);

/** How many requests were under way at most when another was sent, among those that are certain; -1: not seen often enough. */
function mostUnderWay({ requests, responses }: Stretched, matches: Matches): number {
  const numbers = new Map<ChainedMessage, number>();
  for (const { messages } of responses) for (const [m, response] of messages.entries()) numbers.set(response, m);
  let most = -1;
  let seen = 0;
  for (const asked of requests) {
    for (const answers of responses) {
      const k = asked.messages.findIndex((request) => {
        const response = matches.get(request);
        return response !== undefined && answers.messages[numbers.get(response) ?? 0] === response;
      });
      if (k < 0) continue;
      const apart = k - (numbers.get(matches.get(asked.messages[k] as ChainedMessage) as ChainedMessage) ?? 0);
      const first = answers.messages[0]?.place ?? 0;
      asked.messages.forEach(({ acknowledges }, j) => {
        if (acknowledges < first || isBehind(answers, acknowledges)) return;
        const underWay = j - answeredBy(answers, acknowledges) - apart;
        if (underWay > most) seen = 0;
        if (underWay < most) return;
        most = underWay;
        seen++;
      });
    }
  }
  return seen < SEEN_MIN ? -1 : most;
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

/** How many of `messages` lie at a place before `limit`. */
function countBefore(
  messages: readonly ChainedMessage[],
  limit: number,
  placeOf: (message: ChainedMessage) => number,
): number {
  let count = 0;
  while (count < messages.length && placeOf(messages[count] as ChainedMessage) < limit) count++;
  return count;
}

/** Whether responses that lack their body answer HEAD, and the others none. */
function agrees({ messages: asked }: Chain, { messages: answers }: Chain, apart: number): boolean {
  return answers.every(({ answers: what }, i) => {
    const method = asked[i + apart]?.method;
    return method === undefined || what === Answers.any || (what === Answers.head) === (method === 'HEAD');
  });
}
