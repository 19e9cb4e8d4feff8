import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BINARY = join(import.meta.dirname, '../../build/otel-collector');

/** Whether there is one to test against: test/support/otel-collector/build makes it. */
export const collectorBuilt = existsSync(BINARY);

export interface Collector {
  readonly url: string;
  /** Every `ResourceSpans` it has written to its file. */
  resourceSpans(): Promise<any[]>;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const directory = await mkdtemp(join(tmpdir(), 'otel-collector-'));
  const port = await freePort();
  const file = join(directory, 'traces.json');
  const config = join(directory, 'config.yaml');
  await writeFile(
    config,
    `receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } } }
exporters: { file: { path: ${JSON.stringify(file)}, flush_interval: 50ms } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [file] } }
`,
  );
  const child = spawn(BINARY, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  await ready(child);
  return {
    url: `http://127.0.0.1:${port}`,
    async resourceSpans() {
      const text = await readFile(file, 'utf8').catch(() => '');
      // What follows the last newline is still being written.
      const lines = text.split('\n').slice(0, -1);
      return lines.flatMap((line) => JSON.parse(line).resourceSpans);
    },
    async close() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await gone;
      await rm(directory, { recursive: true });
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.once('exit', (code) => reject(new Error(`the collector ended with ${code}:\n${log}`)));
    child.stderr?.on('data', (chunk) => {
      log += chunk;
      if (log.includes('Everything is ready')) resolve();
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
