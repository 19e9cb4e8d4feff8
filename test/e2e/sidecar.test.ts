/**
 * The sidecar as Fargate runs it: an application container, and the sensor's image in its network namespace with
 * NET_RAW only, 200 MiB and a quarter of a CPU, started by the words of task-definitions/low-resource.json; a satellite
 * in a third container, wrk as the world.
 *
 *      wrk, satellite ── 10.x.y.1 ═veth═ 10.x.y.2 ── [ nginx | sensor ]
 *
 * A few seconds by default. SIDECAR_SECONDS=300 is the soak. Either prints two tables: memory, CPU and traces over time,
 * and the application's throughput before, beside and after the sensor.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/deploy/ecs/json-value.js';
import { networkName, run } from '../support/namespace.js';
import { needs } from '../support/needs.js';
import {
  cgroupUse,
  podman,
  podmanReady,
  type RunningContainer,
  sensorImage,
  startContainer,
} from '../support/podman.js';

const seconds = Number(process.env.SIDECAR_SECONDS ?? 8);
const SAMPLES = 10;
/** Throughput without the sensor is measured this long at most, twice. */
const BASELINE_SECONDS_MAX = 60;
const MEMORY_MIB = 200;
const SATELLITE_PORT = 9999;
/** Listening on more than loopback, the satellite shows traces to who has the token alone. */
const READ_TOKEN = 'sidecar-test';
/** ECS kills after this. */
const STOP_TIMEOUT_SECONDS = 30;

const execute = promisify(execFile);
const definition = JSON.parse(
  readFileSync(new URL('../../task-definitions/low-resource.json', import.meta.url), 'utf8'),
) as JsonObject;

describe(
  'the sidecar in its task',
  needs('namespaces', 'ip', 'wrk', 'buildah', { PCAP_SENSOR_IMAGE: podmanReady }),
  () => {
    const id = `${process.pid % 200}.${Math.floor(Math.random() * 250)}`;
    const world = `10.${id}.1`;
    const inside = `10.${id}.2`;
    const namespace = networkName('');
    const veth = networkName('s');
    const appImage = `localhost/pcap-sensor-test-app:${process.pid}`;
    const running: RunningContainer[] = [];
    let app: RunningContainer;

    beforeAll(async () => {
      const base = process.env.BASE_IMAGE ?? 'localhost/pcap-sensor-base:bookworm';
      await execute('buildah', [
        'bud',
        '--isolation',
        'chroot',
        '--network',
        'host',
        '--layers',
        '--pull-never',
        '--build-arg',
        `BASE_IMAGE=${base}`,
        '--tag',
        appImage,
        '--file',
        'test/e2e/app.Dockerfile',
        'test/e2e',
      ]);
      run('ip', 'netns', 'add', namespace);
      run('ip', 'link', 'add', veth, 'type', 'veth', 'peer', 'name', 'eth1', 'netns', namespace);
      run('ip', 'address', 'add', `${world}/30`, 'dev', veth);
      run('ip', 'link', 'set', veth, 'up');
      run('ip', '-n', namespace, 'address', 'add', `${inside}/30`, 'dev', 'eth1');
      run('ip', '-n', namespace, 'link', 'set', 'eth1', 'up');
      run('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
      app = await start('--network', `ns:/run/netns/${namespace}`, appImage);
      await start(
        '--network',
        'host',
        sensorImage,
        'satellite',
        '--host',
        world,
        '--port',
        String(SATELLITE_PORT),
        '--read-token',
        READ_TOKEN,
        '--log-level',
        'warn',
      );
      await answers(`http://${inside}/`);
      await answers(`http://${world}:${SATELLITE_PORT}/healthz`);
    }, 180_000);

    afterAll(async () => {
      for (const container of running.reverse()) {
        await container.remove();
      }
      run('ip', 'link', 'delete', veth);
      run('ip', 'netns', 'delete', namespace);
      await podman('rmi', '--force', appImage);
    }, 60_000);

    async function start(...words: string[]): Promise<RunningContainer> {
      const container = await startContainer(...words);
      running.push(container);
      return container;
    }

    /** Resolves when something answers there; a container's process is up before it listens. */
    async function answers(url: string): Promise<void> {
      const deadline = performance.now() + 20_000;
      for (;;) {
        try {
          await (await fetch(url)).arrayBuffer();
          return;
        } catch (error) {
          if (performance.now() > deadline) {
            throw error;
          }
          await setTimeout(50);
        }
      }
    }

    async function wrk(duration: number): Promise<{ perSecond: number; p99: string; failed: number }> {
      const words = ['-t1', '-c16', `-d${duration}s`, '--latency', `http://${inside}/things?page=1`];
      const { stdout } = await execute('wrk', words);
      return {
        perSecond: Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1] ?? 0),
        p99: /99% +(\S+)/.exec(stdout)?.[1] ?? '?',
        failed: Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0),
      };
    }

    const traces = async () => {
      const headers = { authorization: `Bearer ${READ_TOKEN}` };
      const response = await fetch(`http://${world}:${SATELLITE_PORT}/traces`, { headers });
      expect(response.status).toBe(200);
      return (await response.json()) as Record<string, unknown>[];
    };

    test(
      'traces arrive, the limits hold, the application does not notice, and SIGTERM drains',
      async () => {
        const baselineSeconds = Math.min(seconds, BASELINE_SECONDS_MAX);
        const without = await wrk(baselineSeconds);

        const words = (definition.entryPoint as string[]).map((word) =>
          word
            .replace(/^< INSERT SATELLITE URL .*>$/, `http://${world}:${SATELLITE_PORT}`)
            .replace(/^< INSERT APPLICATION ENVIRONMENT .*>$/, 'staging')
            .replace(/^< INSERT LEVO ORG ID >$/, '3f0c7c3a-6f6e-4c5e-9a51-0c9d6d1f3b11'),
        );
        const sensor = await start(
          '--network',
          `container:${app.id}`,
          '--cap-drop',
          'ALL',
          '--cap-add',
          'NET_RAW',
          '--read-only',
          '--memory',
          `${MEMORY_MIB}m`,
          '--cpus',
          '0.25',
          '--stop-timeout',
          String(STOP_TIMEOUT_SECONDS),
          '--entrypoint',
          JSON.stringify(words),
          sensorImage,
        );
        const healthy = async () => (await podman('exec', sensor.id, 'node', ...healthCheck())).code;
        const deadline = performance.now() + 30_000;
        while ((await healthy()) !== 0) {
          expect(performance.now(), await sensor.logs()).toBeLessThan(deadline);
        }

        const load = wrk(seconds);
        const samples: string[][] = [];
        const before = cgroupUse(sensor.pid);
        let last = { at: performance.now(), cpu: before.cpuSeconds };
        const interval = (seconds * 1000) / SAMPLES;
        for (let taken = 1; taken <= SAMPLES; taken += 1) {
          await setTimeout(interval);
          const use = cgroupUse(sensor.pid);
          const now = performance.now();
          const cores = (use.cpuSeconds - last.cpu) / ((now - last.at) / 1000);
          samples.push([
            ((taken * interval) / 1000).toFixed(0),
            residentMib(sensor.pid),
            (use.memoryBytes / 2 ** 20).toFixed(0),
            cores.toFixed(3),
            String((await traces()).length),
            String(use.oomKills),
          ]);
          last = { at: now, cpu: use.cpuSeconds };
        }
        const during = await load;
        const use = cgroupUse(sensor.pid);
        const received = await traces();

        expect(use.oomKills).toBe(0);
        expect(during.failed).toBe(0);
        expect(received.length, await sensor.logs()).toBeGreaterThan(0);
        const text = JSON.stringify(received.at(-1));
        expect(text).toContain('/things');
        expect(text).toContain('staging');

        const stopping = performance.now();
        const exitCode = await sensor.stop(STOP_TIMEOUT_SECONDS);
        const drained = (performance.now() - stopping) / 1000;
        const logs = await sensor.logs();
        expect(exitCode, logs).toBe(0);
        const afterwards = await wrk(baselineSeconds);
        expect(await sensor.inspect('{{.State.OOMKilled}}')).toBe('false');
        expect(drained).toBeLessThan(STOP_TIMEOUT_SECONDS);
        const books = summaryOf(logs);
        const dropped = Object.entries(books).filter(([name]) => name.startsWith('exchanges_dropped_'));
        const accounted = dropped.reduce((sum, [, count]) => sum + count, books.exchanges_exported ?? 0);
        expect(books.exchanges_seen, logs).toBeGreaterThan(0);
        expect(accounted, logs).toBe(books.exchanges_seen);
        // The satellite keeps the newest 1000, which the rate limit stays far below here.
        expect((await traces()).length).toBe(books.exchanges_exported);

        const phase = (name: string, { perSecond, p99 }: Awaited<ReturnType<typeof wrk>>, duration: number) => [
          name,
          String(duration),
          perSecond.toFixed(0),
          p99,
          ((100 * perSecond) / ((without.perSecond + afterwards.perSecond) / 2)).toFixed(0),
        ];
        const averageCores = ((use.cpuSeconds - before.cpuSeconds) / seconds).toFixed(3);
        const peakMib = (use.memoryPeakBytes / 2 ** 20).toFixed(0);
        process.stdout.write(
          [
            '',
            words.join(' '),
            '',
            ...table(
              [
                's',
                'resident MiB',
                `cgroup MiB of ${MEMORY_MIB}`,
                'cores of 0.25',
                'traces at the satellite',
                'OOM kills',
              ],
              samples,
            ),
            '',
            ...table(
              ['nginx under wrk', 's', 'requests/s', 'p99', '% of without'],
              [
                phase('without the sensor', without, baselineSeconds),
                phase('beside the sensor', during, seconds),
                phase('without it again', afterwards, baselineSeconds),
              ],
            ),
            '',
            `${averageCores} cores on average, ${peakMib} MiB at most, ${use.oomKills} OOM kills, ${books.packets_seen} packets seen`,
            `${books.exchanges_seen} exchanges seen, ${books.exchanges_exported} exported, ${dropped
              .filter(([, count]) => count > 0)
              .map(([name, count]) => `${count} ${name.replace('exchanges_', '').replaceAll('_', ' ')}`)
              .join(', ')}`,
            `SIGTERM: drained and ended with ${exitCode} in ${drained.toFixed(1)} s of ${STOP_TIMEOUT_SECONDS}`,
            '',
          ].join('\n'),
        );
      },
      (seconds * 4 + 120) * 1000,
    );

    /** The health check of the task definition, as ECS would run it. */
    function healthCheck(): string[] {
      const { command } = definition.healthCheck as { command: string[] };
      expect(command.slice(0, 2)).toStrictEqual(['CMD', 'node']);
      return command.slice(2);
    }
  },
);

/** The counters of the summary that the sensor logs at its end. */
function summaryOf(logs: string): Record<string, number> {
  const line = logs.split('\n').find((one) => one.includes('"msg":"summary"')) ?? '{}';
  return (JSON.parse(line) as { counters?: Record<string, number> }).counters ?? {};
}

/** As Markdown, to be pasted. */
function table(header: string[], rows: string[][]): string[] {
  const widths = header.map((name, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0), name.length),
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => `${'-'.repeat(width - 1)}:`)), ...rows.map(line)];
}

/** MiB of the Node.js process, a child of the container's first. */
function residentMib(pid: number): string {
  const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? '';
  const status = readFileSync(`/proc/${child === '' ? pid : child}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024).toFixed(0);
}
