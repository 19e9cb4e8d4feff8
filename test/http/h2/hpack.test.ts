/**
 * HPACK against the stories of http2jp/hpack-test-case (MIT), which several encoders wrote: each block in order is equal; joined at
 * any block, each field is equal or unknown. They stand beside the repository; a few of each kind are here, by the byte.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BlockResult, type FieldSink, HpackDecoder } from '../../../src/http/h2/hpack-decoder.js';
import { decodedBytesMax, decodeHuffman } from '../../../src/http/h2/huffman.js';
import { MemoryBudget } from '../../../src/memory-budget.js';
import { type Field, integer, string } from '../../support/h2-frames.js';
import { needs } from '../../support/needs.js';
import { hex } from '../../support/packets.js';
import { Random, runSeed } from '../../support/random.js';
import { sharedConformance } from '../../support/shared-conformance.js';

/** A field, or null for one that is unknown. */
type Decoded = Field | null;

class Fields implements FieldSink {
  wantsValues = true;
  readonly all: Decoded[] = [];

  field(name: string, value: string): void {
    this.all.push([name, value]);
  }

  unknownField(): void {
    this.all.push(null);
  }
}

interface Story {
  readonly name: string;
  readonly blocks: readonly { readonly wire: Buffer; readonly fields: readonly Field[] }[];
}

const TABLE_BYTES_MAX = 1 << 16;

function decoderOf(budget = new MemoryBudget(1e9)) {
  const decoder = new HpackDecoder(TABLE_BYTES_MAX, budget);
  return {
    window: decoder.window,
    decode(wire: Buffer): { result: BlockResult; fields: Decoded[] } {
      const sink = new Fields();
      const result = decoder.decode(wire, 0, wire.length, sink);
      return { result, fields: sink.all };
    },
  };
}

/** What a story joined at block `from` gives: how many of its fields are unknown. Fails where one differs. */
function unknownWhenJoined({ name, blocks }: Story, from: number): number {
  const { decode } = decoderOf();
  let unknown = 0;
  for (const [i, { wire, fields }] of blocks.slice(from).entries()) {
    const decoded = decode(wire);
    const where = `${name}, joined at ${from}, block ${from + i}`;
    if (decoded.result !== BlockResult.whole) expect.fail(`${where} is no header block`);
    if (decoded.fields.length !== fields.length) expect(decoded.fields, where).toEqual(fields);
    for (const [j, field] of decoded.fields.entries()) {
      const [known, value] = fields[j] as Field;
      if (field === null) unknown++;
      else if (field[0] !== known || field[1] !== value) expect(field, `${where}, field ${j}`).toEqual(fields[j]);
    }
  }
  return unknown;
}

/** RFC 7541 Appendix C: requests and responses, with and without the Huffman code, the latter with a table of 256 bytes. */
const REQUESTS: readonly (readonly Field[])[] = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
];
const RESPONSES: readonly (readonly Field[])[] = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
];
const story = (name: string, wires: readonly string[], fields: readonly (readonly Field[])[]): Story => ({
  name,
  blocks: wires.map((wire, i) => ({ wire: hex(wire), fields: fields[i] as readonly Field[] })),
});
const RFC_STORIES = [
  story(
    'C.3',
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    REQUESTS,
  ),
  story(
    'C.4',
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    REQUESTS,
  ),
  story(
    'C.6',
    [
      `3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b
       97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960
       d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ],
    RESPONSES,
  ),
];

describe('the examples of RFC 7541', () => {
  it.each(RFC_STORIES)('$name', (one) => {
    expect(unknownWhenJoined(one, 0)).toBe(0);
  });

  it('are right or unknown when joined later', () => {
    expect(RFC_STORIES.map((one) => [1, 2].map((from) => unknownWhenJoined(one, from)))).toEqual([
      [2, 1],
      [2, 1],
      [5, 2],
    ]);
  });
});

const folder = sharedConformance('hpack');
const encoders = existsSync(folder) ? readdirSync(folder).filter((name) => !name.includes('LICENSE')) : [];

interface StoryFile {
  readonly cases: readonly { readonly wire: string; readonly headers: readonly Record<string, string>[] }[];
}

function storiesOf(encoder: string): Story[] {
  return readdirSync(`${folder}/${encoder}`)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const { cases } = JSON.parse(readFileSync(`${folder}/${encoder}/${name}`, 'utf8')) as StoryFile;
      const blocks = cases.map(({ wire, headers }) => ({
        wire: hex(wire),
        fields: headers.flatMap((header) => Object.entries(header)),
      }));
      return { name: `${encoder}/${name}`, blocks };
    });
}

describe('the stories of hpack-test-case', () => {
  if (encoders.length === 0) {
    it(`are at ${folder}`, needs({ 'stories of hpack-test-case': false }), () => {});
    return;
  }

  it.each(encoders)('%s', (encoder) => {
    const stories = storiesOf(encoder);
    expect(stories.length).toBeGreaterThan(0);
    for (const one of stories) {
      expect(unknownWhenJoined(one, 0), one.name).toBe(0);
      for (let from = 1; from < one.blocks.length; from++) unknownWhenJoined(one, from);
    }
  });
});

/** An encoder of random fields: indexed where it can be, inserted, or not; its table changes its size now and then. */
class RandomEncoder {
  readonly #random: Random;
  readonly #table: Field[] = [];
  #size = 4096;

  constructor(random: Random) {
    this.#random = random;
  }

  block(): { wire: Buffer; fields: Field[] } {
    const random = this.#random;
    const parts: Buffer[] = [];
    const fields: Field[] = [];
    if (random.chance(0.1)) {
      this.#size = random.pick([0, 100, 1000, 4096, 16_384]);
      this.#evict();
      parts.push(integer(5, 0x20, this.#size));
    }
    for (let i = random.between(1, 8); i > 0; i--) {
      const field: Field = [`x-${random.between(0, 9)}`, 'v'.repeat(random.between(0, 300)) + random.between(0, 5)];
      const known = this.#table.findIndex(([name, value]) => name === field[0] && value === field[1]);
      const named = this.#table.findIndex(([name]) => name === field[0]);
      fields.push(field);
      if (known >= 0) {
        parts.push(integer(7, 0x80, 62 + known));
        continue;
      }
      const isInserted = random.chance(0.6);
      const [prefix, pattern] = isInserted ? ([6, 0x40] as const) : ([4, random.pick([0, 0x10])] as const);
      parts.push(
        named >= 0
          ? integer(prefix, pattern, 62 + named)
          : Buffer.concat([integer(prefix, pattern, 0), string(field[0])]),
      );
      parts.push(string(field[1]));
      if (!isInserted) continue;
      this.#table.unshift(field);
      this.#evict();
    }
    return { wire: Buffer.concat(parts), fields };
  }

  #evict(): void {
    const sizeOf = () => this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (this.#table.length > 0 && sizeOf() > this.#size) this.#table.pop();
  }
}

it('is exact or unknown for any encoder, joined anywhere', () => {
  const seed = runSeed();
  const random = new Random(seed);
  let unknown = 0;
  for (let round = 0; round < 300; round++) {
    const encoder = new RandomEncoder(random);
    const blocks = Array.from({ length: 30 }, () => encoder.block());
    const one = { name: `seed ${seed}, round ${round}`, blocks };
    expect(unknownWhenJoined(one, 0)).toBe(0);
    unknown += unknownWhenJoined(one, random.between(1, 29));
  }
  expect(unknown).toBeGreaterThan(0);
});

describe('what is no header block', () => {
  it.each([
    ['index 0', '80', BlockResult.invalid],
    ['an integer without an end', 'ffffffffffffffffffff01', BlockResult.invalid],
    ['an integer that is cut', 'ff80', BlockResult.cut],
    ['a string longer than the block', '4005616263', BlockResult.cut],
    ['a name without a value', '000161', BlockResult.cut],
    ['Huffman padding of eight bits', '000161 82 1fff', BlockResult.invalid],
    ['Huffman padding that is not ones', '000161 81 18', BlockResult.invalid],
    ['EOS inside a string', '000161 84 ffffffff', BlockResult.invalid],
  ])('%s', (_what, wire, result) => {
    const { decode, window } = decoderOf();
    expect(decode(hex('4001610162')).result).toBe(BlockResult.whole);
    expect(window.find(1)).toBe(0);
    expect([window.names[0], window.values[0]]).toEqual(['a', 'b']);
    expect(decode(hex(wire)).result).toBe(result);
    // What it would have inserted is not known, so nothing is.
    expect(window.find(1)).toBe(-1);
  });

  it('is never found by an exception', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const budget = new MemoryBudget(1e9);
    const { decode, window } = decoderOf(budget);
    for (let round = 0; round < 20_000; round++) {
      decode(Buffer.from(Array.from({ length: random.between(0, 40) }, () => random.between(0, 255))));
      expect(budget.used, `seed ${seed}`).toBeLessThanOrEqual(TABLE_BYTES_MAX);
    }
    window.forget();
    expect(budget.used).toBe(0);
  });
});

it('keeps the place of an insertion whose name is unknown', () => {
  const { decode } = decoderOf();
  // Name of index 70, which is unknown, inserted; then index 62, and another insertion in front of it.
  expect(decode(hex('7f07 0176 be')).fields).toEqual([null, null]);
  expect(decode(hex('400161 0162 be bf')).fields).toEqual([['a', 'b'], ['a', 'b'], null]);
});

it('lets go of what the table cannot hold, and finds out that it holds more', () => {
  const budget = new MemoryBudget(1e9);
  const { decode } = decoderOf(budget);
  const insert = (value: string) => decode(Buffer.concat([hex('400161'), string(value.padEnd(967))]));
  for (let i = 0; i < 8; i++) insert(`${i}`);
  expect(budget.used).toBe(4000);
  // The fifth-newest was let go; that somebody refers to it shows that the table is larger.
  expect(decode(integer(7, 0x80, 66)).fields).toEqual([null]);
  for (let i = 8; i < 16; i++) insert(`${i}`);
  expect(budget.used).toBe(8000);
  expect(decode(integer(7, 0x80, 66)).fields[0]?.[1].trim()).toBe('11');
});

it('skips values that nobody wants, and not those that are inserted', () => {
  const decoder = new HpackDecoder(TABLE_BYTES_MAX, new MemoryBudget(1e9));
  const sink = new Fields();
  sink.wantsValues = false;
  const wire = hex('00 0161 0162  40 0163 0164  04 0165');
  expect(decoder.decode(wire, 0, wire.length, sink)).toBe(BlockResult.whole);
  expect(sink.all).toEqual([
    ['a', ''],
    ['c', 'd'],
    [':path', 'e'],
  ]);
});

/** Codes of Appendix B: short ones, the first and last of each length where the order of symbols tells, and the longest. */
it.each([
  ['0', '00000'],
  ['t', '01001'],
  [' ', '010100'],
  ['u', '101101'],
  [':', '1011100'],
  ['&', '11111000'],
  ['!', '1111111000'],
  ['\0', '1111111111000'],
  ['\x7f', '1111111111111111111111111100'],
  ['\x80', '11111111111111100110'],
  ['\xff', '11111111111111111111101110'],
  ['\n', '111111111111111111111111111100'],
  ['\x16', '111111111111111111111111111110'],
])('undoes the Huffman code of %j', (symbol, code) => {
  for (const before of ['', 'a', 'a!', '\n0']) {
    const codes: Record<string, string> = {
      '': '',
      a: '00011',
      'a!': '000111111111000',
      '\n0': `${'1'.repeat(28)}0000000`,
    };
    const bits = (codes[before] as string) + code;
    const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
    const wire = Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
    const out = Buffer.alloc(decodedBytesMax(wire.length));
    const length = decodeHuffman(wire, 0, wire.length, out);
    expect(out.latin1Slice(0, Math.max(0, length))).toBe(before + symbol);
  }
});
