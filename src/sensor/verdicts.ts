/**
 * What becomes of each exchange, by all that has a say in it: the CPU budget, `--count`, the policy.
 *
 * in: an exchange, when its request's head is complete and when it has ended · out: it is kept, or its drop counted: one
 * that is not admitted by whoever asked
 */
import { type Counters, countDropped, DropReason } from '../counters.js';
import { type Exchange, UNDECIDED } from '../pair/exchange.js';
import type { Policy } from '../policy/policy.js';
import { isCut, type Watch } from './watch.js';

export interface VerdictsContext {
  readonly policy: Policy;
  readonly watch: Watch;
  readonly counters: Counters;
  /** How many exchanges are kept; null for no end. */
  readonly count: number | null;
  /** As many are kept. */
  readonly onCount: () => void;
  readonly keep: (exchange: Exchange) => void;
  readonly onDrop: (reason: DropReason) => void;
}

export interface Verdicts {
  admit(exchange: Exchange): DropReason | typeof UNDECIDED;
  decide(exchange: Exchange): DropReason;
  complete(exchange: Exchange): void;
}

export function createVerdicts(context: VerdictsContext): Verdicts {
  const { policy, watch, counters, count, onCount, keep, onDrop } = context;
  const countMax = count ?? Number.POSITIVE_INFINITY;
  let kept = 0;
  return {
    admit(exchange) {
      if (!watch.admits) return DropReason.unwatched;
      const reason = kept >= countMax ? DropReason.afterCount : policy.admit(exchange);
      if (reason !== DropReason.none && reason !== UNDECIDED) onDrop(reason);
      return reason;
    },
    decide(exchange) {
      const reason = policy.decide(exchange);
      if (reason !== DropReason.none) onDrop(reason);
      return reason;
    },
    complete(exchange) {
      if (watch.isShut && isCut(exchange)) exchange.dropReason = DropReason.unwatched;
      // It was admitted while others were under way.
      if (kept >= countMax && exchange.dropReason === DropReason.none) exchange.dropReason = DropReason.afterCount;
      const reason = policy.conclude(exchange);
      if (reason !== DropReason.none) {
        countDropped(counters, reason);
        onDrop(reason);
        return;
      }
      keep(exchange);
      kept++;
      if (kept === countMax) onCount();
    },
  };
}
