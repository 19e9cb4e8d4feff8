/**
 * The log: pino on standard error. Lines are written at once, so that they survive whatever ends the process.
 */
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export interface LogSettings {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly logFormat: 'auto' | 'json' | 'text';
}

export function createLogger(settings: LogSettings): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  // The reader of the log has gone, which is no reason to stop sensing.
  destination.on('error', () => {});
  return pino(
    {
      level: settings.logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: levelName },
    },
    writesText(settings) ? { write: (line: string) => void destination.write(asText(line)) } : destination,
  );
}

/** Whether standard error is for a person to read. */
export function writesText(settings: LogSettings): boolean {
  return settings.logFormat === 'text' || (settings.logFormat === 'auto' && process.stderr.isTTY);
}

function levelName(label: string): { level: string } {
  return { level: label };
}

/** `12:34:56.789 WARN  message key=value …` from a line of JSON. */
function asText(line: string): string {
  const { time, level, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const fields = Object.entries(rest).map(([key, value]) => ` ${key}=${fieldText(value)}`);
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  return `${clock} ${String(level).toUpperCase().padEnd(5)} ${msg ?? ''}${fields.join('')}\n${stack ? `${stack}\n` : ''}`;
}

function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return typeof value === 'string' && /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}
