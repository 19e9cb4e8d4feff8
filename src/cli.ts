#!/usr/bin/env node
/**
 * The command line: which subcommand, with which flags. Everything a flag means stands in `options.ts`.
 *
 * Exit codes: 0 done · 1 could not do it · 2 told wrongly · 130 interrupted twice
 */
import yargs, { type Argv, type Options } from 'yargs';
import { SensorError, UsageError } from './errors.js';
import { defaultText, environmentNames, OPTION_GROUPS, type OptionTable } from './option-row.js';
import {
  DEMO_OPTIONS,
  DOCTOR_OPTIONS,
  ECS_ADD_OPTIONS,
  ECS_REMOVE_OPTIONS,
  ECS_STATUS_OPTIONS,
  SATELLITE_OPTIONS,
  SENSOR_OPTIONS,
} from './options.js';
import { type FlagValues, nearest } from './settings.js';
import { versionText } from './subcommands/version-text.js';

interface Subcommand {
  readonly summary: string;
  readonly options: OptionTable;
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** Resolves to the exit code. */
  run(flags: FlagValues): Promise<number>;
}

// Loaded when run: `--help` and `satellite` need nothing of what `apidump` is made of.
const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
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
    examples: [['$0 doctor --satellite-url HOST', 'with the options apidump would get']],
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
const GROUPS: Readonly<Record<string, string>> = {
  ecs: 'Put the sensor into an ECS service, take it out, say how it stands',
};

const HELP_COLUMNS_MAX = 110;

async function main(argv: readonly string[]): Promise<number> {
  let chosen: (() => Promise<number>) | null = null;
  const parser = yargs([...argv])
    .scriptName('pcap-sensor')
    .usage('$0 <command> [options]\n\nTurns the HTTP traffic of a machine or an ECS task into API traces.')
    .epilogue('pcap-sensor <command> --help lists the options of a command.')
    .locale('en')
    .wrap(Math.min(HELP_COLUMNS_MAX, process.stdout.columns ?? HELP_COLUMNS_MAX))
    .version(versionText())
    .group(['help', 'version'], 'Process:')
    // Values stay the text that was given: the option table turns them into numbers and patterns.
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .fail((message: string, error: Error | undefined) => {
      throw error ?? new UsageError(message);
    });
  let depth = 1;
  const addCommand = (to: Argv, word: string, name: string, subcommand: Subcommand) =>
    to.command(
      word,
      subcommand.summary,
      (builder) => withOptions(builder, name, subcommand),
      (parsed) => {
        depth = name.split(' ').length;
        chosen = () => subcommand.run(flagValues(subcommand.options, parsed, argv));
      },
    );
  for (const [name, subcommand] of Object.entries(SUBCOMMANDS)) {
    if (!name.includes(' ')) addCommand(parser, name, name, subcommand);
  }
  for (const [group, summary] of Object.entries(GROUPS)) {
    const members = Object.entries(SUBCOMMANDS).filter(([name]) => name.startsWith(`${group} `));
    parser.command(
      group,
      summary,
      (builder) => {
        for (const [name, subcommand] of members) addCommand(builder, name.slice(group.length + 1), name, subcommand);
        return builder.usage(`$0 ${group} <command> [options]\n\n${summary}.`);
      },
      (parsed) => {
        const given = parsed._[1];
        const choices = members.map(([name]) => name.slice(group.length + 1));
        const near = given === undefined ? null : nearest(String(given), choices);
        const wayOut = near === null ? `give one of ${choices.join(', ')}` : `did you mean ${near}?`;
        throw new UsageError(
          `${JSON.stringify([group, ...(given === undefined ? [] : [given])].join(' '))} is no command; ${wayOut}`,
        );
      },
    );
  }
  const { _: words } = await parser.parseAsync();
  const [command] = words;
  if (chosen !== null) {
    const surplus = words[depth];
    if (surplus === undefined) return (chosen as () => Promise<number>)();
    throw new UsageError(
      `${JSON.stringify(surplus)} belongs to no option; quote values with spaces, --filter takes filters`,
    );
  }
  if (command === undefined) {
    parser.showHelp('error');
    return 2;
  }
  const choices = [...Object.keys(SUBCOMMANDS).filter((name) => !name.includes(' ')), ...Object.keys(GROUPS)];
  const near = nearest(String(command), choices);
  const wayOut = near === null ? `give one of ${choices.join(', ')}` : `did you mean ${near}?`;
  throw new UsageError(`${JSON.stringify(command)} is no command; ${wayOut}`);
}

function withOptions(builder: Argv, name: string, subcommand: Subcommand): Argv {
  builder.usage(`$0 ${name} [options]\n\n${subcommand.summary}.`);
  for (const [command, what] of subcommand.examples) builder.example(command, what);
  for (const group of OPTION_GROUPS) {
    for (const [option, row] of Object.entries(subcommand.options)) {
      if (row.group === group) builder.option(option, yargsOption(option, row));
    }
  }
  return builder.epilogue(
    'Every option is also read from the environment variable shown with it. A flag comes before the environment, ' +
      'the environment before the --config file. Repeatable options in a variable: one value a line, or a JSON array.',
  );
}

function yargsOption(name: string, row: OptionTable[string]): Options {
  const hint = row.arity === 'switch' ? '' : ` <${row.value.placeholder}>`;
  const text = defaultText(row);
  return {
    describe: `${row.help}${hint} $${environmentNames(name, row)[0]}`,
    group: row.group,
    ...(text === null ? {} : { defaultDescription: text }),
    ...(row.arity === 'many' ? { array: true } : {}),
    ...(row.arity === 'switch' ? { boolean: true } : {}),
  };
}

/** What yargs parsed, as text again: one a time that the flag was given, empty where its value was left out. */
function flagValues(
  table: OptionTable,
  parsed: Readonly<Record<string, unknown>>,
  argv: readonly string[],
): FlagValues {
  const flags: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '_' || name === '$0' || value === undefined) continue;
    if (table[name]?.arity === 'switch') {
      // yargs reads `--flag=maybe` as false; the text that stands there is what the option table should see.
      const spelled = argv.filter((word) => word.startsWith(`--${name}=`)).map((word) => word.slice(name.length + 3));
      flags[name] = [...spelled, ...(spelled.length === 0 ? [String([value].flat().at(-1))] : [])];
    } else {
      const texts = [value].flat().map((one) => (typeof one === 'string' ? one : ''));
      flags[name] = texts.length === 0 ? [''] : texts;
    }
  }
  return flags;
}

/** `--read -` as `--read=-`: yargs would take the dash for the next flag. */
function joinDashes(words: readonly string[]): string[] {
  return words.flatMap((word, index) => {
    if (word === '-' && words[index - 1]?.startsWith('--')) return [];
    return words[index + 1] === '-' && word.startsWith('--') ? [`${word}=-`] : [word];
  });
}

try {
  // Standard streams are written synchronously on this platform's pipes and files, so nothing is cut off.
  process.exit(await main(joinDashes(process.argv.slice(2))));
} catch (error) {
  const isExpected = error instanceof SensorError;
  process.stderr.write(`pcap-sensor: ${isExpected ? error.message : `this is a bug: ${(error as Error).stack}`}\n`);
  process.exit(isExpected ? error.exitCode : 1);
}
