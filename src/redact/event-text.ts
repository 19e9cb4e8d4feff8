/**
 * The parts of a stream's text that belong together: the data of a server-sent event (HTML Standard §9.2.5), a line of JSON, and in
 * those the strings that go on from one to the next, as the answers of language models do.
 *
 * in:  bytes · out: places in them
 */
import { QUOTE } from './byte-text.js';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BACKSLASH = 0x5c;

/** From where to where. */
export type Span = readonly [start: number, end: number];

/** Calls back with the values of each event's `data` lines. */
export function eachEvent(bytes: Buffer, found: (data: readonly Span[]) => void): void {
  let spans: Span[] = [];
  eachLine(bytes, (start, end) => {
    if (start === end) {
      if (spans.length > 0) found(spans);
      spans = [];
    } else if (isData(bytes, start, end)) {
      spans.push([start + (bytes[start + 5] === SPACE && start + 5 < end ? 6 : 5), end]);
    }
  });
  if (spans.length > 0) found(spans);
}

const DATA = Buffer.from('data:');

function isData(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < DATA.length) return false;
  for (let i = 0; i < DATA.length; i++) if (bytes[start + i] !== DATA[i]) return false;
  return true;
}

/** Calls back with each line; they end in LF, CR LF or CR. */
export function eachLine(bytes: Buffer, found: (start: number, end: number) => void): void {
  let start = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte !== LF && byte !== CR) continue;
    found(start, i);
    if (byte === CR && bytes[i + 1] === LF) i++;
    start = i + 1;
  }
  if (start < bytes.length) found(start, bytes.length);
}

/** Members whose strings are parts of one text, a part a message. Others, such as ids, are not to be read as one. */
const GOES_ON = new Set([
  ...['content', 'text', 'delta', 'arguments', 'partial_json', 'completion', 'generated_text', 'response'],
  ...['reasoning_content', 'thinking', 'output_text', 'chunk', 'token', 'stdout', 'stderr', 'line', 'log'],
]);
const NAME_BYTES_MAX = 24;

/** Calls back with the strings of the JSON text in `bytes[start, end)` that may go on in the next one, and the name of their member. */
export function eachThatGoesOn(
  bytes: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
  found: (name: string, from: number, to: number) => void,
): void {
  let name = '';
  for (let i = start; i < end; i++) {
    if (bytes[i] !== QUOTE) continue;
    const from = i + 1;
    i = stringEnd(bytes, from, end);
    let next = i + 1;
    while (next < end && (bytes[next] as number) <= SPACE) next++;
    if (bytes[next] === COLON && next < end) name = i - from <= NAME_BYTES_MAX ? bytes.latin1Slice(from, i) : '';
    else if (i > from && GOES_ON.has(name)) found(name, from, i);
  }
}

/** Where the string that begins at `at` has its closing quote, or `end`. */
function stringEnd(bytes: Buffer, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    if (bytes[i] === BACKSLASH) i++;
    else if (bytes[i] === QUOTE) return i;
  }
  return end;
}
