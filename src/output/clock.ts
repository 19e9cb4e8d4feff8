/** Time as the outputs see it; tests bring their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `millis`, or at once when `signal` aborts. Never rejects. */
  sleep(millis: number, signal: AbortSignal): Promise<void>;
  /** Calls `work` once, after `millis`; what it returns cancels that. */
  after(millis: number, work: () => void): () => void;
  /** Calls `work` every `millis` until what it returns is called; does not keep the process alive. */
  every(millis: number, work: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (millis, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, millis);
      signal.addEventListener('abort', done);
    }),
  after(millis, work) {
    const timer = setTimeout(work, millis);
    return () => clearTimeout(timer);
  },
  every(millis, work) {
    const timer = setInterval(work, millis);
    timer.unref();
    return () => clearInterval(timer);
  },
  random: Math.random,
};
