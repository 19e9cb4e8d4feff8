/**
 * One pair of the matrix: a server and a client in a network namespace of their own, the sensor beside them, and what it
 * printed against what both ends say.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from './clients.js';
import { type Comparison, compare } from './compare.js';
import { createNamespace, type Program } from './namespace.js';
import { makeSite, planFor } from './plan.js';
import { createScratch } from './scratch.js';
import { startSensor } from './sensor.js';
import { type Server, startServer } from './servers.js';
import { establishTruth, type Truth } from './truth.js';

export interface PairSettings {
  /** Entry of the sensor. */
  readonly sensor: string;
  /** Where the packets of a pair that went wrong are kept; null for nowhere. */
  readonly keep: string | null;
}

export interface PairResult extends Comparison {
  readonly server: string;
  readonly client: string;
  readonly doubts: Truth['doubts'];
}

const PORT = 8080;
const CLIENT_MILLIS_MAX = 60_000;

export async function runPair(server: Server, client: Client, settings: PairSettings): Promise<PairResult> {
  const scratch = createScratch();
  const directory = scratch.path;
  const namespace = createNamespace(`${server.name}-${client.name}`.replace(/[^a-z.-]/gi, ''));
  try {
    const site = makeSite(directory);
    const bodies = join(directory, 'bodies');
    mkdirSync(bodies);
    const plan = planFor(client.abilities, site);
    const planFile = join(directory, 'plan');
    writeFileSync(planFile, plan.map((item) => `${JSON.stringify(item)}\n`).join(''));
    const [running, sensor, packets] = await Promise.all([
      startServer(server, namespace, { port: PORT, directory, site }),
      startSensor(namespace, { entry: settings.sensor, directory }),
      settings.keep === null ? null : startPacketFile(namespace, directory),
    ]);
    const command = client.command(`http://127.0.0.1:${PORT}`, planFile, bodies);
    const depth = server.hasPipelining === false ? '1' : '4';
    const user = namespace.start('client', command, { directory, env: { LIVE_DEPTH: depth } });
    await user.ended(CLIENT_MILLIS_MAX);
    await sensor.settled(plan.length + plan.filter(({ isFollowed }) => isFollowed).length);
    const traces = await sensor.stop();
    await packets?.stop('SIGINT');
    await running.stop();
    const truth = establishTruth({
      plan,
      route: { client: '127.0.0.1', server: '127.0.0.1', port: PORT },
      clientReport: readFileSync(user.output, 'utf8'),
      bodies,
      serverLog: running.serverLog(),
      originLog: running.originLog(),
    });
    const result = compare(truth.exchanges, traces, { hasRepeats: true });
    if (result.wrong.length > 0 && settings.keep !== null) keepPair(settings.keep, directory, server, client, result);
    return { server: server.name, client: client.name, ...result, doubts: truth.doubts };
  } finally {
    await namespace.remove();
    scratch.remove();
  }
}

export async function startPacketFile(
  namespace: ReturnType<typeof createNamespace>,
  directory: string,
  label = 'packets',
): Promise<Program> {
  const file = join(directory, `${label}.pcap`);
  const program = namespace.start(label, ['tcpdump', '-i', 'any', '-s', '0', '-U', '-w', file], { directory });
  await program.said('listening on');
  return program;
}

function keepPair(keep: string, directory: string, server: Server, client: Client, { wrong }: Comparison): void {
  mkdirSync(keep, { recursive: true });
  const name = `${server.name}-${client.name}`.replace(/[^a-z0-9.-]/gi, '');
  const packets = join(directory, 'packets.pcap');
  if (existsSync(packets)) copyFileSync(packets, join(keep, `${name}.pcap`));
  copyFileSync(join(directory, 'sensor.out'), join(keep, `${name}.ndjson`));
  writeFileSync(join(keep, `${name}.txt`), wrong.map(({ id, what }) => `${id} ${what}\n`).join(''));
}
