/** Frames are taken once and acknowledged, however many other sensors come and go. */
import { expect, it } from 'vitest';
import { createRunRegister } from '../../../src/packets/stream/run-register.js';

it('takes each frame once, and acknowledges what is settled without a gap', () => {
  const register = createRunRegister();
  register.begin('a', 5);
  expect([register.take('a', 5), register.take('a', 6), register.take('a', 5)]).toEqual([true, true, false]);
  expect([register.settle('a', 6), register.settle('a', 5)]).toEqual([5, 7]);
  expect(register.next('a')).toBe(7);
});

it('does not forget a sensor of which frames come, for thousands that come and go', () => {
  const register = createRunRegister();
  register.begin('stays', 0);
  for (let i = 0; i < 10_000; i++) {
    register.begin(`comes and goes ${i}`, 0);
    if (i % 1000 !== 0) continue;
    register.take('stays', i / 1000);
    expect(register.settle('stays', i / 1000)).toBe(i / 1000 + 1);
  }
  expect(register.take('stays', 9)).toBe(false);
});

it('acknowledges what a sensor sends that it has forgotten', () => {
  const register = createRunRegister();
  register.begin('silent', 0);
  register.take('silent', 0);
  register.settle('silent', 0);
  for (let i = 0; i < 5000; i++) register.begin(`other ${i}`, 0);
  expect(register.next('silent')).toBeNull();
  expect(register.take('silent', 1)).toBe(true);
  expect(register.settle('silent', 1)).toBe(2);
  expect(register.take('silent', 1)).toBe(false);
});
