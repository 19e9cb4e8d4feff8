#!/usr/bin/env node
import { SensorError } from '../errors.js';
/**
 * The command line: finds the subcommand and its flags. `options.ts` defines what each flag means.
 *
 * Exit codes: 0 success · 1 failure · 2 wrong usage · 130 interrupted twice
 */
import { SUBCOMMANDS } from './commands.js';
import { joinDashes, plainFlags } from './flags.js';
import { refuseAnotherNode } from './node-built-for.js';

async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...words] = argv;
  const isOneWord = Object.hasOwn(SUBCOMMANDS, name) && !name.includes(' ');
  const subcommand = isOneWord ? SUBCOMMANDS[name] : undefined;
  const flags = subcommand === undefined ? null : plainFlags(words, subcommand.options);
  if (subcommand !== undefined && flags !== null) return subcommand.run(flags);
  const { runByYargs } = await import('./help.js');
  return runByYargs(argv);
}

try {
  refuseAnotherNode();
  // On Linux, writes to pipes and files are synchronous here, so nothing is cut off.
  process.exit(await main(joinDashes(process.argv.slice(2))));
} catch (error) {
  const isExpected = error instanceof SensorError;
  process.stderr.write(`pcap-sensor: ${isExpected ? error.message : `this is a bug: ${(error as Error).stack}`}\n`);
  process.exit(isExpected ? error.exitCode : 1);
}
