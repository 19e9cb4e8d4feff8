/** In which order the batches of several interfaces are delivered that are ready at the same time. */
import { expect, it } from 'vitest';
import { deliverEarliest } from '../../src/capture/interface-capture.js';

/** An interface whose batches begin at these times. */
function capture(name: string, times: number[], delivered: string[]) {
  return {
    readyTime: () => times[0] ?? Number.POSITIVE_INFINITY,
    deliver: () => void delivered.push(`${name} ${times.shift()}`),
  };
}

it('goes by the first packet of each batch, over all interfaces', () => {
  const delivered: string[] = [];
  const captures = [capture('lo', [3, 4, 9], delivered), capture('eth0', [1, 8], delivered), capture('eth1', [], [])];
  for (let i = 0; i < 6; i++) deliverEarliest(captures);
  expect(delivered).toEqual(['eth0 1', 'lo 3', 'lo 4', 'eth0 8', 'lo 9']);
});

it('delivers a batch without packets, which is in the way, first', () => {
  const delivered: string[] = [];
  const captures = [capture('lo', [3], delivered), capture('eth0', [Number.NEGATIVE_INFINITY, 2], delivered)];
  for (let i = 0; i < 3; i++) deliverEarliest(captures);
  expect(delivered).toEqual(['eth0 -Infinity', 'eth0 2', 'lo 3']);
});
