/**
 * Which frames of each sensor's run the receiver has taken, and which of them its output has: what a sensor sends again over
 * another connection is taken once, and what is acknowledged has been written.
 *
 * in: numbers of frames, as they are taken and settled · out: which come next, and how many may be acknowledged
 */

export interface RunRegister {
  /** The number of the next frame that is wanted; null where the run is not known. */
  next(run: string): number | null;
  /** Begins, or goes on with, a run whose next wanted frame is that. */
  begin(run: string, next: number): void;
  /** Whether that frame is wanted; it then counts as taken. A run that has been forgotten begins with it. */
  take(run: string, number: number): boolean;
  /** The output has that frame. Returns up to where all are settled. */
  settle(run: string, number: number): number;
  /** Up to where all frames are settled. */
  settled(run: string): number;
}

interface Run {
  taken: number;
  settled: number;
  /** Settled out of order. */
  readonly early: Set<number>;
}

const RUNS_MAX = 4096;

export function createRunRegister(): RunRegister {
  /** The one of which nothing came for longest is the first: a sensor that stays is not forgotten for all those that come and go. */
  const runs = new Map<string, Run>();
  const remember = (run: string, one: Run) => {
    runs.delete(run);
    runs.set(run, one);
    if (runs.size > RUNS_MAX) runs.delete(runs.keys().next().value as string);
  };
  return {
    next: (run) => runs.get(run)?.taken ?? null,
    begin(run, next) {
      remember(run, runs.get(run) ?? { taken: next, settled: next, early: new Set<number>() });
    },
    take(run, number) {
      const known = runs.get(run) ?? { taken: number, settled: number, early: new Set<number>() };
      remember(run, known);
      if (number < known.taken) return false;
      // A sensor skips none; should one be missing, nobody waits for it.
      if (number > known.taken) {
        known.settled = number;
        known.early.clear();
      }
      known.taken = number + 1;
      return true;
    },
    settle(run, number) {
      const known = runs.get(run);
      if (known === undefined) return 0;
      if (number >= known.settled) known.early.add(number);
      while (known.early.delete(known.settled)) known.settled++;
      return known.settled;
    },
    settled: (run) => runs.get(run)?.settled ?? 0,
  };
}
