/**
 * The scenarios of a live sensor: networks that report a connection twice, translate its addresses or lose its packets.
 *
 *     bench/live/install
 *     node --import ./test/support/run-typescript.js bench/live/scenarios.ts [--sensor dist/cli/cli.js] [--only 'NAME;…']
 *       [--without heavy] [--keep DIRECTORY] [--list]
 *
 * Prints a line of Markdown for each, and below what was wrong; 1 if anything was. `--only` takes parts of names.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exitOnSignals } from './namespace.js';
import { isThere, SENSOR } from './places.js';
import { runScenario } from './scenario.js';
import { SCENARIOS } from './scenario-list.js';
import { wrongLines } from './wrong-table.js';

const { values } = parseArgs({
  options: {
    sensor: { type: 'string', default: SENSOR },
    only: { type: 'string', default: '' },
    without: { type: 'string', default: '' },
    keep: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
  },
});
exitOnSignals();
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const asked = values.only.split(';').filter((part) => part !== '');
const chosen = SCENARIOS.filter(
  ({ name, isHeavy = false }) =>
    !(isHeavy && values.without === 'heavy') && (asked.length === 0 || asked.some((part) => name.includes(part))),
);
if (chosen.length === 0)
  throw new Error(`--only: no scenario's name holds ${asked.join(' or ')}; --list has their names`);
if (values.list) {
  for (const { name } of chosen) print(name);
  process.exit();
}
const settings = { sensor: resolve(values.sensor), keep: values.keep === '' ? null : resolve(values.keep) };
const details: string[] = [];
print('| scenario | compared | wrong | packets lost by the kernel |');
print('| --- | ---: | ---: | ---: |');
for (const scenario of chosen) {
  const missing = scenario.needs.filter((need) => !isThere(need));
  if (missing.length > 0) {
    process.stderr.write(`left out: ${scenario.name}, which needs ${missing.join(', ')}\n`);
    continue;
  }
  try {
    const { name, compared, wrong, lostByKernel } = await runScenario(scenario, settings);
    print(`| ${name} | ${compared} | ${wrong.length} | ${lostByKernel} |`);
    details.push(...wrongLines(name, wrong));
  } catch (error) {
    print(`| ${scenario.name} | | failed | |`);
    details.push(`failed: ${scenario.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
print('');
for (const detail of details) print(detail);
if (details.length > 0) process.exitCode = 1;
