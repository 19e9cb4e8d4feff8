/** Texts in which nothing was found, each under its name: headers are often the same from message to message. */
import { DEFAULT_LIMITS } from '../limits.js';

/** A longer text is not likely to come again. */
const LENGTH_MAX = 128;

export class CleanTexts {
  /** Of each text, the name under which it came last. */
  readonly #texts = new Map<string, string>();
  readonly #onEvicted: (count: number) => void;

  /** `onEvicted` takes how many were forgotten to make room for others. */
  constructor(onEvicted: (count: number) => void) {
    this.#onEvicted = onEvicted;
  }

  has(name: string, text: string): boolean {
    return text.length <= LENGTH_MAX && this.#texts.get(text) === name;
  }

  add(name: string, text: string): void {
    if (name.length + text.length > LENGTH_MAX) return;
    if (this.#texts.size >= DEFAULT_LIMITS.redaction_texts_max) {
      this.#onEvicted(this.#texts.size);
      this.#texts.clear();
    }
    this.#texts.set(copyOf(text), copyOf(name));
  }
}

/** A slice would keep the head it is from. */
function copyOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
