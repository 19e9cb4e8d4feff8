/** The dashboards show metrics that there are, with labels that they have. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { METRIC_ROWS } from '../../src/task/metrics.js';

it.each(['cloudwatch', 'grafana'])('%s', (name) => {
  const text = readFileSync(new URL(`../../docs/dashboards/${name}.json`, import.meta.url), 'utf8');
  JSON.parse(text);
  const shown = [...new Set(text.match(/\b(pcap_sensor|process)_\w+/g))];
  const names = METRIC_ROWS.map((row) => row.name);
  expect(shown.filter((one) => !names.includes(one))).toEqual([]);
  expect(shown.length).toBeGreaterThan(8);
});
