/**
 * Traces of a file: NDJSON of the sensor's, an HTTP Archive, or a capture file, which goes through the sensor.
 *
 * in: a file, how to redact · out: a call for each trace, redacted, and how many could not be read
 */
import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SensorError, UsageError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { SettingsOf } from '../../options/option-row.js';
import type { REDACTION_OPTIONS } from '../../options/redaction-options.js';
import { EXPLAIN } from '../../options/sensor-verbs.js';
import { resolveSensor } from '../../options/settings.js';
import { createRedactor } from '../../redact/redactor.js';
import { redactionCost, redactionSettings } from '../../sensor/policy-settings.js';
import { startSensor } from '../../sensor/start.js';
import { harEntries, traceOfHar, traceOfNdjson } from '../../trace/parse-trace.js';
import type { Trace } from '../../trace/trace.js';
import { onInterrupt } from './signals.js';

/** What names standard input in place of a file. */
export const STDIN = '-';

/** A HAR is one document, and read as a whole. */
const HAR_BYTES_MAX = 512 << 20;

export interface TracesFile {
  readonly file: string;
  /** The option that named it. */
  readonly option: string;
  readonly redaction: SettingsOf<typeof REDACTION_OPTIONS>;
  /** Whether a trace says what was replaced. */
  readonly explains: boolean;
}

/** Returns how many traces could not be read. */
export async function readTraces(from: TracesFile, log: Logger, onTrace: (trace: Trace) => void): Promise<number> {
  const start = (from.file === STDIN ? await stdinStart() : fileStart(from)).toString('latin1', 0, START_BYTES);
  if (/^(?:\xef\xbb\xbf)?\s*\{/.test(start)) return readText(from, onTrace);
  // Every capture file has a zero byte in its header.
  if (/^[\t\r\n\x20-\x7e\x80-\xff]+$/.test(start)) {
    const [line = ''] = Buffer.from(start, 'latin1')
      .toString()
      .trimStart()
      .split(/[\r\n]/);
    throw new UsageError(
      `${named(from)} holds no traces: it begins with ${JSON.stringify(line.slice(0, 32))}; give what --output ndjson writes, an HTTP Archive or a capture file`,
    );
  }
  return readCapture(from, log, onTrace);
}

/** What is said where the files hold no trace. */
export function nothingRead(files: readonly string[]): string {
  const shown = files.map((file) => JSON.stringify(file)).join(', ');
  return `--read ${shown}: there is no HTTP exchange in it; give what --output ndjson writes, an HTTP Archive or a capture file`;
}

const named = ({ file, option }: TracesFile): string => `${option} ${JSON.stringify(file)}`;

const START_BYTES = 256;

/** What standard input begins with, which whoever reads it gets all the same. */
async function stdinStart(): Promise<Buffer> {
  await new Promise<void>((resolve) => {
    process.stdin.once('readable', resolve).once('end', resolve);
  });
  const chunk = process.stdin.read() as Buffer | null;
  if (chunk === null) return Buffer.alloc(0);
  process.stdin.unshift(chunk);
  return chunk;
}

function fileStart(from: TracesFile): Buffer {
  const bytes = Buffer.alloc(START_BYTES);
  try {
    const descriptor = openSync(from.file, 'r');
    const length = readSync(descriptor, bytes);
    closeSync(descriptor);
    return bytes.subarray(0, length);
  } catch (error) {
    throw new UsageError(
      `${named(from)} cannot be read (${(error as NodeJS.ErrnoException).code}); give a readable file`,
    );
  }
}

async function readText(from: TracesFile, onTrace: (trace: Trace) => void): Promise<number> {
  const { file, redaction, explains } = from;
  redactionCost(redaction);
  const redactTrace = createRedactor({ ...redactionSettings(redaction), explains });
  let unread = 0;
  const take = (trace: Trace | null) => {
    if (trace === null) {
      unread++;
      return;
    }
    redactTrace(trace);
    onTrace(trace);
  };
  const input = file === STDIN ? process.stdin : createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  // Standard input that begins with no trace: it cannot be read again.
  let passed: string[] | null = null;
  let passedLength = 0;
  let isFirst = true;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const trace = passed === null ? traceOfNdjson(parsed(line)) : null;
    if (passed !== null || (isFirst && trace === null && file === STDIN)) {
      passed ??= [];
      passed.push(line);
      passedLength += line.length;
      if (passedLength > HAR_BYTES_MAX)
        throw new UsageError(`${named(from)}: an archive of more than ${HAR_BYTES_MAX} bytes; give a part of it`);
      continue;
    }
    if (isFirst && trace === null) {
      const entries = archiveEntries(from);
      if (entries !== null) {
        lines.close();
        for (const entry of entries) take(traceOfHar(entry));
        return unread;
      }
    }
    isFirst = false;
    take(trace);
  }
  if (passed !== null) takePassed(passed, take);
  return unread;
}

/** An archive of several lines, or lines of which the first was no trace. */
function takePassed(lines: readonly string[], take: (trace: Trace | null) => void): void {
  const entries = harEntries(parsed(lines.join('\n')));
  for (const entry of entries ?? []) take(traceOfHar(entry));
  if (entries === null) for (const line of lines) take(traceOfNdjson(parsed(line)));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return null;
  }
}

function archiveEntries(from: TracesFile): readonly unknown[] | null {
  if (statSync(from.file).size > HAR_BYTES_MAX)
    throw new UsageError(`${named(from)} is larger than ${HAR_BYTES_MAX} bytes; give a part of it`);
  return harEntries(parsed(readFileSync(from.file, 'utf8')));
}

async function readCapture(from: TracesFile, log: Logger, onTrace: (trace: Trace) => void): Promise<number> {
  // The sensor's own variables say how it runs elsewhere; what redaction is told is in `redaction`.
  const sensor = resolveSensor({ read: [from.file] }, {}, EXPLAIN).settings;
  const run = await startSensor({ ...sensor, ...from.redaction, output: [] }, log, onTrace);
  onInterrupt(run.stop, run.hurry);
  const { counters } = await run.done;
  if (counters.packets_seen === 0)
    throw new SensorError(`${named(from)}: there is no packet in it; check what wrote it`);
  return counters.exchanges_dropped_undeliverable;
}
