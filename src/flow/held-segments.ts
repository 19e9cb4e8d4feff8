/**
 * Segments that came before their turn, by sequence number: sorted, disjoint.
 *
 * in:  segments in any order · out: the first of them, and those around a place
 *
 * A window of a fast path is tens of thousands of segments. They stand in blocks of bounded length, so that adding one
 * anywhere, or taking the first, moves a few hundred references at most, and a place is found by halving. Sequence numbers
 * compare by difference (RFC 9293 §3.4), which orders them, as no two that are held are 2^31 apart.
 */

/** Bytes that wait for the ones before them, or for the other stream: a copy, as packets do not outlive their batch. */
export interface HeldSegment {
  sequence: number;
  bytes: Buffer;
  /** Bytes behind `bytes` that the capture cut off. */
  cut: number;
  acknowledgement: number;
  time: number;
}

/** One that is full is cut in two. */
const BLOCK_SEGMENTS_MAX = 256;

export class HeldSegments {
  /** None of them empty, but for one that is all there is. */
  readonly #blocks: HeldSegment[][] = [];
  length = 0;
  /** The cursor: before segment `#index` of block `#block`, which may be one behind the last of its block. */
  #block = 0;
  #index = 0;

  get first(): HeldSegment | undefined {
    return this.#blocks[0]?.[0];
  }

  get last(): HeldSegment | undefined {
    const block = this.#blocks[this.#blocks.length - 1];
    return block === undefined ? undefined : block[block.length - 1];
  }

  /** Adds a segment behind all others. The cursor has no meaning then. */
  append(segment: HeldSegment): void {
    const blocks = this.#blocks;
    const block = blocks[blocks.length - 1];
    if (block === undefined || block.length === BLOCK_SEGMENTS_MAX) blocks.push([segment]);
    else block.push(segment);
    this.length++;
  }

  /** Takes the first out. The cursor has no meaning then. */
  shift(): HeldSegment | undefined {
    const block = this.#blocks[0];
    const first = block?.shift();
    if (block === undefined || first === undefined) return undefined;
    if (block.length === 0 && this.#blocks.length > 1) this.#blocks.shift();
    this.length--;
    return first;
  }

  /** Moves the cursor behind the last segment that begins at `sequence` or before. */
  seek(sequence: number): void {
    const blocks = this.#blocks;
    let low = 0;
    let high = this.length === 0 ? 0 : blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isAfter((blocks[middle] as HeldSegment[])[0] as HeldSegment, sequence)) high = middle;
      else low = middle + 1;
    }
    this.#block = Math.max(0, low - 1);
    const block = blocks[this.#block];
    low = 0;
    high = block === undefined ? 0 : block.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isAfter((block as HeldSegment[])[middle] as HeldSegment, sequence)) high = middle;
      else low = middle + 1;
    }
    this.#index = low;
  }

  /** The segment in front of the cursor. */
  get before(): HeldSegment | undefined {
    if (this.#index > 0) return this.#blocks[this.#block]?.[this.#index - 1];
    return this.#block > 0 ? this.#blocks[this.#block - 1]?.at(-1) : undefined;
  }

  /** The segment behind the cursor. */
  get after(): HeldSegment | undefined {
    const block = this.#blocks[this.#block];
    if (block === undefined || this.#index < block.length) return block?.[this.#index];
    return this.#blocks[this.#block + 1]?.[0];
  }

  /** Moves the cursor over the segment behind it. */
  next(): void {
    if (this.#index === this.#blocks[this.#block]?.length) {
      this.#block++;
      this.#index = 0;
    }
    this.#index++;
  }

  /** Moves the cursor over the segment in front of it. */
  back(): void {
    if (this.#index === 0) {
      this.#block--;
      this.#index = this.#blocks[this.#block]?.length ?? 0;
    }
    this.#index--;
  }

  /** Puts a segment at the cursor, which stands behind it then. */
  insert(segment: HeldSegment): void {
    const blocks = this.#blocks;
    if (blocks.length === 0) blocks.push([]);
    let block = blocks[this.#block] as HeldSegment[];
    if (block.length === BLOCK_SEGMENTS_MAX) {
      // Most segments come in order, so the last block is left full and a new one begun.
      const half = this.#block === blocks.length - 1 && this.#index === block.length ? block.length : block.length >> 1;
      blocks.splice(this.#block + 1, 0, block.splice(half));
      if (this.#index >= half) {
        this.#block++;
        this.#index -= half;
        block = blocks[this.#block] as HeldSegment[];
      }
    }
    if (this.#index === block.length) block.push(segment);
    else block.splice(this.#index, 0, segment);
    this.#index++;
    this.length++;
  }

  /** All, in order. */
  *[Symbol.iterator](): Iterator<HeldSegment> {
    for (const block of this.#blocks) yield* block;
  }
}

function isAfter(segment: HeldSegment, sequence: number): boolean {
  return ((segment.sequence - sequence) | 0) > 0;
}
