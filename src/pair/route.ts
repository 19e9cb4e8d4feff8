/**
 * Between whom a connection's exchanges went, and where that was captured: one object for all of its exchanges, so that what
 * is found out later, that its addresses were translated for instance, holds for those under way too.
 */
import type { CaptureInterface } from '../capture/packet-batch.js';
import type { Flow } from '../flow/flow.js';
import type { Leg } from '../flow/legs.js';
import { addressText } from './address.js';
import type { Clocks } from './clocks.js';
import type { Endpoint } from './exchange.js';

/** Where a connection was seen that was seen in several places: nearest its client, or behind that. */
export type Place = 'outer' | 'inner';

export interface Route {
  readonly interfaceName: string;
  /** Null for a connection that was seen in one place. */
  readonly place: Place | null;
  /** The moment of its first packet. */
  readonly openedAt: number;
  /** What the clock of its interface is ahead of the moments just now. */
  readonly secondsAhead: number;
  /** The TCP sequence number that places in the stream of `endpoint`, one of the two, are counted from. */
  firstSequence(endpoint: Endpoint): number;
}

interface ShownEndpoint {
  address: string;
  port: number;
  sources?: readonly Endpoint[];
}

export class FlowRoute implements Route {
  interfaceName = '';
  /** Of endpoint 0 and 1. Written anew when the flow is shown by other addresses. */
  readonly endpoints: readonly [Endpoint, Endpoint];
  readonly #flow: Flow;
  readonly #interfaces: readonly CaptureInterface[];
  readonly #clocks: Pick<Clocks, 'secondsAhead'>;
  readonly #shown: readonly [ShownEndpoint, ShownEndpoint] = [
    { address: '', port: 0 },
    { address: '', port: 0 },
  ];

  constructor(flow: Flow, interfaces: readonly CaptureInterface[], clocks: Pick<Clocks, 'secondsAhead'>) {
    this.#flow = flow;
    this.#clocks = clocks;
    this.#interfaces = interfaces;
    this.endpoints = this.#shown;
    const { proxied } = flow;
    if (proxied !== null) {
      const sources = proxied.sources.map(({ words, port }) => ({ address: addressText(...words), port }));
      this.#shown[proxied.direction].sources = sources;
    }
    this.#show();
    flow.onReaddressed = () => this.#show();
  }

  get openedAt(): number {
    return this.#flow.openedAt;
  }

  get secondsAhead(): number {
    return this.#clocks.secondsAhead(this.#flow.interfaceId);
  }

  get place(): Place | null {
    return this.#flow.place;
  }

  firstSequence(endpoint: Endpoint): number {
    return (endpoint === this.endpoints[1] ? this.#flow.stream1 : this.#flow.stream0).first;
  }

  #show(): void {
    const { shown0, shown1 } = this.#flow;
    this.interfaceName = this.#interfaces[(shown0?.addresses ?? this.#flow).interfaceId]?.name ?? '';
    this.#showEndpoint(this.#shown[0], shown0, false);
    this.#showEndpoint(this.#shown[1], shown1, true);
  }

  #showEndpoint(endpoint: ShownEndpoint, leg: Leg | null, isSecond: boolean): void {
    const from = leg?.addresses ?? this.#flow;
    const isEnd1 = isSecond !== (leg?.isReversed ?? false);
    endpoint.address = isEnd1
      ? addressText(from.word10, from.word11, from.word12, from.word13)
      : addressText(from.word00, from.word01, from.word02, from.word03);
    endpoint.port = isEnd1 ? from.port1 : from.port0;
  }
}
