/**
 * Holds the sensor to a CPU budget: decides when the gate is to be shut and when it may open again.
 *
 * in: the time and the CPU time used so far · out: whether to capture, and when to ask again
 *
 * CPU time is an account: the budget pays in as time passes, and what the sensor uses is taken out. Packets are taken
 * while there is something on it. Once it is empty, the gate is shut until a slice's worth has been saved up; slices are
 * of random length, so that they do not fall in with anything periodic in the traffic. On average the sensor thus uses
 * the budget, whatever a packet costs, and watches as much of the traffic as the budget pays for.
 *
 *     account   ╱╲   ╱╲        open while it is above zero,
 *           ___╱__╲_╱__╲___    shut while it recovers
 */
export interface Gate {
  /** Takes packets. */
  open(): void;
  /** Takes none, at no cost a packet. */
  close(): void;
}

export interface GovernorSettings {
  /** CPU time the sensor may use, in cores; asked for at each step, as it may change. */
  cores(): number;
  /** A random number from 0 to 1. */
  random(): number;
  /** What is on the account at first, as a share of the most that it holds; 1 by default. */
  savings?: number;
}

export interface Governor {
  /** Takes the time and the CPU time used so far, both in milliseconds; returns whether to capture until the next step. */
  step(now: number, cpuMillis: number): { open: boolean; nextStepMillis: number };
}

/** On average a slice costs what the budget pays in this time. */
const SLICE_BUDGET_MILLIS = 1000;
/** The account holds at most what the budget pays in this time, for a burst after a quiet while. */
const SAVINGS_BUDGET_MILLIS = 2000;
/** A debt is forgiven beyond what the budget pays in this time, as after one long pause of the process. */
const DEBT_BUDGET_MILLIS = 10_000;
/** How long the gate is shut at most and open at least: a budget below the cost of idling must not blind the sensor. */
const SHUT_MILLIS_MAX = 5_000;
const OPEN_MILLIS_MIN = 5;
/** How often the account is looked at while packets cost. */
const OPEN_STEP_MILLIS = 10;

export function createGovernor(settings: GovernorSettings): Governor {
  let account = 0;
  let time = Number.NaN;
  let cpu = 0;
  let open = true;
  let since = 0;
  let reopenAt = 0;

  return {
    step(now, cpuMillis) {
      const cores = settings.cores();
      if (Number.isNaN(time)) {
        // The traffic does not pay for the start.
        account = cores * SAVINGS_BUDGET_MILLIS * (settings.savings ?? 1);
        since = now;
      } else {
        account += (now - time) * cores - (cpuMillis - cpu);
        account = Math.max(-cores * DEBT_BUDGET_MILLIS, Math.min(cores * SAVINGS_BUDGET_MILLIS, account));
      }
      time = now;
      cpu = cpuMillis;
      if (open && account <= 0 && now - since >= OPEN_MILLIS_MIN) {
        open = false;
        since = now;
        reopenAt = cores * SLICE_BUDGET_MILLIS * (0.5 + settings.random());
      } else if (!open && (account >= reopenAt || now - since >= SHUT_MILLIS_MAX)) {
        open = true;
        since = now;
      }
      if (open) return { open, nextStepMillis: OPEN_STEP_MILLIS };
      const recovery = (reopenAt - account) / cores;
      return { open, nextStepMillis: Math.max(1, Math.min(recovery, since + SHUT_MILLIS_MAX - now)) };
    },
  };
}
