/**
 * A capture file through the whole sensor, as `apidump --read FILE --output ndjson` runs it: what comes out is what a
 * reader of the NDJSON gets, with nothing sampled, redacted or left out.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counters } from '../../src/counters.js';
import { createLogger } from '../../src/log.js';
import { resolveSensorSettings } from '../../src/options/settings.js';
import { startSensor } from '../../src/sensor/start.js';

export interface NdjsonBody {
  readonly wireBytes: number;
  readonly bytes: number;
  readonly truncated: boolean;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
  readonly codingError?: string;
}

/** A line of the output; the shape is the contract of `src/output/ndjson.ts`. */
export interface NdjsonTrace {
  readonly startTimeUnixNano: string;
  readonly durationNano: string;
  readonly timing: { readonly requestEndNano: string; readonly responseStartNano: string | null };
  readonly network: {
    readonly interface: string;
    readonly protocol: string;
    readonly client: { readonly address: string; readonly port: number };
    readonly server: { readonly address: string; readonly port: number };
  };
  readonly request: {
    readonly method: string;
    readonly authority: string;
    readonly target: string;
    readonly path: string;
    readonly query: string;
    readonly headers: readonly [string, string][];
    readonly trailers: readonly [string, string][];
    readonly body: NdjsonBody;
  };
  readonly response: null | {
    readonly status: number;
    readonly reason: string;
    readonly headers: readonly [string, string][];
    readonly trailers: readonly [string, string][];
    readonly body: NdjsonBody;
  };
  readonly marks: readonly string[];
}

export interface SensorReading {
  readonly traces: readonly NdjsonTrace[];
  readonly counters: Counters;
}

export async function readWithSensor(
  file: string,
  flags: Readonly<Record<string, readonly string[]>> = {},
): Promise<SensorReading> {
  const directory = mkdtempSync(join(tmpdir(), 'reading-'));
  try {
    const lines = join(directory, 'traces.ndjson');
    const settings = resolveSensorSettings(
      {
        read: [file],
        output: [`ndjson:${lines}`],
        'rate-limit': ['0'],
        'no-default-redaction': ['true'],
        'keep-health-checks': ['true'],
        'log-level': ['error'],
        ...flags,
      },
      {},
    );
    const run = await startSensor(settings, createLogger(settings));
    const { counters } = await run.done;
    const text = readFileSync(lines, 'utf8');
    const traces = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as NdjsonTrace);
    return { traces, counters };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The bytes of a body as Latin-1, whichever encoding carried them; text of UTF-8 stays text. */
export function contentOf(body: NdjsonBody): string {
  return body.encoding === 'base64' ? Buffer.from(body.content, 'base64').toString('latin1') : body.content;
}
