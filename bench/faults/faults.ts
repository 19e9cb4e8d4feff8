/**
 * Everything that the benchmark makes go wrong with a satellite, one row each.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SatelliteFault } from './satellite.js';

/** What a fault can use. */
export interface Stage {
  /** How long the fault lasts, unless it has a length of its own. */
  readonly millis: number;
  killSatellite(): Promise<void>;
  startSatellite(change?: { readonly certificate?: 'right' | 'wrong' }): Promise<void>;
  behave(fault: SatelliteFault): void;
  /** What the name server answers for the satellite's name from now on: its address, "gone" or "silent". */
  resolveTo(answer: string): void;
  /** Drops every packet on the way to the satellite, and from it. */
  blackHole(isOn: boolean): void;
}

export interface Fault {
  readonly name: string;
  /** Over https; the sensor trusts one authority. */
  readonly tls?: true;
  /** The sensor is given the satellite's name, which a name server resolves; otherwise its address. */
  readonly named?: true;
  /** Whether its answer in the bad time is final: refused, not retried, and counted. */
  readonly isFinal?: true;
  during(stage: Stage): Promise<void>;
}

/** Where the satellite is, and where it moves to. */
export const SATELLITE_ADDRESSES = ['10.77.0.2', '10.77.0.3'] as const;

const TWO_MINUTES = 120_000;
const RESTARTS = 20;

export const FAULTS: readonly Fault[] = [
  { name: 'refused', during: (stage) => away(stage, stage.millis) },
  {
    name: 'black hole',
    async during(stage) {
      stage.blackHole(true);
      await delay(stage.millis);
      stage.blackHole(false);
    },
  },
  behaving('silent', 'silent'),
  behaving('1 byte/s', 'slow'),
  { ...behaving('500', '500'), isFinal: true },
  behaving('503, Retry-After', '503'),
  behaving('429', '429'),
  behaving('413 over 100 kB', '413'),
  behaving('reset in the answer', 'reset'),
  {
    name: 'wrong certificate',
    tls: true,
    async during(stage) {
      await stage.killSatellite();
      await stage.startSatellite({ certificate: 'wrong' });
      await delay(stage.millis);
      await stage.killSatellite();
      await stage.startSatellite();
    },
  },
  nameless('name gone', 'gone'),
  nameless('name server silent', 'silent'),
  { name: 'back after 2 minutes', during: (stage) => away(stage, TWO_MINUTES) },
  {
    name: `killed ${RESTARTS} times`,
    async during(stage) {
      for (let i = 0; i < RESTARTS; i++) {
        await away(stage, stage.millis / RESTARTS / 2);
        await delay(stage.millis / RESTARTS / 2);
      }
    },
  },
];

async function away(stage: Stage, millis: number): Promise<void> {
  await stage.killSatellite();
  await delay(millis);
  await stage.startSatellite();
}

function behaving(name: string, fault: SatelliteFault): Fault {
  return {
    name,
    async during(stage) {
      stage.behave(fault);
      await delay(stage.millis);
      stage.behave('none');
    },
  };
}

/** The satellite goes, and its name with it, and both come back at another address. */
function nameless(name: string, answer: string): Fault {
  return {
    name,
    named: true,
    async during(stage) {
      stage.resolveTo(answer);
      await stage.killSatellite();
      await delay(stage.millis);
      await stage.startSatellite();
      stage.resolveTo(SATELLITE_ADDRESSES[1]);
    },
  };
}
