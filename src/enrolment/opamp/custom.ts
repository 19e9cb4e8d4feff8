/**
 * Custom messages: what a sensor and a satellite tell each other beyond OpAMP's own messages (quotas, orders).
 *
 * A capability has a name in reverse FQDN (OpAMP § "Custom Messages"), and is used only where both sides have it. To add one, write
 * a `SensorCapability` and a `ServerCapability` of the same name. The sensor's is given to `openControl` (`sensor/control/`), in
 * `capabilities`; the satellite's to the `Fleet` (`satellite/fleet/`). Neither reads a clock or does I/O by itself.
 *
 *     sensor                                             satellite
 *     report() ── { type, data } ───────────────────▸ handle(agent, type, data)
 *     handle(type, data, trust) ◂── { type, data } ──── its answer, or else pending(agent)
 *     its answer ───────────────────────────────────▸ handle(agent, type, data)
 *
 * `report` is asked once a poll, `pending` with each message of an agent. OpAMP has room for one custom message in each of its own:
 * what is left waits in a `CustomQueue`, in order, and the sensor polls again at once while something comes or waits.
 */
import type { CustomMessage } from './messages.js';

/** What one side tells the other. */
export interface CustomContent {
  readonly type: string;
  readonly data: Uint8Array;
}

export interface SensorCapability {
  readonly name: string;
  /**
   * Takes what the server sent, and answers or not. `isSigned`: whether the server has proved that it knows the key; whatever would
   * make the sensor do more than before takes that. It may throw: the message is then dropped, and that is said.
   */
  handle(type: string, data: Uint8Array, trust: { readonly isSigned: boolean }): CustomContent | null;
  /** What there is to say at a poll, while the server is not known to lack the capability. */
  report?(): CustomContent | null;
  /** How often there should be a poll, in milliseconds; null: as often as there is anyhow. */
  pollMillis?(): number | null;
}

/** The agent that sent a message, as the satellite knows it. */
export interface CustomSender {
  /** The instance uid in hex, which names an agent as long as it runs. */
  readonly id: string;
  /** `service.name` and `deployment.environment.name`; empty where it does not say. */
  readonly service: string;
  readonly environment: string;
  /** Whether it has proved that it knows the key. */
  readonly isSigned: boolean;
}

export interface ServerCapability {
  readonly name: string;
  /** Takes what an agent sent, and answers or not. It may throw: the message is then dropped, and counted. */
  handle(agent: CustomSender, type: string, data: Uint8Array): CustomContent | null;
  /** What there is to say to an agent that has this capability. */
  pending?(agent: CustomSender): CustomContent | null;
  /** An agent tells all of itself: it has begun, or had no answer to what it said last. What it was told may not have come. */
  began?(agent: CustomSender): void;
  /** An agent has said that it ends, or has not been heard of for so long that it was forgotten. */
  gone?(agent: CustomSender): void;
}

/** Bytes of the data of one message; a longer one is dropped. */
export const CUSTOM_BYTES_MAX = 256 << 10;
const QUEUE_MAX = 16;

/** Messages that wait for their turn; of too many the oldest goes. */
export class CustomQueue {
  readonly #waiting: CustomMessage[] = [];
  #dropped = 0;

  /** Messages that found no room, or were too long. */
  get dropped(): number {
    return this.#dropped;
  }

  get length(): number {
    return this.#waiting.length;
  }

  add(capability: string, content: CustomContent | null | undefined): void {
    if (content === null || content === undefined) return;
    if (content.data.length > CUSTOM_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ capability, ...content });
    if (this.#waiting.length <= QUEUE_MAX) return;
    this.#waiting.shift();
    this.#dropped++;
  }

  next(): CustomMessage | undefined {
    return this.#waiting.shift();
  }
}
