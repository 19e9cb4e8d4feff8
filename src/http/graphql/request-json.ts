/**
 * What a GraphQL request says of itself, of a JSON body that may be cut off anywhere (GraphQL over HTTP §5.4):
 *
 *     {"query":"…","operationName":"Cart","variables":{…},"extensions":{"persistedQuery":{"sha256Hash":"…"}}}
 *     [{"query":"…"},{"query":"…"}]
 *
 * in:  the bytes, or the first of them · out: those four members of each request
 *
 * One pass that builds nothing of the rest: variables may be megabytes. A text that is no JSON gives nothing, or something that
 * its bytes say all the same.
 */

export interface GraphqlParameters {
  /** The document; cut off where `isQueryCut` says so. */
  query: string | null;
  isQueryCut: boolean;
  operationName: string | null;
  /** The name of a document that the server knows, as SHA-256 or in another form. */
  persisted: string | null;
  /** Whether all of the request was there. */
  isWhole: boolean;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Levels below a request whose names are of interest: `extensions`, `persistedQuery`, `sha256Hash`. */
const LEVELS = 3;
/** A longer text is none of the names, and no name of an operation either. */
const TEXT_BYTES_MAX = 256;
const NO_NAME = '';

/** At most `requestsMax`, in their order. */
export function readGraphqlJson(bytes: Buffer, requestsMax: number): GraphqlParameters[] {
  return new JsonReader(bytes, requestsMax).read();
}

class JsonReader {
  readonly #bytes: Buffer;
  readonly #requestsMax: number;
  readonly #requests: GraphqlParameters[] = [];
  /** How deep requests are: 1, in a batch 2. */
  #base = 1;
  #depth = 0;
  /** The names that the place being read is under, from a request's members on. */
  readonly #names: string[] = [NO_NAME, NO_NAME, NO_NAME];
  #request: GraphqlParameters | null = null;

  constructor(bytes: Buffer, requestsMax: number) {
    this.#bytes = bytes;
    this.#requestsMax = requestsMax;
  }

  read(): GraphqlParameters[] {
    const bytes = this.#bytes;
    let at = skipSpace(bytes, 0);
    if (bytes[at] === OPEN_BRACKET) {
      this.#base = 2;
      this.#depth = 1;
      at++;
    }
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) at = this.#string(at + 1);
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (!this.#open(byte)) break;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (this.#close()) break;
      }
    }
    return this.#requests;
  }

  /** Returns whether there may be more to read. */
  #open(byte: number): boolean {
    this.#depth++;
    if (this.#depth === this.#base && byte === OPEN_BRACE) {
      if (this.#requests.length >= this.#requestsMax) return false;
      this.#request = { query: null, isQueryCut: false, operationName: null, persisted: null, isWhole: false };
      this.#requests.push(this.#request);
    }
    const level = this.#depth - this.#base;
    if (level >= 0 && level < LEVELS) this.#names[level] = NO_NAME;
    return true;
  }

  /** Returns whether it is over. */
  #close(): boolean {
    if (this.#depth === this.#base && this.#request !== null) {
      this.#request.isWhole = true;
      this.#request = null;
    }
    this.#depth--;
    return this.#depth <= 0;
  }

  /** A string that begins at `start`. Returns the place of the quote that ends it. */
  #string(start: number): number {
    const bytes = this.#bytes;
    let end = start;
    let hasEscapes = false;
    for (; end < bytes.length && bytes[end] !== QUOTE; end++) {
      if (bytes[end] === BACKSLASH) {
        hasEscapes = true;
        end++;
      }
    }
    const level = this.#depth - this.#base;
    const request = this.#request;
    if (request === null || level < 0 || level >= LEVELS) return end;
    const stop = Math.min(end, bytes.length);
    if (end < bytes.length && bytes[skipSpace(bytes, end + 1)] === COLON)
      this.#names[level] = stop - start > TEXT_BYTES_MAX ? NO_NAME : this.#text(start, stop, hasEscapes);
    else this.#value(request, level, { start, stop, hasEscapes, isCut: end >= bytes.length });
    return end;
  }

  #value(request: GraphqlParameters, level: number, text: TextRange): void {
    const [name, second, third] = this.#names;
    if (level === 0 && name === 'query') {
      request.query = this.#text(text.start, text.stop, text.hasEscapes);
      request.isQueryCut = text.isCut;
      return;
    }
    if (text.isCut || text.stop - text.start > TEXT_BYTES_MAX) return;
    const value = () => this.#text(text.start, text.stop, text.hasEscapes);
    if (level === 0 && name === 'operationName') request.operationName = value();
    else if (level === 0 && name === 'documentId') request.persisted = value();
    else if (level === 2 && name === 'extensions' && second === 'persistedQuery' && third === 'sha256Hash')
      request.persisted = value();
  }

  #text(start: number, stop: number, hasEscapes: boolean): string {
    const text = this.#bytes.toString('utf8', start, stop);
    return hasEscapes ? unescaped(text) : text;
  }
}

interface TextRange {
  readonly start: number;
  readonly stop: number;
  readonly hasEscapes: boolean;
  readonly isCut: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** RFC 8259 §7; what is no escape stays, and one that is cut off is left out. */
function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|(.?))/gs, (_all, digits: string | undefined, one: string) =>
    digits === undefined ? (ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at] as number)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
