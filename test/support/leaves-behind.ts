/**
 * A test as none should be, run by `test/left-behind.test.ts`: it leaves a process and, where it may make one, a network
 * namespace. Writes which to the file LEFT, and waits to be killed where STAYS is set.
 */
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { makeVethPair } from './namespace.js';
import { needs } from './needs.js';

it('leaves things behind', { timeout: 120_000 }, async () => {
  const child = spawn('sleep', ['3600'], { stdio: 'ignore', detached: true });
  child.unref();
  const namespace = needs('namespaces', 'ip', 'sysctl').skip ? null : makeVethPair().namespace;
  const file = process.env.LEFT ?? '';
  writeFileSync(`${file}.new`, JSON.stringify({ pid: child.pid, namespace }));
  renameSync(`${file}.new`, file);
  if (process.env.STAYS !== undefined) await new Promise((resolve) => setTimeout(resolve, 100_000));
});

it('is skipped for want of many things', needs({ one: false, another: false, third: true }), () => {});
