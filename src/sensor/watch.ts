/**
 * Holds the sensor to `--max-cpu`: asks the governor, moves the gate, and says which exchanges were cut by that.
 *
 *     open ──budget spent──▸ closing ──those admitted have ended, or waited enough──▸ shut ──budget again──▸ open
 *
 * While the gate is closing, packets are still taken but no exchange is admitted. When it opens, every flow is forgotten
 * and met again in midstream, since nobody knows what it carried meanwhile.
 */
import type { Counters } from '../counters.js';
import { limitDebug } from '../debug-log.js';
import type { Logger } from '../log.js';
import type { CpuBudget } from '../options/option-values.js';
import type { Settings } from '../options/options.js';
import { type Exchange, Mark } from '../pair/exchange.js';
import { createGovernor, type Gate, type Governor } from '../policy/governor.js';
import { createSteppingBack } from '../policy/stepping-back.js';
import { coresAvailable } from '../task/cgroup.js';
import { openContention } from '../task/contention.js';

export interface Watch {
  /** Whether a new exchange may be admitted. */
  readonly admits: boolean;
  /** Whether the gate is shut: an exchange that ends now may have gone on unseen. */
  readonly isShut: boolean;
  /** Share of the last half minute in which exchanges were admitted; null without a budget. */
  readonly share: number | null;
  start(pipeline: WatchedPipeline): void;
  stop(): void;
}

export interface WatchedPipeline {
  /** Exchanges admitted that have not ended. */
  readonly pendingCount: number;
  /** Hands on every exchange as it is and forgets every flow. */
  finish(): void;
}

/** How long those admitted may take to end once the budget is spent. */
const GRACE_MILLIS = 50;
const GRACE_STEP_MILLIS = 2;
/** The time constant of `share`. */
const SHARE_MILLIS = 30_000;

export function openWatch(settings: Settings, gate: Gate | null, counters: Counters, log: Logger): Watch {
  const { maxCpu } = settings;
  if (maxCpu === 'none' || gate === null) return UNLIMITED;
  const available = coresAvailable();
  const debug = limitDebug(log, PROCESS_METER.now);
  let cores = available;
  const watch = (governor: Governor) =>
    watchBy(governor, gate, counters, PROCESS_METER, (state) => {
      debug.say('gate', () => ({ state, cores }), STATES[state]);
    });
  if (maxCpu !== 'auto') {
    cores = coresOf(maxCpu, available);
    log.info({ cores }, 'capture pauses while the CPU budget is spent');
    return watch(createGovernor({ cores: () => cores, random: Math.random }));
  }
  return unlessUnlimited(
    watch(
      createSteppingBack({
        cores: available,
        random: Math.random,
        contention: openContention(PROCESS_METER.now),
        onChange(budget) {
          cores = budget ?? available;
          if (budget === null) log.info('there is CPU to spare again: everything is captured');
          else log.warn({ cores }, STEPS_BACK);
        },
      }),
    ),
    counters,
  );
}

const STEPS_BACK =
  'no CPU is to spare: capture pauses in slices, so that the application has it; --max-cpu none captures everything all the same';

/** A sensor that has never had to step back has no share to tell of. */
function unlessUnlimited(watch: Watch, counters: Counters): Watch {
  return {
    get admits() {
      return watch.admits;
    },
    get isShut() {
      return watch.isShut;
    },
    get share() {
      return counters.unwatched_millis === 0 ? null : watch.share;
    },
    start: (pipeline) => watch.start(pipeline),
    stop: () => watch.stop(),
  };
}

/** Reads the time and the CPU time used, in milliseconds. */
export interface Meter {
  now(): number;
  cpu(): number;
}

const PROCESS_METER: Meter = {
  now: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

type State = 'open' | 'closing' | 'shut';

const STATES: Readonly<Record<State, string>> = {
  open: 'CPU budget: exchanges are admitted',
  closing: 'CPU budget: spent; those that were admitted may end',
  shut: 'CPU budget: spent; no packet is taken until some of it is back',
};

const UNLIMITED: Watch = { admits: true, isShut: false, share: null, start() {}, stop() {} };

function coresOf(budget: Exclude<CpuBudget, 'auto' | 'none'>, available: number): number {
  return 'cores' in budget ? budget.cores : (budget.percent / 100) * available;
}

/** Whether part of the exchange is missing. */
export function isCut({ response, marks }: Exchange): boolean {
  return response === null || (marks & (Mark.unfinished | Mark.gap)) !== 0;
}

/** `onChange` takes each new state. */
export function watchBy(
  governor: Governor,
  gate: Gate,
  counters: Counters,
  meter: Meter,
  onChange: (state: State) => void = () => {},
): Watch {
  let state: State = 'open';
  let closingSince = 0;
  let last = meter.now();
  let watched = 0;
  let unwatched = 0;
  let recentWatched = 0;
  let recent = 0;
  let pipeline: WatchedPipeline | null = null;
  let timer: NodeJS.Timeout | null = null;

  function countTime(now: number): void {
    const elapsed = now - last;
    last = now;
    if (state === 'open') watched += elapsed;
    else unwatched += elapsed;
    const kept = Math.exp(-elapsed / SHARE_MILLIS);
    recent = recent * kept + elapsed;
    recentWatched = recentWatched * kept + (state === 'open' ? elapsed : 0);
    counters.watched_millis = Math.round(watched);
    counters.unwatched_millis = Math.round(unwatched);
  }

  function step(): void {
    const now = meter.now();
    countTime(now);
    const before = state;
    const { open, nextStepMillis } = governor.step(now, meter.cpu());
    if (open && state === 'shut') {
      pipeline?.finish();
      gate.open();
    }
    if (open) {
      state = 'open';
    } else if (state === 'open') {
      state = 'closing';
      closingSince = now;
    }
    if (state === 'closing' && (pipeline?.pendingCount === 0 || now - closingSince >= GRACE_MILLIS)) {
      state = 'shut';
      gate.close();
    }
    if (state !== before) onChange(state);
    timer = setTimeout(step, state === 'closing' ? GRACE_STEP_MILLIS : nextStepMillis);
  }

  return {
    get admits() {
      return state === 'open';
    },
    get isShut() {
      return state === 'shut';
    },
    get share() {
      return recent === 0 ? 1 : Math.round((recentWatched / recent) * 1e4) / 1e4;
    },
    start(watchedPipeline) {
      pipeline = watchedPipeline;
      last = meter.now();
      step();
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      countTime(meter.now());
    },
  };
}
