import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listInterfaces } from '../../src/capture/interfaces.js';
import { LINKTYPE_RAW } from '../../src/capture/link-types.js';
import { type LiveSettings, type LiveSource, openLive } from '../../src/capture/live.js';
import { openRing, ringGeometry } from '../../src/capture/ring.js';
import { loadRingAddon } from '../../src/capture/ring-addon.js';
import { UsageError } from '../../src/errors.js';
import { makeVethPair, run, type VethPair } from '../support/namespace.js';
import { needs } from '../support/needs.js';
import { tcpFrame, writePcap } from '../support/packets.js';

const directory = mkdtempSync(join(tmpdir(), 'sensor-live-'));
afterAll(() => rmSync(directory, { recursive: true }));

const quiet = { info() {}, warn() {} };

function settings(changes: Partial<LiveSettings> = {}): LiveSettings {
  return {
    backend: 'ring',
    interfaces: { names: ['lo'], include: [], exclude: [] },
    filter: { user: '', satellite: [] },
    ringMebibytes: 8,
    snapLength: 262_144,
    interfacesMax: 64,
    log: quiet,
    ...changes,
  };
}

/** The packets of a source, copied, and a way to wait for the one that a test is about. */
function collect(source: LiveSource) {
  const packets: { bytes: Buffer; time: number; interface: string; wireLength: number }[] = [];
  const waiting: { until: () => boolean; resolve: () => void }[] = [];
  const done = source.run((batch) => {
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i]!;
      packets.push({
        bytes: Buffer.from(batch.bytes.subarray(at, at + batch.capturedLength[i]!)),
        time: batch.time[i]!,
        interface: source.interfaces[batch.interfaceId[i]!]!.name,
        wireLength: batch.wireLength[i]!,
      });
    }
    for (const wait of waiting.splice(0)) wait.until() ? wait.resolve() : waiting.push(wait);
  });
  const contains = (text: string) => packets.some(({ bytes }) => bytes.includes(text));
  return {
    packets,
    contains,
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => (condition() ? resolve() : waiting.push({ until: condition, resolve }))),
    async stop() {
      source.stop();
      await done;
    },
  };
}

let server: Server;
let port = 0;
beforeAll(async () => {
  server = createServer((socket) => socket.resume().on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => void server.close());

/** Sends `text` to the server on loopback over a connection of its own. */
async function send(text: string, to = port): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(to, '127.0.0.1', () => socket.end(text));
    socket
      .on('error', reject)
      .on('close', () => resolve())
      .resume();
  });
}

/** How many packet sockets this process's namespace has that take every protocol (/proc/net/packet: sk RefCnt Type Proto Iface …). */
function hookedSockets(): number {
  const [, ...lines] = readFileSync('/proc/net/packet', 'utf8').trim().split('\n');
  return lines.filter((line) => line.trim().split(/\s+/)[3] === '0003').length;
}

describe('on loopback', needs('namespaces', 'ip'), () => {
  it.each(['ring', 'cap'] as const)(
    '%s delivers each packet once, in order, between open and stop',
    async (backend) => {
      const source = openLive(settings({ backend, filter: { user: `port ${port}`, satellite: [] } }));
      expect(source.backend).toBe(backend);
      expect(source.interfaces).toEqual([{ id: 0, name: 'lo', linkType: 1 }]);
      const before = Date.now();
      const seen = collect(source);
      await send('first');
      await send('second');
      // A connection's last packet is its final acknowledgement, so that both must be there before the source is stopped.
      if (backend === 'cap') await seen.until(() => seen.contains('second'));
      await seen.stop();
      const payloads = seen.packets
        .map(({ bytes }) => bytes.subarray(34 + ((bytes[46]! >> 4) << 2)).toString())
        .filter((text) => text !== '');
      expect(payloads).toEqual(['first', 'second']);
      const syns = seen.packets.filter(({ bytes }) => (bytes[47]! & 0x12) === 0x02);
      expect(syns).toHaveLength(2);
      const base = source.timeBaseSeconds * 1e3;
      for (const { time } of seen.packets) {
        expect(base + time / 1e6).toBeGreaterThan(before - 1000);
        expect(base + time / 1e6).toBeLessThan(Date.now() + 1000);
      }
      const [statistics] = source.statistics();
      expect(statistics).toEqual({
        name: 'lo',
        packets: seen.packets.length,
        dropped: backend === 'ring' ? 0 : null,
        freezes: backend === 'ring' ? 0 : null,
      });
    },
  );

  it('takes a new filter while packets flow', async () => {
    const source = openLive(settings({ filter: { user: `port ${port}`, satellite: [] } }));
    const seen = collect(source);
    await send('before');
    source.setFilter({ user: '', satellite: [{ address: '127.0.0.1', port }] });
    await send('excluded');
    source.setFilter({ user: `port ${port}`, satellite: [] });
    await send('after');
    await seen.stop();
    expect(seen.contains('before')).toBe(true);
    expect(seen.contains('excluded')).toBe(false);
    expect(seen.contains('after')).toBe(true);
    expect(() => source.setFilter({ user: 'porrt 1', satellite: [] })).toThrow(UsageError);
  });

  it('takes nothing while the gate is shut, whatever filter it is given', async () => {
    const source = openLive(settings({ filter: { user: `port ${port}`, satellite: [] } }));
    const seen = collect(source);
    await send('before');
    source.setGate(false);
    await send('shut');
    source.setFilter({ user: `tcp port ${port}`, satellite: [] });
    await send('still shut');
    source.setGate(true);
    // It takes the kernel a moment to ask about packets again.
    while (!seen.contains('after')) await send('after');
    await seen.stop();
    expect(['before', 'shut', 'still shut'].map((text) => seen.contains(text))).toEqual([true, false, false]);
  });

  it('is asked about no packet while the gate is shut, however often that is moved', async () => {
    const before = hookedSockets();
    const source = openLive(settings());
    const seen = collect(source);
    expect(hookedSockets()).toBe(before + 1);
    source.setGate(false);
    await vi.waitFor(() => expect(hookedSockets()).toBe(before), { interval: 5 });
    source.setGate(true);
    source.setGate(false);
    source.setGate(true);
    await vi.waitFor(() => expect(hookedSockets()).toBe(before + 1), { interval: 5 });
    while (!seen.contains('after')) await send('after');
    source.setGate(false);
    await seen.stop(); // while a thread still takes the socket off
    expect(hookedSockets()).toBe(before);
  });

  it('delivers packets captured before run, and none after stop', async () => {
    const source = openLive(settings({ filter: { user: `port ${port}`, satellite: [] } }));
    await send('early');
    const seen = collect(source);
    await seen.stop();
    await send('late');
    expect(seen.contains('early')).toBe(true);
    expect(seen.contains('late')).toBe(false);
  });

  it('cuts packets at the snap length and keeps their length', async () => {
    const source = openLive(settings({ filter: { user: `port ${port}`, satellite: [] }, snapLength: 100 }));
    const seen = collect(source);
    await send('x'.repeat(1000));
    await seen.stop();
    const cut = seen.packets.filter(({ bytes, wireLength }) => wireLength > bytes.length);
    expect(cut.map(({ bytes, wireLength }) => [bytes.length, wireLength])).toEqual([[100, 1066]]);
  });

  it('captures a packet of 64 KiB whole', async () => {
    const source = openLive(settings({ filter: { user: `port ${port}`, satellite: [] } }));
    const seen = collect(source);
    await send('y'.repeat(1_000_000));
    await seen.stop();
    expect(Math.max(...seen.packets.map(({ bytes }) => bytes.length))).toBeGreaterThan(60_000);
    expect(seen.packets.every(({ bytes, wireLength }) => bytes.length === wireLength)).toBe(true);
  });

  it('hands over a tunnel’s packets from the IP header on', async () => {
    const [loopback] = listInterfaces(loadRingAddon().describe, ['lo']);
    const packets: Buffer[] = [];
    const capture = { id: 0, name: 'lo', linkType: LINKTYPE_RAW };
    const tunnel = openRing({
      capture,
      // Loopback, read as a tunnel is: such a device exists in few test machines.
      network: { ...loopback!, reading: { linkType: LINKTYPE_RAW, cooked: true } },
      filter: { user: `port ${port}`, satellite: [] },
      geometry: ringGeometry(1, 65_535),
      timeBaseSeconds: 0,
      events: {
        packets(batch) {
          for (let i = 0; i < batch.count; i++) {
            packets.push(
              Buffer.from(batch.bytes.subarray(batch.offset[i]!, batch.offset[i]! + batch.capturedLength[i]!)),
            );
          }
        },
        ready: () => tunnel.deliver(),
        drops: () => expect.unreachable(),
        down: () => expect.unreachable(),
      },
    });
    tunnel.start();
    await send('through the tunnel');
    await tunnel.drain();
    expect(packets.length).toBeGreaterThanOrEqual(8);
    for (const packet of packets) {
      expect(packet[0]).toBe(0x45);
      expect(packet.readUInt16BE(2)).toBe(packet.length);
    }
    expect(packets.some((packet) => packet.includes('through the tunnel'))).toBe(true);
  });

  it('ends run with the consumer’s error, and closes', async () => {
    const source = openLive(settings({ filter: { user: `port ${port}`, satellite: [] } }));
    const run = source.run(() => {
      throw new Error('the consumer failed');
    });
    await send('anything');
    await expect(run).rejects.toThrow('the consumer failed');
    source.stop();
  });
});

describe('on a veth pair', needs('namespaces', 'ip', 'sysctl', 'tcpreplay', 'tcpdump'), () => {
  let pair: VethPair;
  beforeAll(() => {
    pair = makeVethPair();
  });
  afterAll(() => pair.remove());

  function replay(file: string, ...rate: string[]): Promise<void> {
    const [command, args] = pair.inside('tcpreplay', '-q', '-i', pair.there, ...rate, file);
    return new Promise((resolve, reject) => {
      spawn(command, args, { stdio: 'ignore' })
        .on('error', reject)
        .on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`tcpreplay exited with ${code}`))));
    });
  }

  const onPair = (changes: Partial<LiveSettings> = {}) =>
    settings({ interfaces: { names: [pair.here], include: [], exclude: [] }, ...changes });

  it('sees every packet offered, or counts it as dropped and says where', async () => {
    const file = join(directory, 'flood.pcap');
    const frames = Array.from({ length: 10_000 }, (_, i) => tcpFrame(1024 + (i % 100), i, Buffer.alloc(900, i)));
    writePcap(file, frames);
    const drops: [count: number, time: number, seenBefore: number][] = [];
    const lines: string[] = [];
    const source = openLive(
      onPair({
        ringMebibytes: 1,
        onDrops: (name, count, time) => {
          expect(name).toBe(pair.here);
          drops.push([count, time, seen.packets.length]);
        },
        log: { info() {}, warn: (line) => lines.push(line) },
      }),
    );
    // Nobody consumes while the flood passes: 9 MB into 1 MiB. What comes after it is whole.
    await replay(file, '--topspeed');
    const seen = collect(source);
    await seen.until(() => seen.packets.length > 0);
    const flooded = seen.packets.length;
    const last = join(directory, 'last.pcap');
    writePcap(last, [tcpFrame(9999, 1, Buffer.from('the last one'))]);
    await seen.until(() => seen.packets.length >= flooded);
    await replay(last, '--topspeed');
    await seen.until(() => seen.contains('the last one'));
    await seen.stop();
    const [statistics] = source.statistics();
    expect(statistics?.packets).toBe(seen.packets.length);
    expect(statistics?.dropped).toBeGreaterThan(0);
    expect(statistics?.freezes).toBeGreaterThan(0);
    expect(seen.packets.length + statistics!.dropped!).toBe(frames.length + 1);
    // All that was seen of the flood is its beginning, and the report comes between that and what followed.
    const reported = drops.reduce((sum, [count]) => sum + count, 0);
    expect(reported).toBe(statistics?.dropped);
    const [, time, seenBefore] = drops[0]!;
    expect(seenBefore).toBe(seen.packets.length - 1);
    expect(time).toBe(seen.packets.at(-1)?.time);
    for (let i = 0; i < seenBefore; i++) expect(seen.packets[i]?.bytes.readUInt32BE(38)).toBe(i);
    expect(lines).toEqual([
      expect.stringMatching(
        `^interface ${pair.here}: the kernel dropped ${statistics?.dropped} packets, .*--ring-size.*--filter$`,
      ),
    ]);
  });

  it('has the time tcpdump has for each packet, within a millisecond', async () => {
    const file = join(directory, 'times.pcap');
    const frames = Array.from({ length: 500 }, (_, i) => tcpFrame(1024, i, Buffer.alloc(i, 'x')));
    writePcap(file, frames);
    const theirs = join(directory, 'tcpdump.pcap');
    const tcpdump = spawn('tcpdump', ['-i', pair.here, '-n', '-U', '-Z', 'root', '-w', theirs, 'tcp'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = new Promise((resolve) => tcpdump.on('exit', resolve));
    await new Promise<void>((resolve, reject) => {
      tcpdump.stderr.on('data', (text) => `${text}`.includes('listening') && resolve());
      tcpdump.on('exit', () => reject(new Error('tcpdump did not start')));
    });
    const source = openLive(onPair());
    const seen = collect(source);
    await replay(file, '--pps', '5000');
    await seen.until(() => seen.packets.length === frames.length);
    await seen.stop();
    // SIGINT stops tcpdump where it is: it must have written all of them.
    const bytes = frames.reduce((sum, frame) => sum + 16 + frame.length, 24);
    await vi.waitUntil(() => statSync(theirs).size >= bytes, { timeout: 120_000 });
    tcpdump.kill('SIGINT');
    await exited;
    const expected = run('tcpdump', '-r', theirs, '-n', '-tt')
      .trim()
      .split('\n')
      .map((line) => (Number(line.split(' ', 1)[0]) - source.timeBaseSeconds) * 1e9);
    // Each of two sockets takes the time for itself, one right after the other.
    expect(seen.packets.map(({ time }, i) => Math.abs(time - expected[i]!) < 1e6)).toEqual(expected.map(() => true));
  });

  it('opens the ring before the first packet can pass: with a filter that takes none, none is seen', async () => {
    const file = join(directory, 'none.pcap');
    writePcap(
      file,
      Array.from({ length: 1000 }, (_, i) => tcpFrame(1024, i, Buffer.from('x'))),
    );
    const flood = replay(file, '--pps', '20000', '--loop', '5');
    let packets = 0;
    for (let i = 0; i < 20; i++) {
      const source = openLive(onPair({ ringMebibytes: 1, filter: { user: 'port 1', satellite: [] } }));
      const done = source.run((batch) => {
        packets += batch.count;
      });
      source.stop();
      await done;
    }
    await flood;
    expect(packets).toBe(0);
  });

  it('lets the event loop turn under a flood', async () => {
    const file = join(directory, 'turns.pcap');
    writePcap(
      file,
      Array.from({ length: 20_000 }, (_, i) => tcpFrame(1024, i, Buffer.alloc(400))),
    );
    const source = openLive(onPair());
    // Between any two blocks, which hold about 500 of these, timers and sockets have had a turn.
    let turn = 0;
    let spinning = true;
    const spin = () => {
      turn++;
      if (spinning) setImmediate(spin);
    };
    spin();
    const packetsInTurn = new Map<number, number>();
    let packets = 0;
    await replay(file, '--topspeed');
    const done = source.run((batch) => {
      packets += batch.count;
      packetsInTurn.set(turn, (packetsInTurn.get(turn) ?? 0) + batch.count);
    });
    await new Promise((resolve) => setTimeout(resolve, 0));
    while (packets < 5000) await new Promise((resolve) => setImmediate(resolve));
    spinning = false;
    source.stop();
    await done;
    expect(Math.max(...[...packetsInTurn.values()].slice(0, 8))).toBeLessThan(600);
  });
});

describe('what cannot be captured', () => {
  it('names an interface that is not there, and those that are', () => {
    expect(() => openLive(settings({ interfaces: { names: ['nope0'], include: [], exclude: [] } }))).toThrow(
      /^--interfaces nope0: no such interface; there are .*\blo\b/,
    );
  });

  it.each([
    ['--interface-include', { names: [], include: ['('], exclude: [] }],
    ['--interface-exclude', { names: [], include: [], exclude: ['a(?=b)'] }],
  ])('names a pattern of %s that is not RE2', (option, interfaces) => {
    expect(() => openLive(settings({ interfaces }))).toThrow(new RegExp(`^${option} ".*": .*RE2 regular expression$`));
  });

  it('refuses a wrong filter before anything is captured', () => {
    expect(() => openLive(settings({ filter: { user: 'tcp)', satellite: [] } }))).toThrow(/^--filter "tcp\)": /);
  });
});
