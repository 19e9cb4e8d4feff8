#!/usr/bin/env node
import { SensorError } from '../errors.js';
import { meansOsSensor } from '../options/ossensor.js';
/**
 * The command line: finds the subcommand and its flags. `options.ts` defines what each flag means.
 *
 * What exit codes mean is in `EXIT_CODES`.
 */
import { runSubcommand, SUBCOMMANDS } from './commands.js';
import { joinDashes, plainFlags } from './flags.js';
import { refuseAnotherNode, unusableAddon } from './node-built-for.js';
import { errorLine } from './start-error.js';

async function main(argv: readonly string[]): Promise<number> {
  // A container of osSensor is given variables and no words.
  const [name = '', ...words] = argv.length === 0 && meansOsSensor(process.env) ? ['ossensor'] : argv;
  const isOneWord = Object.hasOwn(SUBCOMMANDS, name) && !name.includes(' ');
  const subcommand = isOneWord ? SUBCOMMANDS[name] : undefined;
  const flags = subcommand === undefined ? null : plainFlags(words, subcommand.options);
  if (subcommand !== undefined && flags !== null) return runSubcommand(subcommand, flags);
  const { runByYargs } = await import('./help.js');
  return runByYargs(argv);
}

try {
  refuseAnotherNode();
  // On Linux, writes to pipes and files are synchronous here, so nothing is cut off.
  process.exit(await main(joinDashes(process.argv.slice(2))));
} catch (error) {
  process.stderr.write(errorLine(unusableAddon(error) ?? error, process.argv.slice(2), process.env));
  process.exit(error instanceof SensorError ? error.exitCode : 1);
}
