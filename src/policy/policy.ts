/**
 * Which exchanges are kept: rules, then the sample, then the rate limit.
 *
 * in: an `Exchange`, when its request's head is complete and again when it has ended · out: a `DropReason`
 */
import { DropReason } from '../counters.js';
import { type Exchange, UNDECIDED } from '../pair/exchange.js';
import type { PodLookup } from '../pair/pod.js';
import { type TraceContext, traceContextOf } from '../pair/trace-context.js';
import type { TraceIds } from '../pair/trace-ids.js';
import { withOperation } from './endpoint-hasher.js';
import { GraphqlPaths, mayWaitForGraphql, operationText } from './graphql-paths.js';
import { LimitInForce } from './limit-in-force.js';
import { createPodRules, type PodRuleSettings } from './pod-rules.js';
import type { SeenTraffic } from './rate-limit.js';
import { RequestEndpoints } from './request-endpoints.js';
import { createRules, type RuleSettings, type Rules } from './rules.js';
import { isSampled, type SamplingSettings } from './sampling.js';

export interface PolicySettings extends RuleSettings, SamplingSettings, PodRuleSettings {
  /** Exchanges kept in any minute; 0 for no limit. */
  ratePerMinute: number;
  /** Rules beside the others: an exchange is kept where both keep it. */
  also?: Pick<RuleSettings, 'hostAllow' | 'pathAllow' | 'methodAllow' | 'statusAllow'> | null;
}

export interface PolicyContext {
  ids: TraceIds;
  /** The time in milliseconds at which the rate limit sees an exchange. */
  now(exchange: Exchange): number;
  /** `wall` paces permits in real time; `capture` by `now` alone, for files. */
  pace: 'wall' | 'capture';
  /** Null where no pod is known: rules about them exclude nothing. */
  podOf: PodLookup | null;
  endpointsMax: number;
  hostsMax: number;
  graphqlPathsMax: number;
  /** The rate limit evicted an endpoint. */
  onEndpointEvicted(): void;
  /** A path that speaks GraphQL was forgotten for another one. */
  onGraphqlPathEvicted(): void;
}

export interface Policy {
  /**
   * Decides when the request's head is complete, and sets `context` and `permit` of an exchange that is kept. The caller
   * counts the reason and sets `exchange.dropReason`. It is undecided where only the rate limit is left to ask, and the body
   * will say which of a path's operations it is.
   */
  admit(exchange: Exchange): DropReason | typeof UNDECIDED;
  /** Decides what was undecided, when the request's body has come, or enough of it. */
  decide(exchange: Exchange): DropReason;
  /**
   * Decides again when the exchange has ended, with its response or without, and returns why it is dropped if it is.
   * The unused permit of one that is dropped goes back to the rate limit.
   */
  conclude(exchange: Exchange): DropReason;
  /**
   * Decides by other settings from now on. A limit that stays the same goes on counting; another one counts what was kept in
   * the last minute.
   *
   * @throws SyntaxError that names a pattern RE2 cannot read; then all stays as it was
   */
  update(settings: PolicySettings): void;
  /**
   * Keeps no more than `perMinute` traces a minute from `now` on, in milliseconds of the context's `now`, and never more than the
   * settings say; null: what they say. Endpoints are counted from the first call on, if not before.
   */
  allot(perMinute: number | null, now: number): void;
  /** Keeps only what `isOurs` says yes to, of what the rules keep and the sample has; null: all of it. */
  divide(isOurs: ((exchange: Exchange) => boolean) | null): void;
  /** What was asked for since the last call, `max` endpoints by themselves; nothing before `allot` where there is no limit. */
  takeSeen(max: number): SeenTraffic;
  close(): Promise<void>;
}

/** @throws SyntaxError that names a pattern RE2 cannot read */
export function createPolicy(given: PolicySettings, { ids, now, pace, ...context }: PolicyContext): Policy {
  const { endpointsMax, hostsMax, podOf, onEndpointEvicted } = context;
  const graphql = new GraphqlPaths(context.graphqlPathsMax, context.onGraphqlPathEvicted);
  const endpoints = new RequestEndpoints();
  const limits = new LimitInForce(given.ratePerMinute, { pace, endpointsMax, onEndpointEvicted });
  let settings = given;
  let rules = rulesOf(settings, hostsMax);
  let podRules = createPodRules(settings);
  let samplesAll = keepsWholeSample(settings);
  let isOurs: ((exchange: Exchange) => boolean) | null = null;

  /** The sample's part of what an exchange stands for. A caller's own sampling is not known. */
  function sampledFor({ sampled }: TraceContext): number {
    return settings.sampleByParent && sampled !== null ? 1 : 1 / settings.sampleRate;
  }

  function contextOf(exchange: Exchange): TraceContext {
    // A later window of a stream is of the same trace.
    if (exchange.context !== null) return exchange.context;
    return traceContextOf(exchange.request.headers) ?? { traceId: ids.traceId(), parentSpanId: null, sampled: null };
  }

  return {
    admit(exchange) {
      if (podOf !== null && !podRules(podOf(exchange.server.address), podOf(exchange.client.address)))
        return DropReason.podRule;
      const reason = rules.checkRequest(exchange);
      if (reason !== DropReason.none) return reason;
      // Most exchanges over the limit need no trace id.
      let context: TraceContext | null = null;
      if (!samplesAll) {
        context = contextOf(exchange);
        if (!isSampled(context, settings)) return DropReason.sampledOut;
      }
      if (isOurs !== null && !isOurs(exchange)) return DropReason.elsewhere;
      const { limit } = limits;
      if (limit !== null) {
        const endpoint = endpoints.of(exchange);
        if (mayWaitForGraphql(exchange) && graphql.has(endpoint)) {
          if (context !== null) exchange.standsFor = sampledFor(context);
          exchange.context = context ?? contextOf(exchange);
          return UNDECIDED;
        }
        const permit = limit.take(withOperation(endpoint, operationText(exchange)), now(exchange));
        if (permit === null) return DropReason.rateLimited;
        exchange.permit = permit;
        exchange.standsFor = permit.standsFor;
      }
      if (context !== null) exchange.standsFor *= sampledFor(context);
      exchange.context = context ?? contextOf(exchange);
      return DropReason.none;
    },

    decide(exchange) {
      const { limit } = limits;
      // The limit may have been taken away meanwhile.
      if (limit === null) return DropReason.none;
      const endpoint = withOperation(endpoints.of(exchange), operationText(exchange));
      const permit = limit.take(endpoint, now(exchange));
      if (permit === null) return DropReason.rateLimited;
      exchange.permit = permit;
      exchange.standsFor *= permit.standsFor;
      return DropReason.none;
    },

    conclude(exchange) {
      const reason = exchange.dropReason === DropReason.none ? rules.checkResponse(exchange) : exchange.dropReason;
      if (reason !== DropReason.none) {
        exchange.permit?.giveBack();
        exchange.permit = null;
      } else if (limits.limit !== null && operationText(exchange) !== '') {
        // What it sends by POST is what would have to be waited for.
        graphql.note(endpoints.of(exchange, 'POST'));
      }
      return reason;
    },

    update(next) {
      const nextRules = rulesOf(next, hostsMax);
      podRules = createPodRules(next);
      rules = nextRules;
      limits.update(next.ratePerMinute);
      settings = next;
      samplesAll = keepsWholeSample(next);
    },

    allot: (perMinute, at) => limits.allot(perMinute, at),
    divide(by) {
      isOurs = by;
    },
    takeSeen: (max) => limits.takeSeen(max),
    close: () => limits.close(),
  };
}

/** @throws SyntaxError that names a pattern RE2 cannot read */
function rulesOf({ also = null, ...settings }: PolicySettings, hostsMax: number): Rules {
  const own = createRules(settings, hostsMax);
  if (also === null) return own;
  const further = createRules({ ...also, hostExclusions: [], pathExclusions: [], keepHealthChecks: true }, hostsMax);
  return {
    checkRequest: (exchange) => own.checkRequest(exchange) || further.checkRequest(exchange),
    checkResponse: (exchange) => own.checkResponse(exchange) || further.checkResponse(exchange),
  };
}

function keepsWholeSample({ sampleRate, sampleByParent }: SamplingSettings): boolean {
  return sampleRate >= 1 && !sampleByParent;
}
