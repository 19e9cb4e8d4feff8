/** `--log-level debug`: each connection and each export, never a packet; many of them in few lines. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { captureFile, conversation, type Turn } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { startScriptedSatellite } from '../support/relay.js';

const directory = mkdtempSync(join(tmpdir(), 'debug-log-'));
afterAll(() => rmSync(directory, { recursive: true }));

const EXCHANGE: readonly Turn[] = [
  ['client', 'GET /one HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
];
const TLS: readonly Turn[] = [['client', '\x16\x03\x01\0\x05hello']];
const CLOSE_PACKETS = 3;
const RST = 0x04;

const at = (client: number, turns = EXCHANGE) => conversation(turns, { client, server: 8080 });
function reset(packets: Buffer[]): Buffer[] {
  const last = packets[packets.length - CLOSE_PACKETS] as Buffer;
  last[47] = RST;
  return packets.slice(0, 1 - CLOSE_PACKETS);
}

async function debugLines(packets: Buffer[], ...flags: string[]) {
  const path = join(directory, 'capture.pcap');
  writeFileSync(path, captureFile(packets));
  const args = ['apidump', '--read', path, '--log-format', 'json', '--log-level', 'debug', ...flags];
  const { code, stderr } = await runCommand(args);
  expect(code, stderr).toBe(0);
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ level }) => level === 'debug')
    .map(({ level: _, time: __, ...line }) => line);
}

it('says of each connection that it is followed, what it speaks and how it ended', async () => {
  const packets = [
    ...at(40_000),
    ...reset(at(40_001)),
    ...at(40_002, TLS),
    // Joined in the middle, and still open at the end.
    ...at(40_003).slice(3, -CLOSE_PACKETS),
  ];
  const lines = await debugLines(packets, '--output', 'ndjson:/dev/null');
  const of = (port: number) =>
    lines.flatMap(({ first, second, msg, begins, protocol, why, bytes }) =>
      first === `10.0.0.1:${port}` && second === '10.0.0.2:8080' && msg.startsWith('connection')
        ? [[begins, protocol, why, bytes].filter((one) => one !== undefined)]
        : [],
    );
  expect(of(40_000)).toEqual([['at its start'], ['http/1'], ['both sides are done', [30, 27]]]);
  expect(of(40_001)).toEqual([['at its start'], ['http/1'], ['reset', [30, 27]]]);
  expect(of(40_002)).toEqual([['at its start'], ['tls'], ['both sides are done', [10, 0]]]);
  expect(of(40_003)).toEqual([['in the middle'], ['http/1'], ['the capture ended', [30, 27]]]);
});

it('says of each export what was sent, how long it took and what was answered', async () => {
  const satellite = await startScriptedSatellite();
  const lines = await debugLines(at(40_000), '--satellite-url', satellite.url, '--satellite-protocol', 'otlp');
  await satellite.close();
  expect(lines.filter(({ msg }) => msg.startsWith('export'))).toEqual([
    {
      ...{
        protocol: 'otlp',
        traces: 1,
        bytes: expect.any(Number),
        coding: 'gzip',
        millis: expect.any(Number),
      },
      ...{ answer: 'delivered', msg: 'export: a batch was sent' },
    },
  ]);
});

it('takes few lines for many connections', async () => {
  const packets = Array.from({ length: 1000 }, (_, i) => at(10_000 + i)).flat();
  const lines = await debugLines(packets, '--output', 'ndjson:/dev/null');
  expect(lines.length).toBeGreaterThanOrEqual(60);
  expect(lines.length).toBeLessThan(300);
});
