/**
 * Takes the values out of headers that hold cookies; their names stay, and the attributes of those that are set.
 *
 * in: a header's value, as it may be sent · out: the same, its values replaced; read once, whatever it is made of
 */
import { REDACTED } from './edits.js';

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const COMMA = 0x2c;
const LIST_MAX = 16_384;

/** `name=value; name=value` (RFC 6265 §4.2.1), also set apart by commas and quoted (RFC 2965 §3.3.4). */
export function keepCookieNames(value: string): string {
  return withoutValues(value, false);
}

/** `name=value; attributes` (RFC 6265 §4.1.1); several cookies may be joined by commas, as proxies do. */
export function keepCookieAttributes(value: string): string {
  return withoutValues(value, true);
}

/** What stands between two semicolons. */
interface Pair {
  start: number;
  end: number;
  /** -1 where there is none. */
  equals: number;
  hasComma: boolean;
  /** What is no space comes first; 0 where there is none. */
  first: number;
}

function withoutValues(value: string, isSet: boolean): string {
  const pair: Pair = { start: 0, end: 0, equals: -1, hasComma: false, first: 0 };
  let result = '';
  let done = 0;
  for (let start = 0; start < value.length; start = pair.end + 1) {
    readPair(value, start, pair);
    const { end, equals, hasComma, first } = pair;
    if (end === start) continue;
    let from = end;
    let kept = '';
    if (isSet && start > 0 && mayBeAttribute(first) && COOKIE_ATTRIBUTES.test(value.slice(start, end))) {
      if (!hasComma) continue;
      kept = keepAttribute(value.slice(start, end));
      from = start;
    } else if (hasComma && end - start <= LIST_MAX) {
      kept = keepList(value.slice(start, end));
      from = start;
    } else if (equals >= 0) from = equals + 1;
    else if (first !== 0) from = isSpace(value.charCodeAt(start)) && value[start] === ' ' ? start + 1 : start;
    if (from === end) continue;
    result += value.slice(done, from) + (kept === '' ? REDACTED : kept);
    done = end;
  }
  return done === 0 ? value : result + value.slice(done);
}

function readPair(value: string, start: number, pair: Pair): void {
  pair.start = start;
  pair.equals = -1;
  pair.hasComma = false;
  pair.first = 0;
  let end = start;
  for (; end < value.length; end++) {
    const code = value.charCodeAt(end);
    if (code === SEMICOLON) break;
    if (pair.first === 0 && !isSpace(code)) pair.first = code;
    if (code === EQUALS && pair.equals < 0) pair.equals = end;
    else if (code === COMMA) pair.hasComma = true;
  }
  pair.end = end;
}

/** As `String.prototype.trim` has it. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || (code >= 0x80 && /\s/.test(String.fromCharCode(code)));
}

const NAME_AND_EQUALS = /,\s*[^\s=,;"]{1,128}=/;

function keepList(pair: string): string {
  if (!NAME_AND_EQUALS.test(pair)) return keepCookieName(pair);
  return pair
    .split(/(,\s*(?=[^\s=,;"]{1,128}=))/)
    .map((piece, i) => (i % 2 === 1 ? piece : keepCookieName(piece)))
    .join('');
}

function keepCookieName(pair: string): string {
  const equals = pair.indexOf('=');
  if (equals >= 0) return equals + 1 < pair.length ? `${pair.slice(0, equals + 1)}${REDACTED}` : pair;
  // Without a name it is a value.
  return pair.trim() === '' ? pair : `${pair.startsWith(' ') ? ' ' : ''}${REDACTED}`;
}

const ATTRIBUTES =
  'path domain expires max-age secure httponly samesite priority partitioned version comment port discard';
const COOKIE_ATTRIBUTES = new RegExp(`^\\s*(?:${ATTRIBUTES.replaceAll(' ', '|')})\\s*(?:=|$|,)`, 'i');
const FIRST_LETTERS = new Set(ATTRIBUTES.split(' ').map((name) => name.charCodeAt(0)));

function mayBeAttribute(first: number): boolean {
  return FIRST_LETTERS.has(first | 0x20);
}

function keepAttribute(pair: string): string {
  return pair.replace(/(,\s*[^\s=,;"]{1,128}=)(?!\s)[^,;]+/g, (whole, start: string) =>
    /expires/i.test(pair.slice(0, 12)) && /^,\s*\d/.test(whole) ? whole : `${start}${REDACTED}`,
  );
}
