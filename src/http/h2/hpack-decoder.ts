/**
 * HPACK (RFC 7541): the header blocks of one direction of a connection → their fields.
 *
 * in:  header blocks, in the order they were sent · out: fields, to a `FieldSink`; what cannot be known is said to be unknown
 *
 *     1 index (7+)                         indexed field                                    §6.1
 *     01 index (6+) [name] value           literal field, inserted                          §6.2.1
 *     0000 index (4+) [name] value         literal field, not inserted                      §6.2.2
 *     0001 index (4+) [name] value         literal field, never to be inserted              §6.2.3
 *     001 size (5+)                        size of the table                                §6.3
 *     string: H length (7+) bytes          H: in the Huffman code                           §5.2
 *
 * Each representation says where it ends, so a field that is unknown costs nothing but itself.
 */
import type { MemoryBudget } from '../../memory-budget.js';
import { FieldTexts } from './field-texts.js';
import { FieldWindow } from './field-window.js';
import { decodedBytesMax, decodeHuffman } from './huffman.js';
import { STATIC_TABLE } from './static-table.js';

export interface FieldSink {
  /** Whether values of fields that are not inserted are wanted; they are given as empty if not. */
  readonly wantsValues: boolean;
  field(name: string, value: string): void;
  /** A field whose name, and perhaps value, was inserted when nobody saw it. */
  unknownField(): void;
}

/** How a header block was read. */
export const BlockResult = {
  whole: 0,
  /** It ends in the middle of a field: what comes before is right. */
  cut: 1,
  /** It is no header block, from some place on. */
  invalid: 2,
} as const;
export type BlockResult = (typeof BlockResult)[keyof typeof BlockResult];

/** Integers (§5.1) larger than this are hostile: no block is as long. */
const INTEGER_MAX = 1 << 26;
/** Bytes of an integer behind the first. */
const INTEGER_BYTES_MAX = 5;
const SCRATCH_BYTES = 4096;

type Failure = typeof BlockResult.cut | typeof BlockResult.invalid;

export class HpackDecoder {
  readonly window: FieldWindow;
  readonly #texts: FieldTexts;
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;
  /** Of the string or integer that could not be read. */
  #failure: Failure = BlockResult.cut;

  /** `texts`: what all decoders share. */
  constructor(tableBytesMax: number, budget: MemoryBudget, texts = new FieldTexts()) {
    this.#texts = texts;
    this.window = new FieldWindow(tableBytesMax, budget);
  }

  /** Reads the block `bytes[start, end)`. Unless it is `whole`, what follows may refer to insertions that were missed. */
  decode(bytes: Buffer, start: number, end: number, sink: FieldSink): BlockResult {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    let isGood = true;
    while (isGood && this.#at < end) isGood = this.#field(sink);
    this.#bytes = NO_BYTES;
    if (isGood) return BlockResult.whole;
    this.window.forget();
    return this.#failure;
  }

  #field(sink: FieldSink): boolean {
    const first = this.#bytes[this.#at] as number;
    if (first >= 0x80) return this.#indexed(sink);
    if (first >= 0x40) return this.#literal(sink, 6, true);
    if (first < 0x20) return this.#literal(sink, 4, false);
    const size = this.#integer(5);
    if (size < 0) return false;
    this.window.resize(size);
    return true;
  }

  #indexed(sink: FieldSink): boolean {
    const index = this.#integer(7);
    if (index < 0) return false;
    // Index 0 is no field (§6.1).
    if (index === 0) {
      this.#failure = BlockResult.invalid;
      return false;
    }
    if (index <= STATIC_TABLE.length) {
      const field = STATIC_TABLE[index - 1] as (typeof STATIC_TABLE)[number];
      sink.field(field[0], field[1]);
      return true;
    }
    const { window } = this;
    const place = window.find(index - STATIC_TABLE.length);
    const name = place < 0 ? null : (window.names[place] as string | null);
    if (name === null) sink.unknownField();
    else sink.field(name, window.values[place] as string);
    return true;
  }

  #literal(sink: FieldSink, prefix: number, isInserted: boolean): boolean {
    const index = this.#integer(prefix);
    if (index < 0) return false;
    let name: string | null = null;
    if (index === 0) {
      name = this.#string(true);
      if (name === null) return false;
    } else if (index <= STATIC_TABLE.length) {
      name = (STATIC_TABLE[index - 1] as (typeof STATIC_TABLE)[number])[0];
    } else {
      const place = this.window.find(index - STATIC_TABLE.length);
      if (place >= 0) name = this.window.names[place] as string | null;
    }
    const value = this.#string(isInserted || sink.wantsValues || name?.charCodeAt(0) === COLON);
    if (value === null) return false;
    if (isInserted) this.window.insert(name, value);
    if (name === null) sink.unknownField();
    else sink.field(name, value);
    return true;
  }

  /** §5.1, with a prefix of so many bits; negative where it cannot be read. */
  #integer(prefix: number): number {
    const bytes = this.#bytes;
    const mask = (1 << prefix) - 1;
    let value = (bytes[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) return this.#noInteger(BlockResult.cut);
      const byte = bytes[this.#at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (value > INTEGER_MAX || shift > 7 * INTEGER_BYTES_MAX) return this.#noInteger(BlockResult.invalid);
      if (byte < 0x80) return value;
    }
  }

  /** §5.2; null where it cannot be read. Empty where it is not wanted. */
  #string(isWanted: boolean): string | null {
    if (this.#at >= this.#end) return this.#noString(BlockResult.cut);
    const isHuffman = ((this.#bytes[this.#at] as number) & 0x80) !== 0;
    const length = this.#integer(7);
    if (length < 0) return null;
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) return this.#noString(BlockResult.cut);
    this.#at = end;
    if (!isWanted || length === 0) return '';
    if (!isHuffman) return this.#texts.of(this.#bytes, start, end);
    const max = decodedBytesMax(length);
    const out = max <= SCRATCH_BYTES ? SCRATCH : Buffer.allocUnsafe(max);
    const decoded = decodeHuffman(this.#bytes, start, end, out);
    return decoded < 0 ? this.#noString(BlockResult.invalid) : this.#texts.of(out, 0, decoded);
  }

  #noString(failure: Failure): null {
    this.#failure = failure;
    return null;
  }

  #noInteger(failure: Failure): number {
    this.#failure = failure;
    return -1;
  }
}

const COLON = 0x3a;
const NO_BYTES = Buffer.alloc(0);
/** Holds a decoded string until it is text. */
const SCRATCH = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
