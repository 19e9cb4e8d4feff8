/** Quotes around names and values in text of any kind: escaped any number of times, or written as entities. */
import { AMPERSAND, APOSTROPHE, BACKSLASH, BACKTICK, LINE_FEED, QUOTE } from './byte-text.js';

/** The length of an entity that stands for a quote and ends at `end`, or 0. */
export function entityBefore(bytes: Buffer, start: number, end: number): number {
  for (const entity of QUOTE_ENTITIES)
    if (end - start >= entity.length && bytes.toString('latin1', end - entity.length, end) === entity)
      return entity.length;
  return 0;
}

const QUOTE_ENTITIES = ['&quot;', '&#34;', '&#39;', '&#x27;', '&#x22;', '&apos;'];

/** The length of the quote at `at`, with the backslashes before it; 0 where there is none. */
export function quoteAt(bytes: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end && i - at < 64 && bytes[i] === BACKSLASH) i++;
  const byte = bytes[i];
  if (i < end && (byte === QUOTE || byte === APOSTROPHE || byte === BACKTICK)) return i - at + 1;
  if (i === at && byte === AMPERSAND)
    for (const entity of QUOTE_ENTITIES)
      if (bytes.toString('latin1', at, at + entity.length) === entity) return entity.length;
  return 0;
}

/** Where the value that the quote at `at` opens ends: at a quote escaped as often, or less often, or with the text. */
export function closingQuote(bytes: Buffer, at: number, open: number, end: number): number {
  const quote = bytes[at + open - 1] as number;
  if (quote === 0x3b) {
    const stop = bytes.indexOf(AMPERSAND, at + open);
    return stop < 0 || stop > end ? end : stop;
  }
  const escapes = open - 1;
  for (let i = at + open; i < end; i++) {
    const byte = bytes[i];
    if (byte === LINE_FEED && escapes === 0 && quote !== BACKTICK) return i;
    if (byte !== quote && byte !== BACKSLASH) continue;
    let run = i;
    while (run < end && bytes[run] === BACKSLASH) run++;
    if (run < end && bytes[run] === quote) {
      const count = run - i;
      if (count < escapes || (count - escapes) % (2 * (escapes + 1)) === 0) return run - Math.min(count, escapes);
    }
    i = run === i ? i : run;
    if (bytes[run] !== quote) i = run - 1;
  }
  return end;
}
