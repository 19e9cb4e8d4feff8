/**
 * llhttp as WebAssembly: the head of an HTTP/1 message (RFC 9112 §2–§5), parsed by Node's own parser.
 *
 * in:  bytes that begin with a start line · out: places of everything in the head, in one reused `ParsedHead`
 *
 * Only heads go through it. Bodies are framed by `body-framing.ts` and `chunked-decoder.ts`, for two reasons: a gap in
 * the capture has to be carried through a body, which no parser for complete streams can; and a body's bytes would be
 * copied into the module's memory for nothing. A head is parsed in one call, and the parser reset behind it, so one
 * instance serves all flows.
 *
 * The build is the one that undici ships and the Node.js project keeps; the version is pinned exactly.
 */
import { createRequire } from 'node:module';

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
  /** Whether the head departs from the grammar. */
  malformed: boolean;
  /** Whether the head is ASCII and no value in it is folded. */
  isPlain: boolean;
}

/** Headers a head may have before it is taken for hostile. */
export const HEADERS_MAX = 4096;

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
  spans: new Int32Array(HEADERS_MAX * 4),
  headerCount: 0,
  malformed: false,
  isPlain: false,
};

const HPE_OK = 0;
const HPE_PAUSED = 21;

interface LlhttpExports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(kind: number): number;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_get_status_code(parser: number): number;
  llhttp_get_http_major(parser: number): number;
  llhttp_get_http_minor(parser: number): number;
  llhttp_method_name(method: number): number;
  llhttp_set_lenient_optional_cr_before_lf(parser: number, on: number): void;
  llhttp_set_lenient_chunked_length(parser: number, on: number): void;
  llhttp_set_lenient_keep_alive(parser: number, on: number): void;
  llhttp_set_lenient_transfer_encoding(parser: number, on: number): void;
}

// The callbacks run inside `llhttp_execute` and only note places. They are module-level, as the instance is.
let inputAt = 0;
let hasValue = false;

function onHeaderField(_parser: number, at: number, length: number): number {
  const { spans } = parsed;
  if (parsed.headerCount >= HEADERS_MAX) return -1;
  const i = parsed.headerCount << 2;
  const start = at - inputAt;
  spans[i] = start;
  spans[i + 1] = start + length;
  spans[i + 2] = start + length;
  spans[i + 3] = start + length;
  parsed.headerCount++;
  hasValue = false;
  return 0;
}

function onHeaderValue(_parser: number, at: number, length: number): number {
  const i = (parsed.headerCount - 1) << 2;
  const start = at - inputAt;
  // A folded value (obs-fold, RFC 9112 §5.2) comes in pieces: it runs from the first to the end of the last.
  if (!hasValue) parsed.spans[i + 2] = start;
  else parsed.isPlain = false;
  hasValue = true;
  parsed.spans[i + 3] = start + length;
  return 0;
}

function onUrl(_parser: number, at: number, length: number): number {
  parsed.targetStart = at - inputAt;
  parsed.targetEnd = parsed.targetStart + length;
  return 0;
}

function onStatus(_parser: number, at: number, length: number): number {
  parsed.reasonStart = at - inputAt;
  parsed.reasonEnd = parsed.reasonStart + length;
  return 0;
}

// Stop behind the head, whatever it says about a body.
const pauseAtHeadersComplete = () => HPE_PAUSED;
const proceed = () => 0;

const require = createRequire(import.meta.url);
const module = new WebAssembly.Module(require('undici/lib/llhttp/llhttp_simd-wasm.js') as Buffer);
const llhttp = new WebAssembly.Instance(module, {
  env: {
    wasm_on_message_begin: proceed,
    wasm_on_url: onUrl,
    wasm_on_status: onStatus,
    wasm_on_header_field: onHeaderField,
    wasm_on_header_value: onHeaderValue,
    wasm_on_headers_complete: pauseAtHeadersComplete,
    wasm_on_body: proceed,
    wasm_on_message_complete: proceed,
  },
}).exports as unknown as LlhttpExports;
llhttp._initialize();

/** The longest head that can be parsed, in bytes. */
export const HEAD_PARSE_BYTES_MAX = 1 << 18;
/** Aligned to words, as all of malloc's memory is. */
const input = llhttp.malloc(HEAD_PARSE_BYTES_MAX);
inputAt = input;

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
let memory = new Uint8Array(llhttp.memory.buffer);
/** The same memory in words. */
let words = new Int32Array(llhttp.memory.buffer);

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
  if (memory.buffer !== llhttp.memory.buffer) {
    memory = new Uint8Array(llhttp.memory.buffer);
    words = new Int32Array(llhttp.memory.buffer);
  }
  bytes.copy(memory, input, start, start + length);
  parsed.headerCount = 0;
  parsed.malformed = false;
  parsed.isPlain = true;
  parsed.reasonStart = 0;
  parsed.reasonEnd = 0;
  const parser = kind === MessageKind.request ? requestParser : responseParser;
  const code = llhttp.llhttp_execute(parser, input, length);
  let result: HeadResult = HeadResult.invalid;
  if (code === HPE_PAUSED) {
    parsed.length = llhttp.llhttp_get_error_pos(parser) - input;
    parsed.versionMajor = llhttp.llhttp_get_http_major(parser);
    parsed.versionMinor = llhttp.llhttp_get_http_minor(parser);
    if (kind === MessageKind.request) {
      parsed.method = methods[llhttp.llhttp_get_method(parser)] as string;
      parsed.status = 0;
    } else {
      parsed.method = '';
      parsed.status = llhttp.llhttp_get_status_code(parser);
    }
    if (parsed.isPlain) parsed.isPlain = isAscii(parsed.length);
    result = HeadResult.complete;
  } else if (code === HPE_OK) {
    result = HeadResult.incomplete;
  }
  llhttp.llhttp_reset(parser);
  return result;
}

/** Whether the first `length` bytes of the input, rounded up to words, are ASCII. */
function isAscii(length: number): boolean {
  let bits = 0;
  const end = (input + length + 3) >> 2;
  for (let i = input >> 2; i < end; i++) bits |= words[i] as number;
  return (bits & 0x80808080) === 0;
}
