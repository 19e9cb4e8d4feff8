#!/usr/bin/env node
/**
 * The command line of `bin/pcapdaemon`, which has flags of its own kind; see `subcommands/pcapdaemon.ts`.
 */
import { SensorError } from '../errors.js';
import { refuseAnotherNode, unusableAddon } from './node-built-for.js';
import { errorLine } from './start-error.js';
import { pcapdaemon } from './subcommands/pcapdaemon.js';

try {
  refuseAnotherNode();
  process.exit(await pcapdaemon(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(errorLine(unusableAddon(error) ?? error, [], process.env, undefined, 'pcapdaemon'));
  process.exit(error instanceof SensorError ? error.exitCode : 1);
}
