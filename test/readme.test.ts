import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SENSOR_OPTIONS } from '../src/options/options.js';
import { optionsMarkdown } from './support/options-table.js';

const README = join(import.meta.dirname, '../README.md');
const MARKERS = /(<!-- options: npm run docs -->\n)[\s\S]*?(\n<!-- end of options -->)/;

it("has the option table's options in the README; `npm run docs` writes them", () => {
  const written = readFileSync(README, 'utf8');
  expect(written).toMatch(MARKERS);
  const expected = written.replace(MARKERS, (_, start, end) => `${start}\n${optionsMarkdown(SENSOR_OPTIONS)}\n${end}`);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(README, expected);
  else expect(written).toBe(expected);
});
