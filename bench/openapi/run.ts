/**
 * OpenAPI from traffic, measured: services whose specifications are published, served and driven over loopback, captured by this sensor,
 * described, compared; beside other programs on the same archive.
 *
 *     bench/openapi/install                   once
 *     npm run bench:openapi                   all of them, as root
 *     npm run bench:openapi -- kubernetes     those whose name has the word
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base, en, Faker } from '@faker-js/faker';
import { parse } from 'yaml';
import { compare, type Score } from './compare.js';
import { chosenSpecifications, EASY, INSTALLED, readSpecification } from './specifications.js';
import { type Planned, plan, resolver } from './traffic.js';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND = join(ROOT, 'bin/pcap-sensor');
const PEER_SECONDS = 180;

const say = (line: string) => void process.stdout.write(`${line}\n`);

interface Peer {
  readonly name: string;
  /** Prints a document. */
  readonly words: (har: string, out: string, origin: string) => readonly string[];
}

const PEERS: readonly Peer[] = [
  {
    name: 'redocly',
    words: (har, out) => [join(INSTALLED, 'node_modules/.bin/redocly'), 'generate-spec', har, '-o', out],
  },
  {
    name: 'har-to-openapi',
    words: (har, out) => [
      process.execPath,
      '-e',
      `require('${INSTALLED}/node_modules/har-to-openapi').generateSpec(JSON.parse(require('fs').readFileSync('${har}','utf8'))).then(({spec})=>require('fs').writeFileSync('${out}',JSON.stringify(spec)))`,
    ],
  },
  {
    name: 'mitmproxy2swagger',
    words: (har, out, origin) => [
      'sh',
      '-c',
      `m=${INSTALLED}/python/bin/mitmproxy2swagger; $m -i ${har} -o ${out} -p ${origin} && sed -i 's/ignore://' ${out} && $m -i ${har} -o ${out} -p ${origin}`,
    ],
  },
  { name: 'harspec', words: (har, out) => [join(INSTALLED, 'python/bin/harspec'), har, '-o', out] },
];

async function main(): Promise<void> {
  const sums = new Map<string, Score[]>();
  for (const name of chosenSpecifications(process.argv.slice(2))) {
    const scores = await measure(name);
    for (const [program, score] of scores) {
      say(`${name.padEnd(22)} ${program.padEnd(18)} ${text(score)}`);
      sums.set(`${program} ${EASY.includes(name) ? 'easy' : 'hard'}`, [
        ...(sums.get(`${program} ${EASY.includes(name) ? 'easy' : 'hard'}`) ?? []),
        score,
      ]);
    }
  }
  for (const [key, scores] of sums) say(`mean ${key.padEnd(28)} ${text(meanOf(scores))}`);
}

const text = (score: Score): string =>
  Object.entries(score)
    .map(([name, value]) => `${name} ${Number(value).toFixed(3)}`)
    .join('  ');

function meanOf(scores: readonly Score[]): Score {
  const names = Object.keys(scores[0] as Score) as (keyof Score)[];
  return Object.fromEntries(
    names.map((name) => [name, scores.reduce((sum, score) => sum + score[name], 0) / scores.length]),
  ) as unknown as Score;
}

async function measure(name: string): Promise<[string, Score][]> {
  const spec = readSpecification(name);
  const faker = new Faker({ locale: [en, base] });
  faker.seed(11);
  faker.setDefaultRefDate('2026-01-01T00:00:00Z');
  const planned = plan(spec, faker, { operations_max: 150, requests_max: 60 });
  const folder = mkdtempSync(join(tmpdir(), 'openapi-bench-'));
  try {
    const { ndjson, har, origin } = await capture(planned, folder);
    const source = { faker, resolve: resolver(spec) };
    const scores: [string, Score][] = [];
    const started = performance.now();
    const out = execFileSync(COMMAND, ['openapi', '--read', ndjson, '--format', 'json', '--log-level', 'warn'], {
      maxBuffer: 1 << 30,
    });
    say(
      `${name}: ${planned.length} exchanges, ${statSync(ndjson).size} bytes, described in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    scores.push(['pcap-sensor', compare(planned, JSON.parse(out.toString()), source)]);
    for (const { name: peer, words } of PEERS) {
      const file = join(folder, `${peer}.yaml`);
      const [program = '', ...args] = words(har, file, origin);
      try {
        execFileSync(program, args, { stdio: 'pipe', timeout: PEER_SECONDS * 1000, maxBuffer: 1 << 28 });
        scores.push([peer, compare(planned, parse(readFileSync(file, 'utf8'), { maxAliasCount: -1 }), source)]);
      } catch (error) {
        say(
          `${name.padEnd(22)} ${peer.padEnd(18)} failed: ${String((error as Error).message)
            .split('\n', 1)[0]
            ?.slice(0, 120)}`,
        );
      }
    }
    return scores;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Serves and drives on loopback; what the sensor saw of it is in the files. */
async function capture(
  planned: readonly Planned[],
  folder: string,
): Promise<{ ndjson: string; har: string; origin: string }> {
  let answer: Planned | null = null;
  const server = createServer((received, response) => {
    received.resume().on('end', () => {
      const { status, responseHeaders, responseBody } = answer as Planned;
      response.writeHead(status, responseHeaders).end(responseBody);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ndjson = join(folder, 'traces.ndjson');
  const har = join(folder, 'traces.har');
  const flags = [
    '--interfaces',
    'lo',
    '--filter',
    `tcp port ${port}`,
    '--rate-limit',
    '0',
    '--keep-health-checks',
    '--max-http-length',
    String(8 << 20),
    '--max-cpu',
    'none',
  ];
  const sensor = spawn(
    COMMAND,
    ['apidump', ...flags, '--output', `ndjson:${ndjson}`, '--write', har, '--log-format', 'text'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await said(sensor, 'capturing on');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const one of planned) {
    answer = one;
    const sent = request({
      agent,
      host: '127.0.0.1',
      port,
      method: one.method,
      path: one.target,
      headers: one.headers,
    });
    sent.end(one.body);
    const [response] = await once(sent, 'response');
    await once(response.resume(), 'end');
  }
  agent.destroy();
  sensor.kill('SIGINT');
  await once(sensor, 'exit');
  server.close();
  return { ndjson, har, origin: `http://127.0.0.1:${port}` };
}

async function said(child: ChildProcess, words: string): Promise<void> {
  let log = '';
  for await (const chunk of child.stderr ?? []) {
    log += chunk;
    if (log.includes(words)) break;
  }
  if (!log.includes(words)) throw new Error(`the sensor did not start: ${log}`);
  child.stderr?.resume();
}

await main();
