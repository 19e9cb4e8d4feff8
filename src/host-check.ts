/**
 * Whether a request names a host that this server goes by. A web page that has its own name resolve to 127.0.0.1 (DNS
 * rebinding) makes a browser read what listens there and hand it to the page, but cannot make it send another `Host`.
 *
 * in: the `Host` field (RFC 9110 §7.2) · out: whether what the server holds may be read by that name · pure
 */
import { isIP } from 'node:net';

/** The parts of a request that are looked at. */
export interface HostedRequest {
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
}

export type HostCheck = (request: HostedRequest) => boolean;

/** 421 Misdirected Request (RFC 9110 §15.5.20), and what its answer says. */
export const MISDIRECTED = 421;
export const MISDIRECTED_REASON =
  'this Host is not read by: use an IP address or localhost, or add the name with --public-host NAME';

/** `uri-host [":" port]`: an IPv6 address in brackets, or an IPv4 address or a name. */
const HOST = /^(?:\[([0-9a-f:.]+)\]|([^\s:@/?#[\]\\]+))(?::\d{0,5})?$/i;

/**
 * Loopback names, IP addresses, the name that is listened on and those of `publicHosts` pass, with any port. So does
 * HTTP/1.0 without a `Host`, which no browser sends.
 */
export function createHostCheck(boundTo: string, publicHosts: readonly string[]): HostCheck {
  const names = new Set([boundTo, ...publicHosts].map(canonicalName));
  return ({ rawHeaders }) => {
    let host: string | null = null;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (rawHeaders[i]?.toLowerCase() !== 'host') continue;
      // RFC 9112 §3.2 forbids a second one; whoever is in front may have looked at either.
      if (host !== null) return false;
      host = rawHeaders[i + 1] ?? '';
    }
    if (host === null) return true;
    const [, v6, other = ''] = HOST.exec(host) ?? [];
    if (v6 !== undefined) return isIP(v6) === 6;
    const name = canonicalName(other);
    return isIP(other) === 4 || isLoopbackName(name) || (name !== '' && names.has(name));
  };
}

/** Whether nobody but this machine reaches what is listened on there. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return isLoopbackName(canonicalName(host));
  return host === '::1' || host.startsWith('127.') || /^::ffff:127\./i.test(host);
}

/** RFC 6761 §6.3: no name server has them. */
function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}

function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
