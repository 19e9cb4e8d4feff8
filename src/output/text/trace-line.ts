/**
 * A trace as one line for a person:
 *
 *     12:34:56.789 127.0.0.1:53422       GET    shop.example/cart?id=1            200  12.3ms ↑0B ↓1.2kB gap
 *
 * in: `Trace`, how it is looked at · out: one printable line without its line feed; with `verbosity`, heads and bodies below it
 *
 * The line of a terminal is padded into columns and cut to its width; a narrow one goes without sizes, client and time.
 * Elsewhere nothing is padded or left out: fields are separated by one space, and time is date and time in UTC.
 */
import { cutToBytes, LINE_BYTES_MAX, printable, printableLine } from '../../printable.js';
import type { Trace } from '../../trace/trace.js';
import { columnsOf, cutToColumns, padToColumns } from './columns.js';
import { traceDetail } from './trace-detail.js';

export interface TextView {
  /** 0: a line · 1: heads too · 2: and bodies. */
  readonly verbosity: number;
  readonly colour: boolean;
  /** Columns of the terminal, asked for each line since it may be resized; null where the reader is none. */
  readonly columns: () => number | null;
  /** Whether a terminal's lines have dates: what is read from a file may be of any day. */
  readonly dates: boolean;
}

/** Everything about a trace, its line first; ends in a line feed. */
export function encodeText(trace: Trace, view: TextView): string {
  return `${traceLine(trace, view)}\n${view.verbosity > 0 ? traceDetail(trace, view) : ''}`;
}

/** Columns below which the host and path make no sense, and parts are left out for them. */
const TARGET_COLUMNS_MIN = 30;
const CLIENT_COLUMNS = 21;
const METHOD_COLUMNS = 6;
const DURATION_COLUMNS = 7;
const SIZES_COLUMNS = 14;

export function traceLine(trace: Trace, view: TextView): string {
  const columns = view.columns();
  return columns === null ? fieldLine(trace) : terminalLine(trace, view, columns);
}

/** One space between fields, none within: for `grep`, `awk` and files. */
function fieldLine(trace: Trace): string {
  const { request, response, marks } = trace;
  const line = [
    dateTime(trace.startTimeUnixNano),
    clientText(trace),
    request.method.replaceAll(' ', '%20') || '-',
    targetText(trace).replaceAll(' ', '%20'),
    response?.status ?? '-',
    durationText(trace.durationNano),
    sizesText(trace),
    ...(marks.length === 0 ? [] : [marks.join(',')]),
  ].join(' ');
  return printableLine(line);
}

function terminalLine(trace: Trace, view: TextView, columns: number): string {
  const { request, response } = trace;
  const time = dateTime(trace.startTimeUnixNano);
  const shown = {
    time: view.dates ? time.slice(0, 23).replace('T', ' ') : time.slice(11, 23),
    client: padToColumns(clientText(trace), CLIENT_COLUMNS),
    method: padToColumns(cutToColumns(printable(request.method) || '-', 2 * METHOD_COLUMNS), METHOD_COLUMNS),
    status: String(response?.status ?? '---'),
    duration: durationText(trace.durationNano).padStart(DURATION_COLUMNS),
    sizes: padToColumns(sizesText(trace), SIZES_COLUMNS),
    marks: trace.marks.join(','),
  };
  // What is least missed goes first.
  const room = () =>
    columns - Object.values(shown).reduce((sum, part) => sum + (part === '' ? 0 : columnsOf(part) + 1), 0);
  for (const part of ['sizes', 'client', 'time'] as const) if (room() < TARGET_COLUMNS_MIN) shown[part] = '';
  const width = Math.max(room(), 1);
  const target = padToColumns(cutToColumns(printable(targetText(trace)), width), width);
  const paint = view.colour ? coloured : plain;
  return [
    paint(DIM, shown.time),
    paint(DIM, shown.client),
    paint(BOLD, shown.method),
    target,
    paint(statusColour(response?.status), shown.status),
    shown.duration,
    paint(DIM, shown.sizes),
    paint(YELLOW, shown.marks),
  ]
    .filter((part) => part !== '')
    .join(' ')
    .trimEnd();
}

export const DIM = 2;
export const BOLD = 1;
const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const CYAN = 36;

/** Select Graphic Rendition, ECMA-48 §8.3.117. */
export function coloured(code: number, text: string): string {
  return text === '' ? '' : `\x1b[${code}m${text}\x1b[0m`;
}

export function plain(_code: number, text: string): string {
  return text;
}

function statusColour(status = 0): number {
  if (status >= 200 && status < 300) return GREEN;
  if (status >= 300 && status < 400) return CYAN;
  return status >= 400 && status < 500 ? YELLOW : RED;
}

/** ISO 8601 with milliseconds, UTC. */
function dateTime(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000n)).toISOString();
}

/** The client behind the proxies that are trusted, as far as it is known; a proxy rarely says the port. */
function clientText({ client, network }: Trace): string {
  const { address, port } = client ?? network.client;
  const host = address.includes(':') ? `[${address}]` : address;
  return port === null ? host : `${host}:${port}`;
}

/** Host and path as sent. A target in absolute form, or that of CONNECT, has the host in it. */
function targetText({ request: { method, target, authority } }: Trace): string {
  const whole = method === 'CONNECT' || !target.startsWith('/') ? target : authority + target;
  return cutToBytes(whole === '*' ? `${authority} *` : whole || '-', LINE_BYTES_MAX / 2);
}

/** Three significant digits. */
export function durationText(nanos: number): string {
  if (nanos < 999.5e3) return `${Math.round(nanos / 1e3)}µs`;
  if (nanos < 999.5e6) return `${significant(nanos / 1e6)}ms`;
  return nanos < 999.5e9 ? `${significant(nanos / 1e9)}s` : `${Math.round(nanos / 60e9)}min`;
}

/** Bytes of both bodies as transferred. */
function sizesText({ request, response }: Trace): string {
  return `↑${bytesText(request.body.wireBytes)} ↓${bytesText(response?.body.wireBytes ?? 0)}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes}B`;
  if (bytes < 999_500) return `${significant(bytes / 1e3)}kB`;
  return bytes < 999.5e6 ? `${significant(bytes / 1e6)}MB` : `${significant(bytes / 1e9)}GB`;
}

function significant(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}
