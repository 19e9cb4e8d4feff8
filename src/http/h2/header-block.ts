/**
 * A header block that comes in several frames (RFC 9113 §4.3): HEADERS or PUSH_PROMISE, then CONTINUATION.
 *
 * in:  their fragments · out: the block in one piece, up to a cap
 */
import type { MemoryBudget } from '../../memory-budget.js';

const NO_BYTES = Buffer.alloc(0);
const BLOCK_BYTES_MIN = 1024;

export class HeaderBlock {
  /** The stream it came on, and that which it promises, or 0. */
  readonly stream: number;
  readonly promised: number;
  readonly endsStream: boolean;
  readonly startTime: number;
  /** The first `length` of these are the block. */
  bytes: Buffer = NO_BYTES;
  length = 0;
  /** Whether it was longer than is kept, and whether bytes of it were lost: then the rest of it is of no use. */
  isTooLarge = false;
  isCut = false;
  continuations = 0;
  isPromise = false;

  constructor(stream: number, promised: number, endsStream: boolean, startTime: number) {
    this.stream = stream;
    this.promised = promised;
    this.endsStream = endsStream;
    this.startTime = startTime;
  }

  append(bytes: Buffer, start: number, end: number, bytesMax: number, budget: MemoryBudget): void {
    const take = Math.min(end - start, bytesMax - this.length);
    if (take < end - start) this.isTooLarge = true;
    if (this.length + take > this.bytes.length) {
      const size = Math.max(this.length + take, this.bytes.length * 2, BLOCK_BYTES_MIN);
      const grown = Buffer.allocUnsafeSlow(size);
      this.bytes.copy(grown, 0, 0, this.length);
      budget.add(grown.length - this.bytes.length);
      this.bytes = grown;
    }
    bytes.copy(this.bytes, this.length, start, start + take);
    this.length += take;
  }

  release(budget: MemoryBudget): void {
    budget.remove(this.bytes.length);
    this.bytes = NO_BYTES;
    this.length = 0;
  }
}
