/** An event without a value. */
export interface Signal {
  raise(): void;
  wait(): Promise<void>;
}

/** A raise wakes all that wait; one that nothing waits for is remembered, once. */
export function createSignal(): Signal {
  let raised = false;
  let waiting: (() => void)[] = [];
  return {
    raise() {
      if (waiting.length === 0) raised = true;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    wait: () =>
      new Promise((resolve) => {
        if (raised) {
          raised = false;
          return resolve();
        }
        waiting.push(resolve);
      }),
  };
}
