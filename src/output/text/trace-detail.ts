/**
 * What stands below a trace's line with `-v` and `-vv`: the heads, and the bodies or the messages of a stream.
 *
 *     > POST /cart HTTP/1.1
 *     > Host: shop.example
 *       {"id":1}
 *     < HTTP/1.1 200 OK
 *     < event delta, 1.20s
 *       {"text":"Hello"}
 *
 * in: `Trace` · out: printable lines, indented, so that none passes for the line of a trace
 */
import { isControl } from '../../http/stream-message.js';
import { printable, printableLine } from '../../printable.js';
import type { Trace, TraceBody, TraceMessage } from '../../trace/trace.js';
import { asBuffer, textOf } from '../ndjson.js';
import { bytesText, coloured, DIM, durationText, plain, type TextView } from './trace-line.js';

/** Of a body that is shown; a terminal is no place for more. */
const TEXT_BYTES_MAX = 16_384;
const BINARY_BYTES_MAX = 256;
/** Of a message of a stream. */
const MESSAGE_BYTES_MAX = 2048;
const BYTES_A_ROW = 16;

type Message = { headers: Trace['request']['headers']; trailers: Trace['request']['trailers']; body: TraceBody };
type View = Pick<TextView, 'verbosity' | 'colour'>;
type Side = TraceMessage['direction'];

const ARROWS = { request: '>', response: '<' } as const satisfies Record<Side, string>;

export function traceDetail(trace: Trace, view: View): string {
  const { request, response, network } = trace;
  const isWhole = view.verbosity > 1;
  const version = `HTTP/${network.protocol}`;
  const lines = headLines('>', `${request.method} ${request.target} ${version}`, request);
  if (isWhole) lines.push(...contentLines(trace, 'request', request));
  lines.push(...fieldLines('> (trailer) ', request.trailers));
  if (response !== null) {
    lines.push(...headLines('<', `${version} ${response.status} ${response.reason}`.trimEnd(), response));
    if (isWhole) lines.push(...contentLines(trace, 'response', response));
  }
  if (isWhole) lines.push(...(trace.messages ?? []).flatMap(messageLines), ...notKeptLines(trace));
  lines.push(...fieldLines('< (trailer) ', response?.trailers ?? []));
  const paint = view.colour ? coloured : plain;
  return lines.map((line) => `    ${line.startsWith('  ') ? line : paint(DIM, line)}\n`).join('');
}

function headLines(arrow: string, first: string, { headers }: Message): string[] {
  return [printableLine(`${arrow} ${first}`), ...fieldLines(`${arrow} `, headers)];
}

function fieldLines(begin: string, pairs: Message['headers']): string[] {
  return pairs.map(([name, value]) => printableLine(`${begin}${name}: ${value}`));
}

/** The body, unless it is told of message by message. */
function contentLines({ messages = [] }: Trace, side: Side, { body }: Message): string[] {
  return messages.some(({ direction }) => direction === side) ? [] : indented(bodyLines(body, TEXT_BYTES_MAX));
}

/** `< event delta, 1.20s`, and below it what it says. */
function messageLines(message: TraceMessage): string[] {
  const { direction, kind, offsetNano, event, closeCode } = message;
  const facts = [event?.event, event?.id === undefined ? '' : `id ${event.id}`, closeCode].filter(
    (fact) => fact !== undefined && fact !== '',
  );
  const what = printableLine([ARROWS[direction], kind, ...facts].join(' '));
  return [`${what}, ${durationText(offsetNano)}`, ...indented(bodyLines(message, MESSAGE_BYTES_MAX))];
}

/** How many messages are not among those that were kept. */
function notKeptLines({ messages = [], messagesSeen }: Trace): string[] {
  if (messagesSeen === undefined) return [];
  return (['request', 'response'] as const).flatMap((side) => {
    const { count, lostBytes } = messagesSeen[side];
    const kept = messages.filter(({ direction, kind }) => direction === side && !isControl(kind)).length;
    return [
      ...(count > kept ? [`${ARROWS[side]} (${count - kept} more messages, not kept)`] : []),
      ...(lostBytes > 0 ? [`${ARROWS[side]} (${bytesText(lostBytes)} without messages that can be told)`] : []),
    ];
  });
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

type Content = Pick<TraceBody, 'content' | 'truncated' | 'codingError' | 'bytes' | 'omitted'>;

function bodyLines(body: Content, bytesMax: number): string[] {
  const { content, truncated, codingError, bytes, omitted } = body;
  if (content.length === 0 && omitted !== undefined)
    return [printableLine(`(${bytesText(bytes)}, left out: ${omitted})`)];
  if (content.length === 0) return bytes > 0 ? [`(${bytesText(bytes)}, not kept)`] : [];
  const lines: string[] = [];
  const isLong = content.length > bytesMax;
  const text = textOf(content.subarray(0, bytesMax), truncated || isLong);
  let shown = Math.min(content.length, bytesMax);
  if (text === null) {
    shown = Math.min(content.length, BINARY_BYTES_MAX);
    for (let at = 0; at < shown; at += BYTES_A_ROW)
      lines.push(hexRow(content.subarray(at, Math.min(at + BYTES_A_ROW, shown)), at));
  } else {
    lines.push(...text.split(/\r?\n/).map((line) => printable(line.replaceAll('\t', '    '))));
  }
  if (codingError !== null) lines.push(printableLine(`(its content coding could not be undone: ${codingError})`));
  if (bytes > shown) lines.push(`(${bytesText(shown)} of ${bytesText(bytes)} shown)`);
  return lines;
}

/** `00000010  7b 22 …  {"…`. */
function hexRow(bytes: Uint8Array, at: number): string {
  const digits = asBuffer(bytes)
    .toString('hex')
    .replace(/..(?!$)/g, '$& ');
  const characters = asBuffer(bytes)
    .toString('latin1')
    .replace(/[^ -~]/g, '.');
  return `${at.toString(16).padStart(8, '0')}  ${digits.padEnd(BYTES_A_ROW * 3 - 1)}  ${characters}`;
}
