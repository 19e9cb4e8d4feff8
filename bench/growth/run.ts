/**
 * Time against size, for every way through the redactor and every decoder, with ordinary content and with the pieces that are
 * most hostile to it: the fitted exponent, and nanoseconds a byte at both ends.
 *
 *     npm run bench:growth -- [--only REGEXP] [--most BYTES]
 *
 * CPU time of this process, the least of several runs: the machine may be busy with other things.
 */
import { parseArgs } from 'node:util';
import { DECODER_PATHS } from '../../test/support/decoder-paths.js';
import { fittedExponent, leastNanos, leastNanosAwaited, type Measured } from '../../test/support/growth.js';
import { HOSTILE_PIECES, hostile, REDACTION_PATHS, type RedactionPath } from '../../test/support/redaction-paths.js';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, most: { type: 'string', default: String(10 << 20) } },
});
const SIZES = [1 << 10, 8 << 10, 64 << 10, 512 << 10, 4 << 20, 10 << 20].filter((size) => size <= Number(values.most));
/** Hostile pieces that are measured at every size: those that take longest at the size they are chosen by. */
const PIECES = 3;
const CHOOSING_BYTES = 16 << 10;
const EXPONENT_MAX = 1.1;
/** So often is measured what seems to grow faster. */
const ATTEMPTS = 3;

interface Row {
  readonly path: string;
  readonly content: string;
  readonly exponent: number;
  readonly small: number;
  readonly large: number;
}

async function row(path: string, content: string, measure: (bytes: number) => Promise<Measured>): Promise<Row> {
  const least = new Map<number, Measured>();
  let exponent = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && exponent > EXPONENT_MAX; attempt++) {
    for (const size of SIZES) {
      const measured = await measure(size);
      if (measured.nanos < (least.get(size)?.nanos ?? Number.POSITIVE_INFINITY)) least.set(size, measured);
    }
    exponent = fittedExponent([...least.values()]);
  }
  const points = [...least.values()];
  const perByte = (point: Measured | undefined): number => (point === undefined ? 0 : point.nanos / point.bytes);
  return { path, content, exponent, small: perByte(points[0]), large: perByte(points.at(-1)) };
}

const samples = (bytes: number): number => (bytes > 1 << 20 ? 1 : 3);

function rowOf(path: RedactionPath, content: string, make: (bytes: number) => Buffer): Promise<Row> {
  return row(path.name, content, async (bytes) => {
    const text = make(bytes);
    return { bytes: text.length, nanos: leastNanos(() => path.redact(path.trace(text)), samples(bytes)) };
  });
}

function worstPieces(path: RedactionPath): string[] {
  return HOSTILE_PIECES.map((piece) => {
    const text = hostile(piece, CHOOSING_BYTES);
    return { piece, nanos: leastNanos(() => path.redact(path.trace(text)), 1) };
  })
    .sort((a, b) => b.nanos - a.nanos)
    .slice(0, PIECES)
    .map(({ piece }) => piece);
}

function print({ path, content, exponent, small, large }: Row): void {
  const mark = exponent > EXPONENT_MAX ? ' !' : '';
  const figures = `${exponent.toFixed(2).padStart(6)}${small.toFixed(1).padStart(10)}${large.toFixed(1).padStart(10)}`;
  process.stdout.write(`${path.padEnd(32)}${content.slice(0, 40).padEnd(42)}${figures}${mark}\n`);
}

const isChosen = (name: string): boolean => new RegExp(values.only, 'i').test(name);
process.stdout.write(
  `${'path'.padEnd(32)}${'content'.padEnd(42)}${'exp'.padStart(6)}${'ns/B 1K'.padStart(10)}${'ns/B max'.padStart(10)}\n`,
);
let over = 0;
for (const path of REDACTION_PATHS.filter(({ name }) => isChosen(name))) {
  const rows = [await rowOf(path, 'ordinary', path.ordinary)];
  for (const piece of worstPieces(path))
    rows.push(await rowOf(path, JSON.stringify(piece), (bytes) => hostile(piece, bytes)));
  for (const one of rows) print(one);
  over += rows.filter(({ exponent }) => exponent > EXPONENT_MAX).length;
}
for (const { name, input, decode } of DECODER_PATHS.filter((decoder) => isChosen(decoder.name))) {
  const one = await row(name, 'decoder', async (bytes) => {
    const encoded = input(bytes);
    const decoded = await decode(encoded);
    const nanos = await leastNanosAwaited(() => decode(encoded), samples(bytes));
    return { bytes: Math.max(encoded.length, decoded), nanos };
  });
  print(one);
  if (one.exponent > EXPONENT_MAX) over++;
}
process.stdout.write(`${over} over ${EXPONENT_MAX}\n`);
