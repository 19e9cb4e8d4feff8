/**
 * The messages of an exchange: the first of each direction, and a count of all.
 *
 * in:  messages as they end · out: `Exchange.messages`, whose memory is taken from the budget
 */
import { isControl, type SeenMessages, type StreamMessage } from '../http/stream-message.js';
import type { Limits } from '../limits.js';
import type { MemoryBudget } from '../memory-budget.js';

/** What a message takes beside its content. */
const MESSAGE_BYTES = 200;

export class MessageLog {
  /** In the order in which they ended. */
  kept: StreamMessage[] = [];
  readonly request: SeenMessages = { count: 0, bytes: 0, control: 0, lostBytes: 0 };
  readonly response: SeenMessages = { count: 0, bytes: 0, control: 0, lostBytes: 0 };
  /** Bytes of the contents that are kept. */
  keptBytes = 0;
  #reserved = 0;
  #keptRequest = 0;
  #keptResponse = 0;
  readonly #limits: Limits;
  readonly #budget: MemoryBudget;

  constructor(limits: Limits, budget: MemoryBudget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  /** See `MessageTaker.room`. */
  room(isRequest: boolean): number {
    const { stream_messages_max, stream_message_bytes_max, stream_window_bytes_max } = this.#limits;
    if ((isRequest ? this.#keptRequest : this.#keptResponse) >= stream_messages_max) return 0;
    return Math.min(stream_message_bytes_max, stream_window_bytes_max - this.keptBytes);
  }

  take(message: StreamMessage): void {
    const { isRequest, kind, bytes, content } = message;
    const seen = isRequest ? this.request : this.response;
    if (isControl(kind)) seen.control++;
    else {
      seen.count++;
      seen.bytes += bytes;
    }
    if (this.room(isRequest) < content.length || !this.#hasPlace(isRequest)) return;
    if (isRequest) this.#keptRequest++;
    else this.#keptResponse++;
    this.keptBytes += content.length;
    this.#reserved += content.length + MESSAGE_BYTES;
    this.#budget.add(content.length + MESSAGE_BYTES);
    this.kept.push(message);
  }

  /** Puts in order what was taken one direction after the other. */
  sort(): void {
    this.kept.sort((one, other) => one.time - other.time);
  }

  lose(isRequest: boolean, bytes: number): void {
    (isRequest ? this.request : this.response).lostBytes += bytes;
  }

  /** Releases what is kept, and goes on counting. Returns how many bytes that were. */
  shed(): number {
    const shed = this.keptBytes;
    this.kept = [];
    this.keptBytes = 0;
    this.#keptRequest = this.#limits.stream_messages_max;
    this.#keptResponse = this.#limits.stream_messages_max;
    this.release();
    return shed;
  }

  /** Gives the reservation back: the next stage accounts for the bytes now. */
  release(): void {
    this.#budget.remove(this.#reserved);
    this.#reserved = 0;
  }

  get reserved(): number {
    return this.#reserved;
  }

  #hasPlace(isRequest: boolean): boolean {
    return (isRequest ? this.#keptRequest : this.#keptResponse) < this.#limits.stream_messages_max;
  }
}
