/**
 * Where an option acts. An option names in its row what it takes to mean anything; one that was given where that is missing
 * is said to do nothing, so that none is ignored in silence.
 *
 * in: settings, which options were given and how · out: what is idle, and why · pure
 */
import type { Circumstance, OptionTable } from './option-row.js';
import type { Settings } from './options.js';

export interface CircumstanceRow {
  readonly holds: (settings: Settings) => boolean;
  /** Why the option does nothing where it does not hold. */
  readonly missing: string;
}

export const CIRCUMSTANCES: Readonly<Record<Circumstance, CircumstanceRow>> = {
  live: {
    holds: ({ read }) => read === null,
    missing: '--read reads a file, and no interface is captured',
  },
  reading: {
    holds: ({ read }) => read !== null,
    missing: 'no capture file is read; --read reads one',
  },
  satellite: {
    holds: ({ output }) => output.some(({ to }) => to === 'satellite'),
    missing: 'no trace goes to a satellite; --output satellite sends them there',
  },
  spans: {
    holds: ({ output }) => output.some(({ to }) => to === 'satellite' || to === 'otel'),
    missing: 'no trace goes to a satellite; --output satellite sends them there',
  },
  https: {
    holds: ({ satelliteUrl }) => satelliteUrl === null || satelliteUrl.startsWith('https:'),
    missing: 'the satellite URL is not https',
  },
  otlp: {
    holds: ({ satelliteProtocol }) => satelliteProtocol !== 'levo',
    missing: '--satellite-protocol levo is never compressed, and knows no conventions',
  },
  spool: {
    holds: ({ spoolDir }) => spoolDir !== null,
    missing: 'there is no spool without --spool-dir',
  },
  health: {
    holds: ({ healthPort }) => healthPort !== null,
    missing: 'nothing listens without --health-port',
  },
  file: {
    holds: ({ output, write }) => write.length > 0 || output.some((one) => 'file' in one && one.file !== null),
    missing: 'no output is a file',
  },
  text: {
    holds: ({ output }) => output.some(({ to }) => to === 'text'),
    missing: 'nothing is printed as text; --output text prints it, and so does pcap-sensor watch',
  },
  packets: {
    holds: ({ packetsOn, packetsDir, packetsToSatellite }) =>
      packetsOn.length > 0 && (packetsDir !== null || packetsToSatellite),
    missing: 'packets are written where both --packets-on and --packets-dir are given, or --packets-to-satellite',
  },
  packetRule: {
    holds: ({ packetsOn }) => packetsOn.length > 0,
    missing: 'no packets are asked for without --packets-on',
  },
  pods: {
    holds: ({ podMetadata }) => podMetadata,
    missing: 'nobody is asked for pods without --pod-metadata',
  },
  response: {
    holds: ({ activeResponse }) => activeResponse !== 'off',
    missing: 'no connection is ever reset without --active-response',
  },
  orders: {
    holds: ({ activeResponseRule, enrolmentKeyFile, opampUrl, opampUnsigned, output }) =>
      activeResponseRule.length > 0 ||
      (enrolmentKeyFile !== null &&
        !opampUnsigned &&
        (opampUrl !== null || output.some(({ to }) => to === 'satellite'))),
    missing:
      'nothing says which connections to reset; give --active-response-rule, or --enrolment-key-file for a satellite that may order it',
  },
  control: {
    holds: ({ enrolmentKeyFile, opampUrl }) => enrolmentKeyFile !== null || opampUrl !== null,
    missing: 'nobody steers this sensor without --enrolment-key-file or --opamp-url',
  },
  opamp: {
    holds: ({ opampUrl }) => opampUrl !== null,
    missing: 'no OpAMP server is named by --opamp-url',
  },
  debug: {
    holds: ({ logLevel }) => logLevel === 'debug',
    missing: 'only --log-level debug shows it',
  },
};

export interface IdleOption {
  readonly name: string;
  readonly missing: string;
}

/** Those of `given` that do nothing under `settings`. */
export function idleOptions(given: readonly string[], table: OptionTable, settings: Settings): IdleOption[] {
  return given.flatMap((name) => {
    const lacking = table[name]?.takes?.find((one) => !CIRCUMSTANCES[one].holds(settings));
    return lacking === undefined ? [] : [{ name, missing: CIRCUMSTANCES[lacking].missing }];
  });
}
