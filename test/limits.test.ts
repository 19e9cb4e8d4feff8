import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, sensorLimits } from '../src/limits.js';

const MIB = 2 ** 20;
const options = {
  streamTimeoutSeconds: 10,
  responseTimeoutSeconds: 300,
  streamWindowSeconds: 60,
  streamMessages: 32,
  maxHttpLength: 1000,
  maxMemory: null,
};

describe('sensorLimits', () => {
  it.each([
    ['a third of a small task', 200 * MIB, null, Math.floor((200 * MIB) / 3)],
    ['no more than 256 MiB of a large one', 16_384 * MIB, null, 256 * MIB],
    ['what the option says, whatever the task has', 16_384 * MIB, 64 * MIB, 64 * MIB],
  ])('shares out %s', (_, limit, maxMemory, expected) => {
    const limits = sensorLimits({ ...options, maxMemory }, limit);
    expect(limits.memory_bytes_max + limits.queue_bytes_max).toBe(expected);
    expect(limits.reorder_bytes_max).toBe(Math.floor(limits.memory_bytes_max / 2));
    expect(limits.queue_bytes_max).toBeGreaterThan(0);
    expect(limits.queue_bytes_max).toBeLessThanOrEqual(limits.memory_bytes_max / 3 + 1);
  });

  it.each<[string, number | null, number | null, number, number, number]>([
    ['ten megabytes where they fit', null, null, 16_384, 10_000_000, 32 * MIB],
    ['less where they do not', null, 64 * MIB, 512, Math.floor((64 * MIB) / 17), 16 * MIB],
    ['less in a small task', null, null, 200, Math.floor(Math.floor((200 * MIB) / 3) / 17), 17_476_266],
    ['what was asked for', 50_000, 64 * MIB, 512, 50_000, 16 * MIB],
    ['what was asked for, and a queue that holds two of them', 50_000_000, 1024 * MIB, 512, 50_000_000, 133_333_334],
  ])('keeps of a body %s', (_, maxHttpLength, maxMemory, taskMebibytes, body, queue) => {
    const limits = sensorLimits({ ...options, maxHttpLength, maxMemory }, taskMebibytes * MIB);
    expect([limits.body_bytes_max, limits.queue_bytes_max]).toEqual([body, queue]);
  });

  it('remembers a flow longer than its response is waited for, so that a late one is known', () => {
    const of = (responseTimeoutSeconds: number) => sensorLimits({ ...options, responseTimeoutSeconds }, 200 * MIB);
    expect(of(300)).toMatchObject({ response_timeout_nanos: 300e9, flow_idle_nanos: 600e9 });
    expect(of(1)).toMatchObject({ response_timeout_nanos: 1e9, flow_idle_nanos: 600e9 });
    expect(of(3600)).toMatchObject({ response_timeout_nanos: 3600e9, flow_idle_nanos: 7200e9 });
  });

  it('relates its caps', () => {
    const limits = DEFAULT_LIMITS;
    expect(limits.head_bytes_max).toBeGreaterThan(65_536);
    expect(limits.reorder_bytes_max).toBeLessThan(limits.memory_bytes_max);
    expect(limits.batch_bytes_max).toBeLessThan(limits.queue_bytes_max);
    expect(limits.flow_quiet_nanos).toBeLessThan(limits.response_timeout_nanos);
    expect(limits.flow_idle_nanos).toBeGreaterThanOrEqual(2 * limits.response_timeout_nanos);
    expect(limits.trailer_bytes_max).toBeLessThan(limits.head_bytes_max);
  });
});
