/**
 * The books at the end of a run, as a table whose rows add up.
 *
 * in: counters, what each interface reported · out: lines of text
 */
import { type Counters, exchangesInFlight } from '../../counters.js';
import type { SensorSummary } from '../../sensor/sensor.js';

const DROPPED = 'exchanges_dropped_';

export function summaryText(summary: Pick<SensorSummary, 'counters' | 'interfaces'>): string {
  const { counters } = summary;
  const rows: [label: string, count: number | string][] = [['exchanges seen', counters.exchanges_seen]];
  rows.push(['  exported', counters.exchanges_exported]);
  for (const [name, count] of Object.entries(counters) as [keyof Counters, number][]) {
    if (name.startsWith(DROPPED) && count > 0) {
      rows.push([`  dropped: ${name.slice(DROPPED.length).replaceAll('_', ' ')}`, count]);
    }
  }
  const inFlight = exchangesInFlight(counters);
  if (inFlight !== 0) rows.push(['  in flight', inFlight]);
  if (counters.spool_traces > 0) rows.push(['in the spool, for the next run', counters.spool_traces]);
  if (counters.recovered_traces > 0) {
    rows.push(['found in the spool', counters.recovered_traces]);
    rows.push(['  exported', counters.recovered_traces_exported], ['  given up', counters.recovered_traces_dropped]);
  }
  rows.push(['packets seen', counters.packets_seen]);
  for (const one of summary.interfaces) {
    rows.push([`  ${one.name}`, one.packets], [`  ${one.name}, lost by the kernel`, one.dropped ?? 'unknown']);
  }
  if (counters.gaps > 0) rows.push(['gaps in streams', counters.gaps]);
  if (counters.responses_unpaired > 0) rows.push(['responses without a request', counters.responses_unpaired]);
  const labelWidth = Math.max(...rows.map(([label]) => label.length));
  const countWidth = Math.max(...rows.map(([, count]) => String(count).length));
  return rows.map(([label, count]) => `${label.padEnd(labelWidth)}  ${String(count).padStart(countWidth)}\n`).join('');
}
