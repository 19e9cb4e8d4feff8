/** How the time of a step grows with the bytes it is given: CPU time, best of several, fitted by a power of the size. */

export interface Measured {
  /** Bytes that the step looked at: those given, or those that came of them where they are more. */
  readonly bytes: number;
  readonly nanos: number;
}

/** A sample shorter than this says little; the run is repeated until it has taken so long. */
const SAMPLE_NANOS_MIN = 2e6;

const cpuNanos = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

/** The CPU time of one run in nanoseconds: the least of `samples`, each of as many runs as it takes to be measured. */
export function leastNanos(run: () => unknown, samples: number): number {
  let least = Number.POSITIVE_INFINITY;
  let repeats = 1;
  for (let sample = 0; sample < samples; ) {
    const start = cpuNanos();
    for (let i = 0; i < repeats; i++) run();
    const nanos = cpuNanos() - start;
    if (nanos < SAMPLE_NANOS_MIN) {
      repeats = Math.max(repeats * 2, Math.ceil((repeats * SAMPLE_NANOS_MIN * 1.2) / Math.max(nanos, 1000)));
      continue;
    }
    least = Math.min(least, nanos / repeats);
    sample++;
  }
  return least;
}

/** The same for a run that waits, such as for a decoder. */
export async function leastNanosAwaited(run: () => Promise<unknown>, samples: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let repeats = 1;
  for (let sample = 0; sample < samples; ) {
    const start = cpuNanos();
    for (let i = 0; i < repeats; i++) await run();
    const nanos = cpuNanos() - start;
    if (nanos < SAMPLE_NANOS_MIN) {
      repeats = Math.max(repeats * 2, Math.ceil((repeats * SAMPLE_NANOS_MIN * 1.2) / Math.max(nanos, 1000)));
      continue;
    }
    least = Math.min(least, nanos / repeats);
    sample++;
  }
  return least;
}

/** The exponent e of the power law nanos ∝ bytes^e that fits best (least squares over the logarithms). */
export function fittedExponent(points: readonly Measured[]): number {
  const xs = points.map(({ bytes }) => Math.log(bytes));
  const ys = points.map(({ nanos }) => Math.log(nanos));
  const meanX = xs.reduce((sum, x) => sum + x, 0) / xs.length;
  const meanY = ys.reduce((sum, y) => sum + y, 0) / ys.length;
  let above = 0;
  let below = 0;
  xs.forEach((x, i) => {
    above += (x - meanX) * ((ys[i] as number) - meanY);
    below += (x - meanX) ** 2;
  });
  return above / below;
}
