/**
 * The main job on real traffic: nginx answers curl over one kept-alive connection, `apidump` captures loopback, and every
 * exchange reaches a satellite once, in order, with its exact method, target, status, headers and body, tagged.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SatelliteTrace } from '../../src/satellite/receive/satellite-trace.js';
import { startSatellite } from '../../src/satellite/satellite.js';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const ORGANIZATION = '3c1a7a3e-5c0c-4a55-9a7e-2d7f2c1b6a10';
const PAGE = `${'All work and no play makes a dull page. '.repeat(30)}\n`;
const ORDER = '{"item":42,"note":"grüße","tags":["a","b"]}';

describe('nginx and curl on loopback', needs('capture', 'nginx', 'curl'), () => {
  it('every exchange arrives once, in order, exact and tagged', { timeout: 120_000 }, async () => {
    const port = await freePort();
    await startNginx(port);
    const { traces, received } = collect();
    const satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 100, onTrace: received });
    onTestFinished(() => satellite.close());
    const sensor = startCommand([
      'apidump',
      '--satellite-url',
      satellite.url,
      '--levo-env',
      'staging',
      '--levoai-org-id',
      ORGANIZATION,
      '--interfaces',
      'lo',
      '--filter',
      `tcp port ${port}`,
      '--trace-export-interval',
      '0.2',
      '--log-format',
      'text',
    ]);
    let log = '';
    sensor.stderr.on('data', (chunk) => {
      log += chunk;
    });
    await until(() => log.includes('capturing'), sensor.stderr);

    const base = `http://127.0.0.1:${port}`;
    const common = ['-s', '-S', '-o', '/dev/null'];
    const requests: string[][] = [
      [`${base}/page.txt`],
      ['-H', 'Content-Type: application/json', '--data-binary', ORDER, `${base}/orders?dry=1`],
      ['-I', `${base}/page.txt`],
      [`${base}/missing`],
      ['-H', 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT', `${base}/page.txt`],
      ['-H', 'Accept-Encoding: gzip', `${base}/zipped/page.txt`],
    ];
    execFileSync(
      'curl',
      requests.flatMap((request, i) => [...(i === 0 ? [] : ['--next']), ...common, ...request]),
    );
    await traces.reach(requests.length);
    const exited = once(sensor, 'exit');
    sensor.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
    expect(log).toMatch(/exchanges seen +6\n {2}exported +6\n/);

    expect(traces.list.map(line)).toEqual([
      `GET /page.txt 200 ${PAGE}`,
      `POST /orders?dry=1 200 accepted ${ORDER.length + 2} bytes`,
      'HEAD /page.txt 200 ',
      expect.stringMatching(/^GET \/missing 404 <html>/),
      'GET /page.txt 304 ',
      `GET /zipped/page.txt 200 ${PAGE}`,
    ]);
    // One connection carried them all.
    expect(new Set(traces.list.map((trace) => attribute(trace, 'client.port'))).size).toBe(1);
    const [first, order, head, , , zipped] = traces.list as [
      SatelliteTrace,
      SatelliteTrace,
      SatelliteTrace,
      SatelliteTrace,
      SatelliteTrace,
      SatelliteTrace,
    ];
    expect(attribute(order, 'http.request.body.content')).toBe(ORDER);
    expect(attribute(order, 'http.request.header.content-type')).toEqual(['application/json']);
    expect(attribute(first, 'http.response.header.content-length')).toEqual([String(PAGE.length)]);
    expect(attribute(head, 'http.response.header.content-length')).toEqual([String(PAGE.length)]);
    expect(attribute(zipped, 'http.response.header.content-encoding')).toEqual(['gzip']);
    expect(attribute(zipped, 'http.response.header.transfer-encoding')).toEqual(['chunked']);
    expect(Number(attribute(zipped, 'http.response.body.size'))).toBeLessThan(PAGE.length / 2);
    for (const trace of traces.list) {
      expect([trace.environment, trace.organization]).toEqual(['staging', ORGANIZATION]);
      expect(attribute(trace, 'http.request.header.host')).toEqual([`127.0.0.1:${port}`]);
    }
  });

  it('loses nothing that was complete when it is stopped under load', { timeout: 120_000 }, async () => {
    const port = await freePort();
    await startNginx(port);
    const { traces, received } = collect();
    const satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, onTrace: received });
    onTestFinished(() => satellite.close());
    const sensor = startCommand(
      `apidump --satellite-url ${satellite.url} --interfaces lo --rate-limit 0 --trace-export-interval 60 --log-format text --filter`
        .split(' ')
        .concat(`tcp port ${port}`),
    );
    let log = '';
    sensor.stderr.on('data', (chunk) => {
      log += chunk;
    });
    await until(() => log.includes('capturing'), sensor.stderr);
    // Each process asks for the same page a thousand times on one connection; the stop comes when they are done or nearly.
    const url = `http://127.0.0.1:${port}/page.txt?[1-1000]`;
    const clients = [1, 2].map(() => spawn('curl', ['-s', '-o', '/dev/null', url], { stdio: 'ignore' }));
    onTestFinished(() => {
      for (const client of clients) client.kill('SIGKILL');
    });
    await once(clients[0] as NodeJS.EventEmitter, 'exit');
    const exited = once(sensor, 'exit');
    sensor.kill('SIGTERM');
    expect((await exited)[0]).toBe(0);
    const [, seen, exported] = /exchanges seen +(\d+)\n {2}exported +(\d+)\n/.exec(log) ?? [];
    expect(Number(seen)).toBeGreaterThanOrEqual(1000);
    expect(Number(exported)).toBe(Number(seen));
    expect(traces.count).toBe(Number(exported));
  });
});

function line(trace: SatelliteTrace): string {
  return `${trace.method} ${trace.target} ${trace.status} ${attribute(trace, 'http.response.body.content') ?? ''}`.replace(
    /^(HEAD .*|GET .* 304) $/,
    '$1 ',
  );
}

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: string | number; arrayValue?: { values: { stringValue: string }[] } };
}

/** The value of an attribute of the span as received (OTLP/JSON). */
function attribute(trace: SatelliteTrace, name: string): string | string[] | undefined {
  const found = (trace.span as { attributes: Attribute[] }).attributes.find(({ key }) => key === name)?.value;
  if (found?.arrayValue !== undefined) return found.arrayValue.values.map(({ stringValue }) => stringValue);
  return found?.stringValue ?? (found?.intValue === undefined ? undefined : String(found.intValue));
}

function collect() {
  const list: SatelliteTrace[] = [];
  let count = 0;
  let wanted = 0;
  let wake = () => {};
  return {
    traces: {
      list,
      get count() {
        return count;
      },
      reach: (number: number) => {
        wanted = number;
        return new Promise<void>((resolve) => {
          wake = resolve;
          if (count >= wanted) resolve();
        });
      },
    },
    received: (trace: SatelliteTrace) => {
      count++;
      if (list.length < 100) list.push(trace);
      if (wanted > 0 && count >= wanted) wake();
    },
  };
}

async function until(done: () => boolean, stream: NodeJS.ReadableStream): Promise<void> {
  while (!done()) await once(stream, 'data');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function startNginx(port: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'nginx-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'www/zipped'), { recursive: true });
  writeFileSync(join(directory, 'www/page.txt'), PAGE);
  writeFileSync(join(directory, 'www/zipped/page.txt'), PAGE);
  const config = join(directory, 'nginx.conf');
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
     events {}
     http {
       access_log off; keepalive_requests 100000;
       client_body_temp_path ${directory}; proxy_temp_path ${directory}; fastcgi_temp_path ${directory};
       uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
       server {
         listen 127.0.0.1:${port};
         root ${directory}/www; if_modified_since before;
         default_type text/plain;
         location /zipped/ { gzip on; gzip_types text/plain; }
         location /orders { return 200 "accepted $content_length bytes"; }
       }
     }`,
  );
  const nginx = spawn('nginx', ['-c', config, '-p', directory, '-e', `${directory}/error.log`], { stdio: 'ignore' });
  onTestFinished(async () => {
    const exited = once(nginx, 'exit');
    nginx.kill('SIGTERM');
    await exited;
  });
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/page.txt`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
  }
}
