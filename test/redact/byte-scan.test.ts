/** Whether sixteen bytes at once are seen as each by itself is: both ways of the scan say the same of any bytes. */
import { describe, expect, it } from 'vitest';
import {
  type ByteScan,
  CHUNK_BYTES,
  FOUND_BITS,
  Found,
  LEAD_BYTES,
  ScalarScan,
  type ScanRules,
  WORD_BYTES,
} from '../../src/redact/byte-scan.js';
import { eachLookRun, LOOK_SETS, tokenBeginnings } from '../../src/redact/look-runs.js';
import { wordEnds } from '../../src/redact/phrases.js';
import { VectorScan } from '../../src/redact/vector-scan.js';
import { Random, runSeed } from '../support/random.js';

const some = (isOne: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (isOne(byte) ? 1 : 0));
const rules: ScanRules = {
  sets: LOOK_SETS,
  marks: new Map([
    [0x0a, some(() => true)],
    [0x5c, some((byte) => byte === 0x75)],
    [0x2d, some((byte) => byte >= 0x60)],
  ]),
  ends: wordEnds().filter(),
  tokens: tokenBeginnings(),
};
const PIECES = [
  ...['password', 'token=', 'b64', 'pw', '-P', '1234 5678 ', '    ', '-----', 'ghp_', 'eyJ', '~', '\\u', '4111-', '\n'],
  ...['a', '.', '/', 'https://', 'abcdefghijklmnopqrstuvwxyz', 'é', 'Ð ', '\u2007', '日本', '\0', 'p-a-s-s'],
];

function text(random: Random, length: number): Buffer {
  const pieces: Buffer[] = [];
  for (let bytes = 0; bytes < length; ) {
    const piece = random.chance(0.4)
      ? Buffer.from([random.between(0, 255)])
      : Buffer.from(random.chance(0.5) ? random.pick(PIECES) : String.fromCharCode(random.between(0x20, 0x7e)));
    pieces.push(piece);
    bytes += piece.length;
  }
  return Buffer.concat(pieces).subarray(0, length);
}

/** What a scan says of a chunk, without what lies behind its end. */
function said(scan: ByteScan, bytes: Buffer, start: number, end: number): unknown {
  const isAscii = scan.scan(bytes, start, end);
  const stop = LEAD_BYTES + end - start + (end === bytes.length ? 1 : 0);
  const found = [...scan.found.subarray(0, scan.foundCount)].filter((one) => one >> FOUND_BITS < stop);
  const bits = Object.entries(scan.bits).map(([name, words]: [string, Int32Array]) => {
    const last = stop >> 5;
    const whole = Buffer.from(words.slice(LEAD_BYTES >> 5, last).buffer).toString('hex');
    return [name, whole, (words[last] as number) & ~(-1 << (stop & 31))];
  });
  const looks = new Set<string>();
  eachLookRun({ bytes, start, end, scan }, (from, to) => looks.add(`${from} ${to}`));
  return { isAscii: start > 0 || isAscii, found, bits, looks };
}

describe('the scan of bytes', () => {
  it('sees sixteen at once as one by one', { timeout: 60_000 }, () => {
    const seed = runSeed();
    const random = new Random(seed);
    const byVectors = new VectorScan(rules);
    const oneByOne = new ScalarScan(rules);
    for (let i = 0; i < 300; i++) {
      const isLong = random.chance(0.1);
      const length = isLong ? CHUNK_BYTES * random.between(1, 2) + random.between(-1, 70) : random.between(0, 400);
      const bytes = text(random, length);
      for (let start = 0; start < length; start += CHUNK_BYTES) {
        const end = Math.min(length, start + CHUNK_BYTES);
        const expected = said(oneByOne, bytes, start, end);
        expect(said(byVectors, bytes, start, end), `SEED=${seed}, text ${i} from ${start}`).toEqual(expected);
      }
    }
  });

  it('lets no word through again that is known to end nothing, and every other', () => {
    const scan = new VectorScan(rules);
    const places = (content: string): number[] => {
      const bytes = Buffer.from(content);
      scan.scan(bytes, 0, bytes.length);
      return [...scan.found.subarray(0, scan.foundCount)].map((one) => (one >> FOUND_BITS) - LEAD_BYTES);
    };
    expect(places('{"a":1,"created":2}')).toContain(15);
    const found = scan.found
      .subarray(0, scan.foundCount)
      .find((one) => (one >> FOUND_BITS) - LEAD_BYTES === 15) as number;
    scan.remember(found, 8, 0);
    expect(places('{"a":1,"created":2}')).not.toContain(15);
    expect(places('{"a":1,"recreated":2}')).toContain(17);
    expect(places('{"a":1,"password":2}')).toContain(16);
  });

  it('says of a word that comes again what it is known to end', () => {
    const scan = new VectorScan(rules);
    const said = (content: string, place: number): number | null => {
      const bytes = Buffer.from(content);
      scan.scan(bytes, 0, bytes.length);
      const at = scan.found.subarray(0, scan.foundCount).findIndex((one) => one >> FOUND_BITS === LEAD_BYTES + place);
      const found = scan.found[at] as number;
      if ((found & Found.known) !== 0) return scan.said[at] as number;
      scan.remember(found, 9, 0x1234567);
      return null;
    };
    expect(said('{"a":1,"password":2}', 16)).toBe(null);
    expect(said('{"a":1,"password":2}', 16)).toBe(0x1234567);
    expect(said('{"b":11,"password":2}', 17)).toBe(0x1234567);
    expect(said('{"b":11,.password":2}', 17)).toBe(null);
  });

  it('looks at no more of a known word than was read of it, up to sixteen bytes', () => {
    const word = 'created';
    for (let bytesRead = 1; bytesRead <= WORD_BYTES; bytesRead++) {
      const scan = new VectorScan(rules);
      const hasWord = (content: string): boolean => {
        const bytes = Buffer.from(`${content}${word}"`);
        scan.scan(bytes, 0, bytes.length);
        const place = bytes.length - 1 + LEAD_BYTES;
        const found = scan.found.subarray(0, scan.foundCount).find((one) => one >> FOUND_BITS === place);
        if (found !== undefined && content === '0123456789abc"') scan.remember(found, bytesRead, 0);
        return found !== undefined;
      };
      expect(hasWord('0123456789abc"')).toBe(true);
      expect(hasWord('0123456789abc"')).toBe(false);
      for (let changed = 1; changed <= 9; changed++) {
        const content = `${'0123456789abc"'.slice(0, -changed)}:${'0123456789abc"'.slice(14 - changed + 1)}`;
        // The last eight bytes count in any case.
        expect(hasWord(content), `${bytesRead} read, ${content}`).toBe(changed + word.length <= Math.max(8, bytesRead));
      }
    }
  });
});
