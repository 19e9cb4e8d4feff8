/**
 * Permits from a reservoir of bottleneck's, leased in small lots. Asking bottleneck costs promises and timers, which the
 * path of a packet cannot afford, so it is asked four times a second at most, and taking a permit is one decrement.
 */
// One file of the package, which also has a client for Redis.
import Bottleneck from 'bottleneck/light.js';
import type { PermitSettings, PermitSource } from './permits.js';

/** bottleneck refills at its heartbeat, four times a second. */
const HEARTBEATS_A_MINUTE = 240;

/** The reservoir counts 1/240 of a permit, so that each heartbeat adds a whole number, however low the rate. */
const PERMIT = HEARTBEATS_A_MINUTE;

export function createReservoirPermits({ perMinute, burst }: PermitSettings): PermitSource {
  const lot = Math.min(burst, Math.ceil(perMinute / HEARTBEATS_A_MINUTE));
  // Created when it is first needed: its heart beats from then on, and would wake an idle sensor.
  let made: Bottleneck | null = null;
  const reservoir = (): Bottleneck => {
    made ??= new Bottleneck({
      reservoir: 0,
      reservoirIncreaseAmount: perMinute,
      // Less than the heartbeat's 250 ms: a timer that fires a little early must not skip a refill.
      reservoirIncreaseInterval: 200,
      // One lot, and the fraction of a permit that the next refill adds.
      reservoirIncreaseMaximum: lot * PERMIT + perMinute,
    });
    return made;
  };
  let held = burst;
  let leasing = false;
  let closed = false;

  async function lease(): Promise<void> {
    leasing = true;
    try {
      while (!closed && held + lot <= burst) {
        // This waits in bottleneck's queue until the reservoir holds a lot.
        await reservoir().schedule({ weight: lot * PERMIT }, async () => undefined);
        held += lot;
      }
    } catch {
      // Closed while waiting.
    }
    leasing = false;
  }

  return {
    take() {
      if (held === 0) return false;
      held--;
      if (!leasing && held + lot <= burst) void lease();
      return true;
    },
    available: () => held,
    giveBack() {
      if (closed) return;
      if (held < burst) held++;
      else void reservoir().incrementReservoir(PERMIT);
    },
    async close() {
      if (closed) return;
      closed = true;
      await made?.stop({ dropWaitingJobs: true });
      await made?.disconnect();
    },
  };
}
