/**
 * Heads as nearly all are, read where they lie: ASCII, one space between the parts of the start line, CRLF behind each line, no
 * folded and no empty value, at most one Content-Length or one `Transfer-Encoding: chunked` (RFC 9112 §2–§6).
 *
 * in:  bytes that begin with a start line · out: the places of everything in the head, in a `ParsedHead`, or no verdict
 *
 * What it reads it reads as llhttp does, without the copy into a module's memory and a dozen calls a head; whatever it does not
 * know, a head that is not all here included, it leaves to llhttp.
 */
import { HEADERS_MAX } from './head-recorder.js';
import { ContentLength, MessageKind, type ParsedHead } from './parsed-head.js';
import { sharedList } from './read-head.js';
import { type RepeatedHead, RepeatedHeads } from './repeated-heads.js';

const HT = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const SLASH = 0x2f;
const COLON = 0x3a;

/** Methods that say nothing of how the target reads, as CONNECT does. */
const METHODS: readonly (readonly [name: string, bytes: Buffer])[] = [
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'PATCH',
  'OPTIONS',
].map((name) => [name, Buffer.from(`${name} `)]);
const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const CHUNKED = Buffer.from('chunked\r');
/** `HTTP`, `/1.0` and `/1.1` as little-endian words. */
const WORD_HTTP = 0x50545448;
const WORD_1_0 = 0x302e312f;
const WORD_1_1 = 0x312e312f;
/** More digits than this overflow what arithmetic can trust. */
const DIGITS_MAX = 15;
const NOT_READ = -1;
/** Behind `HTTP/1.1 200 `. */
const REASON_START = 13;

/** Of who reads no stream to its end. */
export const NO_SLOT = -1;

/** Bits of `CLASS`. */
const TOKEN = 1;
const TARGET = 2;
const TEXT = 4;

export class PlainHeads {
  readonly #head: ParsedHead;
  /** How many headers there is room for. */
  readonly #headersMax: number;
  readonly #repeated = new RepeatedHeads();
  /** The bytes last read, and a view of them that reads words from any place. */
  #viewed: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#viewed.buffer, this.#viewed.byteOffset, this.#viewed.length);

  constructor(head: ParsedHead) {
    this.#head = head;
    this.#headersMax = Math.min(HEADERS_MAX, head.spans.length >> 2);
  }

  /** A slot for who reads one stream, by which it is known what that stream repeats. */
  takeSlot(): number {
    return this.#repeated.take();
  }

  /**
   * Reads the head that begins at `bytes[start]`. Returns whether it could; if not, what `head` says means nothing. `slot`: of who
   * reads the stream; `NO_SLOT` for anybody else.
   */
  read(kind: MessageKind, bytes: Buffer, start: number, end: number, slot: number = NO_SLOT): boolean {
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const head = this.#head;
    head.known = null;
    const isRequest = kind === MessageKind.request;
    // The line of a request is another one each time, that of a response is not.
    const section = isRequest ? this.#requestLine(bytes, start, end) : start;
    if (section < 0) return false;
    const known = slot === NO_SLOT ? null : this.#repeated.find(slot, this.#view, section, end);
    if (known !== null && known.list !== null && known.status > 0 !== isRequest) {
      this.#repeat(known, section - start);
      return true;
    }
    const at = isRequest ? section : this.#statusLine(bytes, start, end);
    if (at < 0 || !this.#fields(bytes, start, at, end)) return false;
    if (known !== null) {
      known.list = sharedList(head, bytes, start, section - start);
      head.known = known;
    } else if (slot !== NO_SLOT) this.#note(slot, section, head.length - (section - start));
    return true;
  }

  /** The head has the section of an earlier one, which begins `before` bytes behind its start. */
  #repeat(known: RepeatedHead, before: number): void {
    const head = this.#head;
    head.known = known;
    head.length = before + known.length;
    head.headerCount = known.headerCount;
    head.contentLength = known.contentLength;
    head.mayBeCoded = known.mayBeCoded;
    head.versionMajor = 1;
    head.malformed = false;
    head.isOverfull = false;
    head.isPlain = true;
    if (known.status === 0) return;
    head.method = '';
    head.status = known.status;
    head.reasonStart = REASON_START;
    head.reasonEnd = known.reasonEnd;
    head.versionMinor = known.versionMinor;
  }

  /** Notes the section of the head that was read: so many bytes from `section` on. */
  #note(slot: number, section: number, length: number): void {
    const head = this.#head;
    const noted = this.#repeated.note(slot, this.#view, section, length);
    if (noted === null) return;
    noted.headerCount = head.headerCount;
    noted.contentLength = head.contentLength;
    noted.mayBeCoded = head.mayBeCoded;
    noted.status = head.status;
    noted.reasonEnd = head.reasonEnd;
    noted.versionMinor = head.versionMinor;
  }

  /** Returns where the headers begin, or `NOT_READ`. */
  #requestLine(bytes: Buffer, start: number, end: number): number {
    const head = this.#head;
    const method = methodAt(bytes, start);
    if (method === undefined) return NOT_READ;
    const targetStart = start + method[1].length;
    if (bytes[targetStart] !== SLASH) return NOT_READ;
    let at = targetStart;
    while (at < end && ((CLASS[bytes[at] as number] as number) & TARGET) !== 0) at++;
    // A space, the version, CRLF.
    if (end - at < 11 || bytes[at] !== SP || bytes[at + 9] !== CR || bytes[at + 10] !== LF) return NOT_READ;
    const view = this.#view;
    const version = view.getInt32(at + 5, true);
    if (view.getInt32(at + 1, true) !== WORD_HTTP || (version !== WORD_1_1 && version !== WORD_1_0)) return NOT_READ;
    head.method = method[0];
    head.targetStart = targetStart - start;
    head.targetEnd = at - start;
    head.versionMinor = version === WORD_1_1 ? 1 : 0;
    head.status = 0;
    head.reasonStart = 0;
    head.reasonEnd = 0;
    return at + 11;
  }

  /** As `#requestLine`. */
  #statusLine(bytes: Buffer, start: number, end: number): number {
    // The version, a space, three digits, a space, a letter, CRLF.
    if (end - start < 16 || bytes[start + 8] !== SP || bytes[start + 12] !== SP) return NOT_READ;
    const head = this.#head;
    const view = this.#view;
    const version = view.getInt32(start + 4, true);
    if (view.getInt32(start, true) !== WORD_HTTP || (version !== WORD_1_1 && version !== WORD_1_0)) return NOT_READ;
    const hundreds = (bytes[start + 9] as number) - 0x30;
    const tens = (bytes[start + 10] as number) - 0x30;
    const ones = (bytes[start + 11] as number) - 0x30;
    if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return NOT_READ;
    const reasonStart = start + REASON_START;
    const at = this.#behindText(bytes, reasonStart, end);
    if (at === reasonStart || at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF) return NOT_READ;
    head.method = '';
    head.status = hundreds * 100 + tens * 10 + ones;
    head.reasonStart = REASON_START;
    head.reasonEnd = at - start;
    head.versionMinor = version === WORD_1_1 ? 1 : 0;
    return at + 2;
  }

  /** Reads the headers, which begin at `bytes[from]`, and the empty line behind them. */
  #fields(bytes: Buffer, start: number, from: number, end: number): boolean {
    const head = this.#head;
    const { spans } = head;
    const room = this.#headersMax << 2;
    let length: number = ContentLength.none;
    let isCoded = false;
    let span = 0;
    let at = from;
    while (at < end && span < room) {
      if (bytes[at] === CR) {
        if (at + 1 >= end || bytes[at + 1] !== LF || (isCoded && length !== ContentLength.none)) return false;
        head.length = at + 2 - start;
        head.headerCount = span >> 2;
        head.contentLength = length;
        head.mayBeCoded = isCoded;
        head.versionMajor = 1;
        head.malformed = false;
        head.isOverfull = false;
        head.isPlain = true;
        return true;
      }
      const name = at;
      while (at < end && ((CLASS[bytes[at] as number] as number) & TOKEN) !== 0) at++;
      if (at === name || at >= end || bytes[at] !== COLON) return false;
      const nameEnd = at++;
      while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++;
      const value = at;
      at = this.#behindText(bytes, at, end);
      if (at === value || at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF) return false;
      if (nameEnd - name === CONTENT_LENGTH.length && isNamed(bytes, name, CONTENT_LENGTH)) {
        if (length !== ContentLength.none) return false;
        length = digitsIn(bytes, value, at);
        if (length < 0) return false;
      } else if (nameEnd - name === TRANSFER_ENCODING.length && isNamed(bytes, name, TRANSFER_ENCODING)) {
        if (isCoded || !isNamed(bytes, value, CHUNKED)) return false;
        isCoded = true;
      }
      spans[span] = name - start;
      spans[span + 1] = nameEnd - start;
      spans[span + 2] = value - start;
      spans[span + 3] = at - start;
      span += 4;
      at += 2;
    }
    return false;
  }

  /** Behind printable ASCII, spaces and tabs. */
  #behindText(bytes: Buffer, from: number, end: number): number {
    const view = this.#view;
    let at = from;
    // Four bytes at a time, up to a word that may have another one in it: below 0x20 the first sum borrows, DEL carries in the second.
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at, true);
      if ((((word - 0x20202020) | word | (word + 0x01010101)) & 0x80808080) !== 0) break;
    }
    while (at < end && ((CLASS[bytes[at] as number] as number) & TEXT) !== 0) at++;
    return at;
  }
}

function methodAt(bytes: Buffer, start: number): readonly [name: string, bytes: Buffer] | undefined {
  for (let i = 0; i < METHODS.length; i++) {
    const method = METHODS[i] as readonly [name: string, bytes: Buffer];
    if (bytes[start] === method[1][0] && isAt(bytes, start, method[1])) return method;
  }
  return undefined;
}

function isAt(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** Whether `expected`, in lower case, stands at `bytes[at]`. Setting the bit makes no other byte a letter, a dash or a CR of it. */
function isNamed(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) {
    const byte = bytes[at + i] as number;
    if (byte !== expected[i] && (byte | 0x20) !== expected[i]) return false;
  }
  return true;
}

/** `1*DIGIT` at `bytes[start, end)` as a number, or `NOT_READ`. */
function digitsIn(bytes: Buffer, start: number, end: number): number {
  if (end - start > DIGITS_MAX) return NOT_READ;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return NOT_READ;
    value = value * 10 + digit;
  }
  return value;
}

const CLASS = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256);
  const add = (bit: number, characters: string) => {
    for (const byte of Buffer.from(characters)) table[byte] = (table[byte] as number) | bit;
  };
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  // RFC 9110 §5.6.2.
  add(TOKEN, `${letters}!#$%&'*+-.^_\`|~`);
  // RFC 3986 §3.3 and §3.4, and what is often sent unencoded.
  add(TARGET, `${letters}-._~!$&'()*+,;=:@/?%[]{}|`);
  for (let byte = SP; byte < 0x7f; byte++) table[byte] = (table[byte] as number) | TEXT;
  table[HT] = TEXT;
  return table;
}
