/**
 * One number for each endpoint: method, host and path with the variable segments folded, so that `/users/17` and
 * `/users/42` are one. It is a number because the paths of a hostile client must not stay in memory.
 *
 * in: method, host, path · out: a number
 *
 * Segments that are numbers, UUIDs, long hex strings, dates, e-mail addresses or long tokens are folded, and inside a
 * segment each number that punctuation sets off or that has three digits or more (`order-4711`, `ORD_2024_000123`). Words
 * and what looks like a version (`v1`, `oauth2`, `s3`) are kept.
 */

const SEGMENTS_READ_MAX = 16;
const CHARACTERS_READ_MAX = 1024;
/** Longer segments with a digit, and any segment longer than twice this, are taken for tokens. */
const WORD_LENGTH_MAX = 24;

const SLASH = 0x2f;
const PLACEHOLDER = 0x10000;

export class EndpointHasher {
  // Requests in a row are mostly for one host, and comparing two texts takes less than hashing one.
  #lastMethod: string | null = null;
  #lastHost = '';
  #lastHash = 0;
  /** Where the segment ended that was read last. */
  #stop = 0;

  /**
   * The endpoint's number: 30 bits, so that it is a small integer to the engine; equal for requests to one endpoint,
   * different for others but for chance. `end`: where in `path` the path ends, if something stands behind it.
   */
  key(method: string, host: string, path: string, end = path.length): number {
    if (method !== this.#lastMethod || host !== this.#lastHost) this.#noteOrigin(method, host);
    let hash = this.#lastHash;
    const limit = Math.min(end, CHARACTERS_READ_MAX);
    for (let start = 0, segments = 0; start < limit && segments < SEGMENTS_READ_MAX; segments++) {
      hash = this.#mixSegment(hash, path, start, limit);
      start = this.#stop + 1;
    }
    return finished(hash);
  }

  #noteOrigin(method: string, host: string): void {
    let hash = 0x811c9dc5;
    for (let i = 0; i < method.length; i++) hash = mix(hash, method.charCodeAt(i));
    hash = mix(hash, 0x20);
    for (let i = 0; i < host.length; i++) hash = mix(hash, lower(host.charCodeAt(i)));
    this.#lastMethod = method;
    this.#lastHost = host;
    this.#lastHash = hash;
  }

  /** The segment that begins at `start`, and the slash behind it: in one pass, as it is only known at its end what it is. */
  #mixSegment(before: number, path: string, start: number, end: number): number {
    let hash = before;
    let digits = 0;
    let hex = 0;
    let dashes = 0;
    let hasAt = false;
    let afterLetter = false;
    let i = start;
    while (i < end) {
      const code = path.charCodeAt(i);
      if (code === SLASH) break;
      if (isDigit(code)) {
        let stop = i + 1;
        while (stop < end && isDigit(path.charCodeAt(stop))) stop++;
        digits += stop - i;
        if (stop - i >= 3 || !(afterLetter || (stop < end && isLetter(path.charCodeAt(stop)))))
          hash = mix(hash, PLACEHOLDER);
        else for (let k = i; k < stop; k++) hash = mix(hash, path.charCodeAt(k));
        i = stop;
        continue;
      }
      if ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66) hex++;
      else if (code === 0x2d /* - */) dashes++;
      else if (code === 0x40 /* @ */ && i > start) hasAt = true;
      hash = mix(hash, code);
      afterLetter = isLetter(code);
      i++;
    }
    this.#stop = i;
    const isValue = hasAt || isVariable(i - start, digits, hex, dashes);
    return mix(isValue ? mix(before, PLACEHOLDER) : hash, SLASH);
  }
}

/** The number of one operation of the endpoint `key`; `key` itself where it has none. */
export function withOperation(key: number, operation: string): number {
  if (operation === '') return key;
  let hash = mix(key, SLASH);
  for (let i = 0; i < operation.length; i++) hash = mix(hash, operation.charCodeAt(i));
  return finished(hash);
}

function finished(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (mixed ^ (mixed >>> 15)) >>> 2;
}

/** FNV-1a, of characters. */
function mix(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** Whether the whole of a segment with so many characters of each kind stands for a value. */
function isVariable(length: number, digits: number, hex: number, dashes: number): boolean {
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
