/** The chunked coding (RFC 9112 §7.1): any cut of the bytes gives what one piece gives, and both what was encoded. */
import { describe, expect, it } from 'vitest';
import { ChunkedDecoder, trailerPairs } from '../../../src/http/h1/chunked-decoder.js';
import { Random, runSeed } from '../../support/random.js';

/** Decodes `bytes`, given in pieces that end at `cuts`. */
function decode(bytes: Buffer, cuts: readonly number[] = []) {
  const decoder = new ChunkedDecoder(1000);
  let content = '';
  let consumed = 0;
  for (const end of [...cuts, bytes.length]) {
    while (consumed < end && !decoder.isDone && !decoder.isInvalid) {
      consumed = decoder.next(bytes, consumed, end);
      content += bytes.toString('latin1', decoder.contentStart, decoder.contentEnd);
    }
  }
  return { content, consumed, isDone: decoder.isDone, isInvalid: decoder.isInvalid, trailer: decoder.trailer };
}

describe('chunked decoder', () => {
  it('gives the content and the trailer however the bytes are cut', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 3000; round++) {
      const eol = random.chance(0.2) ? '\n' : '\r\n';
      let content = '';
      let text = '';
      for (let i = random.between(0, 5); i > 0; i--) {
        const data = Buffer.from(Array.from({ length: random.between(1, 40) }, () => random.between(0, 255))).toString(
          'latin1',
        );
        const zeros = '0'.repeat(random.between(0, 3));
        const size = random.chance(0.5) ? data.length.toString(16) : data.length.toString(16).toUpperCase();
        text += `${zeros}${size}${random.pick(['', ' ', '\t', ';a', ' ;a="b;\t"'])}${eol}${data}${eol}`;
        content += data;
      }
      const trailer = random.pick(['', `T: v${eol}`, `A: 1${eol}B:  2 ${eol}`]);
      text += `0${eol}${trailer}${eol}`;
      const bytes = Buffer.from(`${text}NEXT`, 'latin1');
      const whole = decode(bytes);
      expect(whole, `SEED=${seed}`).toEqual({
        content,
        consumed: bytes.length - 4,
        isDone: true,
        isInvalid: false,
        trailer: `${trailer}${eol}`,
      });
      const cuts = Array.from({ length: random.between(0, 20) }, () => random.between(0, bytes.length)).sort(
        (a, b) => a - b,
      );
      expect(decode(bytes, cuts), `SEED=${seed}`).toEqual(whole);
    }
  });

  it('decides the same about anything at all, however it is cut', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 5000; round++) {
      const alphabet = random.pick(['0123\r\n;a ', '\r\n0', 'abcdef\n']);
      const bytes = Buffer.from(
        Array.from({ length: random.between(0, 60) }, () => random.pick([...alphabet])).join(''),
      );
      const singly = Array.from({ length: bytes.length }, (_, i) => i);
      expect(decode(bytes, singly), `SEED=${seed}`).toEqual(decode(bytes));
    }
  });

  it.each(['x', '5x', '5\rx', '-1', '10000000000000', '1 2\r\n'])('refuses the size %j', (text) => {
    expect(decode(Buffer.from(`${text}\r\nhello`)).isInvalid).toBe(true);
  });

  it.each(['2\r\nabc\r\n0\r\n\r\n', '5\r\nabc\r\n0\r\n\r\n', '3\r\nabc\r3\r\ndef\r\n0\r\n\r\n', '3\r\nabc0\r\n\r\n'])(
    'refuses data that no line ends behind: its size was wrong, %j',
    (text) => {
      expect(decode(Buffer.from(text))).toMatchObject({ isInvalid: true, isDone: false });
    },
  );

  it('refuses size lines and trailers without end', () => {
    expect(decode(Buffer.from(`5;${'x'.repeat(20_000)}`)).isInvalid).toBe(true);
    expect(decode(Buffer.from(`5${' '.repeat(20_000)}`)).isInvalid).toBe(true);
    expect(decode(Buffer.from('\r\n'.repeat(20_000))).isInvalid).toBe(true);
    expect(decode(Buffer.from(`0\r\nA: ${'x'.repeat(2000)}`)).isInvalid).toBe(true);
  });

  it('carries a loss inside one chunk, and no other', () => {
    const at = (prefix: string) => {
      const decoder = new ChunkedDecoder(1000);
      const bytes = Buffer.from(prefix);
      for (let i = 0; i < bytes.length; ) i = decoder.next(bytes, i, bytes.length);
      return decoder;
    };
    expect(at('5\r\nhe').skip(3)).toBe(true);
    expect(at('5\r\nhe').skip(4)).toBe(false);
    expect(at('5\r\n').skip(5)).toBe(true);
    expect(at('5\r\nhello').skip(1)).toBe(false);
    expect(at('5').skip(1)).toBe(false);
    const decoder = at('5\r\nhe');
    decoder.skip(3);
    const rest = Buffer.from('\r\n0\r\n\r\n');
    for (let i = 0; i < rest.length; ) i = decoder.next(rest, i, rest.length);
    expect(decoder.isDone).toBe(true);
  });

  it('reads trailer fields, in time linear in their length', () => {
    expect(trailerPairs('A: 1\r\nb:2\nno field\r\n: nothing\r\nC:\r\n\r\n')).toEqual([
      ['A', '1'],
      ['b', '2'],
      ['C', ''],
    ]);
    expect(trailerPairs(`${'\r'.repeat(16_000)}x\n`)).toEqual([]);
    expect(trailerPairs(`A: 1\r\n${' \r\n'.repeat(5000)}x\n`)).toHaveLength(1);
  });

  it.each([
    [
      'a folded line, RFC 9112 §5.2',
      'A: one\r\n two\r\nB: c\r\n\r\n',
      [
        ['A', 'one two'],
        ['B', 'c'],
      ],
    ],
    ['a fold with nothing before it', ' one: 1\r\nB: c\r\n\r\n', [['B', 'c']]],
    ['UTF-8', Buffer.from('Größe: Zoë\r\n\r\n').toString('latin1'), [['Größe', 'Zoë']]],
    ['bytes that are not UTF-8', 'A: \xff\r\n\r\n', [['A', '\xff']]],
    ['white space around name and value', 'A \t:\t 1 \t\r\n\r\n', [['A', '1']]],
  ])('reads trailers as headers: %s', (_, trailer, pairs) => {
    expect(trailerPairs(trailer)).toEqual(pairs);
  });

  it('keeps what came before it showed that nothing is chunked, however it is cut', () => {
    const decoder = new ChunkedDecoder(1000);
    const feed = (text: string) => decoder.next(Buffer.from(text), 0, text.length);
    for (const text of ['f', 'ace', ' ']) feed(text);
    expect(decoder.isInvalid).toBe(false);
    feed('down');
    expect([decoder.isInvalid, decoder.unchunked?.toString()]).toEqual([true, 'face ']);
  });

  it('keeps nothing of a body that has a chunk, or of a line that goes on and on', () => {
    const chunked = new ChunkedDecoder(1000);
    const bytes = Buffer.from('1\r\na\r\nx');
    for (let at = 0; at < bytes.length && !chunked.isInvalid; ) at = chunked.next(bytes, at, bytes.length);
    expect([chunked.isInvalid, chunked.unchunked]).toEqual([true, null]);
    const long = new ChunkedDecoder(1000);
    const line = Buffer.from(`5;${'x'.repeat(70)}`);
    for (let at = 0; at < line.length; at++) long.next(line, at, at + 1);
    expect(long.unchunked).toBe(null);
  });
});
