/**
 * The kinds of fault that other tools of this sort were reported for, each in variations: other methods, positions in
 * the connection, ends, orders, both IP versions.
 *
 * Every variation is read as a file by the whole sensor, over IPv4, over IPv6, and with each packet captured twice. One
 * that is not right yet stands in `KNOWN_FAILURES` and fails here when it becomes right, so that the list only shrinks.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type NdjsonTrace, readWithSensor } from '../../support/read-with-sensor.js';
import { type Claim, compare } from '../claims.js';
import { shrinkingList } from '../shrinking-list.js';
import { ASIDES } from './asides.js';
import { BODIES } from './bodies.js';
import { CODINGS } from './codings.js';
import { ENDINGS } from './endings.js';
import { FRAMING } from './framing.js';
import { KNOWN_FAILURES } from './known-failures.js';
import { LINKS } from './links.js';
import { LOSS } from './loss.js';
import { PAIRING } from './pairing.js';
import { pcapng } from './pcapng.js';
import { ROUTES } from './routes.js';
import { STARTS } from './starts.js';
import { type CapturedPacket, overIpv6, type Variation } from './variation.js';
import { WAITING } from './waiting.js';

const KINDS = [
  ...PAIRING,
  ...ASIDES,
  ...LOSS,
  ...BODIES,
  ...FRAMING,
  ...CODINGS,
  ...STARTS,
  ...ENDINGS,
  ...WAITING,
  ...ROUTES,
  ...LINKS,
];
const directory = mkdtempSync(join(tmpdir(), 'kinds-'));
afterAll(() => rmSync(directory, { recursive: true }));

const judge = shrinkingList(join(import.meta.dirname, 'known-failures.ts'), KNOWN_FAILURES);

for (const { kind, variations } of KINDS) {
  describe(kind, () => {
    for (const variation of variations) {
      it(variation.name, async () => {
        judge(`${kind}: ${variation.name}`, await disagreementOf(variation));
      });
    }
  });
}

it('has at least five variations of each kind, each with its reason, and no other names in the list', () => {
  expect(KINDS.filter(({ variations }) => variations.length < 5).map(({ kind }) => kind)).toEqual([]);
  const names = KINDS.flatMap(({ kind, variations }) => variations.map(({ name }) => `${kind}: ${name}`));
  expect(new Set(names).size).toBe(names.length);
  expect(KNOWN_FAILURES.filter((name) => !names.includes(name))).toEqual([]);
  for (const { variations } of KINDS) for (const { why } of variations) expect(why.length).toBeGreaterThanOrEqual(8);
});

/** What the sensor gets wrong in any of the views of the variation, or null. */
async function disagreementOf(variation: Variation): Promise<unknown> {
  for (const [view, packets] of Object.entries(viewsOf(variation.packets))) {
    try {
      await check(variation, packets);
    } catch (error) {
      (error as Error).message = `${view}: ${(error as Error).message}\n${variation.why}`;
      return error;
    }
  }
  return null;
}

function viewsOf(packets: readonly CapturedPacket[]): Record<string, readonly CapturedPacket[]> {
  const views: Record<string, readonly CapturedPacket[]> = { 'as it is': packets };
  // Only what is plain Ethernet with IPv4 from the one client to the one server can be told another way.
  const isPlain = packets.every(({ frame, linkType = 1 }) => linkType === 1 && isPlainFrame(frame));
  if (isPlain && packets.length > 0) {
    views['over IPv6'] = overIpv6(packets);
    views['each packet twice'] = packets.flatMap((packet) => [packet, packet]);
  }
  return views;
}

function isPlainFrame(frame: Buffer): boolean {
  if (frame.readUInt16BE(12) !== 0x0800 || frame.readUInt8(14) !== 0x45 || frame.readUInt8(23) !== 6) return false;
  const ends = [frame.readUInt32BE(26), frame.readUInt32BE(30)].sort();
  return ends[0] === 0x0a090001 && ends[1] === 0x0a090002;
}

async function check(variation: Variation, packets: readonly CapturedPacket[]): Promise<void> {
  const file = join(directory, 'variation.pcapng');
  writeFileSync(file, pcapng(packets));
  const reading = await readWithSensor(file);
  const traces = withoutOptional(reading.traces, variation);
  const { right, seen } = compare(variation.right, traces);
  expect(seen).toEqual(right);
  variation.also?.(reading);
}

/** Without the exchanges that may be there and are as they may be. */
function withoutOptional(traces: readonly NdjsonTrace[], { may = [] }: Variation): NdjsonTrace[] {
  return traces.filter((trace) => !may.some((claim) => isAs(claim, trace)));
}

function isAs(claim: Claim, trace: NdjsonTrace): boolean {
  const { right, seen } = compare([claim], [trace]);
  return right[0] === seen[0];
}
