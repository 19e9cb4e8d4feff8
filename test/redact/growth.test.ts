/**
 * Time grows as bytes do, whichever way they take through the redactor and the decoders, and whatever they are. Nothing is said
 * about how long it takes, only about how that grows: a quadratic step fits an exponent of 2. `bench/growth` measures more.
 */
import { describe, expect, it } from 'vitest';
import { DECODER_PATHS } from '../support/decoder-paths.js';
import { fittedExponent, leastNanos, leastNanosAwaited, type Measured } from '../support/growth.js';
import { HOSTILE_PIECES, hostile, REDACTION_PATHS, type RedactionPath } from '../support/redaction-paths.js';

/** Far enough apart for a step that is not linear to show; what is smaller is measured by the bench. */
const SIZES = [16 << 10, 64 << 10, 256 << 10];
/** Decoders work in another way on what is small. */
const DECODED_SIZES = [128 << 10, 512 << 10, 2 << 20];
/** Nearer to quadratic than to linear: caches that a large text no longer fits into are no growth. The bench is stricter. */
const EXPONENT_MAX = 1.7;
const ATTEMPTS = 5;
/** One of each walker: what is hostile to one of a kind is to the others. */
const HOSTILE_PATHS = new Set(['JSON', 'form', 'multipart', 'XML', 'prose', 'header', 'query', 'Cookie']);

/** The exponent, measured again where it is too high: what else the machine does makes no step linear, but may hide that one is. */
async function exponentOf(
  measure: (bytes: number) => Promise<Measured>,
  sizes: readonly number[] = SIZES,
): Promise<number> {
  const least = new Map<number, Measured>();
  let exponent = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && exponent > EXPONENT_MAX; attempt++) {
    for (const size of sizes) {
      const measured = await measure(size);
      const known = least.get(size);
      if (known === undefined || measured.nanos < known.nanos) least.set(size, measured);
    }
    exponent = fittedExponent([...least.values()]);
  }
  return exponent;
}

const measureText =
  (path: RedactionPath, make: (bytes: number) => Buffer) =>
  async (bytes: number): Promise<Measured> => {
    const text = make(bytes);
    return { bytes: text.length, nanos: leastNanos(() => path.redact(path.trace(text)), 1) };
  };

describe('time against bytes', () => {
  it.each(REDACTION_PATHS)('$name', async (path) => {
    expect(await exponentOf(measureText(path, path.ordinary))).toBeLessThan(EXPONENT_MAX);
  });

  it('of hostile pieces', async () => {
    // Many pieces, each once and short; where one takes far longer than its length, it is measured properly.
    const suspects: [path: RedactionPath, piece: string][] = [];
    for (const path of REDACTION_PATHS.filter(({ name }) => HOSTILE_PATHS.has(name)))
      for (const piece of HOSTILE_PIECES) {
        const [short, long] = [hostile(piece, 8 << 10), hostile(piece, 32 << 10)];
        const [first, second] = [short, long].map((text) => {
          const { user, system } = process.cpuUsage();
          path.redact(path.trace(text));
          const after = process.cpuUsage();
          return after.user + after.system - user - system;
        }) as [number, number];
        if (second > 1500 && second > 8 * first) suspects.push([path, piece]);
      }
    for (const [path, piece] of suspects.slice(0, 24))
      expect(
        await exponentOf(measureText(path, (bytes) => hostile(piece, bytes))),
        `${path.name}: ${JSON.stringify(piece)}`,
      ).toBeLessThan(EXPONENT_MAX);
  }, 180_000);

  it.each(DECODER_PATHS)('$name', async ({ input, decode }) => {
    const measure = async (bytes: number): Promise<Measured> => {
      const encoded = input(bytes);
      const decoded = await decode(encoded);
      return { bytes: Math.max(encoded.length, decoded), nanos: await leastNanosAwaited(() => decode(encoded), 1) };
    };
    expect(await exponentOf(measure, DECODED_SIZES)).toBeLessThan(EXPONENT_MAX);
  });
});
