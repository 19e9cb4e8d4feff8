/**
 * Runs every bench that has a peer beside it and writes docs/benchmarks.md: its tables as printed, a plot of each, and the machine.
 *
 *     npm run bench [-- --only engine,governor]
 *
 * Takes twenty minutes on two cores. What a bench printed is kept in build/benchmarks, so that `--only` runs some again and the page keeps
 * the others. Needs root, and what the benches name that are run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { plot } from './plot.js';
import { SECTIONS, type Section } from './sections.js';
import { barsOf, tablesOf } from './tables.js';

/** What a bench printed, and where. */
interface Run {
  readonly output: string;
  readonly machine: string;
  readonly commit: string;
  readonly load: string;
}

const root = join(import.meta.dirname, '../..');
const kept = join(root, 'build/benchmarks');
const plots = join(root, 'docs/benchmarks');
const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const wanted = values.only === '' ? SECTIONS.map(({ name }) => name) : values.only.split(',');
const unknown = wanted.filter((name) => !SECTIONS.some((section) => section.name === name));
if (unknown.length > 0) {
  process.stderr.write(`--only ${unknown}: there are ${SECTIONS.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
for (const folder of [kept, plots]) mkdirSync(folder, { recursive: true });
for (const section of SECTIONS) if (wanted.includes(section.name)) run(section);
const written = join(root, 'docs/benchmarks.md');
writeFileSync(written, page());
execFileSync('npx', ['biome', 'format', '--write', written], { cwd: root, stdio: 'ignore' });

function run({ name, command }: Section): void {
  process.stderr.write(`${name}: npm run ${command.join(' ')}\n`);
  const load = loadavg()[0]?.toFixed(1) ?? '';
  const { stdout, status } = spawnSync('npm', ['run', '--silent', ...command], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  if (status !== 0) {
    process.stderr.write(`${name}: ended with ${status}; the page keeps what it had\n`);
    process.exitCode = 1;
    return;
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const result: Run = { output: stdout, machine: machine(), commit, load };
  writeFileSync(join(kept, `${name}.json`), JSON.stringify(result));
}

function machine(): string {
  const model = cpus()[0]?.model.trim() || 'a CPU that says no name';
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${model}, ${gibibytes} GiB, Linux ${release()}, Node.js ${process.version}`;
}

function page(): string {
  const parts = SECTIONS.flatMap((section) => {
    const file = join(kept, `${section.name}.json`);
    return existsSync(file) ? [partOf(section, JSON.parse(readFileSync(file, 'utf8')))] : [];
  });
  return `# Benchmarks

Written by \`npm run bench\`; the tables are what the scripts print. Each has its peers in the same run. The machine is shared with others, so that the
same run twice may differ by a third: ratios in one table say more than figures of two.

${parts.join('\n')}`;
}

function partOf(
  { name, title, says, command, plots: wantedPlots }: Section,
  { output, machine: on, commit, load }: Run,
) {
  const tables = tablesOf(output);
  const images = wantedPlots.flatMap((one, index) => {
    const table = tables[one.table];
    if (table === undefined) return [];
    const file = `${name}${index === 0 ? '' : `-${index + 1}`}.svg`;
    writeFileSync(join(plots, file), plot(one.title, one.unit, barsOf(table, one)));
    return [`![${one.title}](benchmarks/${file})`];
  });
  const texts = tables.map(({ columns, rows }) =>
    [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
  );
  return [
    `## ${title}`,
    `${says} \`npm run ${command.join(' ')}\`, at ${commit}, with a load of ${load} before; ${on}.`,
    ...images,
    ...texts,
    '',
  ].join('\n\n');
}
