/**
 * Takes the secrets out of a head that is still as it was sent. What its names decide is decided once for each shape: most values
 * are then not looked at, and those that are stay parts of the head unless they are replaced.
 *
 * in: a `SentHead` · out: the same as `redactNamedHeaders` and `redactHeaderValues` make of its pairs
 */
import type { HeaderList } from '../http/header-list.js';
import type { HeadShape } from '../trace/head-shape.js';
import type { SentHead } from '../trace/sent-message.js';
import type { Redaction } from '../trace/trace.js';
import { type HeaderContext, isHarmlessHeader, redactHeaderValues, redactNamedHeaders } from './redact-headers.js';
import { createRedactions, type Redactions } from './redactions.js';

/** What was done to a head of a list that others share. */
interface Done {
  readonly side: Redactions['current'];
  readonly replaced: Map<number, string> | null;
  readonly redactions: readonly Redaction[];
}

export class SentHeadRedactor {
  readonly #context: HeaderContext;
  /** By shape, the places of headers whose values matter. */
  readonly #looked = new WeakMap<HeadShape, readonly number[]>();
  /** The same again is done the same. */
  readonly #done = new WeakMap<HeaderList, Done>();

  constructor(context: HeaderContext) {
    this.#context = context;
  }

  redact(head: SentHead, redactions: Redactions): void {
    const { list } = head;
    if (!list.isShared || redactions.replacements !== null) {
      this.#redact(head, redactions);
      return;
    }
    const side = redactions.current;
    const done = this.#done.get(list);
    if (done !== undefined && done.side === side) {
      head.replaceAlike(done.replaced);
      redactions.addAll(done.redactions);
      return;
    }
    const own = createRedactions(false);
    own.side(side);
    const replaced = this.#redact(head, own);
    redactions.addAll(own.list);
    // What becomes of a head when there are no steps left says nothing of the next one.
    if (!head.isSent || this.#context.documents.isTooSlow()) return;
    this.#done.set(list, { side, replaced, redactions: own.list });
    head.replaceAlike(replaced);
  }

  /** What it replaced in the head as it is sent. */
  #redact(head: SentHead, redactions: Redactions): Map<number, string> | null {
    const looked = this.#lookedAt(head.shape);
    let others = '';
    let replaced: Map<number, string> | null = null;
    for (let i = 0; i < looked.length; i++) {
      const at = looked[i] as number;
      const value = head.value(at);
      if (value === '') continue;
      const header: [string, string] = [head.shape.names[at] as string, value];
      others += redactNamedHeaders([header], this.#context, redactions);
      if (header[1] === value) continue;
      replaced ??= new Map();
      replaced.set(at, header[1]);
      head.replace(at, header[1]);
    }
    if (others !== '' && this.#context.documents.mayHold(others))
      redactHeaderValues(head.pairs, this.#context, redactions);
    return replaced;
  }

  #lookedAt(shape: HeadShape): readonly number[] {
    const known = this.#looked.get(shape);
    if (known !== undefined) return known;
    const looked = shape.lowercase.flatMap((name, at) => (isHarmlessHeader(name, this.#context) ? [] : [at]));
    this.#looked.set(shape, looked);
    return looked;
  }
}
