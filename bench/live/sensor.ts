/**
 * The sensor beside a live row: any build of it, by its entry, printing every exchange of its namespace as NDJSON.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from './namespace.js';
import { PROGRAMS } from './places.js';

export interface SensorSettings {
  /** A `cli.js`, which node runs, or a program. */
  readonly entry: string;
  readonly directory: string;
  readonly label?: string;
  readonly options?: readonly string[];
  /** Whether a satellite takes the traces as well: it learns who the client was behind its proxies. */
  readonly hasSatellite?: boolean;
}

export interface SeenBody {
  readonly wireBytes: number;
  readonly bytes: number;
  readonly truncated: boolean;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
  readonly codingError?: string;
}

/** A line of NDJSON, as far as the rows look at it. */
export interface SeenTrace {
  readonly spanId: string;
  readonly kind: 'server' | 'client';
  readonly startTimeUnixNano: string;
  readonly durationNano: string;
  readonly network: {
    readonly interface: string;
    readonly leg?: 'outer' | 'inner';
    readonly client: { readonly address: string; readonly port: number };
    readonly server: { readonly address: string; readonly port: number };
  };
  readonly request: {
    readonly method: string;
    readonly target: string;
    readonly headers: readonly (readonly [string, string])[];
    readonly body: SeenBody;
  };
  readonly response: null | {
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    readonly body: SeenBody;
  };
  readonly marks: readonly string[];
  /** `client.address` as the satellite received it, where there is one. */
  readonly clientAddress?: string;
}

export interface Sensor {
  /** Waits until it has printed `count` exchanges, or has printed nothing more for `quietMillis`. */
  settled(count: number, quietMillis?: number): Promise<void>;
  /** Stops its process for a while; the kernel goes on filling the ring. */
  pause(millis: number): Promise<void>;
  /** Ends it and gives what it printed. */
  stop(): Promise<SeenTrace[]>;
  /** What it logged, the summary among it once it has stopped. */
  log(): string;
}

const SATELLITE_PORT = 4318;
/** Its `--shutdown-timeout` and some. */
const STOP_MILLIS_MAX = 30_000;
const SATELLITE = [
  ...['--output', 'satellite', '--satellite-url', `http://127.0.0.1:${SATELLITE_PORT}`],
  ...['--trace-export-interval', '0.2'],
];
const EVERYTHING = ['--rate-limit', '0', '--max-cpu', 'none', '--no-default-redaction', '--keep-health-checks'];

export async function startSensor(namespace: Namespace, settings: SensorSettings): Promise<Sensor> {
  const { entry, directory, label = 'sensor', options = [], hasSatellite = false } = settings;
  const spans = join(directory, `${label}.spans`);
  if (hasSatellite) {
    const command = [process.execPath, join(PROGRAMS, 'node/satellite.js'), String(SATELLITE_PORT), spans];
    await namespace.start(`${label}-satellite`, command, { directory }).listening(SATELLITE_PORT);
  }
  const program = namespace.start(
    label,
    [
      ...(entry.endsWith('.js') ? [process.execPath] : []),
      ...[entry, 'apidump', '--output', 'ndjson', '--log-format', 'text', ...EVERYTHING],
      ...(hasSatellite ? SATELLITE : []),
      ...options,
    ],
    { directory },
  );
  await program.said('capturing on');
  const lines = () => countLines(program.output);
  return {
    async settled(count, quietMillis = 3000) {
      let last = lines();
      let changed = Date.now();
      while (last < count && Date.now() - changed < quietMillis) {
        await sleep(20);
        const now = lines();
        if (now === last) continue;
        last = now;
        changed = Date.now();
      }
    },
    async pause(millis) {
      program.child.kill('SIGSTOP');
      await sleep(millis);
      program.child.kill('SIGCONT');
    },
    async stop() {
      await program.stop('SIGTERM', STOP_MILLIS_MAX);
      const clients = new Map(
        readLines<{ spanId: string; 'client.address': string }>(spans).map((span) => [
          span.spanId,
          span['client.address'],
        ]),
      );
      return readTraces(program.output).map((trace) => {
        const clientAddress = clients.get(trace.spanId);
        return clientAddress === undefined ? trace : { ...trace, clientAddress };
      });
    },
    log: () => readFileSync(program.errors, 'utf8'),
  };
}

export function readTraces(file: string): SeenTrace[] {
  return readLines<SeenTrace>(file);
}

function countLines(file: string): number {
  const bytes = readFileSync(file);
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

function readLines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
