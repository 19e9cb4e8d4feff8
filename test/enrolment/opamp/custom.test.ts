import { describe, expect, it } from 'vitest';
import { CUSTOM_BYTES_MAX, CustomQueue } from '../../../src/enrolment/opamp/custom.js';

describe('custom messages that wait', () => {
  it('leave in order, and the oldest goes when there are too many', () => {
    const queue = new CustomQueue();
    for (let index = 0; index < 20; index++) queue.add('a', { type: String(index), data: new Uint8Array() });
    queue.add('a', null);
    expect(queue.length).toBe(16);
    expect(queue.dropped).toBe(4);
    expect(queue.next()?.type).toBe('4');
  });

  it('are dropped where they are too long', () => {
    const queue = new CustomQueue();
    queue.add('a', { type: 't', data: new Uint8Array(CUSTOM_BYTES_MAX + 1) });
    expect(queue.next()).toBeUndefined();
    expect(queue.dropped).toBe(1);
  });
});
