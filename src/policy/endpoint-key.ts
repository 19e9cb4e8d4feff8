/**
 * One number for each endpoint: method, host and path with the variable segments folded, so that `/users/17` and
 * `/users/42` are one. A number, because the paths of a hostile client must not stay in memory.
 *
 * Folded are segments that are numbers, UUIDs, long hex strings, dates, e-mail addresses or long tokens, and inside
 * a segment each number set off by punctuation or of three digits and more (`order-4711`, `ORD_2024_000123`). Kept are
 * words and what looks like a version: `v1`, `oauth2`, `s3`.
 */

const SEGMENTS_READ_MAX = 16;
const CHARACTERS_READ_MAX = 1024;
/** Longer segments with a digit, and any segment longer than twice this, are taken for tokens. */
const WORD_LENGTH_MAX = 24;

/** 30 bits, so that it is a small integer to the engine; equal for requests to one endpoint, but for chance different for others. */
export function endpointKey(method: string, host: string, path: string): number {
  if (method !== lastMethod || host !== lastHost) mixOrigin(method, host);
  hash = lastHash;
  const end = Math.min(path.length, CHARACTERS_READ_MAX);
  for (let start = 0, segments = 0; start < end && segments < SEGMENTS_READ_MAX; segments++) {
    let stop = path.indexOf('/', start);
    if (stop < 0 || stop > end) stop = end;
    mixSegment(path, start, stop);
    mix(SLASH);
    start = stop + 1;
  }
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (mixed ^ (mixed >>> 15)) >>> 2;
}

// Requests in a row are mostly for one host, and to compare two texts takes less than to hash one.
let lastMethod: string | null = null;
let lastHost = '';
let lastHash = 0;

function mixOrigin(method: string, host: string): void {
  hash = 0x811c9dc5;
  for (let i = 0; i < method.length; i++) mix(method.charCodeAt(i));
  mix(0x20);
  for (let i = 0; i < host.length; i++) mix(lower(host.charCodeAt(i)));
  lastMethod = method;
  lastHost = host;
  lastHash = hash;
}

const SLASH = 0x2f;
const PLACEHOLDER = 0x10000;

// FNV-1a, of characters; the state is shared by the functions below, which run to the end without a pause.
let hash = 0;

function mix(code: number): void {
  hash = Math.imul(hash ^ code, 0x01000193);
}

function mixSegment(path: string, start: number, end: number): void {
  if (isVariable(path, start, end)) {
    mix(PLACEHOLDER);
    return;
  }
  let afterLetter = false;
  for (let i = start; i < end; ) {
    const code = path.charCodeAt(i);
    if (!isDigit(code)) {
      mix(code);
      afterLetter = isLetter(code);
      i++;
      continue;
    }
    let stop = i + 1;
    while (stop < end && isDigit(path.charCodeAt(stop))) stop++;
    if (stop - i >= 3 || !(afterLetter || (stop < end && isLetter(path.charCodeAt(stop))))) mix(PLACEHOLDER);
    else for (let k = i; k < stop; k++) mix(path.charCodeAt(k));
    i = stop;
  }
}

/** Whether the whole segment stands for a value. */
function isVariable(path: string, start: number, end: number): boolean {
  const length = end - start;
  let digits = 0;
  let hex = 0;
  let dashes = 0;
  for (let i = start; i < end; i++) {
    const code = path.charCodeAt(i);
    if (isDigit(code)) digits++;
    else if ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66) hex++;
    else if (code === 0x2d /* - */) dashes++;
    else if (code === 0x40 /* @ */ && i > start) return true;
  }
  if (length > 2 * WORD_LENGTH_MAX) return true;
  if (digits === 0) return false;
  if (length > WORD_LENGTH_MAX) return true;
  return digits + hex + dashes === length && (hex === 0 || length >= 8);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isLetter(code: number): boolean {
  return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
