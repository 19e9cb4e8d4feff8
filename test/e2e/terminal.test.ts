/**
 * What a stranger can put on the terminal of who runs the sensor: nothing that steers it, by whatever way it comes.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const HOSTILE = '\u001b]0;pwned\u0007\u001b[2J\u001b[31mX\u001b[0m\r\nFAKE\u009b31m\u0085\u202e\u2066\u200b';

const directory = mkdtempSync(join(tmpdir(), 'terminal-'));
afterAll(() => rmSync(directory, { recursive: true }));

const PACKETS = conversation([
  ['client', 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n'],
  ['server', 'HTTP/1.1 204 No Content\r\n\r\n'],
]);
const FILE = join(directory, 'one.pcap');
writeFileSync(FILE, captureFile(PACKETS));

let server: Server | null = null;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  if (server !== null) await new Promise((resolve) => server?.close(resolve));
  server = null;
});

/** The URL of a satellite that answers every request so; `answer` gets the whole request, and the socket to answer on. */
async function satelliteThat(answer: (socket: Socket) => void): Promise<string> {
  const made = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let request = '';
    socket.on('data', (chunk) => {
      request += chunk.toString('latin1');
      const length = /content-length: (\d+)\r\n/i.exec(request);
      const head = request.indexOf('\r\n\r\n');
      if (head >= 0 && request.length >= head + 4 + Number(length?.[1] ?? 0)) answer(socket);
    });
  });
  server = made;
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

const answered = (head: string, body: string) => (socket: Socket) =>
  void socket.end(`HTTP/1.1 ${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);

/** Lines of printable characters, none of them long, none of them begun by a stranger. */
function expectHarmless(text: string): void {
  expect(text).toMatch(/^[\n\P{C}]*$/u);
  for (const line of text.split('\n')) {
    expect(Buffer.byteLength(line)).toBeLessThan(8192);
    expect(line.startsWith('FAKE'), line).toBe(false);
  }
}

const ANSWERS: readonly [what: string, answer: (socket: Socket) => void][] = [
  ['the body of a refusal', answered('400 Bad\r\nContent-Type: text/plain', HOSTILE)],
  [
    'a partial success',
    answered(
      '200 OK\r\nContent-Type: application/json',
      JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: HOSTILE } }),
    ),
  ],
  ['a redirection', answered('302 Found\r\nLocation: http://x/\u00ff%1b\u009b', '')],
  ['a reason phrase', answered(`400 ${HOSTILE.replaceAll(/[\r\n]/g, '')}`, '\u001b[m')],
  ['no HTTP at all', (socket) => void socket.end('\u001b[31mnot http\r\n\r\n')],
  ['a long refusal', answered('400 Bad', 'A'.repeat(1e6))],
  [
    'a long partial success',
    answered('200 OK', `{"partialSuccess":{"rejectedSpans":1,"errorMessage":"${'ä'.repeat(3e4)}"}}`),
  ],
];

it.each(ANSWERS)('shows a satellite that answers with %s', async (_what, answer) => {
  const url = await satelliteThat(answer);
  for (const format of ['text', 'json']) {
    const args = ['apidump', '--read', FILE, '--satellite-url', url, '--satellite-protocol', 'otlp'];
    const { stderr } = await runCommand([
      ...args,
      '--log-format',
      format,
      '--log-level',
      'debug',
      '--shutdown-timeout',
      '1',
    ]);
    expect(stderr).not.toBe('');
    expectHarmless(stderr);
    if (format === 'json') for (const line of stderr.trimEnd().split('\n')) JSON.parse(line);
  }
});

it.each(ANSWERS)(
  'lets the doctor tell of a satellite that answers with %s',
  needs('capture'),
  async (_what, answer) => {
    const url = await satelliteThat(answer);
    const { stdout, stderr } = await runCommand([
      'doctor',
      '--interfaces',
      'lo',
      '--seconds',
      '0.1',
      '--satellite-url',
      url,
    ]);
    expect(stdout).toMatch(/^(ok|fail) +satellite/m);
    expectHarmless(stdout);
    expectHarmless(stderr);
  },
);

it('shows the names that a capture file gives its interfaces', async () => {
  const path = join(directory, 'named.pcapng');
  writeFileSync(path, pcapngWith(HOSTILE, PACKETS));
  for (const format of ['text', 'json']) {
    const args = ['apidump', '--read', path, '--output', 'ndjson', '--log-format', format, '--log-level', 'debug'];
    const { code, stdout, stderr } = await runCommand(args);
    expect(code).toBe(0);
    // The trace itself has the name as it is.
    expect(JSON.parse(stdout).network.interface).toBe(HOSTILE);
    expect(stderr).toContain('pwned');
    expectHarmless(stderr);
  }
});

it('shows a long interface name in part', async () => {
  const path = join(directory, 'long.pcapng');
  writeFileSync(path, pcapngWith('name'.repeat(15_000), PACKETS));
  const { stderr } = await runCommand(['apidump', '--read', path, '--output', 'ndjson', '--log-format', 'text']);
  expectHarmless(stderr);
  expect(stderr.length).toBeLessThan(4096);
});

it('shows file names, values and words of the command line', async () => {
  const named = join(directory, `${HOSTILE.replaceAll('/', '')}.pcap`);
  writeFileSync(named, 'no capture');
  const config = join(directory, `\u001b[31m\u202e.yaml`);
  writeFileSync(config, `"\u202e\u009b31mrate": 5`);
  for (const args of [
    ['apidump', '--read', named, '--output', 'ndjson'],
    ['apidump', '--read', `${named}missing`, '--output', 'ndjson'],
    ['apidump', '--config', config],
    ['apidump', `--filter=\u009b31m\u202e)`, '--output', 'ndjson'],
    ['apidump', `--\u202e\u009b31m`, 'x'],
    [`\u202e\u009b31m`],
    ['apidump', '--output', 'ndjson', `\u009b31m`],
  ]) {
    const { code, stderr } = await runCommand(args);
    expect(code, args.join(' ')).not.toBe(0);
    expect(stderr).toMatch(/^pcap-sensor: /m);
    expectHarmless(stderr);
  }
});

/** A pcapng file with one interface of that name (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html). */
function pcapngWith(name: string, packets: readonly Buffer[]): Buffer {
  const u16 = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer);
  const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
  const padded = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const block = (type: number, body: Buffer) =>
    Buffer.concat([u32(type, body.length + 12), body, u32(body.length + 12)]);
  const nameBytes = Buffer.from(name);
  return Buffer.concat([
    block(0x0a0d0d0a, Buffer.concat([u32(0x1a2b3c4d), u16(1, 0), u32(0xffffffff, 0xffffffff)])),
    block(1, Buffer.concat([u16(1, 0), u32(0), u16(2, nameBytes.length), padded(nameBytes), u32(0)])),
    ...packets.map((bytes, index) =>
      block(6, Buffer.concat([u32(0, 0x5f000, index * 1000, bytes.length, bytes.length), padded(bytes)])),
    ),
  ]);
}
