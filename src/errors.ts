import { getSystemErrorMap } from 'node:util';

/** What the exit codes of `pcap-sensor` mean. */
export const EXIT_CODES = [
  { code: 0, help: 'All went well. A doctor found nothing wrong.' },
  { code: 1, help: 'Something went wrong, or traces were lost. A doctor found something wrong, drift some drift.' },
  { code: 2, help: 'An option, a variable or a file was wrong. Nothing was done.' },
  { code: 3, help: 'ecs status: the sensor is not in the task definition.' },
  { code: 127, help: 'apidump --command: the command was not found. Any other code may be that of the command.' },
  {
    code: 130,
    help: 'Interrupted: an ecs command at once, any other one when it was interrupted again while it was ending.',
  },
] as const;

/**
 * An error that a person can act on: its message is one line that names the option or address, the actual value and the
 * way out. Subcommands print the message and exit with `exitCode`. Anything else thrown is a bug.
 */
export class SensorError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'SensorError';
    this.exitCode = exitCode;
  }
}

/** What is wrong with an option's value: its message reads on from the value and ends in the way out. */
export class InvalidValue extends Error {}

/** A wrong option, environment variable or configuration file: exit code 2, before anything is captured. */
export class UsageError extends SensorError {
  constructor(message: string) {
    super(message, 2);
    this.name = 'UsageError';
  }
}

/** The first line of what was thrown, to go on from: what libraries say often ends in a colon and lines of context. */
export function reasonOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  return line.replace(/[\s:.]+$/, '');
}

/** What the operating system had against a path or an address, as it words it: `no such file or directory (ENOENT)`. */
export function systemReason(error: unknown): string {
  const { errno, code, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : `${getSystemErrorMap().get(errno)?.[1] ?? message} (${code})`;
}

/** A path that cannot be used. What the disk does not do now it may do another time; all else is asked for wrongly. */
export function unusablePath(named: string, error: unknown, wayOut: string): SensorError {
  const text = `${named}: ${systemReason(error)}; ${wayOut}`;
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['ENOSPC', 'EDQUOT', 'EIO'].includes(code) ? new SensorError(text) : new UsageError(text);
}
