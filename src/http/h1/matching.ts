/**
 * Which response of a stretch answers which request, as far as only one reading remains.
 *
 * in:  chains of requests and of responses · out: for each request its response, where that is certain
 *
 * Responses come in the order of their requests (RFC 9112 §9.3.2), so of two chains only one number is unknown: by how many
 * places they are apart. What is known of it:
 * - A response answers nothing that its server had not received, which it says by what it acknowledges (RFC 9293 §3.4).
 * - Only a response to HEAD has no body though its head says so.
 * - A client that never had more than so many requests under way has no more now.
 * - When both sides have closed, everything was answered.
 */
import { Answers, type Chain, type ChainedMessage } from './message-chain.js';

export interface Stretched {
  /** Requests, oldest first. The first chain is placed if the requests before it are all known. */
  readonly requests: readonly Chain[];
  readonly responses: readonly Chain[];
  /** Requests that the client had under way at most when it sent another; -1: not known. */
  readonly underWayMax: number;
  /** Whether both streams have ended with nothing missing behind what there is. */
  readonly isOver: boolean;
}

export type Matches = ReadonlyMap<ChainedMessage, ChainedMessage>;

/** How often as many requests must have been seen under way. */
const SEEN_MIN = 4;

export function matchesOf(stretched: Stretched): Matches {
  const { underWayMax } = stretched;
  const pairs = pairsOf(stretched);
  const seen = mostUnderWay(pairs);
  if (seen === underWayMax || (seen < underWayMax && underWayMax >= 0)) return matchesIn(pairs);
  // What is certain without it says how many requests the client has under way. More than before: that says nothing.
  const again = pairsOf({ ...stretched, underWayMax: underWayMax < 0 ? seen : -1 });
  return matchesIn(again);
}

/** Two chains of which it is known how far they are apart. */
interface Pair {
  readonly asked: Chain;
  readonly answers: Chain;
  readonly apart: number;
}

function pairsOf(stretched: Stretched): Pair[] {
  const pairs: Pair[] = [];
  const next = new Map<Chain, number>();
  for (const answers of stretched.responses) {
    for (const asked of stretched.requests) {
      const apart = apartOf(stretched, asked, answers, next.get(asked) ?? 0);
      if (apart === null) continue;
      pairs.push({ asked, answers, apart });
      next.set(asked, Math.max(next.get(asked) ?? 0, answers.messages.length + apart));
    }
  }
  return pairs;
}

/** What contradicts itself is left out. */
function matchesIn(pairs: readonly Pair[]): Matches {
  const matches = new Map<ChainedMessage, ChainedMessage>();
  const used = new Set<ChainedMessage>();
  const contradicted = new Set<ChainedMessage>();
  for (const { asked, answers, apart } of pairs) {
    answers.messages.forEach((response, i) => {
      const request = asked.messages[i + apart];
      if (request === undefined) return;
      if (matches.has(request) || used.has(response)) contradicted.add(request);
      matches.set(request, response);
      used.add(response);
    });
  }
  for (const request of contradicted) matches.delete(request);
  return matches;
}

/** How many requests were under way at most when another was sent, among those that are certain; -1: not seen often enough. */
function mostUnderWay(pairs: readonly Pair[]): number {
  let most = -1;
  let seen = 0;
  for (const { asked, answers, apart } of pairs) {
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
  return seen < SEEN_MIN ? -1 : most;
}

/** By how many places further on in its chain the request is that a response answers; null: several are possible. */
function apartOf(stretched: Stretched, asked: Chain, answers: Chain, next: number): number | null {
  const { requests, responses, underWayMax, isOver } = stretched;
  const isFirst = requests[0] === asked && asked.isPlaced;
  if (isFirst && answers.isPlaced) return 0;
  let most = mostApart(asked, answers);
  const before = requests[0]?.isPlaced === true && !isFirst ? requests[0].messages.length : 0;
  if (answers.isPlaced) most = Math.min(most, -before);
  let least = isFirst ? next : Number.NEGATIVE_INFINITY;
  if (underWayMax >= 0) least = Math.max(least, leastApart(asked, answers, underWayMax));
  const isEnd = isOver && asked.isLast && answers.isLast && requests.at(-1) === asked && responses.at(-1) === answers;
  const last = answers.messages.at(-1);
  if (isEnd && last?.closes === false && !last.isCut) {
    const apart = asked.messages.length - answers.messages.length;
    return apart >= least && apart <= most && agrees(asked, answers, apart) ? apart : null;
  }
  if (least === Number.NEGATIVE_INFINITY || most === Number.POSITIVE_INFINITY) return null;
  let found: number | null = null;
  for (let apart = least; apart <= most; apart++) {
    if (!agrees(asked, answers, apart)) continue;
    if (found !== null) return null;
    found = apart;
  }
  return found;
}

/** A response answers a request that its server had at least the beginning of. */
function mostApart({ messages: asked, covered }: Chain, { messages: answers }: Chain): number {
  let most = Number.POSITIVE_INFINITY;
  answers.forEach(({ acknowledges }, i) => {
    if (acknowledges > covered) return;
    const received = countBefore(asked, acknowledges, ({ place }) => place);
    most = Math.min(most, received - 1 - i);
  });
  return most;
}

/** A client has no more requests under way than it had before. */
function leastApart({ messages: asked }: Chain, answers: Chain, underWayMax: number): number {
  let least = Number.NEGATIVE_INFINITY;
  asked.forEach(({ acknowledges }, j) => {
    if (isBehind(answers, acknowledges)) return;
    least = Math.max(least, j - answeredBy(answers, acknowledges) - underWayMax);
  });
  return least;
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
