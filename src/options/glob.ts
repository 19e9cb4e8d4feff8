/**
 * Patterns that look like the globs of a shell, where RE2 is expected: `/admin/*` matches `/admin` and any number of slashes.
 *
 * in: a pattern · out: what to write instead, or null · pure
 */

/** A star behind a slash or nothing, with nothing that only RE2 has in the pattern. */
const GLOB = /^\*|\/\*(?:$|\/)|^[\w-]+\*$/;
const ONLY_RE2 = /[\\^$|()[\]{}+]|\.\*/;

/** The pattern that means what a glob means. */
export function patternForGlob(pattern: string): string | null {
  if (!GLOB.test(pattern) || ONLY_RE2.test(pattern)) return null;
  const escaped = pattern
    .replaceAll('.', '\\.')
    .replaceAll('?', '.')
    .split('*')
    .join(pattern.startsWith('/') ? '[^/]*' : '.*');
  // A path that ends in a star means everything below it.
  const begun = pattern.startsWith('*') ? escaped.replace(/^\.\*/, '') : `^${escaped}`;
  return pattern.endsWith('*') ? begun.replace(/(\[\^\/\]|\.)\*$/, '') : `${begun}$`;
}
