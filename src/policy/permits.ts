/**
 * Permits to keep an exchange, handed out at a steady pace with room for a burst.
 */
export interface PermitSource {
  /** Takes one permit, if there is one. */
  take(now: number): boolean;
  /** Permits that could be taken now. */
  available(now: number): number;
  /** Hands back a permit that was not used. */
  giveBack(): void;
  close(): Promise<void>;
}

export interface PermitSettings {
  perMinute: number;
  /** Permits held for a burst; the source starts with these. */
  burst: number;
}

/** Permits paced by the `now` of each call: for capture files, where the packets give the time. */
export function createCaptureTimePermits({ perMinute, burst }: PermitSettings): PermitSource {
  let held = burst;
  let refilled = Number.NEGATIVE_INFINITY;

  function refill(now: number): void {
    if (now <= refilled) return;
    if (refilled > Number.NEGATIVE_INFINITY) held = Math.min(burst, held + ((now - refilled) * perMinute) / 60_000);
    refilled = now;
  }

  return {
    take(now) {
      refill(now);
      if (held < 1) return false;
      held--;
      return true;
    },
    available(now) {
      refill(now);
      return Math.floor(held);
    },
    giveBack() {
      held = Math.min(burst, held + 1);
    },
    async close() {},
  };
}
