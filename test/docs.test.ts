/** The tables in the documents are those of the rows in the source; `npm run docs` writes them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SENSOR_OPTIONS } from '../src/options/options.js';
import { dropReasonTable, limitTable, markTable, metricTable, optionTables } from './support/docs-tables.js';

it.each([
  ['options', 'docs/options.md', () => optionTables(SENSOR_OPTIONS)],
  ['metrics', 'docs/reference.md', metricTable],
  ['drop reasons', 'docs/reference.md', dropReasonTable],
  ['marks', 'docs/reference.md', markTable],
  ['limits', 'docs/reference.md', limitTable],
])('%s, in %s', (what, file, table) => {
  const path = join(import.meta.dirname, '..', file);
  const written = readFileSync(path, 'utf8');
  const markers = new RegExp(`(<!-- ${what}: npm run docs -->\n)[\\s\\S]*?(\n<!-- end of ${what} -->)`);
  expect(written).toMatch(markers);
  const expected = written.replace(markers, (_, start, end) => `${start}\n${table()}\n${end}`);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, expected);
  else expect(written).toBe(expected);
});
