/**
 * Who the client of an exchange is, from packets to what outputs say of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { captureFile, conversation, type Turn } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';

const directory = mkdtempSync(join(tmpdir(), 'client-'));
afterAll(() => rmSync(directory, { recursive: true }));
let satellite: Satellite | null = null;
afterEach(() => satellite?.close());

/** `client` of what the sensor makes of a connection from 10.0.0.1 with these turns. */
async function clientsOf(turns: readonly Turn[], ...args: string[]): Promise<unknown[]> {
  const file = join(directory, 'one.pcap');
  writeFileSync(file, captureFile(conversation(turns)));
  const { stdout, stderr, code } = await runCommand(['apidump', '--read', file, '--output', 'ndjson', ...args]);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { client: unknown }).client);
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n';
const ANSWER: Turn = ['server', 'HTTP/1.1 204 No Content\r\n\r\n'];
const V1 = 'PROXY TCP4 203.0.113.7 10.0.0.9 46532 80\r\n';

function v2(command: number, family: number, addresses: Buffer, more = ''): string {
  const rest = Buffer.concat([addresses, Buffer.from(more)]);
  const head = Buffer.from([0x20 | command, family, rest.length >> 8, rest.length & 255]);
  return `\r\n\r\n\0\r\nQUIT\n${head.toString('latin1')}${rest.toString('latin1')}`;
}

const V4_ADDRESSES = Buffer.from([203, 0, 113, 8, 10, 0, 0, 9, 0x1f, 0x90, 0, 80]);
const V6_ADDRESSES = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('fd000000000000000000000000000009', 'hex'),
  Buffer.from([0x1f, 0x90, 0, 80]),
]);

const PEER = { address: '10.0.0.1', port: 40_000, source: 'peer' };
const proxied = (address: string, port: number) => ({ address, port, source: 'proxy-protocol' });

it.each<[string, string, unknown]>([
  ['none', '', PEER],
  ['version 1', V1, proxied('203.0.113.7', 46_532)],
  ['version 1 over IPv6', 'PROXY TCP6 2001:DB8::7 fd00::9 5 80\r\n', proxied('2001:db8::7', 5)],
  ['version 1 of an unknown kind', 'PROXY UNKNOWN 6.6.6.6 6.6.6.6 1 2\r\n', PEER],
  ['version 1 with no address', 'PROXY TCP4 a.example 10.0.0.9 1 80\r\n', PEER],
  ['version 1 of the wrong family', 'PROXY TCP4 2001:db8::7 fd00::9 5 80\r\n', PEER],
  ['version 1 with no port', 'PROXY TCP4 203.0.113.7 10.0.0.9 70000 80\r\n', PEER],
  ['version 2', v2(1, 0x11, V4_ADDRESSES), proxied('203.0.113.8', 8080)],
  ['version 2 with more behind', v2(1, 0x11, V4_ADDRESSES, '\x04\0\x01x'), proxied('203.0.113.8', 8080)],
  ['version 2 over IPv6', v2(1, 0x21, V6_ADDRESSES), proxied('2001:db8::7', 8080)],
  ["version 2 of the balancer's own", v2(0, 0x11, V4_ADDRESSES), PEER],
  ['version 2 of a socket with a path', v2(1, 0x31, Buffer.alloc(216, 'x')), PEER],
  ['version 2 that is too short', v2(1, 0x21, V4_ADDRESSES), PEER],
  [
    'two, the nearer of which names a proxy',
    `PROXY TCP4 10.9.9.9 10.0.0.9 1 80\r\n${V1}`,
    proxied('203.0.113.7', 46_532),
  ],
  [
    'two, the nearer of which names the client',
    `${V1}PROXY TCP4 6.6.6.6 10.0.0.9 1 80\r\n`,
    proxied('203.0.113.7', 46_532),
  ],
])('is by the PROXY header: %s', async (_what, header, client) => {
  expect(await clientsOf([['client', `${header}${REQUEST}`], ANSWER])).toEqual([client]);
});

it('is by a PROXY header in a segment of its own, in pieces, and for each exchange of the connection', async () => {
  for (const pieces of [[V1], [V1.slice(0, 3), V1.slice(3, 20), V1.slice(20)]]) {
    const turns = pieces.map((piece): Turn => ['client', piece]);
    const clients = await clientsOf([...turns, ['client', REQUEST], ANSWER, ['client', REQUEST], ANSWER]);
    expect(clients).toEqual([proxied('203.0.113.7', 46_532), proxied('203.0.113.7', 46_532)]);
  }
});

const VIA: Turn = [
  'client',
  'GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.7, 198.51.100.9\r\n\r\n',
];

it.each<[string[], string]>([
  [[], '198.51.100.9'],
  [['--trusted-proxies', 'private', '--trusted-proxies', '198.51.100.0/24'], '203.0.113.7'],
  [['--trusted-proxies', '10.0.0.1,198.51.100.9'], '203.0.113.7'],
  [['--trusted-proxies', '198.51.100.0/24'], '10.0.0.1'],
  [['--trusted-proxies', 'none'], '10.0.0.1'],
  // What is replaced names nobody.
  [['--redact-header', 'x-forwarded-for'], '10.0.0.1'],
])('is by %j', async (args, address) => {
  expect(await clientsOf([VIA, ANSWER], ...args)).toEqual([expect.objectContaining({ address })]);
});

it('is what a satellite gets, by either protocol, with the claim in its header', async () => {
  const file = join(directory, 'sent.pcap');
  writeFileSync(file, captureFile(conversation([VIA, ANSWER])));
  for (const protocol of ['otlp', 'levo']) {
    satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10 });
    const to = ['--satellite-url', satellite.url, '--satellite-protocol', protocol];
    expect((await runCommand(['apidump', '--read', file, ...to])).code).toBe(0);
    const text = JSON.stringify(satellite.traces);
    expect(text).toContain(
      protocol === 'levo'
        ? '"client_ip":"198.51.100.9"'
        : '{"key":"client.address","value":{"stringValue":"198.51.100.9"}}',
    );
    expect(text).not.toContain('"client.port"');
    expect(text).toContain('6.6.6.6, 203.0.113.7, 198.51.100.9');
    await satellite.close();
  }
});
