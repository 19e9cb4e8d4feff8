/** wrk over one connection, first a request at a time, then LIVE_DEPTH at a time in a pipeline. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baseUrl, outDirectory, plan, reportError } from './plan.js';

const DEPTH = Number(process.env.LIVE_DEPTH);
const script = join(import.meta.dirname, '../wrk.lua');

// What is left over makes no pipeline.
const half = Math.floor(plan.length / 2 / DEPTH) * DEPTH;
await run(plan.slice(0, plan.length - half), 1);
await run(plan.slice(plan.length - half), DEPTH);

async function run(items, depth) {
  if (items.length === 0) return;
  const directory = join(outDirectory, `wrk-${depth}`);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'wrk.plan');
  const report = join(directory, 'wrk.report');
  writeFileSync(
    file,
    items.map(({ id, method, target, body }) => `${[id, method, target, body ?? ''].join('\t')}\n`).join(''),
  );
  const options = ['-t1', '-c1', '-d10s', '--timeout', '10s', '-s', script];
  const wrk = spawn('wrk', [...options, baseUrl, '--', file, directory, String(depth)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // It stays for the whole duration, done or not; an interrupt ends it as its end would.
  const ending = setInterval(() => existsSync(report) && wrk.kill('SIGINT'), 20);
  await once(wrk, 'exit');
  clearInterval(ending);
  process.stdout.write(existsSync(report) ? readFileSync(report, 'utf8') : '');
  for (const { id } of items) {
    if (existsSync(join(directory, id))) renameSync(join(directory, id), join(outDirectory, id));
    else reportError(id, 'wrk received nothing');
  }
}
