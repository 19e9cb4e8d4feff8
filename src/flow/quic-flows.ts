/**
 * Connections over QUIC, to count each once: by the endpoints of its datagrams, as its ids are not the same for its whole life.
 *
 * in:  a datagram's endpoints · out: whether they are new
 *
 * Ports are chosen by who connects, so that only so many are remembered, and the oldest is forgotten first.
 */
import type { Counters } from '../counters.js';
import { QUIC_PORT } from '../decode/quic.js';
import type { Segment } from '../decode/segment.js';
import type { Limits } from '../limits.js';
import { addressesHash } from './flow-hash.js';

export class QuicFlows {
  readonly #known = new Set<number>();
  readonly #max: number;
  readonly #seed: number;
  readonly #counters: Counters;

  /** `seed` is any 32-bit number; random in production. */
  constructor(limits: Pick<Limits, 'quic_flows_max'>, counters: Counters, seed: number) {
    this.#max = limits.quic_flows_max;
    this.#seed = seed;
    this.#counters = counters;
  }

  /** Notes a datagram. Returns whether it is the first of its connection. */
  note(datagram: Segment): boolean {
    const hash = addressesHash(this.#seed, datagram);
    if (this.#known.has(hash)) return false;
    if (this.#known.size >= this.#max) {
      for (const oldest of this.#known) {
        this.#known.delete(oldest);
        break;
      }
      this.#counters.quic_flows_evicted++;
    }
    this.#known.add(hash);
    this.#counters.flows_quic++;
    return true;
  }
}

/** From here on Linux gives ports to clients. */
const CLIENT_PORT_MIN = 32_768;

/**
 * By the first datagram of a connection: the port of HTTP/3 where there is one, else the one that no client has, else the one
 * that is sent to, as the client begins.
 */
export function quicServerPort({ sourcePort, destinationPort }: Segment): number {
  if (sourcePort === QUIC_PORT || destinationPort === QUIC_PORT) return QUIC_PORT;
  const isReply = sourcePort < CLIENT_PORT_MIN && destinationPort >= CLIENT_PORT_MIN;
  return isReply ? sourcePort : destinationPort;
}
