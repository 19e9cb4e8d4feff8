/**
 * What the satellite takes, and how fast it answers.
 *
 *     npm run bench:satellite [-- --seconds 60] [--traces 1000000] [--page] [--keep DIRECTORY]
 *     npm run bench:satellite -- --store clickhouse://HOST:PORT/DATABASE [--engine PID] [--rows 1000000,20000000] [--collector]
 *
 * A satellite with `--data` as a person starts it. Senders in a process of their own send spans of small JSON exchanges over
 * OTLP/HTTP JSON, 200 a request, as fast as they are answered; what counts is what the satellite says it has stored. With `--page` a
 * browser has its page open meanwhile, following the tail. Then it is filled to `--traces`, and asked each filter ten times.
 *
 * In ClickHouse, `--engine` is whose CPU is counted as well, and `--rows` are numbers of traces that the list's table is filled to, by the server itself
 * from those that were sent, without bodies, which no list reads. `--collector` fills the table of the Collector's exporter with as many, and asks
 * it the same.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { askTable, fillCollectorTable } from './collector-table.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    traces: { type: 'string', default: '1000000' },
    page: { type: 'boolean', default: false },
    keep: { type: 'string' },
    store: { type: 'string' },
    engine: { type: 'string' },
    rows: { type: 'string', default: '' },
    collector: { type: 'boolean', default: false },
  },
});
const ROOT = join(import.meta.dirname, '../..');
const directory = values.keep ?? mkdtempSync(join(tmpdir(), 'bench-satellite-'));
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const FILTERS = [
  'status>=500',
  'status:404 method:POST',
  'status:none',
  'method:DELETE',
  'duration>290ms',
  'duration>290ms status>=500',
  'path:^/orders/1777',
  'path=/orders/1123456/items',
  'host:shop',
  'host:nowhere.example',
  'path:99999',
  'mark:gap',
  'mark:gap status>=500',
  '-status:200 -status:404 method:GET',
  'service=shop env:prod',
  'id:00000000000000000000000000000001',
];
const SEARCHES = [
  'body:"thing 123"',
  'body:u1777777@example.com',
  'body:nothing',
  'body:thing',
  'body:"thing 5" status>=500',
];

interface Facts {
  stored: number;
  bytes: number;
}

async function startSatellite(): Promise<{ child: ChildProcess; url: string }> {
  const where = values.store === undefined ? ['--data', directory] : ['--store', values.store];
  const args = ['satellite', '--port', '0', ...where, '--retention', '30d,64GiB', '--log-format', 'text'];
  const child = spawn(join(ROOT, 'bin/pcap-sensor'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  for await (const chunk of child.stderr as AsyncIterable<Buffer>) {
    said += chunk;
    const url = /satellite at (\S+);/.exec(said)?.[1];
    if (url !== undefined) {
      child.stderr?.resume();
      return { child, url };
    }
  }
  throw new Error(said);
}

const facts = async (url: string): Promise<Facts> => (await (await fetch(`${url}/api/facts`)).json()) as Facts;

function memory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

/** Clock ticks that the process has had. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** Sends until `traces` are sent or `seconds` are over. */
async function sendAll(url: string, { traces, seconds }: { traces: number; seconds: number }): Promise<void> {
  const sender = spawn(
    process.execPath,
    // Batches are of a second there, so that a connection waits as long for its answer.
    [
      join(import.meta.dirname, 'sender.mjs'),
      url,
      String(traces),
      String(seconds),
      values.store === undefined ? '4' : '64',
    ],
    { stdio: 'inherit' },
  );
  await once(sender, 'exit');
}

async function openPage(url: string): Promise<() => Promise<void>> {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const page = await browser.newPage();
  await page.goto(url);
  await page.locator('#list').waitFor();
  return async () => {
    print(`the page lists ${await page.locator('#list').getAttribute('aria-rowcount')} rows`);
    await browser.close();
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function askAll(url: string, what: string, filters: readonly string[]): Promise<void> {
  const all: number[] = [];
  const engine = values.engine === undefined ? null : Number(values.engine);
  const before = engine === null ? 0 : ticks(engine);
  for (const filter of filters) {
    const times: number[] = [];
    let rows = 0;
    let isComplete = true;
    for (let i = 0; i < 10; i++) {
      const from = performance.now();
      const response = await fetch(`${url}/api/traces?limit=100&filter=${encodeURIComponent(filter)}`);
      const page = (await response.json()) as { rows: unknown[]; complete: boolean };
      times.push(performance.now() - from);
      rows = page.rows.length;
      isComplete = page.complete;
    }
    all.push(...times);
    printTimes(filter, rows, times, isComplete ? '' : ', not all of it');
  }
  printAll(what, all, engine === null ? null : ticks(engine) - before);
}

function printTimes(filter: string, rows: number, times: readonly number[], more: string): void {
  const sorted = [...times].sort((a, b) => a - b);
  print(
    `  ${filter.padEnd(40)} ${String(rows).padStart(4)} rows, median ${quantile(sorted, 0.5).toFixed(0)} ms, longest ${quantile(sorted, 1).toFixed(0)} ms${more}`,
  );
}

function printAll(what: string, times: readonly number[], engineTicks: number | null): void {
  const sorted = [...times].sort((a, b) => a - b);
  const cpu =
    engineTicks === null ? '' : `, ${((engineTicks * 10) / times.length).toFixed(0)} ms of the engine's CPU each`;
  print(`${what}: median ${quantile(sorted, 0.5).toFixed(0)} ms, p95 ${quantile(sorted, 0.95).toFixed(0)} ms${cpu}`);
}

async function compareCollectorTable(): Promise<void> {
  const per = async (table: string): Promise<string> =>
    (
      await askServer(
        `SELECT sum(rows), round(sum(bytes_on_disk) / sum(rows)) FROM system.parts WHERE table = '${table}' AND active AND database = currentDatabase()`,
      )
    ).replace('\t', ' rows of ');
  for (const table of ['traces', 'payloads', 'bodies']) print(`${table}: ${await per(table)} bytes`);
  print(
    `the Collector's table: ${(await fillCollectorTable(askServer)).toFixed(0)} bytes a trace, bodies among its attributes`,
  );
  const engine = values.engine === undefined ? null : Number(values.engine);
  for (const table of ['traces', 'otel_traces'] as const) {
    const before = engine === null ? 0 : ticks(engine);
    const all: number[] = [];
    for await (const { filter, rows, times, failure } of askTable(askServer, table)) {
      all.push(...times);
      printTimes(filter, rows, times, failure === null ? '' : `, ${failure}`);
    }
    printAll(`${table}, past the satellite`, all, engine === null ? null : ticks(engine) - before);
  }
}

/** What the server of `--store` answers. */
async function askServer(sql: string): Promise<string> {
  const { host, pathname } = new URL((values.store ?? '').replace('clickhouse:', 'http:'));
  const response = await fetch(`http://${host}/?database=${pathname.slice(1) || 'default'}`, {
    method: 'POST',
    body: sql,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text.trim();
}

/** Copies of the traces that were sent, with ids of their own, some minutes before them. */
async function growTo(rows: number): Promise<void> {
  const sent = Number(await askServer("SELECT count() FROM traces WHERE Client = '10.0.0.1'"));
  const copies = Math.ceil(1e6 / sent);
  for (let count = Number(await askServer('SELECT count() FROM traces')); count < rows; count += copies * sent) {
    const done = Math.round(count / sent);
    await askServer(`INSERT INTO traces SELECT * EXCEPT (back) REPLACE (Seq - back * 4000 * 600000 AS Seq, Arrival - back * 600 AS Arrival,
      Timestamp - toIntervalSecond(back * 600) AS Timestamp, lower(hex(randomFixedString(16))) AS TraceId, '10.0.0.2' AS Client)
      FROM (SELECT *, arrayJoin(range(${done}, ${done + copies})) AS back FROM traces WHERE Client = '10.0.0.1') LIMIT ${rows - count}`);
  }
  const [held, bytes] = (
    await askServer(
      "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE table = 'traces' AND active AND database = currentDatabase()",
    )
  ).split('\t');
  print(`the list's table: ${held} traces, ${(Number(bytes) / Number(held)).toFixed(0)} bytes each`);
}

const { child, url } = await startSatellite();
const pid = child.pid as number;
try {
  print(`load before: ${loadavg()[0]?.toFixed(1)}`);
  const closePage = values.page ? await openPage(url) : async () => {};
  const engine = values.engine === undefined ? null : Number(values.engine);
  const engineBefore = engine === null ? 0 : ticks(engine);
  const before = { ...(await facts(url)), ticks: ticks(pid), at: performance.now() };
  await sendAll(url, { traces: Number.MAX_SAFE_INTEGER, seconds: Number(values.seconds) });
  const after = { ...(await facts(url)), ticks: ticks(pid), at: performance.now() };
  const seconds = (after.at - before.at) / 1000;
  const stored = after.stored - before.stored;
  print(
    `ingest: ${Math.round(stored / seconds)} traces/s for ${seconds.toFixed(0)} s${values.page ? ' with the page open' : ''}, ` +
      `${(((after.ticks - before.ticks) * 1e4) / Math.max(1, stored)).toFixed(0)} µs of CPU each, RSS ${memory(pid).now.toFixed(0)} MiB, peak ${memory(pid).peak.toFixed(0)} MiB`,
  );
  if (engine !== null)
    print(`the engine: ${(((ticks(engine) - engineBefore) * 1e4) / Math.max(1, stored)).toFixed(0)} µs of CPU each`);
  await closePage();
  const missing = Number(values.traces) - after.stored;
  if (missing > 0) await sendAll(url, { traces: missing, seconds: 3600 });
  await sleep(1000);
  const held = await facts(url);
  print(
    `holds ${held.stored} traces in ${(held.bytes / 2 ** 20).toFixed(0)} MiB${values.store === undefined ? ` (${(statSync(join(directory, 'traces.sqlite')).size / 2 ** 20).toFixed(0)} MiB on disk)` : ''}`,
  );
  await askAll(url, 'filters', FILTERS);
  await askAll(url, 'full text', SEARCHES);
  for (const rows of values.rows.split(',').filter((one) => one !== '')) {
    await growTo(Number(rows));
    await askAll(url, `filters at ${rows}`, FILTERS);
    if (values.collector) await compareCollectorTable();
  }
  print(
    `RSS ${memory(pid).now.toFixed(0)} MiB, peak ${memory(pid).peak.toFixed(0)} MiB; load after: ${loadavg()[0]?.toFixed(1)}`,
  );
} finally {
  child.kill('SIGTERM');
  await once(child, 'exit');
  if (values.keep === undefined) rmSync(directory, { recursive: true });
}
