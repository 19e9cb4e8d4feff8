import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { listenAddress } from '../../src/options/option-values.js';
import { createHistogram, observe } from '../../src/output/relay/histogram.js';
import { type HealthServer, startHealthServer } from '../../src/task/health-server.js';
import { encodeMetrics, type SensorStatus } from '../../src/task/metrics.js';
import { monitorProcess } from '../../src/task/process-status.js';

let server: HealthServer | undefined;
afterEach(() => server?.close());

const PROCESS = {
  residentBytes: 1000,
  cpuSeconds: 1.5,
  startTimeSeconds: 100,
  openDescriptors: 7,
  eventLoopDelaySeconds: { p50: 0, p99: 0.002, max: 0.01 },
};

function status(override: Partial<SensorStatus> = {}): SensorStatus {
  return {
    counters: createCounters(),
    interfaces: [],
    redactions: new Map(),
    flowCount: 0,
    watchedShare: 1,
    exportLatency: null,
    process: PROCESS,
    ...override,
  };
}

describe('metrics', () => {
  it('give every counter, and outcomes that add up', () => {
    const counters = createCounters();
    Object.assign(counters, {
      exchanges_seen: 10,
      exchanges_exported: 4,
      exchanges_dropped_path_rule: 3,
      queue_bytes: 55,
    });
    const lines = encodeMetrics(status({ counters, flowCount: 12, watchedShare: 0.25 })).split('\n');
    expect(lines).toContain('pcap_sensor_exchanges_seen_total 10');
    expect(lines).toContain('pcap_sensor_exchanges_total{outcome="exported"} 4');
    expect(lines).toContain('pcap_sensor_exchanges_total{outcome="path_rule"} 3');
    expect(lines).toContain('pcap_sensor_exchanges_in_flight 3');
    expect(lines).toContain('pcap_sensor_flows_held 12');
    expect(lines).toContain('pcap_sensor_watched_share 0.25');
    expect(lines).toContain('# TYPE pcap_sensor_queue_bytes gauge');
    expect(lines).toContain('pcap_sensor_queue_bytes 55');
    const outcomes = lines.filter((line) => line.startsWith('pcap_sensor_exchanges_total{'));
    expect(outcomes.length).toBe(
      Object.keys(counters).filter((name) => /^exchanges_(exported|dropped_)/.test(name)).length,
    );
  });

  it('give a histogram of export attempts, cumulative and in seconds', () => {
    const exportLatency = createHistogram([10, 100]);
    for (const millis of [5, 10, 50, 500]) observe(exportLatency, millis);
    const lines = encodeMetrics(status({ exportLatency })).split('\n');
    const from = lines.indexOf('# TYPE pcap_sensor_export_duration_seconds histogram');
    expect(lines.slice(from + 1, from + 6)).toEqual([
      'pcap_sensor_export_duration_seconds_bucket{le="0.01"} 2',
      'pcap_sensor_export_duration_seconds_bucket{le="0.1"} 3',
      'pcap_sensor_export_duration_seconds_bucket{le="+Inf"} 4',
      'pcap_sensor_export_duration_seconds_sum 0.565',
      'pcap_sensor_export_duration_seconds_count 4',
    ]);
  });

  it('say nothing of what a backend cannot know', () => {
    const text = encodeMetrics(
      status({
        interfaces: [
          { name: 'lo', packets: 5, dropped: 1, freezes: 0 },
          { name: 'a"b\\', packets: 6, dropped: null, freezes: null },
        ],
      }),
    );
    expect(text).toContain('pcap_sensor_interface_dropped_total{interface="lo"} 1\n');
    expect(text).toContain('pcap_sensor_interface_packets_total{interface="a\\"b\\\\"} 6\n');
    expect(text).not.toContain('interface_dropped_total{interface="a');
  });

  it('are lines of the text format, each name declared once before its samples', () => {
    const declared = new Set<string>();
    for (const line of encodeMetrics(status({ exportLatency: createHistogram([1]) }))
      .trimEnd()
      .split('\n')) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
      if (type !== null) {
        expect(declared.has(type[1]!), line).toBe(false);
        declared.add(type[1]!);
      } else if (!line.startsWith('# HELP ')) {
        const sample = /^([a-z0-9_]+)(\{[a-z]+="[^"]*"\})? -?[0-9.e+-]+$/.exec(line);
        expect(sample, line).not.toBeNull();
        expect(declared.has(sample![1]!.replace(/_(bucket|sum|count)$/, '')), line).toBe(true);
      }
    }
  });
});

describe('the health server', () => {
  it('answers', async () => {
    let ready = false;
    server = await startHealthServer({
      address: { host: '127.0.0.1', port: 0 },
      publicHosts: [],
      isReady: () => ready,
      metrics: async () => 'x 1\n',
    });
    const base = `http://127.0.0.1:${server.port}`;
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(base + path, { method });
      return [response.status, await response.text()];
    };
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
    expect(await ask('/readyz')).toEqual([503, 'not capturing\n']);
    ready = true;
    expect(await ask('/readyz?x')).toEqual([200, 'capturing\n']);
    expect(await ask('/metrics')).toEqual([200, 'x 1\n']);
    expect(await ask('/')).toEqual([404, expect.any(String)]);
    expect(await ask('/healthz', 'POST')).toEqual([405, expect.any(String)]);
    expect(await ask('/healthz', 'HEAD')).toEqual([200, '']);
  });

  it('is read by an address, a loopback name and the names that it was given', async () => {
    server = await startHealthServer({
      address: { host: '127.0.0.1', port: 0 },
      publicHosts: ['sensor.internal'],
      isReady: () => true,
      metrics: async () => 'x 1\n',
    });
    const { port } = server;
    const ask = (path: string, host: string): Promise<[number | undefined, string]> =>
      new Promise((resolve, reject) => {
        const asked = request({ host: '127.0.0.1', port, path, headers: { Host: host } }, (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve([response.statusCode, text]));
        });
        asked.on('error', reject);
        asked.end();
      });
    for (const host of [`127.0.0.1:${port}`, 'localhost', '[::1]', '10.1.2.3', 'Sensor.internal:9'])
      expect(await ask('/metrics', host)).toEqual([200, 'x 1\n']);
    for (const path of ['/healthz', '/readyz', '/metrics', '/']) {
      expect(await ask(path, 'attacker.example')).toEqual([421, expect.stringMatching(/^[^\n]*--public-host NAME\n$/)]);
    }
  });

  it('makes one answer for all who ask for metrics meanwhile', async () => {
    let makes = 0;
    server = await startHealthServer({
      address: { host: '127.0.0.1', port: 0 },
      publicHosts: [],
      isReady: () => true,
      metrics: async () => `made ${++makes}\n`,
    });
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2));
    let text = '';
    while (text.split('\n').filter((line) => line.startsWith('made')).length < 2)
      text += (await once(socket, 'data'))[0];
    socket.destroy();
    expect(text.match(/made \d+/g)).toEqual(['made 1', 'made 1']);
    expect(await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()).toBe('made 2\n');
  });

  it('says that the port is taken', async () => {
    const options = { publicHosts: [], isReady: () => true, metrics: async () => '' };
    server = await startHealthServer({ ...options, address: { host: '127.0.0.1', port: 0 } });
    await expect(startHealthServer({ ...options, address: { host: '127.0.0.1', port: server.port } })).rejects.toThrow(
      `--health-port ${server.port} on 127.0.0.1: another process listens there; end it, or choose another --health-port`,
    );
  });
});

describe('--health-port', () => {
  it.each([
    ['9464', '127.0.0.1', 9464],
    ['0.0.0.0:9464', '0.0.0.0', 9464],
    ['[::1]:9464', '::1', 9464],
    ['localhost:0', 'localhost', 0],
  ])('%s', (value, host, port) => {
    expect(listenAddress.parse(value)).toEqual({ host, port });
  });

  it.each(['', 'x', '65536', '::1:80', '-1', '80 80'])('refuses %j', (value) => {
    expect(() => listenAddress.parse(value)).toThrow(/give PORT/);
  });
});

it('looks at the process', async () => {
  const monitor = monitorProcess();
  const seen = await monitor.status();
  monitor.stop();
  expect(seen.residentBytes).toBeGreaterThan(10_000_000);
  expect(seen.openDescriptors).toBeGreaterThan(2);
  expect(seen.cpuSeconds).toBeGreaterThan(0);
});
