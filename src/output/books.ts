/**
 * The books: what became of each trace, entered once, here and nowhere else in this room.
 *
 * in: numbers of traces, with what became of them · out: the counters of `exchanges_seen = exported + dropped + in flight`
 *
 * One output of a run keeps the books of its exchanges, however many outputs take them; the others enter only what they
 * lose. Traces that an earlier run left in a spool are in that run's books as in flight, so every output counts what
 * becomes of them apart: `recovered_traces`, which the spool counts when it opens, = exported + dropped + still in the spool.
 */
import { type Counters, countDropped, DropReason } from '../counters.js';

export interface Books {
  /** `traces` arrived. */
  accountExported(traces: number, recovered?: boolean): void;
  /** `traces` will not arrive: refused, given up, or impossible to encode. */
  accountLost(traces: number, recovered?: boolean): void;
  /** One will not be sent: the bytes of this minute are spent. */
  accountOverBytes(): void;
}

/** For the one output that decides what became of an exchange. */
export function createBooks(counters: Counters): Books {
  return booksOf(
    counters,
    (traces) => {
      counters.exchanges_exported += traces;
    },
    (traces) => countDropped(counters, DropReason.undeliverable, traces),
    () => countDropped(counters, DropReason.byteLimited),
  );
}

/** For each output beside it. */
export function createSideBooks(counters: Counters): Books {
  return booksOf(
    counters,
    () => {},
    (traces) => {
      counters.output_traces_lost += traces;
    },
    () => {
      counters.output_traces_lost++;
    },
  );
}

function booksOf(
  counters: Counters,
  enterExported: (traces: number) => void,
  enterLost: (traces: number) => void,
  accountOverBytes: () => void,
): Books {
  return {
    accountOverBytes,
    accountExported(traces, recovered = false) {
      if (recovered) counters.recovered_traces_exported += traces;
      else enterExported(traces);
    },
    accountLost(traces, recovered = false) {
      if (recovered) counters.recovered_traces_dropped += traces;
      else enterLost(traces);
    },
  };
}
