/** A test run that leaves things behind, and one that is killed: what is said of it, and that nothing stays. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { skippedLine } from './support/tally-reporter.js';

const ROOT = join(import.meta.dirname, '..');
const RUN = ['run-typescript.js', 'run-leaves-behind.ts'].map((name) => join(ROOT, 'test/support', name));

interface Left {
  readonly pid: number;
  readonly namespace: string | null;
}

/** Starts the run; resolves once its test has left what it leaves. */
async function startRun(stays: boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'left-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'left');
  const child = spawn(process.execPath, ['--import', ...RUN], {
    cwd: ROOT,
    env: { ...process.env, LEFT: file, ...(stays ? { STAYS: '1' } : {}) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const hear = (chunk: Buffer) => {
    output += chunk;
  };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', hear);
  const ended = once(child, 'close');
  await vi.waitFor(() => expect(existsSync(file), output).toBe(true), { timeout: 120_000 });
  const left = JSON.parse(readFileSync(file, 'utf8')) as Left;
  return {
    child,
    left,
    finished: async () => {
      const [code] = await ended;
      return { code: code as number | null, output };
    },
  };
}

const isThere = ({ pid, namespace }: Left) =>
  existsSync(`/proc/${pid}`) || (namespace !== null && existsSync(`/run/netns/${namespace}`));
const isGone = (left: Left) => vi.waitFor(() => expect(isThere(left)).toBe(false), { timeout: 120_000 });

describe('what a test leaves behind', () => {
  it('fails the run, is named, and is removed', { timeout: 120_000 }, async () => {
    const { left, finished } = await startRun(false);
    const { code, output } = await finished();
    expect(code).toBe(1);
    expect(output).toContain(`left behind by the tests: sleep 3600 (process ${left.pid})\n`);
    if (left.namespace !== null)
      expect(output).toContain(`left behind by the tests: network namespace ${left.namespace}\n`);
    const failures = output.split('left behind by the tests').length - 1;
    expect(output).toMatch(
      new RegExp(`\\n1 skipped for want of: another \\(1\\), one \\(1\\)\\n1 passed, ${failures} failed\\n$`),
    );
    await isGone(left);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('does not stay after %s', { timeout: 120_000 }, async (signal) => {
    const { child, left, finished } = await startRun(true);
    expect(isThere(left)).toBe(true);
    child.kill(signal);
    await finished();
    await isGone(left);
  });
});

describe('the line about skipped tests', () => {
  it('counts by what is missing, the most frequent first, and a test for each thing that it lacks', () => {
    const lacking = new Map([
      ['tcpreplay', 3],
      ['root', 9],
      ['nginx-light', 9],
    ]);
    expect(skippedLine(15, lacking)).toBe('15 skipped for want of: nginx-light (9), root (9), tcpreplay (3)\n');
  });

  it('is not there where none was skipped', () => {
    expect(skippedLine(0, new Map())).toBe('');
  });
});
