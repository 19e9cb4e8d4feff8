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
