/**
 * What is between a sensor and a reader, each part of it killed again and again under load.
 *
 *     sender ──OTLP──▸ Collector, its queue on disk ──▸ Kafka ──▸ satellite ──▸ ClickHouse's engine
 *
 * in: how often each is killed · out: what the Collector acknowledged, and what of it is listed in the end, and how often
 *
 * Takes what `test/support/otel-collector/build`, `install-kafka` and `install-chdb` bring. ClickHouse is its engine behind HTTP, in one
 * process: what that leaves out is said in `test/support/chdb-server.py`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Producer } from '@platformatic/kafka';
import { startChdb } from '../../test/support/chdb.js';
import { freePort } from '../../test/support/free-port.js';
import { startKafka } from '../../test/support/kafka.js';
import { Random } from '../../test/support/random.js';
import { sendSpans, spanOf } from '../../test/support/spans.js';

export interface ChainSettings {
  readonly kills: number;
  readonly seed: number;
  readonly directory: string;
  onKill(part: string, round: number, stored: number): void;
}

export interface ChainResult {
  readonly kills: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  readonly listed: number;
  /** Acknowledged, and not listed. */
  readonly missing: number;
  readonly twice: number;
  /** Files of messages that nobody can read, of which one was sent. */
  readonly setAside: number;
}

interface Part {
  start(): Promise<void>;
  kill(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '../..');
const TOPIC = 'otlp_spans';
const SENDERS = 3;
const SPANS_MAX = 20;
const PAUSE_MILLIS = 200;
const PROGRESS_MILLIS_MAX = 120_000;
const POLL_MILLIS = 200;

export async function runChain({ kills, seed, directory, onKill }: ChainSettings): Promise<ChainResult> {
  const random = new Random(seed);
  const [kafka, engine] = [await startKafka(), await startChdb()];
  const collector = await collectorTo(kafka.broker, directory);
  const satellite = await satelliteBetween(kafka.broker, engine.address, directory);
  const parts: Readonly<Record<string, Part>> = { satellite, collector, broker: kafka, engine };
  // Where this process is ended in the middle, nothing of it goes on.
  const killAll = (): void => {
    for (const part of Object.values(parts)) void part.kill();
  };
  process.once('exit', killAll);
  try {
    await collector.start();
    await satellite.start();
    const load = startLoad(collector.url, random);
    await satellite.progress();
    for (let round = 0; round < kills; round++)
      for (const [name, part] of Object.entries(parts)) {
        await sleep(random.between(100, 1000));
        await part.kill();
        await sleep(random.between(50, 500));
        await part.start();
        if (name === 'collector' && round === 1) await poison(kafka.broker);
        onKill(name, round, await satellite.progress());
      }
    const acknowledged = await load.stop();
    const listed = await satellite.listed(acknowledged);
    const ids = new Set(listed);
    return {
      kills: Object.fromEntries(Object.keys(parts).map((name) => [name, kills])),
      acknowledged: acknowledged.size,
      listed: listed.length,
      missing: [...acknowledged].filter((id) => !ids.has(id)).length,
      twice: listed.length - ids.size,
      setAside: readdirSync(join(directory, 'aside')).length,
    };
  } finally {
    for (const one of [collector, satellite]) await one.kill();
    await engine.stop();
    await kafka.stop();
    process.off('exit', killAll);
  }
}

/** As docs/fleet.md has it, with its queue on disk; times are shorter. */
async function collectorTo(broker: string, directory: string): Promise<Part & { readonly url: string }> {
  const port = await freePort();
  const file = join(directory, 'collector.yaml');
  writeFileSync(
    file,
    `extensions: { file_storage: { directory: ${JSON.stringify(join(directory, 'queue'))}, create_directory: true } }
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } } }
exporters:
  kafka:
    brokers: ["${broker}"]
    traces: { topic: ${TOPIC}, encoding: otlp_proto }
    producer: { compression: gzip, required_acks: -1, max_message_bytes: 10000000 }
    sending_queue:
      enabled: true
      storage: file_storage
      sizer: bytes
      queue_size: 8000000000
      batch: { flush_timeout: 200ms, sizer: bytes, min_size: 1000000, max_size: 8000000 }
    retry_on_failure: { enabled: true, max_elapsed_time: 0, initial_interval: 200ms, max_interval: 1s }
service:
  extensions: [file_storage]
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [kafka] } }
`,
  );
  const program = join(ROOT, 'build/otel-collector');
  return {
    url: `http://127.0.0.1:${port}`,
    ...processOf([program, '--config', file], 'Everything is ready'),
  };
}

interface SatellitePart extends Part {
  /** Waits until it has stored more. Out: how much that is. */
  progress(): Promise<number>;
  /** The ids of all that is listed, once it has all of these or gets no more. */
  listed(wanted: ReadonlySet<string>): Promise<string[]>;
}

async function satelliteBetween(broker: string, engine: string, directory: string): Promise<SatellitePart> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const words = ['satellite', '--port', String(port), '--store', `clickhouse://${engine}/default`];
  const from = ['--from', `kafka://${broker}/${TOPIC}?group=satellites`, '--set-aside', join(directory, 'aside')];
  const program = join(ROOT, 'bin/pcap-sensor');
  const ask = async (path: string): Promise<object> => {
    const response = await fetch(url + path);
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as object;
  };
  const held = async (): Promise<number> => ((await ask('/api/facts')) as { held: number }).held;
  const readAll = async (): Promise<string[]> => {
    const ids: string[] = [];
    let next: number | null = null;
    do {
      const page = await ask(`/api/traces?limit=1000${next === null ? '' : `&before=${next}`}`);
      const { rows, next: following } = page as { rows: { traceId: string }[]; next: number | null };
      ids.push(...rows.map(({ traceId }) => traceId));
      next = following;
    } while (next !== null);
    return ids;
  };
  let before = 0;
  const progress = async (): Promise<number> => {
    const latest = Date.now() + PROGRESS_MILLIS_MAX;
    for (;;) {
      const now = await held().catch(() => 0);
      if (now > before) {
        before = now;
        return now;
      }
      if (Date.now() > latest) throw new Error(`nothing was stored in ${PROGRESS_MILLIS_MAX / 1000} s`);
      await sleep(POLL_MILLIS);
    }
  };
  return {
    ...processOf([program, ...words, ...from, '--log-format', 'text'], 'satellite at'),
    progress,
    async listed(wanted) {
      while (before < wanted.size) await progress();
      return readAll();
    },
  };
}

function processOf([command = '', ...args]: readonly string[], ready: string): Part {
  let child: ChildProcess | null = null;
  return {
    async start() {
      const started = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      child = started;
      let said = '';
      await new Promise<void>((resolve, reject) => {
        started.once('exit', (code) => reject(new Error(`${command} ended with ${code}: ${said.slice(-2000)}`)));
        started.stderr.on('data', (data: Buffer) => {
          said = (said + data).slice(-10_000);
          if (said.includes(ready)) resolve();
        });
      });
    },
    async kill() {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Sends as a sensor does: what is not answered is sent again. Out: how to end it, with the ids of what was answered. */
function startLoad(url: string, random: Random): { stop(): Promise<ReadonlySet<string>> } {
  const acknowledged = new Set<string>();
  let isOver = false;
  const send = async (): Promise<void> => {
    while (!isOver) {
      const spans = Array.from({ length: random.between(1, SPANS_MAX) }, () =>
        spanOf({ path: '/kept', answered: 'body' }),
      );
      while (
        !(await sendSpans(url, spans).then(
          ({ ok }) => ok,
          () => false,
        ))
      )
        await sleep(PAUSE_MILLIS);
      for (const { traceId } of spans) acknowledged.add(traceId);
      await sleep(PAUSE_MILLIS);
    }
  };
  const senders = Array.from({ length: SENDERS }, send);
  return {
    async stop() {
      isOver = true;
      await Promise.all(senders);
      return acknowledged;
    },
  };
}

async function poison(broker: string): Promise<void> {
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [broker] });
  await producer.send({ messages: [{ topic: TOPIC, value: Buffer.from('this is no protobuf') }], acks: -1 });
  await producer.close();
}
