/** Calls by their ends, of the newest traces. Pure. */
import type { Timed } from './rates-of.js';
import type { CallGroup, Calls } from './store.js';

export interface Called extends Timed {
  readonly kind: string;
  readonly service: string;
  readonly environment: string;
  readonly host: string;
  readonly client: string;
}

/** Groups beyond these are the rarest, and are counted alone. */
const GROUPS_MAX = 2000;

export function callsOf(found: readonly Called[]): Calls {
  const groups = new Map<string, { -readonly [Name in keyof CallGroup]: CallGroup[Name] }>();
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  for (const { kind, service, environment, host, client, start, status, duration } of found) {
    from = Math.min(from, start);
    to = Math.max(to, start);
    const key = JSON.stringify([kind, service, environment, host, client]);
    let group = groups.get(key);
    if (group === undefined) {
      group = { kind, service, environment, host, client, traces: 0, failures: 0, nanos: 0 };
      groups.set(key, group);
    }
    group.traces++;
    group.nanos += duration;
    if (status === null || status >= 500) group.failures++;
  }
  const most = [...groups.values()].sort((one, other) => other.traces - one.traces);
  const left = most.slice(GROUPS_MAX).reduce((sum, { traces }) => sum + traces, 0);
  return { from: found.length === 0 ? 0 : from, to, traces: found.length, groups: most.slice(0, GROUPS_MAX), left };
}
