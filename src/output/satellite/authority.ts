import type { Endpoint } from '../../pair/exchange.js';

/**
 * Host and port of an authority (RFC 3986 §3.2) as the conventions want them: an address without brackets, and the
 * port the connection had where the authority names none.
 */
export function splitAuthority(authority: string, connected: Endpoint): Endpoint {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(host);
  const address = match?.[1] ?? match?.[2] ?? '';
  if (address === '') return connected;
  return { address, port: match?.[3] === undefined ? connected.port : Number(match[3]) };
}
