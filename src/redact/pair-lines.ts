/** Lines of a head that was dumped in text: `Authorization: Basic …`, `Cookie: sid=…; theme=…`. */
import { APOSTROPHE, BACKSLASH, CARRIAGE_RETURN, EQUALS, isBlank, LINE_FEED, QUOTE } from './byte-text.js';
import type { Cause } from './edits.js';
import type { Name } from './pair-names.js';
import type { Text } from './pair-types.js';
import { isPlaceholder } from './placeholders.js';
import { isMixedToken } from './value-shapes.js';
import { isWordy } from './wordy.js';

const SEMICOLON = 0x3b;
const JUDGED_BYTES_MAX = 256;

/** What follows the name of an authorization in a line, behind its scheme; returns where to go on. */
export function redactAuthorization({ view, end, context }: Text, value: number, cause: Cause): number {
  const { bytes } = view;
  const stop = lineEnd(bytes, value, end);
  let scheme = value;
  while (scheme < stop && !isBlank(bytes[scheme]) && bytes[scheme] !== EQUALS) scheme++;
  if (bytes[scheme] === EQUALS && scheme - value < 24) return value;
  const hasScheme = scheme < stop && scheme - value < 24;
  if (!hasScheme && !isMixedToken(bytes, value, stop)) return stop;
  const credentials = bytes.toString('latin1', scheme + 1, Math.min(stop, scheme + 1 + JUDGED_BYTES_MAX));
  if (hasScheme && !isCredentials(bytes.latin1Slice(value, scheme), credentials)) return stop;
  context.redactText(view, hasScheme ? scheme + 1 : value, stop, cause);
  return stop;
}

function isCredentials(scheme: string, credentials: string): boolean {
  if (/^[a-z, -]*$/i.test(credentials) && credentials.length < 16) return false;
  if (isPlaceholder(credentials.trim())) return false;
  // `auth: 3 retries left`
  return /^[A-Za-z]/.test(scheme) || !isWordy(credentials);
}

function lineEnd(bytes: Buffer, start: number, end: number): number {
  let stop = start;
  while (
    stop < end &&
    bytes[stop] !== LINE_FEED &&
    bytes[stop] !== CARRIAGE_RETURN &&
    bytes[stop] !== QUOTE &&
    bytes[stop] !== BACKSLASH
  )
    stop++;
  return stop;
}

/** Whether a name is that of a header with cookies, and the value at `value` begins like one: `sid=`. */
export function isCookieLine(bytes: Buffer, name: Name, value: number): boolean {
  const length = name.end - name.start;
  if (length !== 6 && length !== 10) return false;
  return (
    /^(?:set-)?cookie$/i.test(bytes.latin1Slice(name.start, name.end)) &&
    /^[\w.$%-]{1,64}=/.test(bytes.toString('latin1', value, value + 65))
  );
}

/** The values of cookies, whose names stay, or of one that is set; returns where they end. */
export function redactCookies({ view, end, context }: Text, name: Name, value: number, cause: Cause): number {
  const { bytes } = view;
  const isSet = name.end - name.start === 10;
  for (let at = value; at < end; ) {
    let equals = at;
    while (equals < end && bytes[equals] !== EQUALS && !endsCookies(bytes[equals] as number)) equals++;
    let stop = equals;
    while (stop < end && bytes[stop] !== SEMICOLON && !endsCookies(bytes[stop] as number)) stop++;
    if (bytes[equals] === EQUALS && stop > equals + 1) context.redactText(view, equals + 1, stop, cause);
    if (isSet || bytes[stop] !== SEMICOLON) return stop;
    at = stop + 1;
    while (at < end && isBlank(bytes[at])) at++;
  }
  return end;
}

function endsCookies(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === QUOTE || byte === APOSTROPHE || byte === BACKSLASH;
}
