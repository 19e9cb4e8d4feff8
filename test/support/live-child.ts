/**
 * Captures on every interface of the network namespace it is started in, for tests that make and unmake those. Speaks
 * lines of JSON: {"log": …} for each line logged, {"state": …} as the answer to any line on its input.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openLive } from '../../src/capture/live.js';

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const log = (message: string) => say({ log: message });

const source = openLive({
  backend: 'ring',
  interfaces: { names: [], include: [], exclude: [] },
  filter: { user: '', satellite: [] },
  ringMebibytes: 1,
  snapLength: 65_535,
  interfacesMax: 32,
  scanMillis: 10,
  log: { info: log, warn: log },
});
const done = source.run(() => {});
say({ log: 'running' });

for await (const _line of createInterface(process.stdin)) {
  (globalThis as { gc?: () => void }).gc?.();
  await new Promise((resolve) => setImmediate(resolve));
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  say({
    state: {
      descriptors: readdirSync('/proc/self/fd').length,
      rings: maps.filter((line) => line.includes('socket:')).length,
      residentBytes: process.memoryUsage.rss(),
      interfaces: source.interfaces.length,
      statistics: source.statistics(),
    },
  });
}
source.stop();
await done;
