/**
 * What a segment of a path is by its looks: a value that stands for one thing of many, or a word.
 *
 * in: a segment, and whether it begins the path · out: the kind of value, or null for a word · pure, linear
 *
 * Words are kept, and so is what only looks like a value: versions (`v1`, `2.0`, `2010-04-01` at the beginning), words with a
 * number in them (`oauth2`, `s3`, `sha256`), locales, file names.
 */

export type ValueKind =
  | 'integer'
  | 'number'
  | 'uuid'
  | 'date'
  | 'date-time'
  | 'email'
  | 'address'
  | 'hash'
  | 'token'
  | 'text';

const SEGMENT_LENGTH_MAX = 256;

const INTEGER = /^-?\d+$/;
const NUMBER = /^-?\d+(?:\.\d+)?(?:,-?\d+(?:\.\d+)?)*$/;
const UUID = /^[{]?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[}]?$/i;
const DATE = /^(?:1[89]|2[01])\d\d-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?$/;
const DATE_TIME =
  /^(?:1[89]|2[01])\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])[T ][0-2]\d:?[0-5]\d(?::?[0-5]\d)?[\d.:Z+-]{0,20}$/;
const EMAIL = /^[^\s@/]{1,64}@[^\s@/]+\.[^\s@/]+$/;
const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;
const IPV6 = /^(?=[^:]*:[^:]*:)[0-9a-f:.]{3,45}$/i;
const HEX = /^(?=[a-f-]*\d)[0-9a-f]{8,}$/i;
const LONG_HEX = /^[0-9a-f]{24,}$/i;
/** Crockford's base 32, as ULIDs have it. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** `usr_8fK2hQ9dLw03Zx`: a kind and a random part. */
const PREFIXED = /^[A-Za-z]{1,12}(?:_[A-Za-z]{1,12})?_([A-Za-z0-9]{8,})$/;
/** `order-4711`, `ORD_2024_000123`, `post.12345`. */
const NUMBERED = /[A-Za-z][-_.](?:\d{1,8}[-_.])*\d{3,}$/;
const URL_SAFE = /^[A-Za-z0-9_-]+={0,2}$/;
const VERSION = /^(?:v\d+(?:[._-]?\d+)*(?:(?:alpha|beta|rc|p)\d*)?|\d{1,2}(?:\.\d{1,3}){1,2})$/i;
/** What redaction puts in the place of a value, and what a client left unfilled. */
const PLACEHOLDER = /^(?:REDACTED|\{[^}]*\}|:[a-z]\w*|undefined|null|NaN|%7B.*%7D)$/;

export function isVersion(segment: string): boolean {
  return VERSION.test(segment);
}

/** `isFirst`: nothing but words such as `api` stands before it, so that a number is a version. */
export function valueKind(segment: string, isFirst: boolean): ValueKind | null {
  const { length } = segment;
  if (length === 0) return null;
  const plain = plainKind(segment);
  if (plain === 'word') return null;
  if (plain === 'integer' && !isFirst) return plain;
  if (length > SEGMENT_LENGTH_MAX) return 'token';
  if (isFirst && (/^\d{1,2}(?:\.\d+)*$/.test(segment) || DATE.test(segment))) return null;
  const text = segment.includes('%') ? decoded(segment) : segment;
  if (PLACEHOLDER.test(segment)) return 'text';
  const first = text.charCodeAt(0);
  const startsWithDigit = (first >= 0x30 && first <= 0x39) || first === 0x2d;
  if (startsWithDigit) {
    if (INTEGER.test(text)) return text.length > 40 ? 'token' : 'integer';
    if (NUMBER.test(text)) return 'number';
    if (DATE.test(text)) return 'date';
    if (DATE_TIME.test(text)) return 'date-time';
    if (IPV4.test(text)) return 'address';
  }
  if (UUID.test(text)) return 'uuid';
  if (text.includes('@') && EMAIL.test(text)) return 'email';
  if (text.includes(':') && IPV6.test(text)) return 'address';
  if (VERSION.test(text)) return null;
  if (LONG_HEX.test(text) || (length >= 8 && HEX.test(text))) return 'hash';
  if (ULID.test(text)) return 'token';
  const prefixed = PREFIXED.exec(text);
  if (prefixed !== null && isRandom(prefixed[1] as string)) return 'token';
  if (NUMBERED.test(text)) return 'token';
  if (length >= 10 && URL_SAFE.test(text) && isRandom(text)) return 'token';
  // Prose: a title, a name with a space in it, whatever escapes are for.
  if (/[\s"'<>|?#[\]\\^`]/.test(text)) return 'text';
  return length > 96 ? 'token' : null;
}

/** Words and numbers without anything else in them, as most segments are: no pattern below needs to be asked. */
const PLAIN_WORD_MAX = 23;
export const PLAIN_INTEGER_MAX = 40;

function plainKind(segment: string): 'word' | 'integer' | null {
  const { length } = segment;
  const first = segment.charCodeAt(0);
  if (first >= 0x30 && first <= 0x39) {
    for (let i = 1; i < length; i++) if (!isDigit(segment.charCodeAt(i))) return null;
    return length <= PLAIN_INTEGER_MAX ? 'integer' : null;
  }
  if (length > PLAIN_WORD_MAX) return null;
  for (let i = 0; i < length; i++) {
    const code = segment.charCodeAt(i);
    if (!(code >= 0x61 && code <= 0x7a) && code !== 0x2d && code !== 0x5f) return null;
  }
  return segment === 'undefined' || segment === 'null' ? null : 'word';
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** `IpAccessControlLists`: short words change case as often as random letters do, but never have two capitals together. */
const CAMEL_CASE = /^[a-z]*(?:[A-Z][a-z]+)+$/;

/** Whether digits and letters, or small and capital letters, are mixed as words never mix them. */
function isRandom(text: string): boolean {
  let digits = 0;
  let changes = 0;
  let capitals = 0;
  let smalls = 0;
  let before = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const kind =
      code >= 0x30 && code <= 0x39 ? 1 : code >= 0x41 && code <= 0x5a ? 2 : code >= 0x61 && code <= 0x7a ? 3 : 0;
    if (kind === 1) digits++;
    else if (kind === 2) capitals++;
    else if (kind === 3) smalls++;
    if (kind !== 0 && before !== 0 && kind !== before && (kind === 1 || before === 1 || kind === 3)) changes++;
    if (kind === 2 && before === 3) changes++;
    before = kind;
  }
  const letters = capitals + smalls;
  if (digits === 0)
    return text.length >= 16 && changes * 3 > text.length && !/[-_]/.test(text) && !CAMEL_CASE.test(text);
  if (letters === 0) return digits >= 6;
  return digits >= 2 && (changes * 4 >= text.length || (digits * 4 >= text.length && changes >= 3));
}

export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Words of a path before its resources: a number behind them is a version still. */
const BASES = /^(?:api|apis|rest|services?|public|v\d+|app|web)$/i;

export function isBase(segment: string): boolean {
  return BASES.test(segment);
}

/** `123.json` → `123` and `.json`; `abc:cancel` → `abc` and `:cancel`. */
export function splitSuffix(segment: string): { stem: string; suffix: string } {
  const match = segment.includes('.') || segment.includes(':') ? SUFFIX.exec(segment) : null;
  if (match === null) return { stem: segment, suffix: '' };
  const suffix = match[0];
  return { stem: segment.slice(0, -suffix.length), suffix };
}

const SUFFIX =
  /(?<=.)(?:\.(?:json|xml|html?|pdf|csv|txt|ya?ml|png|jpe?g|gif|svg|webp|ico|css|js|zip|gz|atom|rss|php|aspx?|jsp|do|md)|:[a-z][A-Za-z]{2,40})$/;

export const PATH_SEGMENTS_MAX = 24;

/** The segments of a path, without parameters behind semicolons. */
export function segmentsOf(path: string): string[] {
  const segments: string[] = [];
  if (path === '') return segments;
  let start = path.charCodeAt(0) === 0x2f ? 1 : 0;
  for (let end = path.indexOf('/', start); end >= 0; end = path.indexOf('/', start)) {
    if (segments.length === PATH_SEGMENTS_MAX) break;
    segments.push(path.slice(start, end));
    start = end + 1;
  }
  segments.push(segments.length === PATH_SEGMENTS_MAX ? '…' : path.slice(start));
  return segments;
}
