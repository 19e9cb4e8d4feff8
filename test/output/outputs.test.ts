/** Several outputs as one. */
import { expect, it } from 'vitest';
import type { TraceOutput } from '../../src/output/output.js';
import { joinOutputs } from '../../src/output/outputs.js';

const output = (broken?: Promise<void>): TraceOutput => ({
  ...(broken === undefined ? {} : { broken }),
  accept() {},
  async close() {},
});

it.each([
  ['no output at all', []],
  ['one that cannot break', [output()]],
  ['one of two broken', [output(Promise.resolve()), output()]],
])('goes on with %s', (_what, outputs) => {
  expect(joinOutputs(outputs).broken).toBeUndefined();
});

it('is broken when all are', async () => {
  await expect(joinOutputs([output(Promise.resolve()), output(Promise.resolve())]).broken).resolves.toBeUndefined();
});
