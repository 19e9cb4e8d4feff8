/**
 * The rules a user writes: which hosts, paths, methods and statuses are kept.
 *
 * An exchange is kept if, for each of them, there is no allow pattern or one matches, and no exclusion matches. Hosts are
 * compared without regard to case, with and without their port; paths as sent and percent-decoded, without the query.
 */
import { DropReason } from '../counters.js';
import type { Exchange } from '../pair/exchange.js';
import {
  decodePath,
  isAuthorityKnown,
  isPathKnown,
  requestAuthority,
  requestPath,
  withoutPort,
} from '../pair/request-target.js';
import { HealthChecks } from './health-check.js';
import { compilePatterns, type PatternSet } from './pattern-set.js';

export interface RuleSettings {
  /** RE2 patterns, unanchored; an empty list has no effect. */
  hostAllow: readonly string[];
  pathAllow: readonly string[];
  hostExclusions: readonly string[];
  pathExclusions: readonly string[];
  /** Against the method as sent. */
  methodAllow: readonly string[];
  /** Against the three digits of the status. */
  statusAllow: readonly string[];
  /** Keep requests of load balancers and other probes. */
  keepHealthChecks: boolean;
}

export interface Rules {
  /** Decides by the request's head. */
  checkRequest(exchange: Exchange): DropReason;
  /** Decides by the response. With a status rule in force, an exchange without a response is not kept. */
  checkResponse(exchange: Exchange): DropReason;
}

/** @throws SyntaxError that names a pattern RE2 cannot read */
export function createRules(settings: RuleSettings, hostsMax: number): Rules {
  const healthChecks = new HealthChecks();
  const host = {
    allow: compilePatterns(settings.hostAllow, 'i'),
    exclude: compilePatterns(settings.hostExclusions, 'i'),
  };
  const path = { allow: compilePatterns(settings.pathAllow), exclude: compilePatterns(settings.pathExclusions) };
  const methodAllow = compilePatterns(settings.methodAllow);
  const statusAllow = compilePatterns(settings.statusAllow);
  const anyHostRule = host.allow.size + host.exclude.size > 0;
  const anyPathRule = path.allow.size + path.exclude.size > 0;
  // A service is called by few names, again and again.
  const hostVerdicts = new Map<string, boolean>();
  const methodVerdicts = new Map<string, boolean>();
  const statusVerdicts = new Map<string, boolean>();

  function hostKept(exchange: Exchange): boolean {
    // One that nobody knows is not among those allowed, and may be any of those excluded.
    if (!isAuthorityKnown(exchange)) return false;
    const authority = requestAuthority(exchange);
    const name = withoutPort(authority);
    const named = name === authority ? `${name}:${exchange.server.port}` : authority;
    return remembered(hostVerdicts, hostsMax, named, () => kept(host.allow, host.exclude, name, named));
  }

  function pathKept(exchange: Exchange): boolean {
    if (!isPathKnown(exchange)) return false;
    const sent = requestPath(exchange.request.method, exchange.request.target);
    return kept(path.allow, path.exclude, sent, decodePath(sent));
  }

  return {
    checkRequest(exchange) {
      if (!settings.keepHealthChecks && healthChecks.has(exchange)) return DropReason.healthCheck;
      const { method } = exchange.request;
      if (
        methodAllow.size > 0 &&
        (method === '' || !remembered(methodVerdicts, hostsMax, method, () => methodAllow.test(method)))
      )
        return DropReason.methodRule;
      if (anyHostRule && !hostKept(exchange)) return DropReason.hostRule;
      if (anyPathRule && !pathKept(exchange)) return DropReason.pathRule;
      return DropReason.none;
    },
    checkResponse(exchange) {
      if (statusAllow.size === 0) return DropReason.none;
      // A status of 0 is one that nobody knows.
      if (exchange.response === null || exchange.response.status === 0) return DropReason.statusRule;
      const status = String(exchange.response.status);
      return remembered(statusVerdicts, hostsMax, status, () => statusAllow.test(status))
        ? DropReason.none
        : DropReason.statusRule;
    },
  };
}

/** Whether a thing with two names is kept. */
function kept(allow: PatternSet, exclude: PatternSet, one: string, other: string): boolean {
  const second = other !== one;
  if (allow.size > 0 && !allow.test(one) && !(second && allow.test(other))) return false;
  return exclude.size === 0 || !(exclude.test(one) || (second && exclude.test(other)));
}

/** The verdict on `key`, decided once while it is remembered. A full memory starts again, which costs only time. */
function remembered(verdicts: Map<string, boolean>, max: number, key: string, decide: () => boolean): boolean {
  let verdict = verdicts.get(key);
  if (verdict === undefined) {
    verdict = decide();
    if (verdicts.size >= max) verdicts.clear();
    // Long keys are decided afresh, and short ones copied: a slice would keep the whole head that it was cut from.
    if (key.length <= 256) verdicts.set(Buffer.from(key).toString(), verdict);
  }
  return verdict;
}
