/**
 * Looks for inputs that redaction takes long for: mutates and grows those it has, and keeps what costs most CPU time a byte.
 *
 *     npm run bench:slow-inputs -- [--minutes 30] [--seed 1]
 *
 * A piece of text is repeated to 1 KiB and more, alone or behind something that switches the search on. Times are compared with
 * those of a plain loop measured beside them, since the machine may be busy: "ns/byte" are those of a machine on which one step
 * of that loop takes a nanosecond.
 */
import { parseArgs } from 'node:util';
import { Random } from '../../test/support/random.js';
import { HOSTILE_PIECES, REDACTION_PATHS, type RedactionPath } from '../../test/support/redaction-paths.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, seed: { type: 'string', default: '1' } },
});
const random = new Random(Number(values.seed));
const SIZES = [1 << 10, 4 << 10, 32 << 10];
const KEPT = 12;
const LIMIT = 50;

interface Slow {
  readonly path: RedactionPath;
  readonly head: string;
  readonly piece: string;
  readonly size: number;
  readonly nanosPerByte: number;
}

const cpuNanos = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

const TABLE = Uint8Array.from({ length: 256 }, (_, i) => i ^ 0x55);
const LOOP_BYTES = Buffer.alloc(1 << 20, 'The quick brown fox');

/** Nanoseconds of one step of a loop over bytes, now. */
function step(): number {
  const start = cpuNanos();
  let sum = 0;
  for (let i = 0; i < LOOP_BYTES.length; i++) sum = (sum + (TABLE[LOOP_BYTES[i] as number] as number)) | 0;
  const nanos = cpuNanos() - start;
  return sum === 1 ? 1 : nanos / LOOP_BYTES.length;
}

function text(head: string, piece: string, size: number): Buffer {
  return Buffer.from(head + piece.repeat(Math.ceil(size / Math.max(1, piece.length)))).subarray(0, size);
}

/** CPU time a byte, in steps of the loop: the least of several runs. */
function cost(path: RedactionPath, input: Buffer, runs: number): number {
  let least = Number.POSITIVE_INFINITY;
  const repeats = Math.max(1, Math.ceil(65_536 / input.length));
  for (let i = 0; i < runs; i++) {
    const before = step();
    const start = cpuNanos();
    for (let k = 0; k < repeats; k++) path.redact(path.trace(input));
    const nanos = (cpuNanos() - start) / repeats;
    least = Math.min(least, nanos / input.length / Math.min(before, step()));
  }
  return least;
}

const HEADS = [
  '',
  '',
  'password=hunter2&',
  '{"password":"hunter2","a":"',
  '{"token":"a1b2c3d4e5","b":[',
  '<a password="x">',
  'a,password\n',
  'x\n',
];
const BITS = [...HOSTILE_PIECES, ...'abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 "\'\\{}[]<>=:;,&%$@!?/._-+*#|~`\n\t'];

function mutated(piece: string): string {
  const at = random.between(0, piece.length);
  const bit = random.pick(BITS);
  switch (random.between(0, 4)) {
    case 0:
      return piece.slice(0, at) + bit + piece.slice(at);
    case 1:
      return piece.slice(0, at) + bit + piece.slice(at + bit.length);
    case 2:
      return piece.slice(0, at) + piece.slice(at + random.between(1, 4));
    case 3:
      return `${piece}${random.pick(BITS)}`;
    default:
      return piece.slice(at) + bit + piece.slice(0, at);
  }
}

const best = new Map<string, Slow[]>();
/** Keeps the costliest of a path; measured again before it is believed. */
function consider(path: RedactionPath, head: string, piece: string, size: number): void {
  if (piece === '' || piece.length > 200) return;
  const input = text(head, piece, size);
  const list = best.get(path.name) ?? [];
  const least = list.length < KEPT ? 0 : (list.at(-1) as Slow).nanosPerByte;
  if (cost(path, input, 1) <= least) return;
  const nanosPerByte = cost(path, input, 5);
  if (nanosPerByte <= least) return;
  const next = [
    ...list.filter((slow) => slow.piece !== piece || slow.head !== head),
    { path, head, piece, size, nanosPerByte },
  ];
  best.set(path.name, next.sort((a, b) => b.nanosPerByte - a.nanosPerByte).slice(0, KEPT));
}

const end = Date.now() + Number(values.minutes) * 60_000;
let tried = 0;
for (const path of REDACTION_PATHS)
  for (const piece of HOSTILE_PIECES) {
    if (Date.now() > end) break;
    consider(path, '', piece, 4 << 10);
    tried++;
  }
while (Date.now() < end) {
  const path = random.pick(REDACTION_PATHS);
  const known = best.get(path.name) ?? [];
  const from = known.length > 0 && random.chance(0.8) ? random.pick(known) : null;
  const other = [...best.values()].flat();
  const piece = from?.piece ?? (other.length > 0 ? random.pick(other).piece : random.pick(HOSTILE_PIECES));
  const head = random.chance(0.3) ? random.pick(HEADS) : (from?.head ?? random.pick(HEADS));
  consider(path, head, mutated(random.chance(0.2) ? mutated(piece) : piece), random.pick(SIZES));
  tried++;
}
/** What was slow once may have been so by chance, in code that was not compiled yet: the least of both times counts. */
function remeasured(slow: Slow): Slow {
  const again = cost(slow.path, text(slow.head, slow.piece, slow.size), 10);
  return { ...slow, nanosPerByte: Math.min(slow.nanosPerByte, again) };
}

const bySlowness = (a: Slow, b: Slow): number => b.nanosPerByte - a.nanosPerByte;
const slowest = [...best.values()].map((list) => list.map(remeasured).sort(bySlowness)[0] as Slow).sort(bySlowness);
for (const { path, head, piece, size, nanosPerByte } of slowest)
  process.stdout.write(
    `${nanosPerByte.toFixed(1).padStart(8)} ns/byte ${nanosPerByte > LIMIT ? '!' : ' '} ${path.name.padEnd(30)} ${size} ${JSON.stringify(head)} + ${JSON.stringify(piece)}\n`,
  );
process.stdout.write(
  `${tried} inputs, ${slowest.filter(({ nanosPerByte }) => nanosPerByte > LIMIT).length} paths over ${LIMIT} ns/byte\n`,
);
