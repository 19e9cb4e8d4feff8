/**
 * The way of a stream's bytes and gaps to the flow's consumer, which is opened for the first of them.
 *
 * in:  a stream, and what it goes on with · out: calls on the flow's `FlowConsumer`
 */
import type { Counters } from '../counters.js';
import type { MemoryBudget } from '../memory-budget.js';
import { CONSUMER_BYTES, type Flow } from './flow.js';
import { type Direction, EndCause, type FlowConsumer } from './flow-consumer.js';
import type { TcpStream } from './tcp-stream.js';

export class Delivery {
  readonly #counters: Counters;
  readonly #budget: MemoryBudget;
  readonly #openConsumer: (flow: Flow) => FlowConsumer;

  constructor(counters: Counters, budget: MemoryBudget, openConsumer: (flow: Flow) => FlowConsumer) {
    this.#counters = counters;
    this.#budget = budget;
    this.#openConsumer = openConsumer;
  }

  /**
   * A segment of a stream is delivered that acknowledges the other one up to `acknowledgement`: never beyond what was
   * delivered of that, as a segment sent again acknowledges more than the first did.
   */
  noteAcknowledged(flow: Flow, direction: Direction, acknowledgement: number): void {
    const isFirst = direction === 0;
    const other = isFirst ? flow.stream1 : flow.stream0;
    const stream = isFirst ? flow.stream0 : flow.stream1;
    const ahead = (acknowledgement - other.next) | 0;
    stream.acknowledges = other.position + Math.min(0, ahead);
    // A FIN takes a number, too.
    stream.isSentAgain = ahead > (other.hasFin ? 1 : 0);
  }

  /** Moves the stream on by `length` bytes. Returns who takes them. */
  carry(flow: Flow, stream: TcpStream, length: number, time: number): FlowConsumer {
    stream.carried = true;
    stream.next = (stream.next + length) | 0;
    stream.position += length;
    stream.carriedAt = time;
    flow.consumer ??= this.#open(flow, time);
    return flow.consumer;
  }

  /** Moves a stream on to `sequence`, over bytes that were never captured. */
  gap(flow: Flow, direction: Direction, sequence: number, time: number): void {
    const stream = flow.stream(direction);
    const length = (sequence - stream.next) >>> 0;
    stream.next = sequence;
    if (length === 0) return;
    stream.carried = true;
    stream.position += length;
    stream.carriedAt = time;
    this.#counters.gaps++;
    this.#counters.gap_bytes += length;
    flow.consumer ??= this.#open(flow, time);
    flow.consumer.gap(direction, length, time);
  }

  /** `length` bytes of a segment were cut off by the snap length. */
  cut(flow: Flow, direction: Direction, length: number, time: number): void {
    const stream = flow.stream(direction);
    stream.isCut = true;
    this.gap(flow, direction, (stream.next + length) | 0, time);
    stream.isCut = false;
  }

  /** Takes the consumer from its flow. `isForgotten`: the flow may not have ended. */
  end(flow: Flow, isForgotten = false): void {
    if (flow.consumer === null) return;
    this.#budget.remove(CONSUMER_BYTES);
    flow.consumer = null;
    flow.onClosed?.(isForgotten);
  }

  /** Opens a consumer for a flow's first bytes, which begins with the end of a stream that ended without any. */
  #open(flow: Flow, time: number): FlowConsumer {
    const consumer = this.#openConsumer(flow);
    this.#budget.add(CONSUMER_BYTES);
    if (flow.stream0.ended) consumer.end(0, EndCause.fin, time);
    if (flow.stream1.ended) consumer.end(1, EndCause.fin, time);
    return consumer;
  }
}
