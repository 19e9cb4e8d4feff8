/**
 * Requests that only ask whether the task is alive. They outnumber real traffic on quiet services and say nothing about
 * the API. A request counts as one only if it certainly is.
 *
 * Load balancers, Route 53, Kubernetes and Envoy (ECS Service Connect) name themselves in User-Agent. A container
 * health check of ECS does not: it is a command run inside the container, in the documentation's example
 * `curl -f http://localhost/…`. So curl and wget count as a probe only from the task's own loopback, with GET or HEAD,
 * to a path whose last segment is a usual name of health endpoints.
 */
import type { Exchange } from '../pair/exchange.js';
import { requestPath } from '../pair/request-target.js';

export class HealthChecks {
  /** The agent that was asked about last, and what it is: requests in a row are mostly of one. */
  #lastAgent = '';
  #lastKind: AgentKind = 'other';

  has(exchange: Exchange): boolean {
    const agent = exchange.request.headers.get('user-agent');
    if (agent === undefined) return false;
    // A longer one is not likely to come again.
    if (agent.length > AGENT_LENGTH_MAX) return isProbe(exchange, kindOf(agent));
    if (agent !== this.#lastAgent) {
      this.#lastKind = kindOf(agent);
      this.#lastAgent = agent;
    }
    return isProbe(exchange, this.#lastKind);
  }
}

/** The same for one by itself. */
export function isHealthCheck(exchange: Exchange): boolean {
  const agent = exchange.request.headers.get('user-agent');
  return agent !== undefined && isProbe(exchange, kindOf(agent));
}

/** What names itself a probe, what may be one, and all else. */
type AgentKind = 'probe' | 'checker' | 'other';

const AGENT_LENGTH_MAX = 512;

function kindOf(agent: string): AgentKind {
  if (PROBES.some((prefix) => agent.startsWith(prefix))) return 'probe';
  return CHECKERS.test(agent) ? 'checker' : 'other';
}

function isProbe(exchange: Exchange, kind: AgentKind): boolean {
  return kind === 'probe' || (kind === 'checker' && isContainerCheck(exchange));
}

const PROBES = [
  'ELB-HealthChecker/',
  'kube-probe/',
  'Amazon-Route53-Health-Check-Service',
  'Amazon Route 53 Health Check Service',
  'Envoy/HC',
];

function isContainerCheck(exchange: Exchange): boolean {
  const { method, target } = exchange.request;
  if (method !== 'GET' && method !== 'HEAD') return false;
  return isLoopback(exchange.client.address) && HEALTH_PATH.test(requestPath(method, target));
}

/** curl, GNU Wget, and busybox's, which has no version. */
const CHECKERS = /^(?:curl\/|Wget(?:\/|$))/;
const HEALTH_PATH = /\/_?(?:health|healthz|health[-_]?check|livez?|liveness|readyz?|readiness|ping)\/?$/i;

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}
