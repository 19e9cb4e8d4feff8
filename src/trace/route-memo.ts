/**
 * Routes of paths that differ in their numbers alone, `/items/17` and `/items/18`: such a path has the route of the other one.
 *
 * in: a path · out: the route that was remembered for it, or null
 *
 * A number is a whole segment of digits, and none of those before which nothing but words such as `api` stands, since there it may
 * be a version.
 */
import { isBase, isVersion, PATH_SEGMENTS_MAX, PLAIN_INTEGER_MAX, segmentsOf } from './path-values.js';

const PLACES = 256;
const PATH_LENGTH_MAX = 256;
/** One of so many paths that were not known is added. */
const ADDED_OF = 16;
const SLASH = 0x2f;
/** Stands for a number. */
const NUMBER = '\0';

interface Known {
  readonly pattern: string;
  readonly route: string;
}

export class RouteMemo {
  /** One that falls where another is takes its place. */
  readonly #known = new Array<Known | undefined>(PLACES).fill(undefined);

  #misses = 0;

  get(path: string): string | null {
    const known = this.#known[placeOf(path)];
    if (known !== undefined && isAlike(known.pattern, path)) return known.route;
    this.#misses++;
    return null;
  }

  /** Whether the path that was just asked for is to be added: not each of those that cannot be. */
  get wants(): boolean {
    return this.#misses % ADDED_OF === 0;
  }

  /** `path` begins with a slash. */
  add(path: string, route: string): void {
    if (path.length > PATH_LENGTH_MAX) return;
    const pattern = patternOf(path);
    if (pattern !== null) this.#known[placeOf(path)] = { pattern, route };
  }
}

/** The same for paths that differ in their numbers alone. */
function placeOf(path: string): number {
  const { length } = path;
  let before = 0;
  let place = 0;
  let isNumber = true;
  for (let i = 0; i < length; i++) {
    const code = path.charCodeAt(i);
    if (code === SLASH) {
      if (isNumber) place = before;
      place = Math.imul(place ^ SLASH, 0x01000193);
      before = place;
      isNumber = true;
    } else {
      if (code < 0x30 || code > 0x39) isNumber = false;
      place = Math.imul(place ^ code, 0x01000193);
    }
  }
  if (isNumber) place = before;
  return (place ^ (place >>> 15)) & (PLACES - 1);
}

function isAlike(pattern: string, path: string): boolean {
  const { length } = path;
  let at = 0;
  for (let i = 0; i < pattern.length; i++) {
    const code = pattern.charCodeAt(i);
    if (code !== 0) {
      if (at >= length || path.charCodeAt(at) !== code) return false;
      at++;
      continue;
    }
    const start = at;
    while (at < length && path.charCodeAt(at) >= 0x30 && path.charCodeAt(at) <= 0x39) at++;
    if (at === start || at - start > PLAIN_INTEGER_MAX || (at < length && path.charCodeAt(at) !== SLASH)) return false;
  }
  return at === length;
}

/** Null where another path with other numbers in it may have another route. */
function patternOf(path: string): string | null {
  const segments = segmentsOf(path);
  if (segments.length >= PATH_SEGMENTS_MAX || path.includes(NUMBER)) return null;
  let isFirst = true;
  let pattern = '';
  for (const segment of segments) {
    const isNumber = /^\d+$/.test(segment);
    if (isNumber && (isFirst || segment.length > PLAIN_INTEGER_MAX)) return null;
    isFirst &&= isBase(segment) || isVersion(segment);
    pattern += `/${isNumber ? NUMBER : segment}`;
  }
  // A copy, as a slice would keep the head that it is from.
  return Buffer.from(pattern, 'utf16le').toString('utf16le');
}
