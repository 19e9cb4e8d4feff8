/**
 * Four sensors in network namespaces of their own stream to one receiver over TLS with a key, while it is killed and started again:
 * each packet is in its sensor's file once, as tcpdump saw it beside the sensor.
 *
 * `FLEET_KILLS=10 FLEET_PACKETS=20000 npx vitest run test/packets/stream/fleet` does more of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/free-port.js';
import { makeVethPair, run, type VethPair } from '../../support/namespace.js';
import { needs } from '../../support/needs.js';
import { numberedFrames, type PcapRecord, readPcap } from '../../support/pcap-records.js';
import { until } from '../../support/stream-ends.js';

const PROGRAM = join(import.meta.dirname, '../../../bin/packetstreamer');
const KILLS = Number(process.env.FLEET_KILLS ?? 2);
const PACKETS = Number(process.env.FLEET_PACKETS ?? 2000);
const SENSORS = 4;
const RATE = Math.ceil(PACKETS / Math.max(2, KILLS));
const BULK_BYTES = 4 << 20;
const BULK_PORT = 5201;
/** How long what was sent may take to arrive, before what arrived is looked at all the same. */
const SETTLE_MILLIS = 30_000;
/** EtherType of the replayed packets: they keep the time at which they came, whoever reads them. */
const REPLAYED = '88b5';

let folder = '';
const endings: (() => Promise<unknown> | unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fleet-'));
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  rmSync(folder, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
  stop(signal: NodeJS.Signals): Promise<void>;
}

async function start(command: string, words: readonly string[], ready: RegExp): Promise<Started> {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece: Buffer) => (said += piece.toString()));
  let isOver = false;
  const exit = once(child, 'exit').then(() => (isOver = true));
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exit;
  };
  endings.push(() => stop('SIGKILL'));
  await until(() => ready.test(said) || isOver);
  if (isOver) throw new Error(`${command} ${words.join(' ')} ended: ${said}`);
  return { child, stop, said: () => said };
}

interface Node {
  readonly name: string;
  readonly veth: VethPair;
  readonly address: string;
  readonly seen: string;
  readonly dump: Started;
  readonly sensor: Started;
}

/** What two processors bring at once, each reader of an interface has in an order of its own. */
const byBytes = (a: PcapRecord, b: PcapRecord): number =>
  a.hex === b.hex ? Number(a.time - b.time) : a.hex < b.hex ? -1 : 1;

const isReplayed = ({ hex }: PcapRecord) => hex.slice(24, 28) === REPLAYED;

const records = (path: string): PcapRecord[] =>
  existsSync(path) && statSync(path).size > 24 ? readPcap(readFileSync(path)).records : [];

async function startNode(index: number, port: number, ca: string): Promise<Node> {
  const veth = makeVethPair();
  endings.push(() => veth.remove());
  const name = `web-${index}`;
  const [own, other] = [`10.213.${index}.1`, `10.213.${index}.2`];
  run('ip', 'addr', 'add', `${own}/30`, 'dev', veth.here);
  run('ip', '-n', veth.namespace, 'addr', 'add', `${other}/30`, 'dev', veth.there);
  run('ip', '-n', veth.namespace, 'link', 'set', 'lo', 'up');
  const spool = join(folder, `spool-${index}`);
  mkdirSync(spool);
  const config = join(folder, `sensor-${index}.yaml`);
  const filter = `ether proto 0x${REPLAYED} or tcp port ${BULK_PORT}`;
  const keys = {
    output: { server: { address: own, port } },
    tls: { enable: true, ca, serverName: 'localhost' },
    auth: { enable: true, key: 'a shared key' },
    ...{ captureInterfacesPorts: { [veth.there]: [] }, filter, name, gatherMaxWaitSec: 1, ringSize: 64 },
    ...{ whenAway: 'spool', spoolDir: spool, logFormat: 'json' },
  };
  writeFileSync(config, JSON.stringify(keys));
  const seen = join(folder, `seen-${index}.pcap`);
  const inside = (...words: string[]) => veth.inside(...words);
  const dump = await start(
    ...inside('tcpdump', '-i', veth.there, '-U', '-B', '65536', '-s', '65535', '-w', seen, filter),
    /listening on/,
  );
  const sensor = await start(...inside(PROGRAM, 'sensor', '--config', config), /streaming from/);
  await start(
    ...inside(
      'node',
      '-e',
      `require("net").createServer((s) => s.resume()).listen(${BULK_PORT}, () => console.log("up"))`,
    ),
    /up/,
  );
  return { name, veth, address: other, seen, dump, sensor };
}

async function bulk(address: string): Promise<void> {
  const socket = connect(BULK_PORT, address);
  socket.end(randomBytes(BULK_BYTES));
  socket.resume();
  await once(socket, 'close');
}

describe('a fleet', needs('namespaces', 'ip', 'sysctl', 'tcpdump', 'tcpreplay', 'openssl', 'python3'), () => {
  it('loses nothing and has nothing twice, however often the receiver is killed', { timeout: 300_000 }, async () => {
    // Where one socket asks for it, the kernel stamps each packet once, and not each reader for itself.
    const stamp =
      'import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET,35,1); print("on",flush=True); time.sleep(600)';
    await start('python3', ['-c', stamp], /on/);
    const { ca, server } = makeCertificates();
    for (const [name, text] of [
      ['ca', ca],
      ['cert', server.cert],
      ['key', server.key],
    ] as const)
      writeFileSync(join(folder, `${name}.pem`), text);
    const port = await freePort();
    const config = join(folder, 'receiver.yaml');
    const keys = {
      input: { address: '0.0.0.0', port },
      output: { file: { path: join(folder, 'out.pcap'), perSensor: true } },
      tls: { enable: true, certfile: join(folder, 'cert.pem'), keyfile: join(folder, 'key.pem') },
      auth: { enable: true, key: 'a shared key' },
    };
    writeFileSync(config, JSON.stringify(keys));
    const startReceiver = () => start(PROGRAM, ['receiver', '--config', config], /receiving on port/);
    let receiver = await startReceiver();
    const nodes: Node[] = [];
    for (let i = 0; i < SENSORS; i++) nodes.push(await startNode(i, port, join(folder, 'ca.pem')));
    const traffic = join(folder, 'traffic.pcap');
    writeFileSync(traffic, numberedFrames(PACKETS));

    const load = nodes.map(async ({ veth, address }) => {
      const replay = spawn('tcpreplay', ['-q', `--pps=${RATE}`, '-i', veth.here, traffic], { stdio: 'ignore' });
      await Promise.all([once(replay, 'exit'), bulk(address)]);
    });
    let isLoaded = false;
    const loaded = Promise.all(load).then(() => (isLoaded = true));
    for (let kills = 0; kills < KILLS; kills++) {
      const size = () => nodes.reduce((sum, { name }) => sum + records(join(folder, `out-${name}.pcap`)).length, 0);
      const before = size();
      await until(() => isLoaded || size() > before + 50);
      await receiver.stop('SIGKILL');
      receiver = await startReceiver();
    }
    await loaded;
    const out = ({ name }: Node) => join(folder, `out-${name}.pcap`);
    // tcpdump reads what came when it gets to it, and nothing more once it is told to stop.
    const areEqual = (node: Node) => {
      const seen = records(node.seen);
      return seen.filter(isReplayed).length >= PACKETS && records(out(node)).length === seen.length;
    };
    const end = Date.now() + SETTLE_MILLIS;
    await until(() => nodes.every(areEqual) || Date.now() > end);
    for (const { dump } of nodes) await dump.stop('SIGINT');
    for (const { sensor } of nodes) await sensor.stop('SIGTERM');
    await receiver.stop('SIGTERM');

    for (const node of nodes) {
      const [got, seen] = [records(out(node)).sort(byBytes), records(node.seen).sort(byBytes)];
      expect(node.dump.said()).toMatch(/\b0 packets dropped by kernel/);
      expect(got.length).toBe(seen.length);
      expect(got.filter(isReplayed)).toHaveLength(PACKETS);
      const wrong = got.findIndex(({ hex, wire }, i) => hex !== seen[i]?.hex || wire !== seen[i]?.wire);
      expect(wrong).toBe(-1);
      const apart = (one: PcapRecord, i: number) => Number(one.time - (seen[i] as PcapRecord).time);
      expect(got.filter((one, i) => isReplayed(one) && apart(one, i) !== 0)).toEqual([]);
      expect(got.filter((one, i) => Math.abs(apart(one, i)) > 1e6)).toEqual([]);
      const books = JSON.parse(node.sensor.said().trimEnd().split('\n').at(-1) ?? '{}');
      expect(books.interfaces).toEqual([
        expect.objectContaining({ captured: got.length, sent: got.length, inFlight: 0, kernelDropped: 0 }),
      ]);
    }
  });
});
