/**
 * A header block, which may come in several frames (RFC 9113 §4.3): HEADERS or PUSH_PROMISE, then CONTINUATION. One object for all
 * of a direction, written anew for each.
 *
 * in:  their fragments · out: the block in one piece, up to a cap
 */
import type { Direction } from '../../flow/flow-consumer.js';
import type { MemoryBudget } from '../../memory-budget.js';

const NO_BYTES = Buffer.alloc(0);
const BLOCK_BYTES_MIN = 1024;

export class HeaderBlock {
  readonly direction: Direction;
  /** The stream it came on, and that which it promises, or 0. */
  stream = 0;
  promised = 0;
  endsStream = false;
  /** Times of its first byte and of its last. */
  startTime = 0;
  endTime = 0;
  /** The first `length` of these are the block, where it came in several frames. */
  bytes: Buffer = NO_BYTES;
  length = 0;
  /** Whether CONTINUATION is still to come. */
  isOpen = false;
  /** Whether it was longer than is kept, and whether bytes of it were lost: then the rest of it is of no use. */
  isTooLarge = false;
  isCut = false;
  /** Whether it breaks the rules of its frames (§6.2, §6.10), so that what came of it is a part at best. */
  isBroken = false;
  continuations = 0;
  isPromise = false;

  constructor(direction: Direction) {
    this.direction = direction;
  }

  /** What came before is over. */
  begin(stream: number, promised: number, endsStream: boolean, startTime: number): void {
    this.stream = stream;
    this.promised = promised;
    this.endsStream = endsStream;
    this.startTime = startTime;
    this.isOpen = false;
    this.isTooLarge = false;
    this.isCut = false;
    this.isBroken = false;
    this.isPromise = false;
    this.continuations = 0;
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
    this.isOpen = false;
  }
}
