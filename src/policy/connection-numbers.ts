/**
 * Numbers by which sensors mean the same connection without naming it: each sensor that sees it computes the same ones.
 *
 * in: an exchange · out: numbers of its service, its way, its connection, and of itself
 *
 * The client is whoever sent the request, so both ends agree on the direction. A sensor behind an address translation sees other
 * addresses, and has other numbers, unless it shows the connection by those that it has nearest the client, too. Numbers have 48 bits
 * where sensors compare them, and 32 where they only divide by them. The hash has no seed, as all have to agree: whoever chooses
 * addresses so that two ways collide has them compared as one, and they are divided no more.
 */
import type { Exchange } from '../pair/exchange.js';

const TWO_TO_32 = 2 ** 32;
const SEED_LOW = 0x2c1b3c6d;
const SEED_HIGH = 0x297a2d39;

/** Written anew for each exchange. */
export class ConnectionNumbers {
  /** Names the server's address and port, whoever the client is. */
  service = 0;
  /** Names the client's address as well. */
  way = 0;
  /** Names both addresses and ports: 32 bits, by which connections are divided. */
  connection = 0;
  /** Names the exchange, by where its request begins among the bytes of its connection. */
  exchange = 0;

  set(exchange: Exchange): void {
    const { client, server, route, position, stream } = exchange;
    const serviceLow = endpointHash(SEED_LOW, server.address, server.port);
    const serviceHigh = endpointHash(SEED_HIGH, server.address, server.port);
    const wayLow = endpointHash(serviceLow, client.address, 0);
    const wayHigh = endpointHash(serviceHigh, client.address, 0);
    this.service = joined(serviceHigh, serviceLow);
    this.way = joined(wayHigh, wayLow);
    const connection = finalized(wayLow ^ Math.imul(client.port + 1, 0x9e3779b1));
    this.connection = connection >>> 0;
    // Streams of HTTP/2 have numbers; elsewhere the sequence number of the request's first byte is the same wherever it was captured.
    const place = stream === undefined ? route.firstSequence(client) + position : stream.id;
    const high = finalized(wayHigh ^ Math.imul(place | 0, 0x85ebca6b) ^ (stream === undefined ? 0 : 1));
    this.exchange = joined(high, finalized(connection + Math.imul(place | 0, 0xc2b2ae35)));
  }
}

/** How much `member` is called for by a connection: the one with the most has it (rendezvous hashing). 32 bits. */
export function callOf(member: number, connection: number): number {
  return finalized(Math.imul(member, 0x27d4eb2f) ^ finalized(connection)) >>> 0;
}

/** A text as 32 bits. */
export function textNumber(text: string): number {
  return endpointHash(SEED_LOW, text, 0) >>> 0;
}

function endpointHash(seed: number, address: string, port: number): number {
  let hash = seed ^ Math.imul(port + 1, 0x165667b1);
  for (let i = 0; i < address.length; i++) {
    hash = Math.imul(hash ^ address.charCodeAt(i), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  return finalized(hash);
}

/** 48 bits. */
function joined(high: number, low: number): number {
  return (high & 0xffff) * TWO_TO_32 + (low >>> 0);
}

/** The finalizer of MurmurHash3 (x86, 32 bit). */
function finalized(hash: number): number {
  let h = hash | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
