/** Two real sensors that see the same connections of a veth pair, one of them killed half way: each is told of once, or counted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runOnce } from '../../bench/fleet/once.js';
import { needs } from '../support/needs.js';

const PROGRAM = join(import.meta.dirname, '../../bin/pcap-sensor');

describe('a connection that two sensors see', needs('capture', 'namespaces', 'ip', 'sysctl'), () => {
  it('is told of once, but for those that were left to one that was killed, which are counted', {
    timeout: 180_000,
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'once-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const connections = 1500;
    const result = await runOnce({
      ...{ connections, perSecond: 100, at: ['server', 'server'] },
      ...{ directory, program: PROGRAM },
    });
    const { 0: lost = 0, 1: once = 0 } = result.toldOf;
    expect(result.toldOf, JSON.stringify(result)).toEqual(lost === 0 ? { 1: once } : { 0: lost, 1: once });
    expect(lost + once).toBe(connections);
    expect(result.left).toBeGreaterThan(connections / 10);
    expect(result.counted).toBeGreaterThanOrEqual(lost);
    expect(result.lostAfter).toBe(0);
    expect(result.takeoverMillis).toBeLessThan(10_000);
  });
});
