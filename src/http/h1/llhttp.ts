/**
 * llhttp as WebAssembly: the head of an HTTP/1 message (RFC 9112 §2–§5), parsed by Node's own parser.
 *
 * in:  bytes that begin with a start line · out: places of everything in the head, in one reused `ParsedHead`
 *
 * Only heads go through it. Bodies are framed by `body-framing.ts` and `chunked-decoder.ts`, for two reasons: a gap in
 * the capture has to be carried through a body, which no parser for complete streams can; and a body's bytes would be
 * copied into the module's memory for nothing. A head is parsed in one call, and the parser reset behind it, so one
 * instance serves all flows.
 */
import { copyWords } from './copy-words.js';
import { createHeadRecord, HPE_PAUSED, Noted } from './head-recorder.js';
import { loadLlhttp } from './llhttp-module.js';

export const MessageKind = { request: 1, response: 2 } as const; // llhttp_type_t
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

export const HeadResult = { complete: 0, incomplete: 1, invalid: 2 } as const;
export type HeadResult = (typeof HeadResult)[keyof typeof HeadResult];

/** Where the parts of a head are, as offsets from the start of the bytes given. Valid until the next parse. */
export interface ParsedHead {
  /** Bytes of the head, the empty line included. */
  length: number;
  /** Requests: empty for responses. */
  method: string;
  targetStart: number;
  targetEnd: number;
  /** Responses: 0 for requests. */
  status: number;
  reasonStart: number;
  reasonEnd: number;
  versionMajor: number;
  versionMinor: number;
  /** Four offsets a header: name start, name end, value start, value end. */
  spans: Int32Array;
  headerCount: number;
  /** What the only Content-Length says, `ContentLength.none` where there is none, `unclear` where it takes a closer look. */
  contentLength: number;
  /** Whether there may be a Transfer-Encoding. */
  mayBeCoded: boolean;
  /** Whether the head departs from the grammar. */
  malformed: boolean;
  /** Whether the head is sure to be ASCII without a folded value. */
  isPlain: boolean;
}

export const ContentLength = { none: -1, unclear: -2 } as const;

const record = createHeadRecord();
const noted = record.words;

/** The result of the last `parseHead` that was `complete`, also filled by the salvage parser. */
export const parsed: ParsedHead = {
  length: 0,
  method: '',
  targetStart: 0,
  targetEnd: 0,
  status: 0,
  reasonStart: 0,
  reasonEnd: 0,
  versionMajor: 0,
  versionMinor: 0,
  spans: record.words.subarray(Noted.spans),
  headerCount: 0,
  contentLength: ContentLength.none,
  mayBeCoded: false,
  malformed: false,
  isPlain: false,
};

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
export const HEAD_PARSE_BYTES_MAX = 1 << 18;

const { module, ours: input } = loadLlhttp(HEAD_PARSE_BYTES_MAX);
const llhttp = new WebAssembly.Instance(module, { env: record.callbacks }).exports as unknown as LlhttpExports;
llhttp._initialize();
record.setInput(input);

function createParser(kind: MessageKind): number {
  const parser = llhttp.llhttp_alloc(kind);
  // A sensor reports what was said, so it accepts what servers accept: a lone LF (RFC 9112 §2.2), and framing
  // headers in conflict, which `body-framing.ts` decides by §6.3.
  llhttp.llhttp_set_lenient_optional_cr_before_lf(parser, 1);
  llhttp.llhttp_set_lenient_chunked_length(parser, 1);
  llhttp.llhttp_set_lenient_transfer_encoding(parser, 1);
  llhttp.llhttp_set_lenient_keep_alive(parser, 1);
  return parser;
}

const requestParser = createParser(MessageKind.request);
const responseParser = createParser(MessageKind.response);
// The module's memory, as bytes and as words. It never grows, as nothing is allocated in it from here on.
const memory = new Uint8Array(llhttp.memory.buffer);
const words = new Int32Array(llhttp.memory.buffer);

const METHOD_COUNT = 64;
const methods: string[] = [];
for (let method = 0; method < METHOD_COUNT; method++) methods.push(methodName(method));

function methodName(method: number): string {
  // The tables of llhttp abort on numbers they do not know.
  try {
    const at = llhttp.llhttp_method_name(method);
    return Buffer.from(memory.subarray(at, memory.indexOf(0, at))).toString('latin1');
  } catch {
    return '';
  }
}

/** Parses the head that begins at `bytes[start]` into `parsed`. */
export function parseHead(kind: MessageKind, bytes: Buffer, start: number, end: number): HeadResult {
  const length = Math.min(end - start, HEAD_PARSE_BYTES_MAX);
  const isPlain = copyWords(bytes, start, length, words, memory, input >> 2);
  noted[Noted.headerCount] = 0;
  noted[Noted.lengthCount] = 0;
  noted[Noted.codingCount] = 0;
  noted[Noted.reasonStart] = 0;
  noted[Noted.reasonEnd] = 0;
  const isRequest = kind === MessageKind.request;
  const parser = isRequest ? requestParser : responseParser;
  const code = llhttp.llhttp_execute(parser, input, length);
  let result: HeadResult = HeadResult.invalid;
  if (code === HPE_PAUSED) {
    parsed.length = llhttp.llhttp_get_error_pos(parser) - input;
    parsed.headerCount = noted[Noted.headerCount] as number;
    parsed.contentLength = contentLength();
    parsed.mayBeCoded = noted[Noted.codingCount] !== 0;
    parsed.malformed = false;
    // What is not ASCII may lie behind the head.
    parsed.isPlain = isPlain || isAscii(parsed.length);
    if (isRequest) {
      parsed.method = methods[llhttp.llhttp_get_method(parser)] as string;
      parsed.targetStart = noted[Noted.targetStart] as number;
      parsed.targetEnd = noted[Noted.targetEnd] as number;
      parsed.status = 0;
      parsed.reasonStart = 0;
      parsed.reasonEnd = 0;
      readVersion(parser, input + parsed.targetEnd);
    } else {
      parsed.method = '';
      parsed.reasonStart = noted[Noted.reasonStart] as number;
      parsed.reasonEnd = noted[Noted.reasonEnd] as number;
      parsed.status = noted[Noted.status] as number;
      readVersion(parser, input - 1);
    }
    result = HeadResult.complete;
  } else if (code === HPE_OK) {
    result = HeadResult.incomplete;
  }
  llhttp.llhttp_reset(parser);
  return result;
}

/** Read from the input: to compare it letter by letter as a string takes several times as long. */
function contentLength(): number {
  const count = noted[Noted.lengthCount] as number;
  if (count === 0) return ContentLength.none;
  if (count > 1) return ContentLength.unclear;
  const header = Noted.spans + ((noted[Noted.lengthHeader] as number) << 2);
  const name = input + (noted[header] as number);
  for (let i = 0; i < CONTENT_LENGTH.length; i++) {
    // Lower case; what else it makes of a byte is no letter of the name.
    if (((memory[name + i] as number) | 0x20) !== CONTENT_LENGTH[i]) return ContentLength.none;
  }
  const start = input + (noted[header + 2] as number);
  const end = input + (noted[header + 3] as number);
  // More digits than this overflow what arithmetic can trust.
  if (start === end || end - start > 15) return ContentLength.unclear;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (memory[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return ContentLength.unclear;
    value = value * 10 + digit;
  }
  return value;
}

const CONTENT_LENGTH = Buffer.from('content-length');

/**
 * The version that stands behind the place `before`: read from the input where it is `HTTP/1.` and a digit, one space behind
 * the target or at the start of a response, which saves two calls into the module.
 */
function readVersion(parser: number, before: number): void {
  const isUsual =
    memory[before + 1] === 0x48 /* H */ &&
    memory[before + 5] === 0x2f /* / */ &&
    memory[before + 6] === 0x31 /* 1 */ &&
    memory[before + 7] === 0x2e /* . */ &&
    (before < input || memory[before] === 0x20);
  parsed.versionMajor = isUsual ? 1 : llhttp.llhttp_get_http_major(parser);
  parsed.versionMinor = isUsual ? (memory[before + 8] as number) - 0x30 : llhttp.llhttp_get_http_minor(parser);
}

/** Whether the first `length` bytes of the input are ASCII. */
function isAscii(length: number): boolean {
  let bits = 0;
  for (let i = input; i < input + length; i++) bits |= memory[i] as number;
  return (bits & 0x80) === 0;
}
