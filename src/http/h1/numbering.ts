/**
 * The numbers of the messages of a stretch: those of a chain follow each other, and what is known of the numbers of different
 * chains are bounds of their differences.
 *
 * in:  chains of requests and of responses · out: the pairs whose numbers are equal in any case, and what else is possible
 *
 * Responses come in the order of their requests (RFC 9112 §9.3.2). So:
 * - Between two chains of a stream there are as many messages at most as find room there.
 * - A response answers nothing that its server had not received, which it says by what it acknowledges (RFC 9293 §3.4).
 * - A client that never had more than so many requests under way has no more now.
 * - When both sides have closed, everything was answered.
 * - Only a response to HEAD has no body though its head says so.
 */
import type { BelievedPair } from '../message-sink.js';
import { Differences } from './differences.js';
import type { HiddenMessages } from './hidden-messages.js';
import { Answers, type Chain, type ChainedMessage } from './message-chain.js';

export interface Numbered {
  readonly requests: Chains;
  readonly responses: Chains;
  /** Whether requests and responses have the same numbers from the places on where the stretch begins. */
  readonly isBased: boolean;
  /** Whether both streams have ended with nothing missing behind what there is, and whether both were closed, not reset. */
  readonly isOver: boolean;
  readonly isClosed: boolean;
  /** Places of requests and responses that belong together. */
  readonly believed: readonly BelievedPair[];
}

/** One stream: its chains in order, what may be between them, and where the stretch begins and ends. */
export interface Chains {
  readonly chains: readonly Chain[];
  readonly hidden: HiddenMessages;
  readonly from: number;
  readonly to: number;
}

export type Matches = ReadonlyMap<ChainedMessage, ChainedMessage>;
type Bound = (from: number, to: number, most: number) => void;

/** A status line without a reason and its empty line. */
const RESPONSE_BYTES_MIN = 17;
/** Lost bytes of the requests, right behind one, that are more than the empty lines that some clients send there. */
const EMPTY_LINES_BYTES_MAX = 4;
/** The numbers from which the stretch begins, and of what would follow the last message of each stream. */
const BASE = 0;
const REQUESTS_END = 1;
const RESPONSES_END = 2;
const FIRST_CHAIN = 3;
const NOWHERE = -1;

export class Numbering {
  readonly #numbered: Numbered;
  /** Requests that a client has under way at most when it sends another; -1: not known. */
  readonly #underWayMax: number;
  readonly #differences: Differences;
  readonly #nodes = new Map<Chain, number>();
  /** The chain that is tried. */
  readonly #tried: number;

  constructor(numbered: Numbered, underWayMax: number) {
    this.#numbered = numbered;
    this.#underWayMax = underWayMax;
    const all = [...numbered.requests.chains, ...numbered.responses.chains];
    all.forEach((chain, i) => {
      this.#nodes.set(chain, FIRST_CHAIN + i);
    });
    this.#tried = FIRST_CHAIN + all.length;
    this.#differences = new Differences(this.#tried);
  }

  /** Finds what follows from all bounds. Returns false where they contradict each other. */
  solve(): boolean {
    const { requests, responses, isOver, isClosed } = this.#numbered;
    const bound: Bound = (from, to, most) => this.#differences.atMost(from, to, most);
    this.#bind(requests.chains, responses.chains, bound);
    const [lastRequest, last] = [requests.chains.at(-1), responses.chains.at(-1)];
    const isOpen = last?.messages.at(-1)?.closes !== false || last.messages.at(-1)?.isCut === true;
    // A reset may come in front of answers, or within one.
    if (isOver && !isOpen && (isClosed || (lastRequest?.isLast === true && last?.isLast === true))) {
      bound(REQUESTS_END, RESPONSES_END, 0);
      bound(RESPONSES_END, REQUESTS_END, 0);
    }
    for (const pair of this.#numbered.believed) this.#pair(pair, bound);
    return this.#differences.close() && this.#compare();
  }

  #pair({ request, response }: BelievedPair, bound: Bound): void {
    const { requests, responses } = this.#numbered;
    const [asked, k] = placeIn(requests.chains, request);
    const [answers, m] = placeIn(responses.chains, response);
    if (asked === undefined || answers === undefined) return;
    bound(this.#nodeOf(asked), this.#nodeOf(answers), k - m);
    bound(this.#nodeOf(answers), this.#nodeOf(asked), m - k);
  }

  /** All bounds of these chains. */
  #bind(requests: readonly Chain[], responses: readonly Chain[], bound: Bound): void {
    const numbered = this.#numbered;
    this.#order(requests, numbered.requests, bound);
    this.#order(responses, numbered.responses, bound);
    for (const chain of responses) {
      const node = this.#nodeOf(chain);
      for (const [m, response] of chain.messages.entries()) this.#answer(response, node, m, requests, bound);
    }
    if (this.#underWayMax < 0) return;
    for (const chain of requests) {
      const node = this.#nodeOf(chain);
      for (const [k, request] of chain.messages.entries()) this.#turn(request, node, k, responses, bound);
    }
  }

  #nodeOf(chain: Chain): number {
    return this.#nodes.get(chain) ?? this.#tried;
  }

  get #base(): number {
    return this.#numbered.isBased ? BASE : NOWHERE;
  }

  /** Chains follow each other, with as many messages between them as find room. */
  #order(chains: readonly Chain[], stream: Chains, bound: Bound): void {
    for (let i = 0; i <= chains.length; i++) this.#follow(chains[i - 1], chains[i], stream, bound);
  }

  #follow(before: Chain | undefined, next: Chain | undefined, stream: Chains, bound: Bound): void {
    const { hidden, from, to } = stream;
    const isRequest = stream === this.#numbered.requests;
    const first = before === undefined ? this.#base : this.#nodeOf(before);
    const second = next === undefined ? (isRequest ? REQUESTS_END : RESPONSES_END) : this.#nodeOf(next);
    if (first === NOWHERE) return;
    const count = before?.messages.length ?? 0;
    const place = before === undefined ? from : before.isLast ? to : before.covered;
    // The first chain may begin with requests that wait since before.
    const limit = next === undefined ? to : before === undefined && next.isPlaced ? from : next.place;
    // What is lost right behind a request is another.
    const isClear = isRequest && before?.row.at(-1)?.end === place;
    const least = isClear && hidden.isLost(place, limit, EMPTY_LINES_BYTES_MAX) ? 1 : 0;
    // The last message may have been cut off.
    const isCutOff = next === undefined && place < to && !this.#numbered.isClosed;
    const most = isCutOff ? hidden.beginning(place, limit) + 1 : hidden.within(place, limit);
    bound(second, first, -count - least);
    bound(first, second, count + most);
  }

  /** A response answers a request that its server had at least the beginning of. */
  #answer(
    { acknowledges }: ChainedMessage,
    node: number,
    number: number,
    requests: readonly Chain[],
    bound: Bound,
  ): void {
    const { hidden, from } = this.#numbered.requests;
    const next = requests.findIndex((chain) => chain.place >= acknowledges);
    const chain = requests[next < 0 ? requests.length - 1 : next - 1];
    if (next >= 0) bound(this.#nodeOf(requests[next] as Chain), node, -1 - number);
    if (chain === undefined) {
      if (this.#base !== NOWHERE) bound(BASE, node, hidden.beginning(from, acknowledges) - 1 - number);
      return;
    }
    const begun = countBefore(chain.messages, acknowledges, ({ place }) => place);
    const isAll = begun === chain.messages.length && !chain.isLast;
    const more = isAll ? hidden.beginning(chain.covered, acknowledges) : 0;
    bound(this.#nodeOf(chain), node, begun + more - 1 - number);
  }

  /** A client sends a request when it has received enough of the responses to those before it. */
  #turn(
    { acknowledges }: ChainedMessage,
    node: number,
    number: number,
    responses: readonly Chain[],
    bound: Bound,
  ): void {
    if (acknowledges === Number.POSITIVE_INFINITY) return;
    const { hidden, from } = this.#numbered.responses;
    const most = this.#underWayMax - number;
    const next = responses.findIndex(({ messages, place }) => {
      return (messages[0] === undefined ? place : leastEnd(messages[0])) > acknowledges;
    });
    const chain = responses[next < 0 ? responses.length - 1 : next - 1];
    if (next >= 0) bound(this.#nodeOf(responses[next] as Chain), node, most);
    if (chain === undefined) {
      if (this.#base !== NOWHERE) bound(BASE, node, hidden.within(from, acknowledges) + most);
      return;
    }
    const ended = countBefore(chain.messages, acknowledges + 1, leastEnd);
    const isAll = ended === chain.messages.length && !chain.isLast;
    const more = isAll ? hidden.within(chain.covered, acknowledges) : 0;
    bound(this.#nodeOf(chain), node, ended + more + most);
  }

  /** Whether there may be this chain, too, of requests or else of responses. */
  mayBe(chain: Chain, isRequest: boolean): boolean {
    const { requests, responses } = this.#numbered;
    const size = this.#tried;
    // By how much it may be higher than others, and others than it.
    const above = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    const below = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    const bound: Bound = (from, to, most) => {
      if (to === size && from < size) above[from] = Math.min(above[from] as number, most);
      if (from === size && to < size) below[to] = Math.min(below[to] as number, most);
    };
    const isOwn = (one: readonly Chain[], wanted: boolean) => (wanted ? inOrder(one, chain) : one);
    this.#bind(isOwn(requests.chains, isRequest), isOwn(responses.chains, !isRequest), bound);
    for (let to = 0; to < size; to++) {
      if (below[to] === Number.POSITIVE_INFINITY) continue;
      for (let from = 0; from < size; from++) {
        const around = (below[to] as number) + this.#differences.most(to, from) + (above[from] as number);
        if (around < 0) return false;
      }
    }
    return true;
  }

  /** Whether what is known is possible if less is hidden, of requests or else of responses, than was known before. */
  mayHideLess(): boolean {
    const { requests, responses } = this.#numbered;
    let isPossible = true;
    this.#bind(requests.chains, responses.chains, (from, to, most) => {
      if (this.#differences.most(to, from) + most < 0) isPossible = false;
    });
    return isPossible;
  }

  /** Leaves out what disagrees about bodies. Returns false where nothing agrees. */
  #compare(): boolean {
    const { requests, responses } = this.#numbered;
    for (let changed = true; changed; ) {
      changed = false;
      for (const asked of requests.chains) {
        for (const answers of responses.chains) {
          const [one, other] = [this.#nodeOf(asked), this.#nodeOf(answers)];
          const [lowest, highest] = [this.#differences.least(one, other), this.#differences.most(one, other)];
          if (highest - lowest > asked.messages.length + answers.messages.length) continue;
          let [least, most] = [lowest, highest];
          while (least <= most && !agrees(asked, answers, least)) least++;
          while (least <= most && !agrees(asked, answers, most)) most--;
          if (least > most) return false;
          if (least === lowest && most === highest) continue;
          this.#differences.atLeast(one, other, least);
          this.#differences.atMost(one, other, most);
          if (!this.#differences.close()) return false;
          changed = true;
        }
      }
    }
    return true;
  }

  /** The pairs that are certain. */
  matches(): Matches {
    const { requests, responses } = this.#numbered;
    const matches = new Map<ChainedMessage, ChainedMessage>();
    for (const asked of requests.chains) {
      for (const answers of responses.chains) {
        const apart = this.apartOf(asked, answers);
        if (apart === null) continue;
        answers.messages.forEach((response, m) => {
          const request = asked.messages[m + apart];
          if (request !== undefined) matches.set(request, response);
        });
      }
    }
    return matches;
  }

  /** By how many places further on in its chain the request is that a response answers; null: several are possible. */
  apartOf(asked: Chain, answers: Chain): number | null {
    const [one, other] = [this.#nodeOf(asked), this.#nodeOf(answers)];
    const apart = this.#differences.most(one, other);
    return apart === this.#differences.least(one, other) ? apart : null;
  }
}

/** The chain of the message at `place`, and its number there. */
function placeIn(chains: readonly Chain[], place: number): [Chain | undefined, number] {
  for (const chain of chains) {
    const number = chain.messages.findIndex((message) => message.place === place);
    if (number >= 0) return [chain, number];
  }
  return [undefined, 0];
}

function inOrder(chains: readonly Chain[], chain: Chain): Chain[] {
  return [...chains, chain].sort((a, b) => a.place - b.place);
}

/** Where a message may end at the earliest. */
const leastEnd = ({ place, end }: ChainedMessage): number => (end < 0 ? place + RESPONSE_BYTES_MIN : end);

/** How many of `messages` lie at a place before `limit`. */
export function countBefore(
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
