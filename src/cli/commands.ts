/** The subcommands: what each is for, its options, and what runs it. */
import type { OptionTable } from '../options/option-row.js';
import {
  DEMO_OPTIONS,
  DOCTOR_OPTIONS,
  ECS_ADD_OPTIONS,
  ECS_REMOVE_OPTIONS,
  ECS_STATUS_OPTIONS,
  SATELLITE_OPTIONS,
  SENSOR_OPTIONS,
} from '../options/options.js';
import type { FlagValues } from '../options/settings.js';

export interface Subcommand {
  readonly summary: string;
  readonly options: OptionTable;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** Resolves to the exit code. */
  run(flags: FlagValues): Promise<number>;
}

// A subcommand's code is loaded when it runs: `--help` and `satellite` need nothing of what `apidump` is made of.
export const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  apidump: {
    summary: 'Capture HTTP exchanges and send them to a satellite',
    options: SENSOR_OPTIONS,
    examples: [
      ['$0 apidump --satellite-url http://127.0.0.1:9999 --levo-env staging', 'every interface, to a local satellite'],
      ["$0 apidump --satellite-url HOST --filter 'port 8080' --path-exclusions ^/health", 'one port, no health checks'],
      ['$0 apidump --read capture.pcap --output ndjson', 'a capture file, to standard output'],
    ],
    run: async (flags) => (await import('./subcommands/apidump.js')).apidump(flags),
  },
  satellite: {
    summary: 'Run a local satellite that prints the traces it receives',
    options: SATELLITE_OPTIONS,
    examples: [['$0 satellite --port 9999', 'then: curl http://127.0.0.1:9999/traces']],
    run: async (flags) => (await import('./subcommands/satellite.js')).satellite(flags),
  },
  doctor: {
    summary: 'Find out why nothing is seen: permission, traffic, limits, satellite',
    options: DOCTOR_OPTIONS,
    examples: [['$0 doctor --satellite-url HOST', 'with the options that apidump would get']],
    run: async (flags) => (await import('./subcommands/doctor.js')).doctor(flags),
  },
  demo: {
    summary: 'Show it all on loopback: a sample API, its traffic, the sensor and a satellite',
    options: DEMO_OPTIONS,
    examples: [['$0 demo --keep-running', 'until interrupted']],
    run: async (flags) => (await import('./subcommands/demo.js')).demo(flags),
  },
  'ecs add': {
    summary: 'Put the sensor into an ECS task definition and roll the service out',
    options: ECS_ADD_OPTIONS,
    examples: [
      ['$0 ecs add', 'asks for everything'],
      [
        '$0 ecs add --cluster main --service web --satellite-url http://satellite:9999 --dry-run',
        'shows what would change',
      ],
    ],
    run: async (flags) => (await import('./subcommands/ecs.js')).ecsAdd(flags),
  },
  'ecs remove': {
    summary: 'Take the sensor out again, back to the revision before it',
    options: ECS_REMOVE_OPTIONS,
    examples: [['$0 ecs remove --cluster main --service web', '']],
    run: async (flags) => (await import('./subcommands/ecs.js')).ecsRemove(flags),
  },
  'ecs status': {
    summary: 'Say whether the sensor is in; exit code 3 when it is not',
    options: ECS_STATUS_OPTIONS,
    examples: [['$0 ecs status --cluster main --service web', '']],
    run: async (flags) => (await import('./subcommands/ecs.js')).ecsStatus(flags),
  },
};

/** First words that are no command by themselves. */
export const GROUPS: Readonly<Record<string, string>> = {
  ecs: 'Put the sensor into an ECS service, take it out, say whether it is in',
};
