import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { serverNameOf } from '../../src/http/tls-client-hello.js';
import { TlsNames } from '../../src/http/tls-names.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';

/** A ClientHello with the given extensions, every length in it right. */
function hello(...extensions: Buffer[]): Buffer {
  const all = Buffer.concat(extensions);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 0xaa),
    Buffer.from([2, 0x01, 0x02]), // session id
    Buffer.from([0, 4, 0x13, 0x01, 0x13, 0x02]), // cipher suites
    Buffer.from([1, 0]), // compression
    Buffer.from([all.length >> 8, all.length & 255]),
    all,
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body]);
  return Buffer.concat([Buffer.from([22, 3, 1, handshake.length >> 8, handshake.length & 255]), handshake]);
}

const extension = (type: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 255, data.length >> 8, data.length & 255]), data]);

const serverName = (name: string, nameType = 0): Buffer => {
  const bytes = Buffer.from(name, 'latin1');
  const entry = Buffer.concat([Buffer.from([nameType, bytes.length >> 8, bytes.length & 255]), bytes]);
  return extension(0, Buffer.concat([Buffer.from([entry.length >> 8, entry.length & 255]), entry]));
};

const supportedVersions = extension(43, Buffer.from([2, 3, 4]));
const nameIn = (bytes: Buffer): string | null => serverNameOf(bytes, 0, bytes.length);

describe('the server name', () => {
  it.each<[string, Buffer, string | null]>([
    ['first', hello(serverName('api.example.com'), supportedVersions), 'api.example.com'],
    ['behind others', hello(supportedVersions, extension(0x5a5a, Buffer.alloc(0)), serverName('a.b')), 'a.b'],
    ['in capitals', hello(serverName('API.Example.COM')), 'api.example.com'],
    ['absent', hello(supportedVersions), null],
    ['empty', hello(serverName('')), null],
    ['of another type', hello(serverName('a.example', 1)), null],
    ['with a line break in it', hello(serverName('a.example\n{"level":60}')), null],
    ['beyond ASCII', hello(serverName('b\xfccher.example')), null],
    ['too long', hello(serverName('a'.repeat(256))), null],
    ['of a server', Buffer.concat([Buffer.from([22, 3, 3, 0, 90, 2]), Buffer.alloc(90)]), null],
    ['of application data', Buffer.concat([Buffer.from([23, 3, 3, 0, 90]), Buffer.alloc(90, 1)]), null],
  ])('%s', (_name, bytes, expected) => {
    expect(nameIn(bytes)).toBe(expected);
  });

  it('is where a real client says it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const client = connect({ host: '127.0.0.1', port, servername: 'real.example.org' });
    client.on('error', () => {});
    const [socket] = await once(server, 'connection');
    const [bytes] = await once(socket, 'data');
    expect(nameIn(bytes)).toBe('real.example.org');
    client.destroy();
    socket.destroy();
    server.close();
  });

  it('lies in the range it is looked for in, whatever stands around it', () => {
    const bytes = hello(supportedVersions, serverName('api.example.com'));
    const around = Buffer.concat([Buffer.alloc(7, 22), bytes, hello(serverName('next.example'))]);
    for (let cut = 0; cut < bytes.length; cut++) expect(serverNameOf(around, 7, 7 + cut)).toBeNull();
    expect(serverNameOf(around, 7, 7 + bytes.length)).toBe('api.example.com');
  });

  it('is a name or nothing, whatever the bytes', () => {
    const whole = hello(supportedVersions, serverName('api.example.com'), supportedVersions);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(whole.length),
        (changes, length) => {
          const bytes = Buffer.from(whole);
          for (const [at, byte] of changes) bytes[at] = byte;
          const name = serverNameOf(bytes, 0, length);
          if (name !== null) expect(name).toMatch(/^[a-z0-9_.-]{1,255}$/);
        },
      ),
      { numRuns: 20_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        const bytes = Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1]), noise]);
        const name = nameIn(bytes);
        if (name !== null) expect(name).toMatch(/^[a-z0-9_.-]{1,255}$/);
      }),
      { numRuns: 20_000 },
    );
  });
});

it('no more names are kept than the cap, the latest first', () => {
  const counters = createCounters();
  const names = new TlsNames({ ...DEFAULT_LIMITS, tls_names_max: 3 }, counters);
  for (const name of ['a', 'b', 'c', 'a', 'd']) names.add(name);
  expect(names.latest()).toEqual(['d', 'a', 'c']);
  expect(counters.tls_names_evicted).toBe(1);
});
