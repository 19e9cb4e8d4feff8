/**
 * Steps back where the application starves: a governor whose budget is what nobody else wants.
 *
 * in: the time, the CPU time used so far, how contended the CPU is · out: whether to capture, and when to ask again
 *
 * While there is CPU to spare, nothing is limited. Once there has been none for two looks, the budget falls to a share
 * so small that the application keeps nine tenths of what it does alone. From there it follows what is idle: what the
 * sensor uses and what nobody uses is one sum, so a budget of that sum less a reserve takes nothing from anybody, and does
 * not swing. An application that takes whatever is left leaves nothing idle, and the budget stays small.
 *
 *     budget  ∞ ────╮                       ╭──── ∞
 *                   │          ╭────────────╯
 *             least ╰──────────╯
 *                  starves      idle again
 */
import { createGovernor, type Governor } from './governor.js';

/** How contended the CPU was since the last look; shares from 0 to 1. */
export interface Contention {
  /** What nobody used of the CPU time of the cores that the sensor may run on. */
  idle: number;
  /** How much of the time somebody waited for a CPU (PSI's `some`); 0 where the kernel does not say. */
  pressure: number;
  /** How much of the time the sensor's own group was held back by its quota. */
  throttled: number;
  /** How much of the time the sensor's own thread waited for a CPU. */
  delay: number;
}

export interface SteppingBackSettings {
  /** Cores that the sensor may run on. */
  cores: number;
  random(): number;
  /** How contended the CPU was since the last call; null where that cannot be known. */
  contention(): Contention | null;
  /** Takes the budget in cores when the sensor begins to step back, and null when it is unlimited again. */
  onChange(budget: number | null): void;
}

/** What the sensor may use where there is nothing to spare, as a share of the cores. */
const LEAST_SHARE = 0.05;
/** What stays idle, as a share of the cores. */
const RESERVE_SHARE = 0.05;
const LOOK_MILLIS = 1000;
/** One that uses next to nothing is looked at less often: it takes nothing that anybody could miss. */
const QUIET_LOOK_MILLIS = 2000;
/** So many looks in a row have to say the same before anything changes: a burst is no starvation, and a pause no end of one. */
const STARVED_LOOKS = 2;
const SPARE_LOOKS = 5;
/** Above these nothing is to spare, whatever is idle: work may be bound to other cores than those that are. */
const PRESSURE_MAX = 0.2;
const PRESSED_IDLE = 0.3;
const THROTTLED_MAX = 0.1;
const DELAY_MAX = 0.25;
/** With so much idle for a while nothing needs a limit. */
const SPARE_IDLE = 0.3;

/** Whether the sensor takes what somebody else waits for. */
export function isStarving({ idle, pressure, throttled, delay }: Contention): boolean {
  if (idle < RESERVE_SHARE || throttled > THROTTLED_MAX || delay > DELAY_MAX) return true;
  return pressure > PRESSURE_MAX && idle < PRESSED_IDLE;
}

export function createSteppingBack({ cores, random, contention, onChange }: SteppingBackSettings): Governor {
  const least = cores * LEAST_SHARE;
  let budget = least;
  /** Null while nothing is limited. */
  let inner: Governor | null = null;
  let lookedAt = Number.NaN;
  let cpuThen = 0;
  let starved = 0;
  let spare = 0;

  function unlimited(used: number): void {
    // Where the sensor itself uses next to nothing, it is not what the application waits for.
    const seen = contention();
    starved = seen !== null && used > least && isStarving(seen) ? starved + 1 : 0;
    if (starved < STARVED_LOOKS) return;
    budget = least;
    spare = 0;
    inner = createGovernor({ cores: () => budget, random });
    onChange(budget);
  }

  function limited(): void {
    const seen = contention();
    if (seen === null) return;
    if (isStarving(seen)) {
      spare = 0;
      budget = Math.max(least, budget * 0.75);
      return;
    }
    budget = Math.min(cores, budget + ((seen.idle - RESERVE_SHARE) * cores) / 2);
    spare = seen.idle >= SPARE_IDLE ? spare + 1 : 0;
    if (spare < SPARE_LOOKS) return;
    inner = null;
    starved = 0;
    onChange(null);
  }

  return {
    step(now, cpuMillis) {
      if (Number.isNaN(lookedAt)) {
        contention();
        lookedAt = now;
        cpuThen = cpuMillis;
      } else if (now - lookedAt >= LOOK_MILLIS) {
        const used = (cpuMillis - cpuThen) / (now - lookedAt);
        lookedAt = now;
        cpuThen = cpuMillis;
        if (inner === null) unlimited(used);
        else limited();
        if (inner === null) return { open: true, nextStepMillis: used > least ? LOOK_MILLIS : QUIET_LOOK_MILLIS };
      }
      if (inner === null) return { open: true, nextStepMillis: LOOK_MILLIS };
      const { open, nextStepMillis } = inner.step(now, cpuMillis);
      return { open, nextStepMillis: Math.min(nextStepMillis, LOOK_MILLIS) };
    },
  };
}
