/** wrk over one connection, first a request at a time, then four at a time in a pipeline. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baseUrl, outDirectory, plan, reportError } from './plan.js';

const DEPTH = 4;
const script = join(import.meta.dirname, '../wrk.lua');

// Of what is left over no pipeline can be made.
const half = Math.floor(plan.length / 2 / DEPTH) * DEPTH;
run(plan.slice(0, plan.length - half), 1);
run(plan.slice(plan.length - half), DEPTH);

function run(items, depth) {
  if (items.length === 0) return;
  const directory = join(outDirectory, `wrk-${depth}`);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'wrk.plan');
  writeFileSync(
    file,
    items.map(({ id, method, target, body }) => `${[id, method, target, body ?? ''].join('\t')}\n`).join(''),
  );
  const { stderr } = spawnSync(
    'wrk',
    ['-t1', '-c1', '-d10s', '--timeout', '10s', '-s', script, baseUrl, '--', file, directory, String(depth)],
    { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  process.stderr.write(stderr);
  const report = join(directory, 'wrk.report');
  const lines = existsSync(report) ? readFileSync(report, 'utf8') : '';
  process.stdout.write(lines);
  for (const { id } of items) {
    if (existsSync(join(directory, id))) renameSync(join(directory, id), join(outDirectory, id));
    else reportError(id, 'wrk received nothing');
  }
}
