/**
 * A body that is no text is not surveyed, as the words in it say nothing: of what a survey would have led to, the same is replaced, and
 * not a byte more.
 */
import { describe, expect, it } from 'vitest';
import { findLooks } from '../../src/redact/find-looks.js';
import { LOOK_ROWS, OTHER_LOOKS } from '../../src/redact/looks-table.js';
import { wordEnds } from '../../src/redact/phrases.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { SearchSteps } from '../../src/redact/search-steps.js';
import { Sign, Surveys } from '../../src/redact/survey.js';
import { Random, runSeed } from '../support/random.js';
import { makeTrace } from './make-trace.js';

const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });
const surveys = new Surveys({ wordEnds: wordEnds(), steps: new SearchSteps() });
const examples = [...LOOK_ROWS, ...OTHER_LOOKS].map(({ example }) => example);
const words = [
  'password=',
  '{"token":"',
  '\n--XX\r\n',
  ' user:',
  '<a b="',
  '4111 1111 1111 1111',
  'Bearer ',
  '\0\0\0\x05',
];

function redacted(bytes: Buffer, type: string): Buffer {
  const trace = makeTrace({ body: bytes, requestHeaders: [['Content-Type', type]] });
  redact(trace);
  return Buffer.from(trace.request.body.content);
}

/** As it was when every body was surveyed. */
function surveyed(bytes: Buffer): Buffer {
  const masked = Buffer.from(bytes);
  const survey = surveys.take();
  if (survey.read(bytes) && survey.mayHold(0, bytes.length, Sign.look))
    findLooks(bytes, { start: 0, end: bytes.length }, { name: 'other', isInProse: true }, (from, to) =>
      masked.fill('*', from, to),
    );
  surveys.giveBack(survey);
  return masked;
}

/** Bytes of every value, with runs of text between them, that is not taken for text by its beginning. */
function binary(random: Random): { bytes: Buffer; secrets: string[] } {
  const pieces: Buffer[] = [Buffer.from([0x81, 0, 3, 0xfe]), Buffer.alloc(300, 0xfe)];
  const secrets: string[] = [];
  const length = random.between(600, 9000);
  for (let size = 0; size < length; ) {
    let piece = Buffer.from(Array.from({ length: random.between(1, 400) }, () => random.between(0, 255)));
    const kind = random.between(0, 3);
    if (kind === 0) {
      const example = examples[random.between(0, examples.length - 1)] as string;
      secrets.push(example);
      piece = Buffer.from(`\0${example}\0`);
    } else if (kind === 1) piece = Buffer.from(words[random.between(0, words.length - 1)] as string);
    pieces.push(piece);
    size += piece.length;
  }
  return { bytes: Buffer.concat(pieces), secrets };
}

describe('a body that is no text', () => {
  it('loses no secret, and nothing else', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 300; round++) {
      const { bytes, secrets } = binary(random);
      const left = redacted(bytes, round % 2 === 0 ? 'application/octet-stream' : '');
      for (const secret of secrets) expect(left.includes(secret), `SEED=${seed} ${secret}`).toBe(false);
      expect(left.equals(surveyed(bytes)), `SEED=${seed} round ${round}`).toBe(true);
    }
  });

  it.each([[[0x10]], [[0x10, 0x80]], [[0x10, 0xff, 0xff, 0xff, 0xff]], [[0]], [[0x0a]], [[0x7b]]])(
    'and is short (%j) stays as it is',
    (bytes) => {
      expect([...redacted(Buffer.from(bytes), '')]).toEqual(bytes);
    },
  );

  it('that is said to be text, JSON or a form is still read as one where it begins like one', () => {
    const filler = 'x'.repeat(600);
    const json = Buffer.from(`{"a":"${filler}\0","password":"hunter2-Zq8"}`);
    expect(redacted(json, 'application/json').includes('hunter2-Zq8')).toBe(false);
    const text = Buffer.from(`${filler} password=hunter2-Zq8 \0`);
    expect(redacted(text, 'text/plain').includes('hunter2-Zq8')).toBe(false);
    const parts = `--XX\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2-Zq8\r\n--XX\r\n\r\n${'\0\x01'.repeat(600)}\r\n--XX--`;
    expect(redacted(Buffer.from(parts), 'application/octet-stream').includes('hunter2-Zq8')).toBe(false);
  });
});
