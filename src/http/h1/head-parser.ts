/**
 * The head of an HTTP/1 message (RFC 9112 §2–§5), parsed by llhttp as WebAssembly: Node's own parser.
 *
 * in:  bytes that begin with a start line · out: the places of everything in the head, in one reused `ParsedHead`
 *
 * Most heads are plain, and `plain-head.ts` reads those without it. Only heads go through it. Bodies are framed by `body-framing.ts` and `chunked-decoder.ts`, for two reasons: a gap in
 * the capture has to be carried through a body, which no parser for complete streams can; and a body's bytes would be
 * copied into the module's memory for nothing. A head is parsed in one call, and llhttp reset behind it, so one parser
 * serves all flows.
 */

import { WordCopier, type WordTarget } from '../word-copier.js';
import { SKIMMED_BYTES_MAX } from './head-buffer.js';
import { createHeadRecord, HPE_PAUSED, Noted } from './head-recorder.js';
import { loadLlhttp } from './llhttp-module.js';
import { ContentLength, HeadResult, MessageKind, ParsedHead } from './parsed-head.js';
import { NO_SLOT, PlainHeads } from './plain-head.js';

const HPE_OK = 0;

interface LlhttpExports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  llhttp_alloc(kind: number): number;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_get_http_major(parser: number): number;
  llhttp_get_http_minor(parser: number): number;
  llhttp_method_name(method: number): number;
  llhttp_set_lenient_optional_cr_before_lf(parser: number, on: number): void;
  llhttp_set_lenient_chunked_length(parser: number, on: number): void;
  llhttp_set_lenient_keep_alive(parser: number, on: number): void;
  llhttp_set_lenient_transfer_encoding(parser: number, on: number): void;
}

/** The longest head that can be parsed, in bytes. */
export const HEAD_PARSE_BYTES_MAX = (1 << 20) + SKIMMED_BYTES_MAX;

const CONTENT_LENGTH = Buffer.from('content-length');

export interface HeadParser {
  /** What the last parse found, if it was `complete`. */
  readonly head: ParsedHead;
  /** A slot for who reads one stream. */
  takeSlot(): number;
  /** Parses the head that begins at `bytes[start]` into `head`. `slot`: of who reads the stream, if anybody does. */
  parse(kind: MessageKind, bytes: Buffer, start: number, end: number, slot?: number): HeadResult;
}

/**
 * Takes a millisecond and half a megabyte: a process has one. A closure and no class, as what a closure holds is constant
 * to the compiler, which takes a sixteenth off the time of a parse. `readsPlain`: whether most heads are read without llhttp.
 */
export function createHeadParser(readsPlain = true): HeadParser {
  const { llhttp, memory, input, noted, requestState, responseState, methods } = instantiate();
  const { bytes: heap } = memory;
  const head = new ParsedHead(noted.subarray(Noted.spans));
  const copier = new WordCopier();
  const plain = new PlainHeads(head);

  function parse(kind: MessageKind, bytes: Buffer, start: number, end: number, slot: number = NO_SLOT): HeadResult {
    const length = Math.min(end - start, HEAD_PARSE_BYTES_MAX);
    if (readsPlain && plain.read(kind, bytes, start, start + length, slot)) return HeadResult.complete;
    head.known = null;
    const isPlain = copier.copy(bytes, start, length, memory, input >> 2);
    noted[Noted.headerCount] = 0;
    noted[Noted.lengthCount] = 0;
    noted[Noted.codingCount] = 0;
    noted[Noted.reasonStart] = 0;
    noted[Noted.reasonEnd] = 0;
    const state = kind === MessageKind.request ? requestState : responseState;
    const code = llhttp.llhttp_execute(state, input, length);
    let result: HeadResult = HeadResult.invalid;
    if (code === HPE_PAUSED) {
      read(kind, state, isPlain);
      result = HeadResult.complete;
    } else if (code === HPE_OK) {
      result = HeadResult.incomplete;
    }
    llhttp.llhttp_reset(state);
    return result;
  }

  /** Fills `head` from what was noted. `isPlain`: all bytes given were ASCII. */
  function read(kind: MessageKind, state: number, isPlain: boolean): void {
    head.length = llhttp.llhttp_get_error_pos(state) - input;
    head.headerCount = noted[Noted.headerCount] as number;
    head.contentLength = readContentLength();
    head.mayBeCoded = noted[Noted.codingCount] !== 0;
    head.malformed = false;
    head.isOverfull = false;
    // A byte that is not ASCII may lie behind the head.
    head.isPlain = isPlain || isAscii(heap, input, head.length);
    head.reasonStart = noted[Noted.reasonStart] as number;
    head.reasonEnd = noted[Noted.reasonEnd] as number;
    if (kind === MessageKind.request) {
      head.method = methods[llhttp.llhttp_get_method(state)] as string;
      head.targetStart = noted[Noted.targetStart] as number;
      head.targetEnd = noted[Noted.targetEnd] as number;
      head.status = 0;
      readVersion(state, input + head.targetEnd);
    } else {
      head.method = '';
      head.status = noted[Noted.status] as number;
      readVersion(state, input - 1);
    }
  }

  /** Read from the input, as comparing the name letter by letter in a string takes several times as long. */
  function readContentLength(): number {
    const count = noted[Noted.lengthCount] as number;
    if (count === 0) return ContentLength.none;
    if (count > 1) return ContentLength.unclear;
    const header = Noted.spans + ((noted[Noted.lengthHeader] as number) << 2);
    const name = input + (noted[header] as number);
    for (let i = 0; i < CONTENT_LENGTH.length; i++) {
      // Setting the bit makes a letter lower-case, and makes no other byte a letter of the name.
      if (((heap[name + i] as number) | 0x20) !== CONTENT_LENGTH[i]) return ContentLength.none;
    }
    return digitsIn(heap, input + (noted[header + 2] as number), input + (noted[header + 3] as number));
  }

  /**
   * Reads the version that stands behind the place `before`. Where it is `HTTP/1.` and a digit, one space behind the target
   * or at the start of a response, it is read from the input, which saves two calls into the module.
   */
  function readVersion(state: number, before: number): void {
    const isUsual =
      heap[before + 1] === 0x48 /* H */ &&
      heap[before + 5] === 0x2f /* / */ &&
      heap[before + 6] === 0x31 /* 1 */ &&
      heap[before + 7] === 0x2e /* . */ &&
      (before < input || heap[before] === 0x20);
    head.versionMajor = isUsual ? 1 : llhttp.llhttp_get_http_major(state);
    head.versionMinor = isUsual ? (heap[before + 8] as number) - 0x30 : llhttp.llhttp_get_http_minor(state);
  }

  return { head, parse, takeSlot: () => plain.takeSlot() };
}

/** `1*DIGIT` at `bytes[start, end)` as a number, or `ContentLength.unclear`. */
function digitsIn(bytes: Uint8Array, start: number, end: number): number {
  // More digits than this overflow what arithmetic can trust.
  if (start === end || end - start > 15) return ContentLength.unclear;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return ContentLength.unclear;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether `bytes[start, start + length)` is ASCII. */
function isAscii(bytes: Uint8Array, start: number, length: number): boolean {
  let bits = 0;
  for (let i = start; i < start + length; i++) bits |= bytes[i] as number;
  return (bits & 0x80) === 0;
}

interface Instance {
  llhttp: LlhttpExports;
  /** llhttp's memory. It never grows, as nothing is allocated in it any more. */
  memory: WordTarget;
  /** Addresses in it: of the bytes to be parsed, and of llhttp's states. */
  input: number;
  requestState: number;
  responseState: number;
  /** What its callbacks note, see `Noted`. */
  noted: Int32Array;
  methods: readonly string[];
}

function instantiate(): Instance {
  const record = createHeadRecord();
  const { module, ours: input } = loadLlhttp(HEAD_PARSE_BYTES_MAX);
  const llhttp = new WebAssembly.Instance(module, { env: record.callbacks }).exports as unknown as LlhttpExports;
  llhttp._initialize();
  record.setInput(input);
  const requestState = createState(llhttp, MessageKind.request);
  const responseState = createState(llhttp, MessageKind.response);
  const { buffer } = llhttp.memory;
  const memory = { words: new Int32Array(buffer), bytes: new Uint8Array(buffer) };
  const methods = methodNames(llhttp, memory.bytes);
  return { llhttp, memory, input, requestState, responseState, noted: record.words, methods };
}

function createState(llhttp: LlhttpExports, kind: MessageKind): number {
  const state = llhttp.llhttp_alloc(kind);
  // A sensor reports what was sent, so it accepts what servers accept: a lone LF (RFC 9112 §2.2), and framing headers in
  // conflict, which `body-framing.ts` decides by §6.3.
  llhttp.llhttp_set_lenient_optional_cr_before_lf(state, 1);
  llhttp.llhttp_set_lenient_chunked_length(state, 1);
  llhttp.llhttp_set_lenient_transfer_encoding(state, 1);
  llhttp.llhttp_set_lenient_keep_alive(state, 1);
  return state;
}

const METHOD_COUNT = 64;

function methodNames(llhttp: LlhttpExports, memory: Uint8Array): string[] {
  return Array.from({ length: METHOD_COUNT }, (_, method) => {
    // The tables of llhttp abort on numbers they do not know.
    try {
      const at = llhttp.llhttp_method_name(method);
      return Buffer.from(memory.subarray(at, memory.indexOf(0, at))).toString('latin1');
    } catch {
      return '';
    }
  });
}
