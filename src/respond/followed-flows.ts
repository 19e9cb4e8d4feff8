/**
 * The connections that may be reset: those that are followed, found by their endpoints.
 *
 * in: flows, as they are opened and closed · out: one, by two endpoints in either order
 */
import type { Flow } from '../flow/flow.js';
import { addressText } from '../pair/address.js';
import { endpointText } from './match.js';
import type { ResetEndpoint } from './reset-packet.js';

export interface FollowedFlow {
  readonly flow: Flow;
  /** By the side that sent the first packet. */
  readonly texts: readonly [string, string];
  readonly addresses: readonly [string, string];
  readonly endpoints: readonly [ResetEndpoint, ResetEndpoint];
  /** Resets that were sent for it. */
  readonly sent: Set<string>;
  /** Whether a probe of its health was seen on it. */
  isProbed: boolean;
  /** Whether it was decided on: a connection is reset, or refused to be, once. */
  isSettled: boolean;
}

export class FollowedFlows {
  readonly #byFlow = new Map<Flow, FollowedFlow>();
  readonly #byKey = new Map<string, FollowedFlow>();

  get size(): number {
    return this.#byFlow.size;
  }

  /** As many as there are flows, which have a cap of their own. */
  open(flow: Flow): FollowedFlow {
    const { word00, word01, word02, word03, port0, word10, word11, word12, word13, port1 } = flow;
    const addresses = [
      addressText(word00, word01, word02, word03),
      addressText(word10, word11, word12, word13),
    ] as const;
    const followed: FollowedFlow = {
      flow,
      addresses,
      texts: [endpointText(addresses[0], port0), endpointText(addresses[1], port1)],
      endpoints: [
        { words: [word00, word01, word02, word03], port: port0 },
        { words: [word10, word11, word12, word13], port: port1 },
      ],
      sent: new Set(),
      isProbed: false,
      isSettled: false,
    };
    this.#byFlow.set(flow, followed);
    this.#byKey.set(keyOf(...followed.texts), followed);
    return followed;
  }

  close(flow: Flow): void {
    const followed = this.#byFlow.get(flow);
    if (followed === undefined) return;
    this.#byFlow.delete(flow);
    const key = keyOf(...followed.texts);
    if (this.#byKey.get(key) === followed) this.#byKey.delete(key);
  }

  of(flow: Flow): FollowedFlow | undefined {
    return this.#byFlow.get(flow);
  }

  between(one: string, other: string): FollowedFlow | undefined {
    return this.#byKey.get(keyOf(one, other));
  }

  all(): IterableIterator<FollowedFlow> {
    return this.#byFlow.values();
  }
}

function keyOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

/** The side that began the connection; null where its beginning was not seen. */
export function clientSide({ stream0, stream1 }: Flow): 0 | 1 | null {
  if (stream0.hasSyn && !stream0.hasSynAck) return 0;
  if (stream1.hasSyn && !stream1.hasSynAck) return 1;
  if (stream0.hasSynAck) return 1;
  return stream1.hasSynAck ? 0 : null;
}
