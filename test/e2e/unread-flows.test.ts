/**
 * Connections that are not read are said beside the exchanges that are, by port, however they begin and whenever they are joined.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { captureFile, conversation, type Turn } from '../support/capture-file.js';
import { runCommand, startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { ethernet, hex, ipv4, udp } from '../support/packets.js';

const directory = mkdtempSync(join(tmpdir(), 'unread-flows-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PREFACE: Turn = ['client', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'];
const SETTINGS: Turn = ['server', '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d'];
/** `GET /` and `200`, from the static table; DATA ends the stream. */
const HEADERS: Turn = ['client', '\0\0\x03\x01\x05\0\0\0\x07\x82\x84\x86'];
const DATA: Turn = ['server', '\0\0\x01\x01\x04\0\0\0\x07\x88\0\0\x02\0\x01\0\0\0\x07ok'];
const TLS: Turn = ['client', '\x16\x03\x01\0\x05hello'];
const HANDSHAKE_PACKETS = 3;
/** Four datagrams of one connection over QUIC, as a server's packets with a short header begin (RFC 9001, A.5). */
const QUIC = Array.from({ length: 4 }, () =>
  ethernet(0x0800, ipv4({ protocol: 17 }, udp(443, hex('4cfe4189655e5cd55c41f69080575d7999c25a5bfb')))),
);

const to = (server: number, client: number) => ({ server, client });
const whole = (turns: readonly Turn[], ports: { server: number; client: number }) => conversation(turns, ports);
const joinedLater = (turns: readonly Turn[], ports: { server: number; client: number }) =>
  conversation(turns, ports).slice(HANDSHAKE_PACKETS);

it('names them in the summary, and none that is read', async () => {
  const file = join(directory, 'mixed.pcap');
  const packets = [
    whole(
      [
        ['client', 'GET /health HTTP/1.1\r\nHost: h\r\n\r\n'],
        ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
      ],
      to(8080, 40_000),
    ),
    whole([PREFACE, SETTINGS, HEADERS, DATA], to(8000, 40_001)),
    whole([SETTINGS, PREFACE, HEADERS, DATA], to(8000, 40_002)),
    joinedLater([HEADERS, DATA], to(8000, 40_003)),
    joinedLater([DATA, HEADERS], to(8000, 40_004)),
    whole([TLS], to(8443, 40_005)),
    whole([['client', 'hello world, this is no HTTP\n']], to(9000, 40_006)),
    whole(
      [
        ['client', 'GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: example\r\n\r\n'],
        ['server', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: example\r\n\r\n'],
        ['server', '\x81\x02hi'],
      ],
      to(8081, 40_007),
    ),
    QUIC,
  ].flat();
  writeFileSync(file, captureFile(packets));
  const { code, stderr } = await runCommand(['apidump', '--read', file, '--output', 'ndjson', '--log-format', 'text']);
  expect(code).toBe(0);
  const said = stderr.split('\n').filter((line) => line.startsWith('connections not read'));
  expect(said.map((line) => line.replace(/ {2,}/, ' ')).toSorted()).toEqual([
    'connections not read: QUIC (HTTP/3), port 443 1',
    'connections not read: TLS, port 8443 1',
    'connections not read: WebSocket or another upgrade, port 8081 1',
    'connections not read: no HTTP, port 9000 1',
  ]);
  expect(stderr).toMatch(/^exchanges seen +6$/m);
  expect(stderr).toMatch(/^ {2}not read: IP protocol 17 \(UDP\) +4$/m);
});

it('counts connections over QUIC live, by the packets with which they begin', needs('capture'), async () => {
  const server = createSocket('udp4');
  const clients = [createSocket('udp4'), createSocket('udp4')];
  onTestFinished(() => {
    for (const socket of [server, ...clients]) socket.close();
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const child = startCommand([
    ...['apidump', '--interfaces', 'lo', '--output', 'ndjson:/dev/null', '--filter', `udp port ${port}`],
    ...['--log-format', 'text', '--health-port', '0'],
  ]);
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  while (!log.includes('capturing on')) await once(child.stderr, 'data');
  // The first of RFC 9001, A.2, filled up to what a client's has; then one with a short header, which is not taken.
  const initial = Buffer.concat([hex('c000000001088394c8f03e5157080000449e7b9aec34'), Buffer.alloc(1178)]);
  const sendAll = async (payload: Buffer) => {
    for (const client of clients)
      await new Promise<void>((resolve) => client.send(payload, port, '127.0.0.1', () => resolve()));
  };
  await sendAll(initial);
  await sendAll(Buffer.concat([hex('4c'), Buffer.alloc(40)]));
  const health = /port=(\d+)/.exec(log)?.[1];
  for (let metrics = ''; !/packets_quic_total 2/.test(metrics); )
    metrics = await (await fetch(`http://127.0.0.1:${health}/metrics`)).text();
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
  expect(log).toMatch(new RegExp(`^connections not read: QUIC \\(HTTP/3\\), port ${port} +2$`, 'm'));
  expect(log).toMatch(/^packets seen +2$/m);
});
