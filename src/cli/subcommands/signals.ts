/**
 * What signals mean to a subcommand: the first asks it to end, the second to hurry, where it can, and the last ends it.
 */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `signals`: those that end it. */
export function onInterrupt(
  stop: (signal: string) => void,
  hurry?: () => void,
  signals: readonly (typeof ENDING)[number][] = ENDING,
): void {
  const steps = hurry === undefined ? [stop] : [stop, hurry];
  for (const signal of signals) {
    process.on(signal, () => {
      const step = steps.shift();
      if (step === undefined) process.exit(130);
      step(signal);
    });
  }
}

/** Resolves at the first signal. */
export function interrupted(): Promise<string> {
  return new Promise((resolve) => onInterrupt(resolve));
}
