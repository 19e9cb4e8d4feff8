/**
 * The satellite's address, from what a person wrote for `--satellite-url`.
 *
 * in: the option's value · out: the base every endpoint path is appended to · pure
 *
 * Accepted: `http(s)://host[:port][/base]`, a bare `host` or `host:port` (http), and a full `…/v1/traces` or
 * `…/1.0/ebpf/traces`, whose endpoint path is taken off again.
 */
import { UsageError } from '../../errors.js';

export interface SatelliteAddress {
  /** Origin and base path, without a trailing slash; safe to print, as it never holds credentials. */
  readonly base: string;
  /** Host name or address; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** `POST` target of OTLP/HTTP (OTLP specification, "OTLP/HTTP Request"). */
  readonly otlpTracesUrl: string;
  /** `POST` target of the levo protocol. */
  readonly levoTracesUrl: string;
}

const ENDPOINT_PATHS = ['/v1/traces', '/1.0/ebpf/traces'];
const OTLP_GRPC_PORT = 4317;

/** @throws UsageError naming `option`, its value and the way out */
export function parseSatelliteUrl(value: string, option = '--satellite-url'): SatelliteAddress {
  const text = value.trim();
  const wrong = (why: string, wayOut: string): UsageError =>
    new UsageError(`${option} ${JSON.stringify(redactSecrets(value))}: ${why}; ${wayOut}`);
  const example = 'give http://HOST:PORT or https://HOST:PORT';

  if (text === '') throw wrong('empty', example);
  if (/^<|>$|INSERT/.test(text)) throw wrong('still the placeholder', `${example} of your satellite`);

  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    throw wrong(`scheme ${scheme} is not http or https`, `${example} (OTLP over HTTP, not gRPC)`);

  let url: URL;
  try {
    url = new URL(scheme === undefined ? `http://${text}` : text);
  } catch {
    throw wrong('not a URL', `${example} (an IPv6 address in brackets)`);
  }
  if (url.hostname === '' || /\s/.test(text)) throw wrong('not a URL', example);
  if (url.username !== '' || url.password !== '')
    throw wrong('credentials in the URL', 'send them with --satellite-header authorization=VALUE');
  if (url.search !== '' || url.hash !== '') throw wrong('has a query or a fragment', 'give it without');
  if (url.port === '0') throw wrong('port 0 cannot be connected to', example);

  const tls = url.protocol === 'https:';
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  if (port === OTLP_GRPC_PORT)
    throw wrong('port 4317 is OTLP over gRPC, which is not spoken here', "use the receiver's OTLP/HTTP port, 4318");

  let path = url.pathname.replace(/\/+$/, '');
  for (const endpoint of ENDPOINT_PATHS) if (path.endsWith(endpoint)) path = path.slice(0, -endpoint.length);
  const base = url.origin + path.replace(/\/+$/, '');
  return {
    base,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    tls,
    otlpTracesUrl: `${base}/v1/traces`,
    levoTracesUrl: `${base}/1.0/ebpf/traces`,
  };
}

/** Error messages end up in logs, so what stands between the scheme and the `@`, or in a query, is left out. */
export function redactSecrets(value: string): string {
  return value.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)?[^/?#]*@/i, '$1***@').replace(/[?#].*$/s, '?***');
}
