import { totalmem } from 'node:os';
import { expect, it } from 'vitest';
import { readSurroundings } from '../../src/task/surroundings.js';

const reading = (files: Record<string, string>) => readSurroundings((path) => files[path] ?? null);

it.each([
  // Docker's default set, the same without NET_RAW, root's.
  ['00000000a80425fb', true],
  ['00000000a80405fb', false],
  ['000001ffffffffff', true],
  ['0000000000000000', false],
])('reads whether it may capture from %s', (effective, canCapture) => {
  const status = `Name:\tnode\nCapPrm:\tffffffffffffffff\nCapEff:\t${effective}\nCapBnd:\tffffffffffffffff\n`;
  expect(reading({ '/proc/self/status': status }).canCapture).toBe(canCapture);
});

it('does not know where the machine does not say', () => {
  expect(reading({})).toMatchObject({ canCapture: null, memoryLimitBytes: totalmem() });
});

it.each([
  ['/sys/fs/cgroup/memory.max', '134217728\n', 134_217_728],
  ['/sys/fs/cgroup/memory.max', 'max\n', totalmem()],
  ['/sys/fs/cgroup/memory/memory.limit_in_bytes', '134217728\n', 134_217_728],
  ['/sys/fs/cgroup/memory/memory.limit_in_bytes', '9223372036854771712\n', totalmem()],
])('reads the memory limit from %s: %j', (path, content, limit) => {
  expect(reading({ [path]: content }).memoryLimitBytes).toBe(limit);
});
