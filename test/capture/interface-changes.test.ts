/**
 * An interface that goes down and comes up, is renamed, or is deleted and made anew: what the kernel takes of it from then on
 * is captured. What it took is what its own counter says.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type LiveSource, openLive } from '../../src/capture/live.js';
import { makeVethPair, run, type VethPair } from '../support/namespace.js';
import { needs } from '../support/needs.js';
import { tcpFrame, writePcap } from '../support/packets.js';

const FRAMES = 200;
const directory = mkdtempSync(join(tmpdir(), 'sensor-changes-'));
let pair: VethPair;
let source: LiveSource;
let done: Promise<void>;
let name: string;
const logged: string[] = [];
/** The payloads that were captured. */
const seen = new Set<string>();

beforeEach(() => {
  pair = makeVethPair();
  name = pair.here;
  logged.length = 0;
  seen.clear();
  source = openLive({
    backend: 'ring',
    interfaces: { names: [], include: [`^${name.slice(0, -1)}`], exclude: [] },
    filter: { user: 'port 4096', satellite: [] },
    ringMebibytes: 1,
    snapLength: 65_535,
    interfacesMax: 8,
    log: { info: (line) => void logged.push(line), warn: (line) => void logged.push(line) },
  });
  done = source.run((batch) => {
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i]!;
      const text = batch.bytes.toString('latin1', at, at + batch.capturedLength[i]!);
      const payload = /frame-\w+-\d+;/.exec(text)?.[0];
      if (payload !== undefined) seen.add(payload);
    }
  });
});

afterEach(async () => {
  source.stop();
  await done;
  pair.remove();
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Frames that the interface has received since it was made. */
const received = () =>
  Number(
    readFileSync('/proc/self/net/dev', 'latin1')
      .split('\n')
      .find((line) => line.trim().startsWith(`${name}:`))!
      .split(':')[1]!
      .trim()
      .split(/\s+/)[1],
  );

/** Sends frames until the interface has received as many. */
function send(what: string): number {
  const before = received();
  for (let round = 0; received() - before < FRAMES; round++) {
    const file = join(directory, `${what}.pcap`);
    const frames = Array.from({ length: FRAMES }, (_, i) =>
      tcpFrame(4096, i, Buffer.from(`frame-${what}-${round * FRAMES + i};`)),
    );
    writePcap(file, frames);
    const [command, args] = pair.inside('tcpreplay', '-q', '-t', '-i', pair.there, file);
    run(command, ...args);
  }
  return received() - before;
}

const of = (what: string) => [...seen].filter((payload) => payload.startsWith(`frame-${what}-`)).length;
const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 120_000, interval: 5 });
const says = (line: string) => logged.includes(line);

const needed = { ...needs('capture', 'namespaces', 'ip', 'sysctl', 'tcpreplay'), timeout: 120_000 };

it('misses nothing of what comes when it is up again', needed, async () => {
  const before = send('before');
  await until(() => of('before') === before);
  for (const what of ['once', 'twice']) {
    run('ip', 'link', 'set', name, 'down');
    run('ip', 'link', 'set', name, 'up');
    const sent = send(what);
    await until(() => of(what) === sent);
  }
  await until(() => says(`interface ${name}: capturing`));
  expect(source.statistics().map((one) => one.name)).toEqual([name]);
  const behind = send('behind');
  await until(() => of('behind') === behind);
});

it.each(['down', 'up'])(
  'misses nothing of what comes under another name, given while it is %s',
  needed,
  async (state) => {
    const renamed = `${name.slice(0, -1)}~`;
    run('ip', 'link', 'set', name, state);
    run('ip', 'link', 'set', name, 'name', renamed);
    run('ip', 'link', 'set', renamed, 'up');
    name = renamed;
    const sent = send('renamed');
    await until(() => of('renamed') === sent);
    await until(() => says(`interface ${renamed}: capturing`));
    const behind = send('behind');
    await until(() => of('behind') === behind);
  },
);

it('misses nothing of one that is made anew with its name and index, once it is seen', needed, async () => {
  const index = /"ifindex":\s*(\d+)/.exec(run('ip', '-j', 'link', 'show', name))![1]!;
  run('ip', 'link', 'del', name);
  run(
    ...(['ip', 'link', 'add', name, 'index', index, 'type', 'veth'] as const),
    'peer',
    pair.there,
    'netns',
    pair.namespace,
  );
  run('sysctl', '-qw', `net.ipv6.conf.${name}.disable_ipv6=1`);
  run('ip', '-n', pair.namespace, 'link', 'set', pair.there, 'up');
  run('ip', 'link', 'set', name, 'up');
  await until(() => says(`interface ${name}: capturing`));
  const sent = send('anew');
  await until(() => of('anew') === sent);
});

it('is given up when it has gone', needed, async () => {
  run('ip', 'link', 'del', name);
  await until(() => says(`interface ${name}: gone`));
  expect(source.statistics().map((one) => one.name)).toEqual([name]);
});
