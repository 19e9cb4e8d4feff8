import { expect, it } from 'vitest';
import { lazy } from '../src/lazy.js';

it('loads once, and again after a failure', () => {
  let calls = 0;
  const load = lazy(() => {
    calls++;
    if (calls === 1) throw new Error('not yet');
    return { calls };
  });
  expect(load).toThrow('not yet');
  const first = load();
  expect(load()).toBe(first);
  expect(calls).toBe(2);
});
