/**
 * The header section of an HTTP/2 message: fields in the order they were sent, as references to the texts of the decoder's
 * tables, so that a field that was sent before costs two pointers.
 */
import { HeaderList } from '../header-list.js';

const NO_SPANS: readonly number[] = [];

export class FieldList extends HeaderList {
  readonly #names: readonly string[];
  readonly #values: readonly string[];
  readonly #textLength: number;

  /** `textLength`: characters of all names and values. */
  constructor(names: readonly string[], values: readonly string[], textLength: number) {
    super('', NO_SPANS);
    this.#names = names;
    this.#values = values;
    this.#textLength = textLength;
  }

  override get size(): number {
    return this.#names.length;
  }

  override get textLength(): number {
    return this.#textLength;
  }

  // Names are lower-case (RFC 9113 §8.2.1).

  override get(lowercaseName: string): string | undefined {
    const at = this.#names.indexOf(lowercaseName);
    return at < 0 ? undefined : this.#values[at];
  }

  override getAll(lowercaseName: string): string[] {
    return this.#values.filter((_, i) => this.#names[i] === lowercaseName);
  }

  override pairs(): [string, string][] {
    return this.#names.map((name, i) => [name, this.#values[i] as string]);
  }
}
