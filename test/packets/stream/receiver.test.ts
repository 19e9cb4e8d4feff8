/** The receiver and what comes to it: stock streams, keys, damage, restarts. */
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { encodeAnnouncement } from '../../../src/packets/stream/announcement.js';
import { decodeS2 } from '../../../src/packets/stream/s2-decode.js';
import {
  AUTH_ACCEPTED,
  acknowledgement,
  authRecord,
  carryingFrame,
  frameOf,
  KEEP_ALIVE,
  linkTypeFrame,
} from '../../../src/packets/stream/wire.js';
import { makeCertificates } from '../../support/certificates.js';
import { needs } from '../../support/needs.js';
import { Random, runSeed } from '../../support/random.js';
import { sharedPackets } from '../../support/shared-packets.js';
import {
  connected,
  frameWith,
  packetsOf,
  receiverOf,
  record,
  type StartedReceiver,
  sendTo,
  temporaryDirectory,
  until,
} from '../../support/stream-ends.js';

const directory = temporaryDirectory();
const started: StartedReceiver[] = [];
let path = '';
beforeEach(() => {
  path = join(directory(), 'dump.pcap');
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});

async function receiver(
  keys: Record<string, unknown> = {},
  file: Record<string, unknown> = {},
): Promise<StartedReceiver> {
  const one = await receiverOf({ output: { file: { path, ...file } }, ...keys });
  started.push(one);
  return one;
}

const announced = (next: number, sensor = 'web-1', run = 'ab'.repeat(16)) =>
  carryingFrame(encodeAnnouncement({ sensor, run, linkTypes: [1, 101], next, acknowledges: true }));

/** What a literal, a copy and so many repeats of 16 MiB decode to. */
function bombBytes(repeats: number): number {
  return 1 + 4 + repeats * (65_540 + 0xff_ffff);
}

function bombOf(repeats: number): Buffer {
  const length: number[] = [];
  for (let left = bombBytes(repeats); left > 0; left >>>= 7) length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  return Buffer.concat([
    Buffer.from([...length, 0x00, 0x61, 0x01, 0x01]),
    ...Array(repeats).fill(Buffer.from('1d00ffffff', 'hex')),
  ]);
}

describe('a stream', () => {
  it('becomes a capture file, which has its head before any packet', async () => {
    const { port, close } = await receiver();
    await until(() => existsSync(path) && statSync(path).size === 24);
    expect(readFileSync(path).toString('hex')).toBe('d4c3b2a1020004000000000000000000ffff000001000000');
    await sendTo(port, frameWith(record(1, 'a'), record(2, 'b')), KEEP_ALIVE, frameWith(record(3, 'c')));
    await close();
    expect(packetsOf(path)).toEqual(['1.0 a', '2.0 b', '3.0 c']);
  });

  it('with a length of 0, a bad block and words of others goes on', async () => {
    const { port, close, receiver: running } = await receiver();
    const zero = frameOf(Buffer.alloc(0));
    const bad = frameOf(Buffer.from('0501', 'hex'));
    const words = carryingFrame(Buffer.from('A'.repeat(24)));
    await sendTo(port, zero, bad, words, frameOf(Buffer.from('808000', 'hex')), frameWith(record(3, 'c')));
    await close();
    expect(packetsOf(path)).toEqual(['3.0 c']);
    expect(running.book).toMatchObject({ badBlocks: 3, refused: 0 });
  });

  it('has the packets up to one that makes no sense', async () => {
    const { port, close } = await receiver();
    const wrong = record(2, 'b');
    wrong.writeUInt32LE(0x7fffffff, 8);
    await sendTo(port, frameWith(record(1, 'a'), wrong, record(3, 'c')), frameWith(record(4, 'd')));
    await close();
    expect(packetsOf(path)).toEqual(['1.0 a', '4.0 d']);
  });

  it('of another protocol is closed, and says why', async () => {
    const { port, said } = await receiver();
    await sendTo(port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await sendTo(port, frameWith(record(1, 'a')), Buffer.from('rubbish, not a frame'));
    expect(said().filter((line) => line.includes('closed the connection'))).toHaveLength(2);
  });

  it.each([
    ['claims to decode to 4 GiB', Buffer.from('ffffffff0f00', 'hex'), 0xffff_ffff],
    ['really inflates, some 80 bytes to 240 MiB', bombOf(15), bombBytes(15)],
  ])('that %s is not decoded at all', async (_what, block, bytes) => {
    const { port, close, receiver: running, said } = await receiver();
    await sendTo(port, frameOf(block), frameWith(record(1, 'a')));
    await close();
    expect(said().join()).toContain(
      `dropped a block that says it decodes to ${bytes} bytes, of which maxBlockSize allows`,
    );
    expect(packetsOf(path)).toEqual(['1.0 a']);
    expect(running.book.badBlocks).toBe(1);
  });

  it('that inflates is a good block, for a decoder without a bound', () => {
    expect(decodeS2(bombOf(1), 0, bombOf(1).length, Buffer.alloc(bombBytes(1)))).toBe(bombBytes(1));
  });

  it('of any bytes neither ends the process nor leaves anything behind', async () => {
    const seed = runSeed();
    const random = new Random(seed);
    const { port, close, receiver: running } = await receiver({ auth: { enable: true, key: 'abc' } });
    const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random.between(0, 255)));
    for (let i = 0; i < 120; i++) {
      const key = random.pick([authRecord('abc'), authRecord('abd'), Buffer.alloc(0)]);
      const frame = Buffer.from(frameWith(record(1, 'x'.repeat(random.between(1, 300)))));
      for (let at = random.between(0, 3); at > 0; at--)
        frame[random.between(0, frame.length - 1)] = random.between(0, 255);
      await sendTo(port, key, frame, bytes(random.between(0, 200)));
    }
    await until(() => running.connected === 0);
    expect(running.book.connections, `seed ${seed}`).toBe(120);
    await close();
    expect(packetsOf(path).length, `seed ${seed}`).toBeGreaterThan(0);
  });

  it('is refused where there are too many, and the others go on', async () => {
    const { port, receiver: running } = await receiver({ maxConnections: 2 });
    const first = await connected(port);
    const second = await connected(port);
    for (const socket of [first, second]) socket.write(frameWith(record(1, 'a')));
    await until(() => running.book.packets === 2);
    await sendTo(port, frameWith(record(1, 'b')));
    expect(running.book).toMatchObject({ connections: 2, refused: 1, packets: 2 });
    first.write(frameWith(record(1, 'c')));
    await until(() => running.book.packets === 3);
    first.destroy();
    second.destroy();
  });

  it('takes the place of a stranger that says nothing, however many of them there are', async () => {
    const { port, receiver: running } = await receiver({ maxConnections: 4 });
    const sensor = await connected(port);
    sensor.write(frameWith(record(1, 'a')));
    await until(() => running.book.packets === 1);
    const strangers = [];
    for (let i = 0; i < 200; i++) {
      const stranger = await connected(port);
      stranger.on('error', () => {});
      stranger.write(frameWith(record(1, 'x')).subarray(0, 1 + (i % 12)));
      strangers.push(stranger);
    }
    await until(() => running.book.connections === 201);
    expect(running.connected).toBe(4);
    await sendTo(port, frameWith(record(1, 'b')));
    sensor.write(frameWith(record(1, 'c')));
    await until(() => running.book.packets === 3);
    for (const socket of [sensor, ...strangers]) socket.destroy();
  });

  it('does not gather acknowledgements that the sensor does not read', async () => {
    const { port, receiver: running } = await receiver();
    const frames = 300_000;
    const socket = await connected(port);
    socket.write(announced(0));
    const meaningless = frameOf(Buffer.from([5]));
    const many = Buffer.concat(Array.from({ length: 1000 }, () => meaningless));
    for (let i = 0; i < frames / 1000; i++) socket.write(many);
    await until(() => running.book.badBlocks === frames);
    let last: Buffer = Buffer.alloc(0);
    let bytes = 0;
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
      last = Buffer.concat([last, piece]).subarray(-12);
    });
    await until(() => last.equals(acknowledgement(frames)));
    expect(bytes / 12).toBeLessThan(frames / 50);
    socket.destroy();
  });

  it('with the largest incomplete frame is closed when all of them take too much', async () => {
    const { port, receiver: running } = await receiver();
    const begun = Buffer.alloc(600 * 1024);
    frameOf(Buffer.alloc(1024 * 1024)).copy(begun, 0, 0, begun.length);
    const sockets = [];
    for (let i = 0; i < 140; i++) {
      const socket = await connected(port);
      socket.on('error', () => {});
      socket.write(begun);
      sockets.push(socket);
    }
    await until(() => running.book.refused >= 8);
    await sendTo(port, frameWith(record(1, 'a')));
    await until(() => running.book.packets === 1);
    expect(running.connected).toBeLessThanOrEqual(132);
    for (const socket of sockets) socket.destroy();
  });

  it('is closed when nothing comes, if that is asked for', async () => {
    const { port } = await receiver({ idleTimeoutSec: 1 });
    const socket = await connected(port);
    socket.resume();
    await once(socket, 'close');
  });
});

describe('recorded streams', needs({ 'shared/packets': sharedPackets('packetstreamer') !== null }), () => {
  it.each(['plain', 'packetlen-64', 'packetlen-receiver-9000', 'gather-0', 'mode-deny-ports'])(
    '%s becomes the file that a stock receiver wrote',
    async (name) => {
      const folder = sharedPackets('packetstreamer')!;
      const { inputPacketLen = null } = parse(readFileSync(join(folder, `${name}.receiver.yaml`), 'utf8'));
      const { port, close } = await receiver({ inputPacketLen });
      await sendTo(port, readFileSync(join(folder, `${name}.stream`)));
      await close();
      expect(readFileSync(path).equals(readFileSync(join(folder, `${name}.out.pcap`)))).toBe(true);
    },
  );

  it.each(['auth-accepted', 'tls-auth'])('%s shows its key and is answered', async (name) => {
    const folder = sharedPackets('packetstreamer')!;
    const { port, close } = await receiver({ auth: { enable: true, key: 'abc' } });
    const back = await sendTo(port, readFileSync(join(folder, `${name}.stream`)));
    await close();
    expect(back).toEqual(readFileSync(join(folder, `${name}.back`)));
    expect(packetsOf(path)).toHaveLength(10);
  });

  it('auth-receiver-only, which ends a stock receiver, is closed', async () => {
    const folder = sharedPackets('packetstreamer')!;
    const { port, said } = await receiver({ auth: { enable: true, key: 'abc' } });
    expect(await sendTo(port, readFileSync(join(folder, 'auth-receiver-only.stream')))).toEqual(Buffer.alloc(0));
    expect(said().join()).toContain('it sent no key, and auth.enable is true here');
  });
});

describe('a key', () => {
  it('that is right is answered, also byte by byte, and another one is not', async () => {
    const { port, close } = await receiver({ auth: { enable: true, key: 'abc' } });
    const pieces = [...Buffer.concat([authRecord('abc'), frameWith(record(1, 'a'))])].map((byte) =>
      Buffer.from([byte]),
    );
    expect(await sendTo(port, ...pieces)).toEqual(AUTH_ACCEPTED);
    expect(await sendTo(port, authRecord('abd'), frameWith(record(2, 'b')))).toEqual(Buffer.alloc(0));
    await close();
    expect(packetsOf(path)).toEqual(['1.0 a']);
  });

  it.each([59, 65_535])('whose length is %i is refused', async (length) => {
    const { port, close } = await receiver({ auth: { enable: true, key: 'abc' } });
    const long = authRecord('abc');
    long.writeUInt16LE(length, 4);
    expect(await sendTo(port, long)).toEqual(Buffer.alloc(0));
    expect(await sendTo(port, authRecord('abc'))).toEqual(AUTH_ACCEPTED);
    await close();
  });

  it('where none is asked for is taken, and said to be unchecked', async () => {
    const { port, close, said } = await receiver();
    expect(await sendTo(port, authRecord('abc'), frameWith(record(1, 'a')))).toEqual(AUTH_ACCEPTED);
    await close();
    expect(packetsOf(path)).toEqual(['1.0 a']);
    expect(said().join()).toContain('it was not looked at');
  });
});

describe('sensors', () => {
  it('have a file each, by name or address', async () => {
    const { port, close } = await receiver({}, { perSensor: true });
    await sendTo(port, announced(0), frameWith(record(1, 'a')));
    await sendTo(port, frameWith(record(2, 'b')));
    await close();
    expect(packetsOf(join(directory(), 'dump-web-1.pcap'))).toEqual(['1.0 a']);
    expect(packetsOf(join(directory(), 'dump-127.0.0.1.pcap'))).toEqual(['2.0 b']);
  });

  it('have interfaces of a pcapng file, one for each link type', needs('tcpdump'), async () => {
    const { port, close } = await receiver({}, { format: 'pcapng' });
    const ip = '45000014000000004001f97a0a0000010a000002';
    const raw = record(2, Buffer.from(ip, 'hex').toString('latin1'));
    Buffer.from(ip, 'hex').copy(raw, 16);
    await sendTo(port, announced(0), frameWith(record(1, 'ffffffffffff02')), linkTypeFrame(1), frameWith(raw));
    await close();
    const file = readFileSync(path);
    const descriptions: [number, string][] = [];
    for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
      if (file.readUInt32LE(at) !== 1) continue;
      descriptions.push([
        file.readUInt16LE(at + 8),
        file.toString('latin1', at + 20, at + 20 + file.readUInt16LE(at + 18)),
      ]);
    }
    expect(descriptions).toEqual([
      [1, 'web-1'],
      [101, 'web-1'],
    ]);
  });

  it('have the Ethernet header that packets of a tunnel lack, in a file of Ethernet', async () => {
    const { port, close } = await receiver();
    await sendTo(port, announced(0), linkTypeFrame(1), frameWith(record(1, 'E..'), record(2, '`..')));
    await close();
    const zeros = '\0'.repeat(12);
    expect(packetsOf(path)).toEqual([`1.0 ${zeros}\x08\0E..`, `2.0 ${zeros}\x86\xdd\`..`]);
  });

  it('are in the order of their times, within a window', async () => {
    const { port, close } = await receiver({}, { order: '10s' });
    const first = await connected(port);
    const second = await connected(port);
    first.write(announced(0, 'a', 'aa'.repeat(16)));
    second.write(announced(0, 'b', 'bb'.repeat(16)));
    first.write(frameWith(record(1, 'a'), record(3, 'a'), record(5, 'a')));
    second.write(frameWith(record(2, 'b'), record(4, 'b'), record(9, 'b')));
    await until(() => started[0]!.receiver.book.packets === 6);
    await until(() => packetsOf(path).length >= 5);
    await close();
    expect(packetsOf(path)).toEqual(['1.0 a', '2.0 b', '3.0 a', '4.0 b', '5.0 a', '9.0 b']);
    first.destroy();
    second.destroy();
  });
});

describe('a restart', () => {
  it('goes on behind what the file holds, and cuts off what was torn', async () => {
    const first = await receiver();
    await sendTo(first.port, frameWith(record(1, 'a'), record(2, 'b')));
    await first.close();
    writeFileSync(path, Buffer.concat([readFileSync(path), record(3, 'torn').subarray(0, 18)]));
    const second = await receiver();
    await sendTo(second.port, frameWith(record(4, 'd')));
    await second.close();
    expect(packetsOf(path)).toEqual(['1.0 a', '2.0 b', '4.0 d']);
  });

  it('puts aside what is no capture file of its kind', async () => {
    writeFileSync(path, 'somebody’s text, which is longer than the head of a capture file');
    const { port, close, said } = await receiver();
    await sendTo(port, frameWith(record(4, 'd')));
    await close();
    expect(packetsOf(path)).toEqual(['4.0 d']);
    const aside = /is (\S+) now/.exec(said().join())?.[1] ?? '';
    expect(readFileSync(aside, 'utf8')).toMatch(/^somebody’s text/);
  });

  it('takes each frame once, however often it is sent', async () => {
    const frames = [frameWith(record(1, 'a')), frameWith(record(2, 'b')), frameWith(record(3, 'c'))];
    const first = await receiver();
    const socket = await connected(first.port);
    let back = Buffer.alloc(0);
    socket.on('data', (piece) => {
      back = Buffer.concat([back, piece]);
    });
    for (const piece of [announced(0), frames[0]!, frames[1]!]) socket.write(piece);
    await until(() => back.subarray(-12).equals(acknowledgement(2)));
    socket.destroy();
    // Over another connection to the same process, which begins again.
    await sendTo(first.port, announced(1), frames[1]!);
    expect(first.receiver.book.repeated).toBe(1);
    await first.close();
    const second = await receiver();
    const again = await sendTo(second.port, announced(0), ...frames);
    expect(again.subarray(0, 12)).toEqual(acknowledgement(2));
    await second.close();
    expect(packetsOf(path)).toEqual(['1.0 a', '2.0 b', '3.0 c']);
  });

  it('knows a write that was noted and torn', async () => {
    const first = await receiver();
    await sendTo(first.port, announced(0), frameWith(record(1, 'a')), KEEP_ALIVE);
    await first.close();
    const size = statSync(path).size;
    const line = JSON.stringify({ from: size, to: size + 34, runs: { ['ab'.repeat(16)]: 2 } });
    writeFileSync(`${path}.progress`, `${readFileSync(`${path}.progress`, 'utf8')}${line}\n`);
    writeFileSync(path, Buffer.concat([readFileSync(path), record(2, 'b')]));
    const second = await receiver();
    // The write had a second packet, which is missing: the whole of it goes, and is asked for again.
    const back = await sendTo(
      second.port,
      announced(0),
      frameWith(record(1, 'a')),
      frameWith(record(2, 'b'), record(3, 'c')),
    );
    expect(back.subarray(0, 12)).toEqual(acknowledgement(1));
    await second.close();
    expect(packetsOf(path)).toEqual(['1.0 a', '2.0 b', '3.0 c']);
  });
});

describe('TLS', needs('openssl'), () => {
  it('asks sensors for certificates of its CA, and names them by these', async () => {
    const { ca, server, client } = makeCertificates();
    const file = (name: string, text: string) => {
      writeFileSync(join(directory(), name), text);
      return join(directory(), name);
    };
    const {
      port,
      close,
      receiver: running,
    } = await receiver({
      tls: {
        enable: true,
        certfile: file('server.pem', server.cert),
        keyfile: file('server.key', server.key),
        clientCA: file('ca.pem', ca),
      },
    });
    const tls = { host: '127.0.0.1', port, ca };
    const stranger = connectTls(tls);
    stranger.on('error', () => {}).resume();
    await new Promise((resolve) => stranger.once('close', resolve));
    const known = connectTls({ ...tls, ...client });
    await once(known, 'secureConnect');
    known.resume().end(frameWith(record(1, 'a')));
    await once(known, 'close');
    await close();
    expect(packetsOf(path)).toEqual(['1.0 a']);
    expect([...running.bySensor]).toEqual([['client', 1]]);
  });
});
