/**
 * Which host and path a request is for, as the rules see it (RFC 9112 §3.2, §3.3).
 *
 *     origin-form     GET /path?query            host from the Host header
 *     absolute-form   GET http://host:1/path     host from the target
 *     authority-form  CONNECT host:443           path empty
 *     asterisk-form   OPTIONS *                  path *
 */
import { type Exchange, Mark } from './exchange.js';

/**
 * host[:port] of the target or `:authority`, else of the Host header, else the server's address and port; without userinfo.
 */
export function requestAuthority(exchange: Exchange): string {
  const { stream } = exchange;
  if (stream !== undefined && stream.authority !== null && stream.authority !== '')
    return withoutUserinfo(stream.authority);
  const { method, target, headers } = exchange.request;
  if (method === 'CONNECT') return withoutUserinfo(target);
  const start = absoluteAuthorityStart(target);
  if (start > 0) return withoutUserinfo(target.slice(start, authorityEnd(target, start)));
  const host = headers.get('host');
  if (host !== undefined && host !== '') return withoutUserinfo(host);
  const { address, port } = exchange.server;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether the request's path is known: a field of an HTTP/2 head may not be. */
export function isPathKnown({ marks, request: { target } }: Exchange): boolean {
  return (marks & Mark.headersUnknown) === 0 || target !== '';
}

/** Whether whom the request is for is known, as far as the request says so. */
export function isAuthorityKnown({ marks, stream, request: { headers } }: Exchange): boolean {
  return (marks & Mark.headersUnknown) === 0 || stream?.authority != null || headers.get('host') !== undefined;
}

/** The path as sent, without the query. Extended CONNECT has one (RFC 8441 §4). */
export function requestPath(method: string, target: string): string {
  if (method === 'CONNECT' && !target.startsWith('/')) return '';
  const authority = absoluteAuthorityStart(target);
  const start = authority > 0 ? authorityEnd(target, authority) : 0;
  const question = target.indexOf('?', start);
  const path = question < 0 ? target.slice(start) : target.slice(start, question);
  // RFC 9110 §4.2.3: an absolute target without a path means the root.
  return path === '' && authority > 0 ? '/' : path;
}

/**
 * `path` with each percent-encoded run that is valid UTF-8 decoded, once; other runs stay as they are. Returns the
 * argument itself where there is nothing to decode.
 */
export function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path.replace(/(?:%[0-9A-Fa-f]{2})+/g, decodeRun);
  }
}

function decodeRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return utf8Pieces(Buffer.from(run.replaceAll('%', ''), 'hex'), run);
  }
}

/** Decodes the valid UTF-8 sequences of `bytes` and keeps the encoding (in `run`, three characters a byte) of the rest. */
function utf8Pieces(bytes: Buffer, run: string): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const length = utf8Length(bytes[i] as number);
    const piece = bytes.subarray(i, i + length).toString();
    const valid = length > 0 && i + length <= bytes.length && !piece.includes('\ufffd');
    text += valid ? piece : run.slice(i * 3, i * 3 + 3);
    i += valid ? length : 1;
  }
  return text;
}

function utf8Length(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/** `host[:port]` without its port; the brackets of an IPv6 literal stay. */
export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') && /^\d*$/.test(authority.slice(colon + 1))
    ? authority.slice(0, colon)
    : authority;
}

/** Where the authority of an absolute-form target begins, or 0. */
function absoluteAuthorityStart(target: string): number {
  if (target.charCodeAt(0) === 0x2f /* / */) return 0;
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(target);
  return scheme === null ? 0 : scheme[0].length;
}

function authorityEnd(target: string, start: number): number {
  for (let i = start; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code === 0x2f /* / */ || code === 0x3f /* ? */ || code === 0x23 /* # */) return i;
  }
  return target.length;
}

function withoutUserinfo(authority: string): string {
  return authority.includes('@') ? authority.slice(authority.lastIndexOf('@') + 1) : authority;
}

/** The query as sent, without the question mark; empty if there is none. */
export function requestQuery(target: string): string {
  const question = target.indexOf('?');
  return question < 0 ? '' : target.slice(question + 1);
}

/** `https` where an absolute-form target or `:scheme` says so, else `http`: the wire showed it in clear text. */
export function requestScheme({ stream, request: { target } }: Exchange): 'http' | 'https' {
  if (stream !== undefined) return stream.scheme;
  return /^https:\/\//i.test(target) ? 'https' : 'http';
}
