/**
 * The books at the end of a run, as a table whose rows add up.
 *
 * in: counters, what each interface reported · out: lines of text
 */
import { COUNTER_ROWS, type CounterRow, type Counters, DROP_REASONS, exchangesInFlight } from '../../counters.js';
import { printableLine } from '../../printable.js';
import type { SensorSummary } from '../../sensor/sensor.js';

/** Of a name shown; Linux gives an interface 15. */
const INTERFACE_NAME_BYTES_MAX = 64;

/** Kinds of packets that are not read, and named. */
const UNREAD_SHOWN = 10;

export function summaryText(
  summary: Pick<SensorSummary, 'counters' | 'interfaces' | 'unread'> & Partial<Pick<SensorSummary, 'unreadFlows'>>,
): string {
  const { counters } = summary;
  const rows: [label: string, count: number | string][] = [];
  const add = (name: keyof typeof COUNTER_ROWS, indent = '') => {
    const { label = name }: CounterRow = COUNTER_ROWS[name];
    rows.push([`${indent}${label}`, counters[name]]);
  };

  add('exchanges_seen');
  add('exchanges_exported', '  ');
  for (const { outcome, counter } of DROP_REASONS) {
    if (counters[counter] > 0) rows.push([`  dropped: ${outcome.replaceAll('_', ' ')}`, counters[counter]]);
  }
  const inFlight = exchangesInFlight(counters);
  if (inFlight !== 0) rows.push(['  in flight', inFlight]);
  if (counters.spool_traces > 0) add('spool_traces');
  if (counters.recovered_traces > 0) {
    add('recovered_traces');
    add('recovered_traces_exported', '  ');
    add('recovered_traces_dropped', '  ');
  }
  add('packets_seen');
  for (const one of summary.interfaces) {
    // A capture file names its interfaces as it likes.
    const name = printableLine(one.name, INTERFACE_NAME_BYTES_MAX);
    rows.push([`  ${name}`, one.packets], [`  ${name}, lost by the kernel`, one.dropped ?? 'unknown']);
  }
  for (const { what, packets } of summary.unread.slice(0, UNREAD_SHOWN)) rows.push([`  not read: ${what}`, packets]);
  const others = summary.unread.slice(UNREAD_SHOWN);
  if (others.length > 0) {
    rows.push([`  not read: ${others.length} others`, others.reduce((sum, { packets }) => sum + packets, 0)]);
  }
  for (const { what, port, connections } of (summary.unreadFlows ?? []).slice(0, UNREAD_SHOWN)) {
    rows.push([`connections not read: ${what}, ${port === null ? 'other ports' : `port ${port}`}`, connections]);
  }
  if (counters.flows_h2 > 0) add('flows_h2');
  if (counters.requests_without_path > 0) add('requests_without_path', '  ');
  for (const name of STREAM_COUNTERS) if (counters[name] > 0) add(name);
  if (counters.response_resets > 0) add('response_resets');
  if (counters.response_refusals > 0) add('response_refusals');
  if (counters.packets_unwritten > 0) add('packets_unwritten');
  if (counters.gaps > 0) add('gaps');
  if (counters.responses_late > 0) add('responses_late');
  if (counters.responses_unpaired > 0) add('responses_unpaired');
  const labelWidth = Math.max(...rows.map(([label]) => label.length));
  const countWidth = Math.max(...rows.map(([, count]) => String(count).length));
  return rows.map(([label, count]) => `${label.padEnd(labelWidth)}  ${String(count).padStart(countWidth)}\n`).join('');
}

/** What was read of streams. */
const STREAM_COUNTERS = [
  'flows_websocket',
  'messages_websocket',
  'messages_events',
  'messages_lines',
  'messages_rpc',
] as const;

/** What was lost, in a line, and what would have kept it. */
export function lossText(counters: Readonly<Counters>, hasSpool: boolean): string {
  const { exchanges_dropped_undeliverable, recovered_traces_dropped, output_traces_lost, packets_unwritten } = counters;
  const lost = [
    [exchanges_dropped_undeliverable, 'traces that could not be delivered'],
    [recovered_traces_dropped, 'traces of an earlier run'],
    [output_traces_lost, 'traces that a file could not take'],
    [packets_unwritten, 'packets that --write could not take'],
  ] as const;
  const said = lost.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  const undelivered = exchanges_dropped_undeliverable + recovered_traces_dropped > 0;
  const wayOut = undelivered && !hasSpool ? '; --spool-dir keeps what waits for the next run' : '';
  return `lost: ${said.join(', ')}${wayOut}`;
}

/**
 * Why a file gave no exchange, in a line, where nothing in it could be read; null where something could.
 *
 * `filter`: the expression of `--filter`, empty if none.
 */
export function nothingReadText(
  { counters, unread }: Pick<SensorSummary, 'counters' | 'unread'>,
  read: string,
  filter: string,
): string | null {
  const { packets_seen, segments_seen } = counters;
  if (segments_seen > 0) return null;
  if (packets_seen === 0 && filter !== '')
    return `--filter ${JSON.stringify(filter)}: no packet of ${read} passes it; widen it, or leave it out`;
  if (packets_seen === 0) return `--read ${read}: there is no packet in it; check what wrote it`;
  const kinds = unread.slice(0, UNREAD_SHOWN).map(({ what }) => what);
  const found = kinds.length === 0 ? 'no TCP among them' : `they carry ${kinds.join(', ')}`;
  return `--read ${read}: none of its ${packets_seen} packets can be read: ${found}; TCP over IP is what is looked for`;
}
