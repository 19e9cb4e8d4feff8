/** Captures by packets with times: what ends them, what they have, and the files that the stock program wrote for the same. */
import { describe, expect, it } from 'vitest';
import type { CaptureFormat } from '../../../../src/capture/packet-encoder.js';
import { createPacketView } from '../../../../src/capture/packet-view.js';
import {
  CaptureJob,
  type FinishedCapture,
  UNDER_WAY_NANOS,
} from '../../../../src/packets/trigger/capture/capture-job.js';
import { CaptureWriter } from '../../../../src/packets/trigger/capture/capture-writer.js';
import { bytesNeeded } from '../../../../src/packets/trigger/capture/captures.js';
import type { CapturePlan } from '../../../../src/packets/trigger/message/admission.js';

const ETH = { name: 'cap0', linkType: 1 };
const PLAN: CapturePlan = {
  ...{ interfaceName: 'cap0', aliases: [], filter: '', snapLength: 1500, packetsMax: 50, bytesMax: 100_000 },
  ...{ timeoutSeconds: 3, durationSeconds: 12, beforeSeconds: 0 },
};
const TRIGGER = 100e9;

interface Given {
  readonly plan?: Partial<CapturePlan>;
  /** Bytes of each packet, and the seconds since the message that it comes at. */
  readonly packets: readonly (readonly [bytes: number, seconds: number])[];
  readonly format?: CaptureFormat;
  readonly filter?: (bytes: Buffer, offset: number, captured: number, wire: number) => boolean;
  /** The time at the end, in seconds since the message. */
  readonly until?: number;
}

function capture({ plan = {}, packets, format = 'pcap', filter, until }: Given): FinishedCapture | null {
  const whole = { ...PLAN, ...plan };
  let finished: FinishedCapture | null = null;
  const job = new CaptureJob({
    plan: whole,
    writer: new CaptureWriter({ format, snapLength: whole.snapLength, isOfAny: false }),
    filterFor: () => filter ?? null,
    triggerTime: TRIGGER,
    onFinished: (one) => {
      expect(finished).toBeNull();
      finished = one;
    },
  });
  const view = createPacketView();
  for (const [bytes, seconds] of packets) {
    view.bytes = Buffer.alloc(bytes, 7);
    view.captured = view.wire = bytes;
    const time = TRIGGER + seconds * 1e9;
    job.noteTime(time - 1);
    job.offer(view, time, ETH);
  }
  if (until !== undefined) job.noteTime(TRIGGER + until * 1e9);
  return finished;
}

/** 20 packets a second, in turn 60 and 1400 bytes long, as they came when the stock program was recorded. */
const steady = (seconds: number): [number, number][] =>
  Array.from({ length: seconds * 20 }, (_, i) => [i % 2 === 0 ? 60 : 1400, 0.02 + i / 20]);

const fileOf = ({ pieces }: FinishedCapture) => Buffer.concat([...pieces]);

describe('with the traffic of the recordings', () => {
  it.each<[name: string, plan: Partial<CapturePlan>, packets: number, bytes: number, reason: string]>([
    ['packets', { packetsMax: 10 }, 10, 7484, 'packets'],
    ['snap-absent', { packetsMax: 10, snapLength: 500 }, 10, 2984, 'packets'],
    ['snap-60', { packetsMax: 10, snapLength: 64 }, 10, 804, 'packets'],
    ['bytes', { packetsMax: 10, bytesMax: 2000 }, 4, 3008, 'bytes'],
    ['bytes-small', { packetsMax: 10, bytesMax: 10 }, 1, 100, 'bytes'],
    ['bytes-and-packets', { packetsMax: 2, bytesMax: 100 }, 1, 100, 'bytes'],
    ['timeout-4-traffic', { packetsMax: 50, timeoutSeconds: 4 }, 50, 37_324, 'packets'],
    // These two are what the words of the message promise, and the stock program does not keep: it wrote nothing.
    ['duration-1', { durationSeconds: 1 }, 20, 14_944, 'duration'],
    ['timeout-1-traffic', { packetsMax: 10, timeoutSeconds: 1 }, 10, 7484, 'packets'],
  ])('%s', (_name, plan, packets, bytes, reason) => {
    const finished = capture({ plan, packets: steady(6) });
    expect(finished).toMatchObject({ packets, bytes, reason, linkType: 1 });
    expect(finished && fileOf(finished).length).toBe(bytes);
  });

  it('has all the packets of its duration that the filter takes, where the stock program had three seconds of five', () => {
    const filter = (_bytes: Buffer, _offset: number, captured: number) => captured < 100;
    const finished = capture({
      plan: { packetsMax: 60, durationSeconds: 5, timeoutSeconds: 9 },
      packets: steady(6),
      filter,
    });
    expect(finished).toMatchObject({ packets: 50, reason: 'duration' });
  });
});

it('says in its header what it was cut to, and what link type it has', () => {
  const finished = capture({ plan: { packetsMax: 1, snapLength: 9000 }, packets: [[60, 0]] });
  const file = finished && fileOf(finished);
  expect(file?.readUInt32LE(16)).toBe(9000);
  expect(file?.readUInt32LE(20)).toBe(1);
});

it('ends at a gap that is longer than its timeout, without the packet behind it', () => {
  expect(
    capture({
      plan: { timeoutSeconds: 2 },
      packets: [
        [60, 0.5],
        [60, 2.4],
        [60, 4.5],
      ],
    }),
  ).toMatchObject({
    ...{ packets: 2, reason: 'timeout' },
  });
});

it('ends at a timeout or a duration without a packet as soon as none can be under way any more', () => {
  const late = UNDER_WAY_NANOS / 1e9;
  expect(capture({ plan: { timeoutSeconds: 1 }, packets: [], until: 0.99 + late })).toBeNull();
  expect(capture({ plan: { timeoutSeconds: 1 }, packets: [], until: 1 + late })).toMatchObject({
    packets: 0,
    reason: 'timeout',
    pieces: [],
  });
  expect(capture({ plan: { durationSeconds: 1 }, packets: [], until: 1 + late })).toMatchObject({
    packets: 0,
    reason: 'duration',
  });
});

it('takes a packet of its duration that comes late', () => {
  expect(
    capture({
      plan: { durationSeconds: 1 },
      packets: [
        [60, 0.999_999],
        [60, 1.000_001],
      ],
    }),
  ).toMatchObject({
    ...{ packets: 1, reason: 'duration' },
  });
});

it('begins before the message by as much as was asked for, and counts its gaps from the message', () => {
  const packets: [number, number][] = [
    [60, -31],
    [60, -29],
    [60, -5],
    [60, 0.5],
  ];
  const finished = capture({ plan: { beforeSeconds: 30, durationSeconds: 1 }, packets, until: 3 });
  expect(finished).toMatchObject({ packets: 3, firstTime: TRIGGER - 29e9, lastTime: TRIGGER + 0.5e9 });
  expect(capture({ plan: { durationSeconds: 1 }, packets, until: 3 })).toMatchObject({ packets: 1 });
});

it('never comes to more than is set aside for it', () => {
  for (const format of ['pcap', 'pcapng'] as const) {
    for (const plan of [{ packetsMax: 50 }, { bytesMax: 3000 }, { packetsMax: 50, snapLength: 64 }]) {
      const finished = capture({ plan, packets: steady(6), format });
      expect(finished?.bytes).toBeLessThanOrEqual(bytesNeeded({ ...PLAN, ...plan }));
    }
  }
});
