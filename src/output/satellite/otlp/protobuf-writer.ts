/**
 * Writes protobuf, as much of it as OTLP's traces take (https://protobuf.dev/programming-guides/encoding/): varints, fixed numbers,
 * texts, and the attributes of opentelemetry/proto/common/v1/common.proto, whose lengths are known before they are written.
 *
 *     KeyValue  { string key = 1; AnyValue value = 2; }
 *     AnyValue  { string_value = 1; bool_value = 2; int_value = 3; double_value = 4; array_value = 5; kvlist_value = 6; bytes_value = 7; }
 *     ArrayValue { repeated AnyValue values = 1; }
 */

/** Wire types. */
export const Wire = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

const STRING_VALUE = 0x0a;
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;
const ARRAY_VALUE = 0x2a;
const BYTES_VALUE = 0x3a;
/** `KeyValue.value`, `ArrayValue.values`. */
const VALUE = 0x12;
const VALUES = 0x0a;

const START_BYTES = 8192;
/** A longer text is written by a call out of JavaScript, which takes as long as so many characters. */
const WRITTEN_HERE_MAX = 96;
/** What an attribute takes beside its key and its value, at most: tags and lengths. */
const AROUND_BYTES = 64;
const UTF8_FACTOR = 3;

/** The key of an attribute, as it stands in a `KeyValue`: in words of four bytes, which are written faster than bytes. */
export interface Key {
  /** Bytes. */
  readonly length: number;
  /** Little-endian; the last may have zeros behind the key. */
  readonly words: Int32Array;
}

export function keyField(key: string): Key {
  const writer = new ProtobufWriter();
  writer.text(1, key);
  const { at: length, bytes } = writer;
  const words = Int32Array.from({ length: Math.ceil(length / 4) }, (_, i) => {
    bytes.fill(0, length, length + 4);
    return bytes.readInt32LE(4 * i);
  });
  return { length, words };
}

export class ProtobufWriter {
  bytes: Buffer;
  /** Where the next byte goes. */
  at = 0;
  #view: DataView;

  constructor(startBytes = START_BYTES) {
    this.bytes = Buffer.allocUnsafeSlow(startBytes);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** A copy of what was written from `start` on. */
  take(start: number): Buffer {
    const { at } = this;
    const taken = Buffer.allocUnsafe(at - start);
    this.bytes.copy(taken, 0, start, at);
    return taken;
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    const wanted = this.at + count;
    if (wanted <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.bytes.length));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length);
  }

  tag(field: number, wire: number): void {
    this.varint((field << 3) | wire);
  }

  /** There is room for ten bytes. */
  varint(value: number): void {
    const { bytes } = this;
    let left = value;
    let { at } = this;
    while (left >= 0x80) {
      bytes[at++] = (left & 0x7f) | 0x80;
      left = left < 2 ** 31 ? left >>> 7 : Math.floor(left / 128);
    }
    bytes[at++] = left;
    this.at = at;
  }

  fixed64(field: number, value: bigint): void {
    this.reserve(AROUND_BYTES);
    this.tag(field, Wire.fixed64);
    this.#view.setBigUint64(this.at, value, true);
    this.at += 8;
  }

  fixed32(field: number, value: number): void {
    this.reserve(AROUND_BYTES);
    this.tag(field, Wire.fixed32);
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  /** An id of lowercase hex digits. */
  hex(field: number, digits: string): void {
    this.reserve(AROUND_BYTES + digits.length);
    this.tag(field, Wire.delimited);
    const length = digits.length >> 1;
    this.varint(length);
    const { bytes, at } = this;
    for (let i = 0; i < length; i++) {
      const high = DIGITS[digits.charCodeAt(2 * i)] as number;
      bytes[at + i] = (high << 4) | (DIGITS[digits.charCodeAt(2 * i + 1)] as number);
    }
    this.at = at + length;
  }

  text(field: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.reserve(AROUND_BYTES + length);
    this.tag(field, Wire.delimited);
    this.varint(length);
    this.at += this.bytes.utf8Write(text, this.at, length);
  }

  delimited(field: number, content: Uint8Array): void {
    this.reserve(AROUND_BYTES + content.length);
    this.tag(field, Wire.delimited);
    this.varint(content.length);
    this.raw(content);
  }

  /** There is room for it. */
  raw(content: Uint8Array): void {
    this.bytes.set(content, this.at);
    this.at += content.length;
  }

  /** An attribute whose value is a text. `field`: of what it is one of; `key`: as `keyField` makes it. */
  textAttribute(field: number, key: Key, value: string): void {
    this.reserve(AROUND_BYTES + key.length + UTF8_FACTOR * value.length);
    const start = this.at;
    // As ASCII, which nearly all texts are.
    this.#textAttribute(field, key, value.length);
    if (this.#ascii(value)) return;
    this.at = start;
    const length = Buffer.byteLength(value);
    this.#textAttribute(field, key, length);
    this.at += this.bytes.utf8Write(value, this.at, length);
  }

  #textAttribute(field: number, key: Key, length: number): void {
    const any = 1 + varintBytes(length) + length;
    this.#attribute(field, key, any);
    this.bytes[this.at++] = STRING_VALUE;
    this.varint(length);
  }

  /** The same with a list of one text, which is what a header is. */
  headerAttribute(field: number, key: Key, value: string): void {
    this.reserve(AROUND_BYTES + key.length + UTF8_FACTOR * value.length);
    const start = this.at;
    this.#headerAttribute(field, key, value.length);
    if (this.#ascii(value)) return;
    this.at = start;
    const length = Buffer.byteLength(value);
    this.#headerAttribute(field, key, length);
    this.at += this.bytes.utf8Write(value, this.at, length);
  }

  #headerAttribute(field: number, key: Key, length: number): void {
    const text = 1 + varintBytes(length) + length;
    const array = 1 + varintBytes(text) + text;
    this.#attribute(field, key, 1 + varintBytes(array) + array);
    this.bytes[this.at++] = ARRAY_VALUE;
    this.varint(array);
    this.bytes[this.at++] = VALUES;
    this.varint(text);
    this.bytes[this.at++] = STRING_VALUE;
    this.varint(length);
  }

  listAttribute(field: number, key: Key, values: readonly string[]): void {
    const lengths = values.map((value) => Buffer.byteLength(value));
    const texts = lengths.map((length) => 1 + varintBytes(length) + length);
    const array = texts.reduce((sum, text) => sum + 1 + varintBytes(text) + text, 0);
    this.reserve(AROUND_BYTES + key.length + array);
    this.#attribute(field, key, 1 + varintBytes(array) + array);
    this.bytes[this.at++] = ARRAY_VALUE;
    this.varint(array);
    for (const [i, value] of values.entries()) {
      this.bytes[this.at++] = VALUES;
      this.varint(texts[i] as number);
      this.bytes[this.at++] = STRING_VALUE;
      this.varint(lengths[i] as number);
      this.at += this.bytes.utf8Write(value, this.at, lengths[i] as number);
    }
  }

  /** `isText`: the bytes are UTF-8. */
  contentAttribute(field: number, key: Key, content: Uint8Array, isText: boolean): void {
    const { length } = content;
    this.reserve(AROUND_BYTES + key.length + length);
    this.#attribute(field, key, 1 + varintBytes(length) + length);
    this.bytes[this.at++] = isText ? STRING_VALUE : BYTES_VALUE;
    this.varint(length);
    this.raw(content);
  }

  boolAttribute(field: number, key: Key, value: boolean): void {
    this.reserve(AROUND_BYTES + key.length);
    this.#attribute(field, key, 2);
    this.bytes[this.at++] = BOOL_VALUE;
    this.bytes[this.at++] = value ? 1 : 0;
  }

  /** An integer, where it is one: a negative one has ten bytes. */
  numberAttribute(field: number, key: Key, value: number): void {
    this.reserve(AROUND_BYTES + key.length);
    if (!Number.isInteger(value)) {
      this.#attribute(field, key, 9);
      this.bytes[this.at++] = DOUBLE_VALUE;
      this.#view.setFloat64(this.at, value, true);
      this.at += 8;
    } else if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.#attribute(field, key, 1 + varintBytes(value));
      this.bytes[this.at++] = INT_VALUE;
      this.varint(value);
    } else this.#largeAttribute(field, key, BigInt.asUintN(64, BigInt(value)));
  }

  #largeAttribute(field: number, key: Key, value: bigint): void {
    let size = 1;
    for (let left = value >> 7n; left > 0n; left >>= 7n) size++;
    this.#attribute(field, key, 1 + size);
    this.bytes[this.at++] = INT_VALUE;
    for (let left = value; size > 0; size--, left >>= 7n)
      this.bytes[this.at++] = Number(left & 0x7fn) | (size > 1 ? 0x80 : 0);
  }

  /** A `KeyValue` up to its value, an `AnyValue` of `any` bytes. */
  #attribute(field: number, key: Key, any: number): void {
    this.varint((field << 3) | Wire.delimited);
    this.varint(key.length + 1 + varintBytes(any) + any);
    const { at } = this;
    const { words, length } = key;
    const view = this.#view;
    // What follows overwrites the zeros behind the last.
    for (let i = 0, to = at; i < words.length; i++, to += 4) view.setInt32(to, words[i] as number, true);
    this.bytes[at + length] = VALUE;
    this.at = at + length + 1;
    this.varint(any);
  }

  /** Writes a text for which there is room; false where it is not ASCII. */
  #ascii(text: string): boolean {
    const { bytes, at } = this;
    const { length } = text;
    if (length > WRITTEN_HERE_MAX) {
      if (bytes.utf8Write(text, at, UTF8_FACTOR * length) !== length) return false;
    } else {
      let all = 0;
      for (let i = 0; i < length; i++) {
        const code = text.charCodeAt(i);
        all |= code;
        bytes[at + i] = code;
      }
      if (all >= 0x80) return false;
    }
    this.at = at + length;
    return true;
  }
}

export function varintBytes(value: number): number {
  let size = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 128)) size++;
  return size;
}

/** The value of each hex digit, by its character. */
const DIGITS: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return Math.max(digit, 0);
});
