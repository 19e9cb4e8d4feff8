/** The tables in the documents are those of the rows in the source; `npm run docs` writes them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configurationSchema } from '../src/enrolment/remote-configuration.js';
import { SENSOR_OPTIONS } from '../src/options/options.js';
import {
  dropReasonTable,
  exitCodeTable,
  infrastructureList,
  limitTable,
  markTable,
  metricTable,
  modeTable,
  optionTables,
  osSensorLevels,
  osSensorTable,
  packetStreamerKeys,
  reloadedOptions,
  steeringTable,
} from './support/docs-tables.js';
import { manPage } from './support/man-page.js';
import { looksTable, namesTable } from './support/redaction-tables.js';
import { traceSchema } from './support/trace-schema.js';

it.each([
  ['options', 'docs/options.md', () => optionTables(SENSOR_OPTIONS)],
  ['options that SIGHUP changes', 'docs/options.md', () => reloadedOptions(SENSOR_OPTIONS)],
  ['modes', 'docs/options.md', modeTable],
  ['namespaces of infrastructure', 'docs/kubernetes.md', infrastructureList],
  ['variables of osSensor', 'docs/ossensor.md', osSensorTable],
  ['levels of osSensor', 'docs/ossensor.md', osSensorLevels],
  ['metrics', 'docs/reference.md', metricTable],
  ['drop reasons', 'docs/reference.md', dropReasonTable],
  ['marks', 'docs/reference.md', markTable],
  ['limits', 'docs/reference.md', limitTable],
  ['keys', 'docs/packetstreamer.md', packetStreamerKeys],
  ['what may be asked', 'docs/fleet.md', steeringTable],
  ['exit codes', 'docs/reference.md', exitCodeTable],
  ['names of secrets', 'docs/policy.md', namesTable],
  ['forms of secrets', 'docs/policy.md', looksTable],
])('%s, in %s', (what, file, table) => {
  const path = join(import.meta.dirname, '..', file);
  const written = readFileSync(path, 'utf8');
  const markers = new RegExp(`(<!-- ${what}: npm run docs -->\n)[\\s\\S]*?(\n<!-- end of ${what} -->)`);
  expect(written).toMatch(markers);
  const expected = written.replace(markers, (_, start, end) => `${start}\n${table()}\n${end}`);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, expected);
  else expect(written).toBe(expected);
});

it.each([
  ['docs/trace.schema.json', () => `${JSON.stringify(traceSchema(), null, 2)}\n`],
  ['docs/pcap-sensor.1', manPage],
  ['docs/remote-configuration.schema.json', () => `${JSON.stringify(configurationSchema(), null, 2)}\n`],
])('%s', (file, content) => {
  const path = join(import.meta.dirname, '..', file);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, content());
  else expect(readFileSync(path, 'utf8')).toBe(content());
});
