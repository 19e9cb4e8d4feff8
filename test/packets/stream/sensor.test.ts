/** The sensor on real interfaces: what it streams is what tcpdump sees beside it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { readStreamConfig } from '../../../src/packets/stream/config.js';
import { type StreamSensor, startStreamSensor } from '../../../src/packets/stream/sensor.js';
import { sensorFields, sensorMetrics } from '../../../src/packets/stream/stream-metrics.js';
import { freePort } from '../../support/free-port.js';
import { makeVethPair, networkName, run, type VethPair } from '../../support/namespace.js';
import { needs } from '../../support/needs.js';
import { recordingLog } from '../../support/relay.js';
import {
  connected,
  packetsOf,
  receiverOf,
  type StartedReceiver,
  temporaryDirectory,
  until,
} from '../../support/stream-ends.js';

const directory = temporaryDirectory();
const endings: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function receiver(): Promise<StartedReceiver> {
  const one = await receiverOf({ output: { file: { path: join(directory(), 'dump.pcap') } } });
  endings.push(() => one.close());
  return one;
}

interface StartedSensor {
  readonly sensor: StreamSensor;
  readonly said: () => string[];
  close(): Promise<void>;
}

async function sensorTo(port: number, keys: Readonly<Record<string, unknown>>): Promise<StartedSensor> {
  const { log, lines } = recordingLog();
  const output = { server: { address: '127.0.0.1', port } };
  const config = readStreamConfig('test', { output, gatherMaxWaitSec: 1, name: 'web-1', ...keys }, 'sensor');
  const sensor = await startStreamSensor(config, { log, clock: systemClock, onGone: () => {} });
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await sensor.close(3000);
  };
  endings.push(close);
  await until(() => sensor.isConnected);
  return { sensor, close, said: () => lines.map((line) => JSON.stringify(line)) };
}

function pair(): VethPair {
  const made = makeVethPair();
  endings.push(() => made.remove());
  return made;
}

/** Frames of an unknown protocol, numbered, some of them with a VLAN tag. */
function frames(count: number): Buffer {
  const head = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
  const records = Array.from({ length: count }, (_, i) => {
    const tag = i % 3 === 0 ? '81000064' : '';
    const packet = Buffer.from(
      `ffffffffffff020000000001${tag}88b5${Buffer.from(`packet ${i}`.padEnd(60 + i)).toString('hex')}`,
      'hex',
    );
    const record = Buffer.alloc(16);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return Buffer.concat([record, packet]);
  });
  return Buffer.concat([head, ...records]);
}

function replay({ there, inside }: VethPair, count: number): void {
  const path = join(directory(), 'frames.pcap');
  writeFileSync(path, frames(count));
  const [command, words] = inside('tcpreplay', '-q', '-i', there, path);
  run(command, ...words);
}

async function tcpdump(name: string): Promise<{ path: string; stop(): Promise<void> }> {
  const path = join(directory(), 'tcpdump.pcap');
  const child: ChildProcess = spawn('tcpdump', ['-i', name, '-U', '-w', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child.stderr!, 'data');
  await until(() => existsSync(path) && statSync(path).size >= 24);
  return {
    path,
    async stop() {
      child.kill('SIGINT');
      await once(child, 'exit');
    },
  };
}

const bytesOf = (path: string) => packetsOf(path).map((packet) => packet.slice(packet.indexOf(' ') + 1));

describe('a sensor', needs('namespaces', 'ip', 'sysctl', 'tcpdump', 'tcpreplay'), () => {
  it('streams what tcpdump sees, tags included, and its books add up', async () => {
    const veth = pair();
    const { port, receiver: running, close: closeReceiver } = await receiver();
    const { sensor, close } = await sensorTo(port, { captureInterfacesPorts: { [veth.here]: [] } });
    const beside = await tcpdump(veth.here);
    replay(veth, 100);
    await until(() => running.book.packets >= 100);
    await beside.stop();
    await close();
    await closeReceiver();
    const path = join(directory(), 'dump.pcap');
    expect(bytesOf(path)).toEqual(bytesOf(beside.path));
    expect(bytesOf(path)).toHaveLength(100);
    const account = sensor.books.accounts.get(veth.here)!;
    expect({ ...account, inFlight: sensor.books.inFlight(veth.here) }).toMatchObject({
      captured: 100,
      sent: 100,
      inFlight: 0,
    });
    expect(sensorMetrics(sensor)).toContain(`packetstreamer_packets_sent_total{interface="${veth.here}"} 100`);
    expect(sensorFields(sensor)).toMatchObject({
      interfaces: [{ interface: veth.here, captured: 100, kernelDropped: 0 }],
    });
  });

  it('captures an interface when it comes, says once that it is gone, and nothing more', async () => {
    const name = networkName('late');
    const { port, receiver: running } = await receiver();
    const { said } = await sensorTo(port, { captureInterfacesPorts: { [name]: [] } });
    const veth = pair();
    run('ip', 'link', 'set', veth.here, 'down');
    run('ip', 'link', 'set', veth.here, 'name', name);
    run('ip', 'link', 'set', name, 'up');
    await until(() => said().some((line) => line.includes(`interface ${name}: capturing`)));
    replay(veth, 10);
    await until(() => running.book.packets >= 10);
    run('ip', 'link', 'del', name);
    await until(() => said().some((line) => line.includes(`interface ${name}: gone`)));
    const lines = said().length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(said().length - lines).toBeLessThan(3);
  });

  it.each(['::1', '[::1]'])('streams to %s, and leaves that out of what it captures (bug 10)', async (address) => {
    const port = await freePort();
    const path = join(directory(), 'dump.pcap');
    const running = await receiverOf({ input: { address: '::1', port }, output: { file: { path } } });
    endings.push(() => running.close());
    const keys = {
      captureInterfacesPorts: { lo: [] },
      gatherMaxWaitSec: 0,
      filter: `ip6 and tcp port ${port} or udp port ${port}`,
    };
    const { sensor, close } = await sensorTo(port, { ...keys, output: { server: { address, port } } });
    const socket = createSocket('udp6');
    socket.send('over IPv6', port, '::1');
    await until(() => (sensor.books.accounts.get('lo')?.sent ?? 0) > 0);
    socket.close();
    await close();
    await running.close();
    const packets = bytesOf(path);
    expect(packets.some((packet) => packet.includes('over IPv6'))).toBe(true);
    // What the kernel answers to a port that nobody has open is of ICMP; nothing is of TCP.
    expect(packets).toHaveLength(1);
  });

  it('leaves its own stream out of what it captures on loopback', async () => {
    const { port, close: closeReceiver } = await receiver();
    const { close, sensor } = await sensorTo(port, { captureInterfacesPorts: { lo: [] }, gatherMaxWaitSec: 0 });
    const server = createServer((socket) => socket.resume().on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = await connected((server.address() as { port: number }).port);
    socket.end('these are captured');
    await until(() => (sensor.books.accounts.get('lo')?.sent ?? 0) > 3);
    await close();
    await closeReceiver();
    server.close();
    const packets = bytesOf(join(directory(), 'dump.pcap'));
    const ports = (packet: string) => [
      packet.charCodeAt(34) * 256 + packet.charCodeAt(35),
      packet.charCodeAt(36) * 256 + packet.charCodeAt(37),
    ];
    expect(packets.join()).toContain('these are captured');
    expect(packets.filter((packet) => ports(packet).includes(port))).toEqual([]);
  });

  it('loses nothing while the receiver is restarted, and has nothing twice', async () => {
    const veth = pair();
    const first = await receiver();
    const { sensor, close } = await sensorTo(first.port, {
      captureInterfacesPorts: { [veth.here]: [] },
      gatherMaxWaitSec: 0,
    });
    replay(veth, 50);
    await until(() => (sensor.books.accounts.get(veth.here)?.sent ?? 0) === 50);
    await first.close();
    replay(veth, 50);
    const path = join(directory(), 'dump.pcap');
    const second = await receiverOf({ output: { file: { path } } }, first.port);
    endings.push(() => second.close());
    await until(() => (sensor.books.accounts.get(veth.here)?.sent ?? 0) === 100);
    await close();
    await second.close();
    expect(bytesOf(path)).toHaveLength(100);
  });

  it('sends what it has gathered at its end, where a stock sensor loses it (bug 15)', async () => {
    const veth = pair();
    const { port, close: closeReceiver } = await receiver();
    const keys = { captureInterfacesPorts: { [veth.here]: [] }, gatherMaxWaitSec: 3600 };
    const { sensor, close } = await sensorTo(port, keys);
    replay(veth, 10);
    await until(() => (sensor.statistics()[0]?.packets ?? 0) >= 10);
    expect(sensor.books.accounts.get(veth.here)).toBeUndefined();
    await close();
    await closeReceiver();
    expect(bytesOf(join(directory(), 'dump.pcap'))).toHaveLength(10);
  });

  it('refuses a wrong expression before anything is captured', async () => {
    const config = readStreamConfig('test', { output: { file: { path: 'a' } }, filter: 'port' }, 'sensor');
    const { log } = recordingLog();
    await expect(startStreamSensor(config, { log, clock: systemClock, onGone: () => {} })).rejects.toThrow(
      /^filter "port": /,
    );
  });
});
