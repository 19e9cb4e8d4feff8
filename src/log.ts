/**
 * The log: pino on standard error. Lines are written at once, so that they survive whatever ends the process. A line is
 * printable, whatever a stranger put into it, and has at most `LINE_BYTES_MAX` bytes; what is cut stays valid JSON.
 */
import { type Logger, pino } from 'pino';
import { cutToBytes, LINE_BYTES_MAX, printableJson, printableLine, printableLines } from './printable.js';

export type { Logger } from 'pino';

export interface LogSettings {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly logFormat: 'auto' | 'json' | 'text';
  /** File that lines are appended to; standard error where it is null. */
  readonly logFile?: string | null;
}

export function createLogger(settings: LogSettings): Logger {
  const destination = pino.destination(
    settings.logFile ? { dest: settings.logFile, append: true, sync: true } : { fd: 2, sync: true },
  );
  // The reader of the log has gone, which is no reason to stop sensing.
  destination.on('error', () => {});
  const shape = writesText(settings) ? textLine : jsonLine;
  return pino(
    {
      level: settings.logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: levelName },
    },
    { write: (line: string) => void destination.write(shape(line)) },
  );
}

/** Whether standard error is for a person to read. */
export function writesText(settings: LogSettings): boolean {
  return settings.logFormat === 'text' || (settings.logFormat === 'auto' && !settings.logFile && process.stderr.isTTY);
}

function levelName(label: string): { level: string } {
  return { level: label };
}

/** `12:34:56.789 WARN  message key=value …` from a line of JSON; the stack of an error follows. */
export function textLine(line: string): string {
  const { time, level, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${fieldText(value)}`);
  const text = printableLine(`${clock} ${String(level).toUpperCase().padEnd(5)} ${msg ?? ''}${fields.join('')}`);
  const { stack } = (err ?? {}) as { stack?: unknown };
  if (typeof stack !== 'string') return `${text}\n`;
  return `${cutToBytes(`${text}\n${printableLines(stack)}`, LINE_BYTES_MAX - 1)}\n`;
}

function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return typeof value === 'string' && /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

/** How much of a record that is too long stays: the first of these that makes it short enough. */
const CUTS = [
  { characters: 2048, entries: 64 },
  { characters: 512, entries: 24 },
  { characters: 128, entries: 8 },
  { characters: 32, entries: 4 },
];

/** The same line of JSON, printable; one that is too long has its texts and lists cut, and `"cut":true` says so. */
export function jsonLine(line: string): string {
  const whole = printableJson(line);
  if (isShort(whole)) return whole;
  const record = JSON.parse(line) as Record<string, unknown>;
  for (const cut of CUTS) {
    const shorter = printableJson(`${JSON.stringify({ ...(cutValue(record, cut) as object), cut: true })}\n`);
    if (isShort(shorter)) return shorter;
  }
  const { level, time, msg } = record;
  return `${JSON.stringify({ level, time, msg: printableLine(String(msg), LINE_BYTES_MAX / 8), cut: true })}\n`;
}

function isShort(line: string): boolean {
  return line.length * 3 <= LINE_BYTES_MAX || Buffer.byteLength(line) <= LINE_BYTES_MAX;
}

/** pino has bounded the depth already. */
function cutValue(value: unknown, cut: (typeof CUTS)[number], depth = 0): unknown {
  if (typeof value === 'string') return value.length > cut.characters ? `${value.slice(0, cut.characters)}…` : value;
  if (Array.isArray(value)) return value.slice(0, cut.entries).map((one) => cutValue(one, cut, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  // The record's own fields stay: those of a line are few, and named by us.
  const kept = depth === 0 ? entries : entries.slice(0, 2 * cut.entries);
  return Object.fromEntries(kept.map(([key, one]) => [key.slice(0, cut.characters), cutValue(one, cut, depth + 1)]));
}
