/**
 * Which exchanges are kept: rules, then the sample, then the rate limit.
 *
 * in: an `Exchange`, when its request's head is complete and again when it has ended · out: a `DropReason`
 */
import { DropReason } from '../counters.js';
import type { Exchange } from '../pair/exchange.js';
import { requestAuthority, requestPath } from '../pair/request-target.js';
import { type TraceContext, traceContextOf } from '../pair/trace-context.js';
import type { TraceIds } from '../pair/trace-ids.js';
import { EndpointHasher } from './endpoint-hasher.js';
import { createCaptureTimePermits } from './permits.js';
import { createRateLimit } from './rate-limit.js';
import { createReservoirPermits } from './reservoir-permits.js';
import { createRules, type RuleSettings } from './rules.js';
import { isSampled, type SamplingSettings } from './sampling.js';

export interface PolicySettings extends RuleSettings, SamplingSettings {
  /** Exchanges kept in any minute; 0 for no limit. */
  ratePerMinute: number;
}

export interface PolicyContext {
  ids: TraceIds;
  /** The time in milliseconds at which the rate limit sees an exchange. */
  now(exchange: Exchange): number;
  /** `wall` paces permits in real time; `capture` by `now` alone, for files. */
  pace: 'wall' | 'capture';
  endpointsMax: number;
  hostsMax: number;
  /** The rate limit evicted an endpoint. */
  onEndpointEvicted(): void;
}

export interface Policy {
  /**
   * Decides when the request's head is complete, and sets `context` and `permit` of an exchange that is kept. The caller
   * counts the reason and sets `exchange.dropReason`.
   */
  admit(exchange: Exchange): DropReason;
  /**
   * Decides again when the exchange has ended, with its response or without, and returns why it is dropped if it is.
   * The unused permit of one that is dropped goes back to the rate limit.
   */
  conclude(exchange: Exchange): DropReason;
  close(): Promise<void>;
}

/** @throws SyntaxError that names a pattern RE2 cannot read */
export function createPolicy(settings: PolicySettings, { ids, now, pace, ...context }: PolicyContext): Policy {
  const { endpointsMax, hostsMax, onEndpointEvicted } = context;
  const rules = createRules(settings, hostsMax);
  const endpoints = new EndpointHasher();
  const createPermits = pace === 'wall' ? createReservoirPermits : createCaptureTimePermits;
  const limit =
    settings.ratePerMinute > 0
      ? createRateLimit({ perMinute: settings.ratePerMinute, endpointsMax }, createPermits, onEndpointEvicted)
      : null;
  const samplesAll = settings.sampleRate >= 1 && !settings.sampleByParent;

  function contextOf(exchange: Exchange): TraceContext {
    return traceContextOf(exchange.request.headers) ?? { traceId: ids.traceId(), parentSpanId: null, sampled: null };
  }

  function endpointOf(exchange: Exchange): number {
    const { method, target } = exchange.request;
    return endpoints.key(method, requestAuthority(exchange), requestPath(method, target));
  }

  return {
    admit(exchange) {
      const reason = rules.checkRequest(exchange);
      if (reason !== DropReason.none) return reason;
      // Most exchanges over the limit need no trace id.
      let context: TraceContext | null = null;
      if (!samplesAll) {
        context = contextOf(exchange);
        if (!isSampled(context, settings)) return DropReason.sampledOut;
      }
      const permit = limit === null ? null : limit.take(endpointOf(exchange), now(exchange));
      if (limit !== null && permit === null) return DropReason.rateLimited;
      exchange.context = context ?? contextOf(exchange);
      exchange.permit = permit;
      return DropReason.none;
    },

    conclude(exchange) {
      const reason = exchange.dropReason === DropReason.none ? rules.checkResponse(exchange) : exchange.dropReason;
      if (reason !== DropReason.none) {
        exchange.permit?.giveBack();
        exchange.permit = null;
      }
      return reason;
    },

    async close() {
      await limit?.close();
    },
  };
}
