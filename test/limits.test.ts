import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, sensorLimits } from '../src/limits.js';

const MIB = 2 ** 20;
const options = { streamTimeoutSeconds: 10, maxHttpLength: 1000, maxMemory: null };

describe('sensorLimits', () => {
  it.each([
    ['a third of a small task', 200 * MIB, null, Math.floor((200 * MIB) / 3)],
    ['no more than 256 MiB of a large one', 16_384 * MIB, null, 256 * MIB],
    ['what the option says, whatever the task has', 16_384 * MIB, 64 * MIB, 64 * MIB],
  ])('shares out %s', (_, limit, maxMemory, expected) => {
    const limits = sensorLimits({ ...options, maxMemory }, limit);
    expect(limits.memory_bytes_max + limits.queue_bytes_max).toBe(expected);
    expect(limits.queue_bytes_max).toBeGreaterThan(0);
    expect(limits.queue_bytes_max).toBeLessThanOrEqual(limits.memory_bytes_max / 3 + 1);
  });

  it('relates its caps', () => {
    const limits = DEFAULT_LIMITS;
    expect(limits.head_bytes_max).toBeGreaterThan(65_536);
    expect(limits.reorder_bytes_max).toBeLessThan(limits.memory_bytes_max);
    expect(limits.batch_bytes_max).toBeLessThan(limits.queue_bytes_max);
    expect(limits.trailer_bytes_max).toBeLessThan(limits.head_bytes_max);
  });
});
