/** The subcommands: what each is for, its options, and what runs it. */
import { BASIC_SATELLITE_OPTIONS } from '../options/basic-options.js';
import { ECS_ADD_OPTIONS, ECS_REMOVE_OPTIONS, ECS_STATUS_OPTIONS } from '../options/ecs-options.js';
import { CF_FRAGMENT_OPTIONS, KUBE_INJECT_OPTIONS, TF_FRAGMENT_OPTIONS } from '../options/fragment-options.js';
import { DRIFT_OPTIONS, OPENAPI_OPTIONS } from '../options/openapi-options.js';
import type { OptionTable } from '../options/option-row.js';
import { DEMO_OPTIONS, DOCTOR_OPTIONS, REDACT_OPTIONS, SATELLITE_OPTIONS, SENSOR_OPTIONS } from '../options/options.js';
import { PACKETSTREAMER_OPTIONS } from '../options/packetstreamer-options.js';
import {
  SATELLITE_BACKUP_OPTIONS,
  SATELLITE_DELETE_OPTIONS,
  SATELLITE_MCP_OPTIONS,
} from '../options/satellite-options.js';
import type { FlagValues } from '../options/settings.js';
import { refuseMistyped, unknownVariables } from '../options/variables.js';

export interface Subcommand {
  readonly summary: string;
  readonly options: OptionTable;
  /** Those that `--help` has, where it leaves out others; `--help all` has every one. */
  readonly basic?: ReadonlySet<string>;
  /** The option that the first word without a flag is for. */
  readonly positional?: string;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** Resolves to the exit code. */
  run(flags: FlagValues): Promise<number>;
}

// A subcommand's code is loaded when it runs: `--help` and `satellite` need nothing of what `apidump` is made of.
export const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  watch: {
    summary: 'Show HTTP exchanges as they end, a line each, without a satellite',
    options: SENSOR_OPTIONS,
    examples: [
      ['$0 watch', 'every interface'],
      ["$0 watch -i eth0 --filter 'port 8080' -v", 'one interface and port, with heads; -vv: with bodies'],
      ['$0 watch -r capture.pcap -w capture.har --count 10', 'ten exchanges of a capture file, into an archive too'],
    ],
    run: async (flags) => (await import('./subcommands/apidump.js')).watch(flags),
  },
  apidump: {
    summary: 'Capture HTTP exchanges and send them to a satellite',
    options: SENSOR_OPTIONS,
    examples: [
      ['$0 apidump --satellite-url http://127.0.0.1:9999 --levo-env staging', 'every interface, to a local satellite'],
      [
        "$0 apidump --satellite-url HOST --filter 'port 8080' --path-exclusions ^/admin/",
        'one port, nothing below /admin/',
      ],
      ['$0 apidump --read capture.pcap --output ndjson', 'a capture file, to standard output'],
    ],
    run: async (flags) => (await import('./subcommands/apidump.js')).apidump(flags),
  },
  doctor: {
    summary: 'Find out why nothing is seen or sent: permission, traffic, limits, satellite, spool, files',
    options: DOCTOR_OPTIONS,
    examples: [['$0 doctor --satellite-url HOST', 'with the options that apidump would get']],
    run: async (flags) => (await import('./subcommands/doctor.js')).doctor(flags),
  },
  satellite: {
    summary: 'Run a local satellite that prints the traces it receives',
    options: SATELLITE_OPTIONS,
    basic: BASIC_SATELLITE_OPTIONS,
    examples: [
      ['$0 satellite --port 9999', 'then: curl http://127.0.0.1:9999/traces'],
      ['$0 satellite --data ./traces --retention 7d,10GiB', 'kept across restarts'],
    ],
    run: async (flags) => (await import('./subcommands/satellite.js')).satellite(flags),
  },
  'satellite backup': {
    summary: 'Copy what a satellite keeps in a directory into a file, also while it runs',
    options: SATELLITE_BACKUP_OPTIONS,
    positional: 'to',
    examples: [['$0 satellite backup traces.backup --data ./traces', '']],
    run: async (flags) => (await import('./subcommands/satellite-upkeep.js')).satelliteBackup(flags),
  },
  'satellite mcp': {
    summary: 'Let coding agents query a running satellite, by the Model Context Protocol on standard input and output',
    options: SATELLITE_MCP_OPTIONS,
    examples: [['$0 satellite mcp --url http://127.0.0.1:9999', 'as the command of an MCP server in the agent']],
    run: async (flags) => (await import('./subcommands/satellite-mcp.js')).satelliteMcp(flags),
  },
  'satellite delete': {
    summary: 'Forget traces that a satellite keeps in a directory, also while it runs',
    options: SATELLITE_DELETE_OPTIONS,
    examples: [
      ['$0 satellite delete --data ./traces --where \'body:"jane@example.com"\'', 'what a filter finds'],
      ['$0 satellite delete --data ./traces --trace 0af7651916cd43dd8448eb211c80319c', 'one trace'],
      ['$0 satellite delete --data ./traces --older-than 30d', ''],
    ],
    run: async (flags) => (await import('./subcommands/satellite-upkeep.js')).satelliteDelete(flags),
  },
  openapi: {
    summary: 'Describe the API that a file of traces shows, as OpenAPI 3.1',
    options: OPENAPI_OPTIONS,
    examples: [
      ['$0 openapi --read capture.pcap > openapi.yaml', 'of a capture file, NDJSON or an HTTP Archive'],
      ['$0 openapi --read traces.ndjson --host api.example.com --format json', 'of one host, as JSON'],
    ],
    run: async (flags) => (await import('./subcommands/openapi.js')).openapi(flags),
  },
  drift: {
    summary: 'Say where traces and an OpenAPI document part; exit code 1 where they do',
    options: DRIFT_OPTIONS,
    examples: [['$0 drift --spec openapi.yaml --read capture.pcap', 'new endpoints, and what breaks the document']],
    run: async (flags) => (await import('./subcommands/drift.js')).drift(flags),
  },
  redact: {
    summary: 'Say what redaction would replace in a file of traces: where, and by which rule',
    options: REDACT_OPTIONS,
    examples: [
      ['$0 redact --explain capture.pcap', 'a line for each value, which tells how long it is and not what'],
      [
        '$0 redact --explain browser.har --redact-field email --redact-allow session_id --output json',
        'with the options that apidump would get, as JSON',
      ],
    ],
    run: async (flags) => (await import('./subcommands/redact.js')).redact(flags),
  },
  demo: {
    summary: 'Show it all on loopback: a sample API, its traffic, the sensor and a satellite',
    options: DEMO_OPTIONS,
    examples: [['$0 demo --keep-running', 'until interrupted']],
    run: async (flags) => (await import('./subcommands/demo.js')).demo(flags),
  },
  ossensor: {
    summary: "Capture by the variables of Darktrace's osSensor, as the image does where they are set",
    options: {},
    examples: [['VSENSOR_HOSTNAME=satellite VSENSOR_HMAC_KEY=KEY $0 ossensor', 'docs/ossensor.md has the variables']],
    run: async () => (await import('./subcommands/ossensor.js')).ossensor(),
  },
  'packetstreamer sensor': {
    summary: 'Capture raw packets and stream them to a receiver, as PacketStreamer does',
    options: PACKETSTREAMER_OPTIONS,
    examples: [['$0 packetstreamer sensor --config sensor.yaml', 'packetstreamer sensor --config sensor.yaml']],
    run: async (flags) => (await import('./subcommands/packetstreamer.js')).packetstreamerSensor(flags),
  },
  'packetstreamer receiver': {
    summary: 'Take the raw packets of sensors and write them to a capture file, S3 or Kafka',
    options: PACKETSTREAMER_OPTIONS,
    examples: [['$0 packetstreamer receiver --config receiver.yaml', 'packetstreamer receiver --config receiver.yaml']],
    run: async (flags) => (await import('./subcommands/packetstreamer.js')).packetstreamerReceiver(flags),
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
  'ecs cf-fragment': {
    summary: 'Print the container to paste into the ContainerDefinitions of a CloudFormation template',
    options: CF_FRAGMENT_OPTIONS,
    examples: [['$0 ecs cf-fragment --satellite-url http://satellite:9999 --levo-env staging', '']],
    run: async (flags) => (await import('./subcommands/fragments.js')).cfFragment(flags),
  },
  'ecs tf-fragment': {
    summary: 'Print the container to paste into the list that container_definitions is jsonencode of',
    options: TF_FRAGMENT_OPTIONS,
    examples: [
      ['$0 ecs tf-fragment --satellite-url http://satellite:9999', ''],
      [
        '$0 ecs tf-fragment --satellite-url http://satellite:9999 --region us-west-2',
        'without data.aws_region.current',
      ],
    ],
    run: async (flags) => (await import('./subcommands/fragments.js')).tfFragment(flags),
  },
  'kube inject': {
    summary: 'Print a Kubernetes manifest with the sensor in its pods, beside their containers',
    options: KUBE_INJECT_OPTIONS,
    positional: 'file',
    examples: [['$0 kube inject shop.yaml --satellite-url http://satellite:9999 | kubectl apply --filename -', '']],
    run: async (flags) => (await import('./subcommands/fragments.js')).kubeInject(flags),
  },
  'ecs status': {
    summary: 'Say whether the sensor is in; exit code 3 when it is not',
    options: ECS_STATUS_OPTIONS,
    examples: [['$0 ecs status --cluster main --service web', '']],
    run: async (flags) => (await import('./subcommands/ecs.js')).ecsStatus(flags),
  },
};

/** Every option that there is. */
export const OPTION_TABLES: readonly OptionTable[] = Object.values(SUBCOMMANDS).map(({ options }) => options);

/** Runs a subcommand, unless a variable of the environment is a slip. */
export function runSubcommand(subcommand: Subcommand, flags: FlagValues): Promise<number> {
  refuseMistyped(unknownVariables(process.env, OPTION_TABLES));
  return subcommand.run(flags);
}

/** What commands are called elsewhere: suggested for those words. */
export const COMMANDS_ELSEWHERE: Readonly<Record<string, string>> = {
  capture: 'watch',
  dump: 'watch',
  show: 'watch',
  sniff: 'watch',
  tail: 'watch',
  tcpdump: 'watch',
  agent: 'apidump',
  export: 'apidump',
  run: 'apidump',
  sensor: 'apidump',
  start: 'apidump',
  check: 'doctor',
  diagnose: 'doctor',
  status: 'doctor',
  collector: 'satellite',
  receiver: 'satellite',
  serve: 'satellite',
  server: 'satellite',
  spec: 'openapi',
  swagger: 'openapi',
  diff: 'drift',
  'ecs deploy': 'add',
  'ecs inject': 'add',
  'ecs install': 'add',
  'ecs delete': 'remove',
  'ecs uninstall': 'remove',
  'kube add': 'inject',
  'kube install': 'inject',
};

/** First words that are no command by themselves. */
export const GROUPS: Readonly<Record<string, string>> = {
  packetstreamer: 'Stream raw packets from many sensors to one receiver',
  ecs: 'Put the sensor into an ECS service, take it out, say whether it is in; print it to paste',
  kube: 'Put the sensor into Kubernetes manifests',
};
