/**
 * Steps back where the application starves: a governor whose budget is what nobody else wants.
 *
 * in: the time, the CPU time used so far, how contended the CPU is · out: whether to capture, and when to ask again
 *
 * While there is CPU to spare, nothing is limited. Once there has been none for two looks, the budget falls to a share
 * so small that the application keeps nine tenths of what it does alone. From there on the budget is the sensor's part of what
 * is idle *while the gate is shut*, less a reserve: only then is it the application alone that uses the CPU. What is idle
 * while packets are taken says little, since an application that waits for the sensor leaves cores idle that it would use.
 *
 *     budget  ∞ ────╮                       ╭──── ∞     once it has covered what the sensor wants for so many looks,
 *                   │          ╭────────────╯           more of them each time this proves too soon
 *             least ╰──────────╯
 *                  starves      idle while shut
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

/**
 * What capturing costs the machine for each core that the sensor uses: the kernel copies each packet in the time of whoever
 * sends or receives it.
 */
const COST_OF_CAPTURE = 2.5;
/** What the sensor may use where there is nothing to spare, as a share of the cores. */
const LEAST_SHARE = 0.03;
/** What stays idle, as a share of the cores. */
const RESERVE_SHARE = 0.05;
const LOOK_MILLIS = 1000;
/** One that uses next to nothing is looked at less often: it takes nothing that anybody could miss. */
const QUIET_LOOK_MILLIS = 2000;
/** So many looks in a row have to say the same before anything changes: a burst is no starvation, and a pause no end of one. */
const STARVED_LOOKS = 2;
const SECOND_LOOK_MILLIS = 500;
const SPARE_LOOKS = 5;
/** Stepping back again so soon after there seemed to be enough doubles the looks that the next time takes, up to a minute's. */
const RELAPSE_MILLIS = 60_000;
const SPARE_LOOKS_MAX = 60;
/** Above these nothing is to spare, whatever is idle: work may be bound to other cores than those that are. */
const PRESSURE_MAX = 0.2;
const PRESSED_IDLE = 0.3;
const THROTTLED_MAX = 0.1;
const DELAY_MAX = 0.25;
/** How much the newest look weighs in what the application leaves, and in what the sensor wants. */
const NEWEST_WEIGHT = 0.5;
/** Less time than this with the gate shut says nothing: the kernel counts in hundredths of a second. */
const SHUT_MILLIS_MIN = 100;

/** Whether the sensor takes what somebody else waits for. */
export function isStarving({ idle, pressure, throttled, delay }: Contention): boolean {
  if (idle < RESERVE_SHARE || throttled > THROTTLED_MAX || delay > DELAY_MAX) return true;
  return pressure > PRESSURE_MAX && idle < PRESSED_IDLE;
}

/** What was seen since the last look in one position of the gate; times in milliseconds. */
class Interval {
  millis = 0;
  cpuMillis = 0;
  /** `millis` in which no core was used, as a share of the cores, and in which the quota held the group back. */
  idleMillis = 0;
  throttledMillis = 0;
  starvedMillis = 0;

  add(millis: number, cpuMillis: number, seen: Contention | null): void {
    if (seen === null) return;
    this.millis += millis;
    this.cpuMillis += cpuMillis;
    this.idleMillis += seen.idle * millis;
    this.throttledMillis += seen.throttled * millis;
    if (isStarving(seen)) this.starvedMillis += millis;
  }

  clear(): void {
    this.millis = this.cpuMillis = this.idleMillis = this.throttledMillis = this.starvedMillis = 0;
  }
}

export function createSteppingBack({ cores, random, contention, onChange }: SteppingBackSettings): Governor {
  const least = cores * LEAST_SHARE;
  const open = new Interval();
  const shut = new Interval();
  /** Null while nothing is limited. */
  let inner: Governor | null = null;
  let isOpen = true;
  let budget = least;
  /** Cores that the application leaves, and that the sensor uses while it captures. */
  let left = 0;
  let wanted = 0;
  let starved = 0;
  let spare = 0;
  let spareLooks = SPARE_LOOKS;
  let unlimitedSince = Number.NEGATIVE_INFINITY;
  let lookedAt = Number.NaN;
  let seenAt = Number.NaN;
  let cpuThen = 0;

  function see(now: number, cpuMillis: number): void {
    (isOpen ? open : shut).add(now - seenAt, cpuMillis - cpuThen, contention());
    seenAt = now;
    cpuThen = cpuMillis;
  }

  function whileUnlimited(now: number, used: number): void {
    // Where the sensor itself uses next to nothing, it is not what the application waits for.
    starved = used > least && open.starvedMillis > open.millis / 2 ? starved + 1 : 0;
    if (starved < STARVED_LOOKS) return;
    spareLooks = now - unlimitedSince < RELAPSE_MILLIS ? Math.min(SPARE_LOOKS_MAX, spareLooks * 2) : SPARE_LOOKS;
    starved = 0;
    spare = 0;
    left = 0;
    wanted = used;
    budget = least;
    inner = createGovernor({ cores: () => budget, random, savings: 0 });
    onChange(budget);
  }

  function whileLimited(now: number): void {
    if (open.millis >= SHUT_MILLIS_MIN) wanted = mixed(wanted, open.cpuMillis / open.millis);
    if (shut.millis >= SHUT_MILLIS_MIN) {
      const isThrottled = shut.throttledMillis > THROTTLED_MAX * shut.millis;
      left = mixed(left, isThrottled ? 0 : (shut.idleMillis / shut.millis) * cores);
    } else if (open.starvedMillis > open.millis / 2) {
      // The budget was enough to capture all the time, and now it is too much.
      left = wanted / 2;
    }
    budget = Math.min(cores, Math.max(least, (left - RESERVE_SHARE * cores) / COST_OF_CAPTURE));
    spare = budget > wanted ? spare + 1 : 0;
    if (spare < spareLooks) return;
    inner = null;
    isOpen = true;
    unlimitedSince = now;
    onChange(null);
  }

  function millisToLook(): number {
    if (starved > 0) return SECOND_LOOK_MILLIS;
    return wanted > least ? LOOK_MILLIS : QUIET_LOOK_MILLIS;
  }

  function look(now: number): void {
    const used = (open.cpuMillis + shut.cpuMillis) / (now - lookedAt);
    lookedAt = now;
    if (inner === null) whileUnlimited(now, used);
    else whileLimited(now);
    open.clear();
    shut.clear();
  }

  return {
    step(now, cpuMillis) {
      if (Number.isNaN(seenAt)) {
        contention();
        lookedAt = now;
        seenAt = now;
        cpuThen = cpuMillis;
      }
      const isDue = now - lookedAt >= (starved > 0 ? SECOND_LOOK_MILLIS : LOOK_MILLIS);
      if (isDue) {
        see(now, cpuMillis);
        if (inner === null) wanted = open.millis === 0 ? 0 : open.cpuMillis / open.millis;
        look(now);
      }
      if (inner === null) return { open: true, nextStepMillis: millisToLook() };
      const step = inner.step(now, cpuMillis);
      if (step.open !== isOpen) {
        if (!isDue) see(now, cpuMillis);
        isOpen = step.open;
      }
      return { open: step.open, nextStepMillis: Math.min(step.nextStepMillis, LOOK_MILLIS) };
    },
  };
}

function mixed(before: number, now: number): number {
  return before + NEWEST_WEIGHT * (now - before);
}
