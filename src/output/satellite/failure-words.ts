/**
 * What went wrong on the way to the satellite, in words, and what to do about it.
 *
 * in: an error of Node.js, or a status, and where the request went · out: a `Failure` · pure
 *
 * The codes are those of libuv (`ECONNREFUSED`), of OpenSSL as Node.js names them (`ERR_SSL_…`, and the bare names of X.509
 * verification, node/src/crypto/crypto_common.cc), and of the HTTP parser (`HPE_…`).
 */

export interface Failure {
  /** Reads on from an address and a colon. */
  readonly problem: string;
  /** Empty where nothing better is known than to wait. */
  readonly advice: string;
}

/** Where a request goes. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** `host:port` of the proxy that is connected to in its place, or null. */
  readonly proxy: string | null;
}

const CLOSED: readonly string[] = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];
/** The first record of the other side is none of TLS. */
const NOT_TLS = /wrong version number|(packet|record) length too long|http request/;
const UNTRUSTED: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is unknown here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is unknown here, or an intermediate certificate is missing',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is unknown here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is unknown here',
};
/** The alerts by which a server asks for a certificate that it was not shown, or does not take (RFC 8446 §6.2). */
const CLIENT_CERTIFICATE =
  /alert (certificate required|bad certificate|unknown ca|certificate unknown|handshake failure)/;
/** Content type of a TLS alert (RFC 8446 §5.1): what stands there in place of `HTTP/1.1`. */
const TLS_ALERT = 0x15;
/** What nginx and Go answer, in clear text, where TLS was expected. */
const WANTS_TLS = /HTTP request (was sent )?to (an )?HTTPS (port|server)/i;

const USE_HTTPS: Failure = {
  problem: 'it expects TLS, and was sent plain HTTP',
  advice: 'give https:// in place of http://',
};

export function errorInWords(error: NodeJS.ErrnoException, to: Destination): Failure {
  // One error for each address of a name; the first is as good as any.
  const [first = error] = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error];
  const code = first.code ?? '';
  return (
    connectionInWords(code, to) ??
    (to.tls ? tlsInWords(code, first, to) : plainInWords(code, first)) ?? {
      problem: first.message || code || String(error),
      advice: '',
    }
  );
}

function connectionInWords(code: string, { host, port, proxy }: Destination): Failure | null {
  const address = proxy ?? `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const name = proxy === null ? host : proxy.replace(/:\d+$/, '');
  const through = proxy === null ? '' : `, the proxy of HTTPS_PROXY`;
  const check = proxy === null ? 'check its host and port' : 'check HTTPS_PROXY, or add the satellite to NO_PROXY';
  switch (code) {
    case 'ECONNREFUSED':
      return {
        problem: `connection refused: nothing listens on ${address}${through}`,
        advice: proxy === null ? 'start the satellite, or check its host and port' : check,
      };
    case 'ENOTFOUND':
      return { problem: `name not found: no name server knows ${name}${through}`, advice: check };
    case 'EAI_AGAIN':
      return {
        problem: `name not found: no name server answers for ${name}${through}`,
        advice: 'check the name servers',
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { problem: `no route to ${address}${through}`, advice: `${check}, and the routes of this network` };
    case 'ETIMEDOUT':
      return { problem: `timeout: ${address}${through} does not take the connection`, advice: LET_IN };
    default:
      return null;
  }
}

const LET_IN = 'check its host and port, and that the security group lets the sensor connect to it';

function tlsInWords(code: string, { message }: Error, { host }: Destination): Failure | null {
  const untrusted = UNTRUSTED[code];
  if (untrusted !== undefined)
    return {
      problem: `its certificate is not trusted: ${untrusted}`,
      advice: 'give the certificate of its authority with --satellite-ca FILE',
    };
  if (code === 'CERT_HAS_EXPIRED')
    return { problem: 'its certificate has expired', advice: 'renew it, or set the clock of this machine' };
  if (code === 'CERT_NOT_YET_VALID')
    return { problem: 'its certificate is not valid yet', advice: 'set the clock of this machine' };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      problem: `its certificate is for other names than ${host}`,
      advice: 'give a name that the certificate is for',
    };
  // OpenSSL's reason is in the code (`ERR_SSL_WRONG_VERSION_NUMBER`), or in the message of an `EPROTO`.
  const reason = `${code} ${message}`.toLowerCase().replaceAll('_', ' ');
  if (NOT_TLS.test(reason))
    return { problem: 'it speaks plain HTTP, and was sent TLS', advice: 'give http:// in place of https://' };
  if (CLIENT_CERTIFICATE.test(reason))
    return {
      problem: 'it does not take the TLS connection without a client certificate that it trusts',
      advice: 'give one with --satellite-client-cert and --satellite-client-key',
    };
  if (CLOSED.includes(code))
    return {
      problem: 'the connection was closed without an answer',
      advice: 'check that its port is one for HTTPS, and its log',
    };
  return null;
}

function plainInWords(code: string, error: Error): Failure | null {
  if (CLOSED.includes(code))
    return {
      problem: 'the connection was closed without an answer, as a port that expects TLS does',
      advice: 'give https:// if it does, or see its log',
    };
  if (!code.startsWith('HPE_')) return null;
  const { rawPacket } = error as { rawPacket?: Buffer };
  if (rawPacket?.[0] === TLS_ALERT) return USE_HTTPS;
  return { problem: 'what listens there does not speak HTTP', advice: 'check its host and port' };
}

/** No answer within so many milliseconds. */
export function silenceInWords(millis: number, isConnected: boolean): Failure {
  const time = millis < 1000 ? `${millis} ms` : `${millis / 1000} s`;
  if (isConnected) return { problem: `timeout: no answer within ${time}`, advice: 'see its log' };
  return { problem: `timeout: no connection within ${time}`, advice: LET_IN };
}

/** What to make of a status other than success; `body` is the beginning of the answer. */
export function adviceOnStatus(status: number, body: string): string {
  if (status === 400 && WANTS_TLS.test(body)) return `${USE_HTTPS.problem}: ${USE_HTTPS.advice}`;
  if (status === 401 || status === 403)
    return 'it does not take these credentials: check --satellite-header authorization=VALUE and --levoai-org-id';
  if (status === 404 || status === 405 || status === 501)
    return 'it takes no traces on this path: check the port and the base path (OTLP/HTTP is on 4318 by convention, Levo’s satellite on 9999)';
  if (status === 407) return 'the proxy asks for credentials: give them in HTTPS_PROXY';
  if (status >= 300 && status < 400) return 'redirects are not followed: give its own address';
  return 'see its log';
}
