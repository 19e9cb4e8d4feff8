/** What strangers can make outputs hold: tiny packets count with what is around them, and names are of a bounded number. */
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { createOrderWindow } from '../../../src/packets/outputs/order-window.js';
import { createOutputBook, type PacketOutput, type PacketRun } from '../../../src/packets/outputs/packet-output.js';
import { createRunEncoder } from '../../../src/packets/outputs/run-encoder.js';
import { record } from '../../support/stream-ends.js';

const runOf = (seconds: number, name = 'a'): PacketRun => ({
  origin: { name, key: name },
  ...{ linkType: 1, records: record(seconds, ''), packets: 1, frame: null },
});

it('a window lets go of packets that are tiny when the objects around them take too much', async () => {
  let passed = 0;
  const output: PacketOutput = {
    ...{ name: 'counts', book: createOutputBook(), drained: () => undefined, close: async () => {} },
    take: ({ packets }) => {
      passed += packets;
    },
  };
  const clock = { ...systemClock, now: () => 0, every: () => () => {} };
  const connected = () => new Set(['a', 'b']);
  const window = createOrderWindow({ output, windowMillis: 3_600_000, clock, connected, bytesMax: 1 << 20 });
  const count = 5000;
  for (let i = 0; i < count; i++) window.take(runOf(i));
  // 1 MiB of some 270 bytes each.
  expect(count - passed).toBeLessThan(4000);
  expect(passed).toBeGreaterThan(0);
  await window.close(0);
  expect(passed).toBe(count);
});

it('a pcapng file describes a bounded number of interfaces, of which further sensors share one', () => {
  const encoder = createRunEncoder('pcapng', 65_535);
  encoder.begin(1);
  const interfaceOf = (name: string) => {
    const bytes = encoder.encode(runOf(1, name)) as Buffer;
    const isNew = bytes.readUInt32LE(0) === 1;
    const at = isNew ? bytes.readUInt32LE(4) : 0;
    return { isNew, number: bytes.readUInt32LE(at + 8) };
  };
  for (let i = 0; i < 4096; i++) expect(interfaceOf(`sensor ${i}`)).toEqual({ isNew: true, number: i });
  expect(interfaceOf('one more')).toEqual({ isNew: true, number: 4096 });
  expect(interfaceOf('and another')).toEqual({ isNew: false, number: 4096 });
  expect(interfaceOf('sensor 7')).toEqual({ isNew: false, number: 7 });
});
