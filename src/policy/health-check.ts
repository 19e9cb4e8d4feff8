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

export function isHealthCheck(exchange: Exchange): boolean {
  const agent = exchange.request.headers.get('user-agent');
  if (agent === undefined) return false;
  return PROBES.some((prefix) => agent.startsWith(prefix)) || isContainerCheck(exchange, agent);
}

const PROBES = [
  'ELB-HealthChecker/',
  'kube-probe/',
  'Amazon-Route53-Health-Check-Service',
  'Amazon Route 53 Health Check Service',
  'Envoy/HC',
];

function isContainerCheck(exchange: Exchange, agent: string): boolean {
  if (!CHECKERS.test(agent)) return false;
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
