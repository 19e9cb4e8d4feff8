/**
 * What SIGINT and SIGTERM mean to a subcommand: the first asks it to end, the second ends it.
 */
export function onInterrupt(stop: (signal: string) => void): void {
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(130);
      isStopping = true;
      stop(signal);
    });
  }
}

/** Resolves at the first signal. */
export function interrupted(): Promise<string> {
  return new Promise((resolve) => onInterrupt(resolve));
}
