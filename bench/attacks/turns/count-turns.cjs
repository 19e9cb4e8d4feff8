/**
 * Preloaded into a process to count the turns of its main thread's event loop (`turns.c`): `TURNS_ADDON` names the addon built.
 *
 * SIGUSR2 begins, SIGUSR1 ends it: then `TURNS_FILE` gets the samples, as a JSON array of milliseconds.
 */
const { writeFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

if (isMainThread && process.env.TURNS_ADDON !== undefined) {
  const turns = require(process.env.TURNS_ADDON);
  process.on('SIGUSR2', () => turns.begin());
  process.on('SIGUSR1', () => writeFileSync(process.env.TURNS_FILE, JSON.stringify(Array.from(turns.read()))));
}
