/**
 * An extended regular expression, as GNU `grep -E` takes it, as RE2: the same but for a few things.
 *
 * in: an expression · out: what RE2 has for it; whether that is a pattern is for RE2 to say · pure
 */
export function egrepPattern(given: string): string {
  return (
    given
      // What repeats nothing at a beginning is left out by grep, and an error to RE2.
      .replace(/(^|\(|\|)[*+?]+/g, '$1')
      .replace(/\\[<>]/g, '\\b')
      .replace(/\{,(\d+)\}/g, '{0,$1}')
  );
}
