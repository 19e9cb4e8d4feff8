/**
 * The client behind the proxies that passed a request on: by `Forwarded` (RFC 7239 §4), else by `X-Forwarded-For`, else
 * the connection's own client. The first node in the list counts, which is the furthest away.
 */
import type { Endpoint, HeaderPair } from '../../pair/exchange.js';

export interface Client {
  readonly address: string;
  /** Null where a proxy named the client without its port. */
  readonly port: number | null;
}

export function clientOf(headers: readonly HeaderPair[], connected: Endpoint): Client {
  let forwardedFor: Client | null = null;
  for (const [name, value] of headers) {
    if (name.length === 9 && name.toLowerCase() === 'forwarded') {
      const node = /(?:^|[;,\s])for=(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]+))/i.exec(value);
      const client = node === null ? null : readNode(node[1] ?? node[2] ?? '');
      if (client !== null) return client;
    } else if (forwardedFor === null && name.length === 15 && name.toLowerCase() === 'x-forwarded-for') {
      forwardedFor = readNode(value.split(',', 1)[0]?.trim() ?? '');
    }
  }
  return forwardedFor ?? connected;
}

/** A node identifier (RFC 7239 §6), or null for `unknown`, an obfuscated name, or nothing. */
function readNode(node: string): Client | null {
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\d{1,5}))?$/i.exec(node);
  if (bracketed !== null) return client(bracketed[1], bracketed[2]);
  const plain = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/.exec(node);
  if (plain !== null) return client(plain[1], plain[2]);
  return /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(node) ? client(node, undefined) : null;
}

function client(address: string | undefined, port: string | undefined): Client {
  return { address: address ?? '', port: port === undefined ? null : Number(port) };
}
