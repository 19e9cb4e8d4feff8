/**
 * Takes the secrets out of a head that is still as it was sent. What its names decide is decided once for each shape: most values
 * are then not looked at, and those that are stay parts of the head unless they are replaced.
 *
 * in: a `SentHead` · out: the same as `redactNamedHeaders` and `redactHeaderValues` make of its pairs
 */
import type { HeadShape } from '../trace/head-shape.js';
import type { SentHead } from '../trace/sent-message.js';
import { type HeaderContext, isHarmlessHeader, redactHeaderValues, redactNamedHeaders } from './redact-headers.js';
import type { Redactions } from './redactions.js';

export class SentHeadRedactor {
  readonly #context: HeaderContext;
  /** By shape, the places of headers whose values matter. */
  readonly #looked = new WeakMap<HeadShape, readonly number[]>();

  constructor(context: HeaderContext) {
    this.#context = context;
  }

  redact(head: SentHead, redactions: Redactions): void {
    const looked = this.#lookedAt(head.shape);
    let others = '';
    for (let i = 0; i < looked.length; i++) {
      const at = looked[i] as number;
      const value = head.value(at);
      if (value === '') continue;
      const header: [string, string] = [head.shape.names[at] as string, value];
      others += redactNamedHeaders([header], this.#context, redactions);
      if (header[1] !== value) head.replace(at, header[1]);
    }
    if (others !== '' && this.#context.documents.mayHold(others))
      redactHeaderValues(head.pairs, this.#context, redactions);
  }

  #lookedAt(shape: HeadShape): readonly number[] {
    const known = this.#looked.get(shape);
    if (known !== undefined) return known;
    const looked = shape.lowercase.flatMap((name, at) => (isHarmlessHeader(name, this.#context) ? [] : [at]));
    this.#looked.set(shape, looked);
    return looked;
  }
}
