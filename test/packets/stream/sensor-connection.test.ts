/** The sensor's end of the stream, with receivers that do what stock ones and ours do. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { parseAnnouncement } from '../../../src/packets/stream/announcement.js';
import { FrameQueue, type OutgoingFrame } from '../../../src/packets/stream/frame-queue.js';
import {
  openSensorConnection,
  type SensorConnection,
  type SensorConnectionContext,
} from '../../../src/packets/stream/sensor-connection.js';
import {
  AUTH_ACCEPTED,
  acknowledgement,
  authRecord,
  KEEP_ALIVE,
  readEmptyBlock,
} from '../../../src/packets/stream/wire.js';
import { makeCertificates } from '../../support/certificates.js';
import { needs } from '../../support/needs.js';
import { recordingLog } from '../../support/relay.js';
import { frameWith, record, until } from '../../support/stream-ends.js';

let server: Server;
let connection: SensorConnection;
let sockets: Socket[];
/** What each connection brought. */
let received: Buffer[];
let queue: FrameQueue;
let confirmed: number;
let dropped: string[];
let said: () => string;

beforeEach(() => {
  sockets = [];
  received = [];
  confirmed = 0;
  dropped = [];
  queue = new FrameQueue({
    ...{ bytesMax: 1 << 20, drops: 'oldest', spool: null },
    onConfirmed: () => confirmed++,
    onDropped: (_frame, reason) => dropped.push(reason),
  });
});
afterEach(async () => {
  await connection.close(50);
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function listen(made: Server): Promise<number> {
  server = made;
  server.on('connection', (socket: Socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const take = (answer: (bytes: Buffer, socket: Socket) => void) => (socket: Socket) => {
  const index = sockets.push(socket) - 1;
  received[index] = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    received[index] = Buffer.concat([received[index]!, piece]);
    answer(received[index]!, socket);
  });
};

async function start(made: Server, changes: Partial<SensorConnectionContext> = {}): Promise<void> {
  const port = await listen(made);
  const { log, lines } = recordingLog();
  said = () => JSON.stringify(lines);
  connection = openSensorConnection({
    ...{ host: '127.0.0.1', port, tls: null, authKey: null, name: null, linkTypes: [1, 101], keepAliveMillis: 60_000 },
    ...{ queue, onAddress: () => {}, log, clock: { ...systemClock, sleep: (_m, s) => systemClock.sleep(10, s) } },
    ...changes,
  });
}

const frame = (text: string, linkType = 1): OutgoingFrame => ({
  bytes: frameWith(record(1, text)),
  ...{ linkType, packets: 1, counts: [['eth0', 1]] },
});

function send(...frames: OutgoingFrame[]): void {
  for (const one of frames) queue.push(one);
  connection.wake();
}

describe('to a stock receiver', () => {
  it('sends frames and nothing else, and counts those that the kernel has', async () => {
    await start(createServer(take(() => {})));
    send(frame('a'), frame('b'));
    await until(() => confirmed === 2);
    await until(() => received[0]?.length === 2 * frame('a').bytes.length);
    expect(received[0]).toEqual(Buffer.concat([frame('a').bytes, frame('b').bytes]));
  });

  it('sends an empty block when it is silent', async () => {
    await start(createServer(take(() => {})), { keepAliveMillis: 20 });
    await until(() => (received[0]?.length ?? 0) >= 18);
    expect(received[0]!.subarray(0, 18)).toEqual(Buffer.concat([KEEP_ALIVE, KEEP_ALIVE]));
  });

  it('connects again for ever, also when the receiver closes at once', async () => {
    await start(createServer(take((_bytes, socket) => socket.destroy())));
    send(frame('a'));
    await until(() => sockets.length >= 2);
    send(frame('b'));
    await until(() => sockets.length >= 3);
    expect(connection.connections).toBeGreaterThanOrEqual(3);
  });

  it('shows its key, and waits for the answer', async () => {
    const answer = (bytes: Buffer, socket: Socket) => bytes.length === 64 && socket.write(AUTH_ACCEPTED);
    await start(createServer(take(answer)), { authKey: 'abc' });
    send(frame('a'));
    await until(() => confirmed === 1);
    expect(received[0]).toEqual(Buffer.concat([authRecord('abc'), frame('a').bytes]));
  });

  it.each([
    ['declines', (socket: Socket) => socket.end(Buffer.from('deefece001', 'hex')), 'the receiver declined the key'],
    ['closes', (socket: Socket) => socket.destroy(), 'before it had answered to the key'],
  ])('tries again where the receiver %s its key', async (_what, answer, message) => {
    await start(createServer(take((_bytes, socket) => void answer(socket))), { authKey: 'abc' });
    await until(() => sockets.length >= 2);
    expect(said()).toContain(message);
  });
});

describe('to a receiver of ours', () => {
  it('says its name once, and link types as they change', async () => {
    await start(createServer(take((_bytes, socket) => void socket.write(acknowledgement(3)))), { name: 'web-1' });
    send(frame('a'), frame('b', 101), frame('c'));
    await until(() => confirmed === 3);
    const blocks: Buffer[] = [];
    for (let at = 0; at < received[0]!.length; at += 8 + received[0]!.readUInt32LE(at + 4))
      blocks.push(received[0]!.subarray(at + 8, at + 8 + received[0]!.readUInt32LE(at + 4)));
    const [first] = blocks;
    expect(parseAnnouncement(readEmptyBlock(first!)!.text!)).toMatchObject({
      sensor: 'web-1',
      next: 0,
      linkTypes: [1, 101],
    });
    expect(blocks.filter((block) => block[0] === 0x80).map((block) => block.toString('hex'))).toEqual([
      '808000',
      '8000',
    ]);
  });

  it('sends again what was not acknowledged, with the number it had', async () => {
    const answers = [() => 1, () => 3];
    const server = createServer(
      take((_bytes, socket) => {
        const answer = answers[Math.min(sockets.length - 1, 1)]!;
        socket.write(acknowledgement(answer()));
        if (sockets.length === 1) setTimeout(() => socket.destroy(), 20);
      }),
    );
    await start(server, { name: 'web-1' });
    send(frame('a'), frame('b'), frame('c'));
    await until(() => confirmed === 3);
    const said = readEmptyBlock(received[1]!.subarray(8, 8 + received[1]!.readUInt32LE(4)))!;
    expect(parseAnnouncement(said.text!)?.next).toBe(1);
    await until(() => received[1]!.includes(Buffer.concat([frame('b').bytes, frame('c').bytes])));
    expect(received[1]!.includes(frame('a').bytes)).toBe(false);
    expect(dropped).toEqual([]);
  });

  it('reads acknowledgements behind the answer to its key', async () => {
    const answer = (bytes: Buffer, socket: Socket) => {
      if (bytes.length === 64) socket.write(Buffer.concat([AUTH_ACCEPTED, acknowledgement(0)]));
      else socket.write(acknowledgement(1));
    };
    await start(createServer(take(answer)), { name: 'web-1', authKey: 'abc' });
    send(frame('a'), frame('b'));
    await until(() => confirmed === 1);
    expect(queue.firstNumber).toBe(1);
    sockets[0]!.end();
    await until(() => sockets.length === 2);
  });

  it('ends a connection that answers in another language', async () => {
    await start(createServer(take((_bytes, socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))), {
      name: 'web-1',
    });
    await until(() => sockets.length >= 2);
    expect(said()).toContain('bytes that mean nothing');
  });
});

describe('over TLS', needs('openssl'), () => {
  it('verifies the receiver where a CA is given, and says so where none is', async () => {
    const { ca, server: pair } = makeCertificates();
    const other = makeCertificates();
    const tls = (verifies: boolean, authority: string) => ({
      verifies,
      serverName: '',
      certificate: verifies ? { ca: authority } : {},
    });
    await start(
      createTlsServer(
        pair,
        take(() => {}),
      ),
      { tls: tls(true, ca) },
    );
    send(frame('a'));
    await until(() => confirmed === 1);
    expect(said()).toContain('over verified TLS');
    await connection.close(50);
    server.close();
    await start(
      createTlsServer(
        pair,
        take(() => {}),
      ),
      { tls: tls(true, other.ca) },
    );
    await until(() => said().includes('cannot stream'));
    await connection.close(50);
    server.close();
    await start(
      createTlsServer(
        pair,
        take(() => {}),
      ),
      { tls: tls(false, '') },
    );
    await until(() => said().includes('over TLS, not verified'));
  });
});
