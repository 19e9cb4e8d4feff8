/**
 * The command line as yargs reads it: help, version, and errors about calls that name no subcommand.
 */
import yargs, { type Argv, type Options } from 'yargs';
import { UsageError } from '../errors.js';
import { BASIC_OPTIONS } from '../options/basic-options.js';
import { nearest } from '../options/names.js';
import { defaultText, environmentNames, OPTION_GROUPS, type OptionTable } from '../options/option-row.js';
import { SENSOR_OPTIONS } from '../options/options.js';
import { COMMANDS_ELSEWHERE, GROUPS, runSubcommand, SUBCOMMANDS, type Subcommand } from './commands.js';
import { flagValues, PARSING } from './flags.js';
import { versionText } from './subcommands/version-text.js';
import { surplusWord } from './surplus-word.js';

const HELP_COLUMNS_MAX = 110;
/** A command with fewer options than this has no short help. */
const SHORT_MAX = 20;

/** `--help all`. */
function isAskedForAll(argv: readonly string[]): boolean {
  return argv.some((word, index) => word === 'all' && argv[index - 1] === '--help');
}

const SHELLS = ['bash', 'zsh', 'fish'];

/** yargs asks the environment which shell it is. */
function chooseShell(shell = ''): void {
  if (SHELLS.includes(shell)) process.env.SHELL = shell;
  else if (shell !== '' && !shell.startsWith('-'))
    throw new UsageError(
      `completion ${JSON.stringify(shell)}: there is none for that shell; give one of ${SHELLS.join(', ')}`,
    );
}

/** Resolves to the exit code. Help and version are printed, and the process ended, by yargs. */
export async function runByYargs(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'completion') chooseShell(argv[1]);
  // Every option is completed.
  const all = isAskedForAll(argv) || argv.includes('--get-yargs-completions');
  let chosen: (() => Promise<number>) | null = null;
  const parser = yargs(
    isAskedForAll(argv) ? argv.filter((word, index) => word !== 'all' || argv[index - 1] !== '--help') : [...argv],
  )
    .scriptName('pcap-sensor')
    .usage('$0 <command> [options]\n\nTurns the HTTP traffic of a machine or an ECS task into API traces.')
    .example('$0 watch', 'the HTTP exchanges of this machine')
    .example('$0 satellite', 'what receives traces, with a page')
    .example('$0 apidump --satellite-url http://127.0.0.1:9999', 'to it')
    .epilogue(
      'pcap-sensor <command> --help has the options that most people need, and --help all every option of the command.',
    )
    .locale('en')
    .wrap(Math.min(HELP_COLUMNS_MAX, process.stdout.columns ?? HELP_COLUMNS_MAX))
    .version(versionText())
    .group(['help', 'version'], 'Process:')
    .parserConfiguration(PARSING)
    .fail((message: string, error: Error | undefined) => {
      throw error ?? new UsageError(message);
    });
  let depth = 1;
  let options: OptionTable = {};
  const addCommand = (to: Argv, word: string, name: string, subcommand: Subcommand): Argv =>
    to.command(
      subcommand.positional === undefined ? word : `${word} [${subcommand.positional}]`,
      subcommand.summary,
      (builder) => {
        for (const [inner, one] of Object.entries(SUBCOMMANDS))
          if (inner.startsWith(`${name} `)) addCommand(builder, inner.slice(name.length + 1), inner, one);
        return withOptions(builder, name, subcommand, all);
      },
      (parsed) => {
        depth = name.split(' ').length;
        options = subcommand.options;
        chosen = () => runSubcommand(subcommand, flagValues(subcommand.options, parsed, argv));
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
        if (given === undefined) {
          throw new UsageError(`${JSON.stringify(group)} needs a command behind it; give one of ${choices.join(', ')}`);
        }
        const near = COMMANDS_ELSEWHERE[`${group} ${given}`] ?? nearest(String(given), choices);
        const wayOut = near === null ? `give one of ${choices.join(', ')}` : `did you mean ${near}?`;
        throw new UsageError(`${JSON.stringify(`${group} ${given}`)} is no command; ${wayOut}`);
      },
    );
  }
  parser.completion(
    'completion',
    'Print a script that completes commands and options in bash, zsh or fish: in that of $SHELL, or in the one named behind it',
  );
  const { _: words } = await parser.parseAsync();
  const [command] = words;
  if (chosen !== null) {
    const surplus = words[depth];
    if (surplus === undefined) return (chosen as () => Promise<number>)();
    throw surplusWord(String(surplus), argv, options);
  }
  if (command === undefined) {
    const [flag = ''] = argv;
    if (flag.startsWith('-'))
      throw new UsageError(
        `${JSON.stringify(flag)} stands before the command; ${flag === '-V' || flag === '-v' ? 'did you mean --version?' : 'give the command first, such as pcap-sensor watch'}`,
      );
    parser.showHelp('error');
    return 2;
  }
  const choices = [...Object.keys(SUBCOMMANDS).filter((name) => !name.includes(' ')), ...Object.keys(GROUPS)];
  const near = COMMANDS_ELSEWHERE[String(command)] ?? nearest(String(command), choices);
  const wayOut = near === null ? `give one of ${choices.join(', ')}` : `did you mean ${near}?`;
  throw new UsageError(`${JSON.stringify(command)} is no command; ${wayOut}`);
}

export function withOptions(builder: Argv, name: string, subcommand: Subcommand, all = true): Argv {
  builder.usage(`$0 ${name} [options]\n\n${subcommand.summary}.`);
  for (const [command, what] of subcommand.examples) builder.example(command, what);
  const entries = Object.entries(subcommand.options);
  const isShown = (option: string) =>
    all ||
    (subcommand.basic?.has(option) ??
      (!Object.hasOwn(SENSOR_OPTIONS, option) || BASIC_OPTIONS.has(option) || entries.length < SHORT_MAX));
  for (const group of OPTION_GROUPS) {
    for (const [option, row] of entries) {
      if (row.group === group) builder.option(option, { ...yargsOption(option, row), hidden: !isShown(option) });
    }
  }
  const file = 'config' in subcommand.options ? ', the environment before the --config file' : '';
  const left = entries.filter(([option]) => !isShown(option)).length;
  const more = left === 0 ? '' : `There are ${left} more options: pcap-sensor ${name} --help all\n\n`;
  return builder.epilogue(
    `${more}Every option is also read from the environment variable shown with it. A flag comes before the environment${file}. ` +
      'Repeatable options in a variable: one value a line, or a JSON array.',
  );
}

function yargsOption(name: string, row: OptionTable[string]): Options {
  const hint = row.arity === 'switch' || row.arity === 'count' ? '' : ` <${row.value.placeholder}>`;
  const text = defaultText(row);
  return {
    // Commands within this one have options of their own.
    global: false,
    describe: `${row.help}${hint} $${environmentNames(name, row)[0]}`,
    group: row.group,
    ...(text === null ? {} : { defaultDescription: text }),
    ...(row.arity === 'many' ? { array: true } : {}),
    ...(row.arity === 'switch' ? { boolean: true } : {}),
    ...(row.arity === 'count' ? { count: true } : {}),
    ...(row.letter === undefined ? {} : { alias: row.letter }),
  };
}
