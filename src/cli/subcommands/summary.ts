/**
 * The books at the end of a run, as a table whose rows add up.
 *
 * in: counters, what each interface reported · out: lines of text
 */
import { COUNTER_ROWS, type CounterRow, DROP_REASONS, exchangesInFlight } from '../../counters.js';
import type { SensorSummary } from '../../sensor/sensor.js';

export function summaryText(summary: Pick<SensorSummary, 'counters' | 'interfaces'>): string {
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
    rows.push([`  ${one.name}`, one.packets], [`  ${one.name}, lost by the kernel`, one.dropped ?? 'unknown']);
  }
  if (counters.gaps > 0) add('gaps');
  if (counters.responses_unpaired > 0) add('responses_unpaired');
  const labelWidth = Math.max(...rows.map(([label]) => label.length));
  const countWidth = Math.max(...rows.map(([, count]) => String(count).length));
  return rows.map(([label, count]) => `${label.padEnd(labelWidth)}  ${String(count).padStart(countWidth)}\n`).join('');
}
