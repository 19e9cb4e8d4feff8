/**
 * Makes a failing conversation small: takes out whatever is not needed for a fault of the same kind, exchanges first,
 * then what the capture did, one thing at a time.
 */
import type { Effects } from './capture.js';
import { type FaultKind, type Trial, trial } from './oracle.js';
import type { Script } from './script.js';

/** Trials that one shrinking may take. */
const TRIALS_MAX = 3000;

export function shrink(failing: Trial, kind: FaultKind): Trial {
  let best = failing;
  let trials = 0;
  const attempt = (script: Script, effects: Effects): boolean => {
    if (trials++ >= TRIALS_MAX) return false;
    const candidate = trial(script, effects);
    if (!candidate.verdict.faults.some((fault) => fault.kind === kind)) return false;
    best = candidate;
    return true;
  };
  for (let changed = true; changed && trials < TRIALS_MAX; ) {
    changed = false;
    for (const step of [withoutConnections, withoutExchanges, withoutEffects, withCalmNetwork]) {
      while (step(best, attempt)) changed = true;
    }
  }
  return best;
}

type Attempt = (script: Script, effects: Effects) => boolean;

function withoutConnections({ script, effects }: Trial, attempt: Attempt): boolean {
  const { connections } = script;
  if (connections.length === 1) return false;
  return connections.some((_, i) => attempt({ ...script, connections: without(connections, i) }, effects));
}

function withoutExchanges({ script, effects }: Trial, attempt: Attempt): boolean {
  return script.connections.some((connection, c) => {
    const replace = (exchanges: typeof connection.exchanges, allTail: typeof connection.tail): boolean => {
      // What is no HTTP follows an upgrade, or is all there is.
      const tail = script.isForeign || exchanges.at(-1)?.status === 101 ? allTail : [];
      const connections = script.connections.map((other, i) => (i === c ? { ...connection, exchanges, tail } : other));
      return attempt({ ...script, connections }, effects);
    };
    const { exchanges, tail } = connection;
    for (let size = exchanges.length >> 1; size >= 1; size >>= 1) {
      for (let i = 0; i + size <= exchanges.length; i += size) {
        if (replace([...exchanges.slice(0, i), ...exchanges.slice(i + size)], tail)) return true;
      }
    }
    return tail.some((_, i) => replace(exchanges, without(tail, i)));
  });
}

function withoutEffects({ script, effects }: Trial, attempt: Attempt): boolean {
  const { lost, twice, late, skipped } = effects;
  if (twice.size > 0 && attempt(script, { ...effects, twice: new Set() })) return true;
  if (late.size > 0 && attempt(script, { ...effects, late: new Map() })) return true;
  if (skipped > 0 && attempt(script, { ...effects, skipped: 0 })) return true;
  if (skipped > 3 && attempt(script, { ...effects, skipped: skipped >> 1 })) return true;
  for (const key of lost) if (attempt(script, { ...effects, lost: setWithout(lost, key) })) return true;
  for (const key of twice) if (attempt(script, { ...effects, twice: setWithout(twice, key) })) return true;
  for (const key of late.keys()) {
    const fewer = new Map(late);
    fewer.delete(key);
    if (attempt(script, { ...effects, late: fewer })) return true;
  }
  return skipped > 0 && attempt(script, { ...effects, skipped: skipped - 1 });
}

/** One round trip for all, nothing lost on the way, no waits. */
function withCalmNetwork({ script, effects }: Trial, attempt: Attempt): boolean {
  return script.connections.some((connection, c) => {
    const simpler = [
      { networkLoss: 0, spurious: 0 },
      { depth: 1 },
      { end: 'client fin' as const },
      { exchanges: connection.exchanges.map((exchange) => ({ ...exchange, think: 1e6, service: 1e6 })) },
      {
        exchanges: connection.exchanges.map((exchange) => ({
          ...exchange,
          interims: exchange.interims.subarray(0, 0),
        })),
      },
    ];
    return simpler.some((change) => {
      const changed = { ...connection, ...change };
      if (JSON.stringify(sizeOf(changed)) === JSON.stringify(sizeOf(connection))) return false;
      return attempt(
        { ...script, connections: script.connections.map((other, i) => (i === c ? changed : other)) },
        effects,
      );
    });
  });
}

function sizeOf({ networkLoss, spurious, depth, end, exchanges }: Script['connections'][number]): unknown {
  return [
    networkLoss,
    spurious,
    depth,
    end,
    exchanges.map(({ think, service, interims }) => [think, service, interims.length]),
  ];
}

const without = <T>(list: readonly T[], i: number): T[] => [...list.slice(0, i), ...list.slice(i + 1)];

function setWithout<T>(set: ReadonlySet<T>, value: T): Set<T> {
  const fewer = new Set(set);
  fewer.delete(value);
  return fewer;
}
