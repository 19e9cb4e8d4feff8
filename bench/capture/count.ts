/**
 * Counts packets on loopback and does nothing else: `ring` and `cap` as the sensor opens them, `bare-cap` as the npm
 * package's own example does; `exchanges` also makes HTTP exchanges of them and counts those, without policy, traces and
 * output. Prints what it saw as JSON at SIGINT.
 */
import { createRequire } from 'node:module';
import { openLive } from '../../src/capture/live.js';
import { createCounters, DropReason } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';

const [what = 'ring', ringMebibytes = '8'] = process.argv.slice(2);

function ready(): void {
  process.stderr.write('listening\n');
}

if (what === 'bare-cap') {
  const { Cap } = createRequire(import.meta.url)('cap');
  const cap = new Cap();
  let packets = 0;
  const buffer = Buffer.alloc(65_535); // `cap` keeps no reference and writes to it all the same
  cap.open('lo', 'tcp', Number(ringMebibytes) << 20, buffer);
  cap.on('packet', () => packets++);
  process.on('SIGINT', () => {
    process.stdout.write(JSON.stringify({ packets, dropped: null, buffer: buffer.length }));
    process.exit();
  });
  ready();
} else {
  const source = openLive({
    backend: what === 'cap' ? 'cap' : 'ring',
    interfaces: { names: ['lo'], include: [], exclude: [] },
    filter: { user: '', satellite: [] },
    ringMebibytes: Number(ringMebibytes),
    snapLength: 262_144,
    interfacesMax: 8,
    log: { info() {}, warn() {} },
  });
  process.on('SIGINT', () => source.stop());
  let exchanges = 0;
  const assembler = new ExchangeAssembler({
    limits: DEFAULT_LIMITS,
    counters: createCounters(),
    budget: new MemoryBudget(DEFAULT_LIMITS.memory_bytes_max),
    interfaces: source.interfaces,
    hooks: { admit: () => DropReason.none, complete: () => exchanges++ },
    hashSeed: 1,
  });
  const done = source.run(what === 'exchanges' ? (batch) => assembler.push(batch) : () => {});
  ready();
  await done;
  const [lo] = source.statistics();
  process.stdout.write(JSON.stringify({ ...lo, ...(what === 'exchanges' ? { note: `${exchanges} exchanges` } : {}) }));
}
