/**
 * The endpoints of an inventory as a table: how often each was called, with what outcome, by whom, how fast, with which data.
 *
 * in: an inventory, which services and hosts of it · out: rows, sorted by template and method
 */
import { type Inventory, mergedTree, type Selection } from './inventory.js';
import { quantile } from './quantile-sketch.js';
import { endpointsOf } from './templates.js';

export interface EndpointRow {
  readonly service: string;
  readonly host: string;
  readonly method: string;
  readonly template: string;
  /** `query Hero`; null where it is no GraphQL. */
  readonly graphql: string | null;
  readonly count: number;
  readonly unanswered: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Nanoseconds, within 1 %; null where no response was timed. */
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number } | null;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Kinds of credentials, and how many requests had none. */
  readonly credentials: Readonly<Record<string, number>>;
  readonly anonymous: number;
  /** Addresses, of up to 64 callers. */
  readonly callers: Readonly<Record<string, number>>;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** `response.body.email` and what it held, `e-mail`; or the rule by which the sensor replaced it. */
  readonly sensitive: readonly { readonly field: string; readonly kind: string; readonly count: number }[];
}

export function endpointTable(
  inventory: Inventory,
  selection: Selection = {},
  overrides: readonly string[] = [],
): EndpointRow[] {
  return inventory.hosts(selection).flatMap((facts) =>
    endpointsOf(mergedTree([facts]), overrides).endpoints.map(
      ({ method, template, graphql, facts: of }): EndpointRow => {
        const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => quantile(of.durations, share));
        return {
          service: facts.service,
          host: facts.host,
          method,
          template,
          graphql,
          count: of.count,
          unanswered: of.unanswered,
          statuses: Object.fromEntries([...of.responses].map(([status, { count }]) => [status, count])),
          latency: p50 == null || p90 == null || p99 == null ? null : { p50, p90, p99 },
          firstSeen: of.firstSeen,
          lastSeen: of.lastSeen,
          credentials: Object.fromEntries(of.credentials),
          anonymous: of.anonymous,
          callers: Object.fromEntries(of.callers),
          requestBytes: of.requestBytes,
          responseBytes: of.responseBytes,
          sensitive: [...of.sensitive].sort().map(([key, count]) => {
            const space = key.lastIndexOf(' ');
            return { field: key.slice(0, space), kind: key.slice(space + 1), count };
          }),
        };
      },
    ),
  );
}
