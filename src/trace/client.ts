/**
 * The client of an exchange: the rightmost address that is no trusted proxy's, reading the connection's own, then what
 * PROXY headers said of it, then `Forwarded` (RFC 7239 §4) or `X-Forwarded-For` from the right.
 *
 * in: the connection, the request's headers · out: an address, its port where it is known, and who named it
 *
 * Each proxy adds the address that it was connected from at the right, so an entry is worth as much as the proxy to its right:
 * what is left of the first address that is not trusted may be anybody's invention. So it is with a node that gave a name
 * in place of its address (`unknown`, `_hidden`), or one that cannot be read.
 */
import { type AddressWords, parseAddress, unmapped } from '../decode/address.js';
import { addressText } from '../pair/address.js';
import type { Endpoint, HeaderPair } from '../pair/exchange.js';
import { type AddressRange, isInRanges } from './address-range.js';
import { sentHeadOf } from './sent-message.js';
import type { TraceRequest } from './trace.js';

export type ClientSource = 'peer' | 'proxy-protocol' | 'forwarded' | 'x-forwarded-for' | 'cloudfront-viewer-address';

export interface Client {
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly address: string;
  /** Null where a proxy named the client without its port. */
  readonly port: number | null;
  readonly source: ClientSource;
}

/** An address that somebody named. */
interface Node {
  readonly words: AddressWords;
  readonly port: number | null;
}

/** The headers of a request that may speak of its client: none where their names are known to be others. */
export function clientHeaders(request: TraceRequest): readonly HeaderPair[] {
  return sentHeadOf(request)?.shape.mayNameClient === false ? NO_HEADERS : request.headers;
}

const NO_HEADERS: readonly HeaderPair[] = [];

export function clientOf(
  connected: Endpoint,
  headers: readonly HeaderPair[],
  trusted: readonly AddressRange[],
): Client {
  const { address, port, sources = [] } = connected;
  let client: Client = { address, port, source: 'peer' };
  for (const source of sources) {
    if (!isTrusted(client.address, trusted)) return client;
    client = { ...source, source: 'proxy-protocol' };
  }
  const claims = claimsOf(headers);
  if (claims === null || !isTrusted(client.address, trusted)) return client;

  const forwarded = (): Claim => ({ source: 'forwarded', nodes: forwardedNodes(claims.forwarded) });
  const forwardedFor = (): Claim => ({ source: 'x-forwarded-for', nodes: forwardedForNodes(claims.forwardedFor) });
  // A load balancer of AWS adds to X-Forwarded-For alone, and passes on a `Forwarded` as its client made it up.
  const all = claims.isByAws ? [forwardedFor(), forwarded()] : [forwarded(), forwardedFor()];
  const viewer = viewerOf(claims.viewer, all);
  if (viewer !== null && !isInRanges(viewer.words, trusted)) return named(viewer, 'cloudfront-viewer-address');
  let furthest: Client | null = null;
  for (const { source, nodes } of all) {
    for (const node of nodes) {
      if (node === null) break;
      if (!isInRanges(node.words, trusted)) return named(node, source);
      // A client inside: the furthest that the first list knows.
      if (furthest === null || furthest.source === source) furthest = named(node, source);
    }
  }
  return furthest ?? client;
}

function isTrusted(address: string, trusted: readonly AddressRange[]): boolean {
  const words = parseAddress(address);
  return words !== null && isInRanges(words, trusted);
}

function named({ words, port }: Node, source: ClientSource): Client {
  return { address: addressText(...words), port, source };
}

/** Values of the headers that speak of the client, in the order in which they were sent. */
interface Claims {
  readonly forwarded: string[];
  readonly forwardedFor: string[];
  readonly viewer: string[];
  /** Whether a load balancer of AWS passed the request on: it sets `X-Amzn-Trace-Id` on each. */
  isByAws: boolean;
}

interface Claim {
  readonly source: ClientSource;
  /** From the right; null where a node has no address that can be read. */
  readonly nodes: readonly (Node | null)[];
}

/** Most requests have none of these headers, and their names are told by length. */
function claimsOf(headers: readonly HeaderPair[]): Claims | null {
  let claims: Claims | null = null;
  for (const [name, value] of headers) {
    if (name.length !== 9 && name.length !== 15 && name.length !== 25) continue;
    const lower = name.toLowerCase();
    const isByAws = lower === 'x-amzn-trace-id';
    const isClaim = lower === 'forwarded' || lower === 'x-forwarded-for' || lower === 'cloudfront-viewer-address';
    if (!isByAws && !isClaim) continue;
    claims ??= { forwarded: [], forwardedFor: [], viewer: [], isByAws: false };
    if (isByAws) claims.isByAws = true;
    else if (lower === 'forwarded') claims.forwarded.push(value);
    else if (lower === 'x-forwarded-for') claims.forwardedFor.push(value);
    else claims.viewer.push(value);
  }
  return claims;
}

/** Nodes that are looked at: no request passes so many proxies. */
const NODES_MAX = 64;
/** Characters of a `Forwarded` that is looked at. */
const FORWARDED_MAX = 8192;

/** `ADDRESS, ADDRESS:PORT, …`, from the right. */
function forwardedForNodes(values: readonly string[]): (Node | null)[] {
  const nodes: (Node | null)[] = [];
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i] as string;
    for (let end = value.length; end >= 0 && nodes.length < NODES_MAX; ) {
      const comma = end === 0 ? -1 : value.lastIndexOf(',', end - 1);
      const text = value.slice(comma + 1, end).trim();
      // An empty element counts for nothing (RFC 9110 §5.6.1.2).
      if (text !== '') nodes.push(readNode(text.replace(/^"(.*)"$/, '$1')));
      end = comma;
    }
  }
  return nodes;
}

/** `for=NODE;by=NODE;…, for="NODE", …` (RFC 7239 §4), from the right. */
function forwardedNodes(values: readonly string[]): (Node | null)[] {
  const nodes: (Node | null)[] = [];
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i] as string;
    const elements = value.length > FORWARDED_MAX ? null : splitOutsideQuotes(value, ',');
    // A quotation without an end swallows what a proxy added behind it.
    if (elements === null) return [...nodes, null];
    for (let j = elements.length - 1; j >= 0 && nodes.length < NODES_MAX; j--) {
      const element = elements[j] as string;
      if (element.trim() !== '') nodes.push(forNode(element));
    }
  }
  return nodes;
}

/** The node that an element of `Forwarded` names as the client; null if it names none that can be read. */
function forNode(element: string): Node | null {
  for (const pair of splitOutsideQuotes(element, ';') ?? []) {
    const match = /^\s*for\s*=\s*(?:"(.*)"|([^\s"]*))\s*$/is.exec(pair);
    if (match !== null) return readNode((match[1] ?? match[2] ?? '').replace(/\\(.)/gs, '$1'));
  }
  return null;
}

/** Null where a quotation (RFC 9110 §5.6.4) has no end. */
function splitOutsideQuotes(text: string, separator: string): string[] | null {
  const parts: string[] = [];
  let begin = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\' && isQuoted) i++;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(begin, i));
      begin = i + 1;
    }
  }
  parts.push(text.slice(begin));
  return isQuoted ? null : parts;
}

/** A node identifier (RFC 7239 §6), as the balancers write it too; null for a name, or nothing. */
function readNode(text: string): Node | null {
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\S*))?$/i.exec(text);
  if (bracketed !== null) return node(bracketed[1], bracketed[2]);
  const plain = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\S*))?$/.exec(text);
  if (plain !== null) return node(plain[1], plain[2]);
  return node(text, undefined) ?? withPort(text);
}

/** An IPv6 address without brackets, with a port behind its last colon. */
function withPort(text: string): Node | null {
  const colon = text.lastIndexOf(':');
  return colon < 0 || !/^\d{1,5}$/.test(text.slice(colon + 1))
    ? null
    : node(text.slice(0, colon), text.slice(colon + 1));
}

/** A port may be obfuscated too (RFC 7239 §6.2), and is then unknown. */
function node(address = '', port = ''): Node | null {
  const words = parseAddress(address);
  if (words === null) return null;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN;
  return { words, port: number <= 65_535 ? number : null };
}

/**
 * The viewer that CloudFront names in `CloudFront-Viewer-Address: ADDRESS:PORT`. It adds the same address to the list of
 * proxies, so one that such a list does not have was not named by it.
 */
function viewerOf(values: readonly string[], claims: readonly Claim[]): Node | null {
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) return null;
  const text = value.trim();
  const viewer = text.startsWith('[') || !text.includes(':') ? readNode(text) : withPort(text);
  if (viewer === null) return null;
  const nodes = claims.flatMap((claim) => claim.nodes);
  return nodes.length === 0 || nodes.some((one) => one !== null && isSame(one.words, viewer.words)) ? viewer : null;
}

function isSame(one: AddressWords, other: AddressWords): boolean {
  const plain = unmapped(other);
  return unmapped(one).every((word, i) => word === plain[i]);
}
