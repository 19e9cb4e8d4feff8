/**
 * The header section of an HTTP/2 message: fields in the order they were sent, as references to the texts of the decoder's
 * tables, so that a field that was sent before costs two pointers.
 */
import { HeaderList } from '../header-list.js';

const NO_SPANS: readonly number[] = [];

export class FieldList extends HeaderList {
  /** Name, value, name, value … */
  readonly #fields: readonly string[];
  readonly #textLength: number;

  /** `fields`: each name in front of its value. `textLength`: characters of all of them. */
  constructor(fields: readonly string[], textLength: number) {
    super('', NO_SPANS);
    this.#fields = fields;
    this.#textLength = textLength;
  }

  override get size(): number {
    return this.#fields.length >> 1;
  }

  override get textLength(): number {
    return this.#textLength;
  }

  // Names are lower-case (RFC 9113 §8.2.1).

  override get(lowercaseName: string): string | undefined {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === lowercaseName) return fields[i + 1];
    return undefined;
  }

  override getAll(lowercaseName: string): string[] {
    return this.#fields.filter((_, i) => (i & 1) === 1 && this.#fields[i - 1] === lowercaseName);
  }

  override pairs(): [string, string][] {
    const fields = this.#fields;
    const pairs: [string, string][] = new Array(fields.length >> 1);
    for (let i = 0; i < pairs.length; i++) pairs[i] = [fields[2 * i] as string, fields[2 * i + 1] as string];
    return pairs;
  }
}
