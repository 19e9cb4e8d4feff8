/**
 * What the survey spares is nothing, in mutated texts of any length either: marks between the letters of names, letters lost,
 * words glued together, secrets among kilobytes of other text.
 *
 * `SEED` repeats a run, and `REDACTION_CASES` says how many texts there are.
 */
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { Random, runSeed } from '../support/random.js';
import { CONTENT_TYPES, corpus } from './corpus.js';
import { makeTrace } from './make-trace.js';

const settings = { defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true };
const withSurvey = createRedactor(settings);
/** A name of the user's switches the survey off. */
const withoutSurvey = createRedactor({ ...settings, fields: ['a name that nothing has'] });

const CASES = Number(process.env.REDACTION_CASES ?? 4000);
const rows = [...corpus('secrets.txt'), ...corpus('look-alikes.txt')].map(({ sent }) => sent);
const types = ['', ...Object.values(CONTENT_TYPES)];
const MARKS = [
  ...'"\'`\\/:;=&,.<>{}[]()|@$%!?*+-_~#^ \n\t0128',
  '\\"',
  '\\u00',
  '%22',
  'é',
  'ñ',
  '\u200b',
  '\u00ad',
  '日',
];
const WORDS = [
  'new',
  'hash',
  'Key',
  'code',
  '2',
  'b64',
  'password',
  'token',
  'PIN',
  'sid',
  'x',
  'ID',
  'пароль',
  '密码',
];
const FILLER = [
  'The quick brown fox jumps over 13 lazy dogs. ',
  '{"id":4000,"name":"item number 7","created":1700000000000},',
  'GET /v1/orders?page=2&sort=name HTTP/1.1\r\n',
  'a,b,c\n1,2,3\n',
  '  level: info\n',
];

function mutated(random: Random, text: string): string {
  const at = random.between(0, text.length);
  const bit = random.pick(random.chance(0.7) ? MARKS : WORDS);
  switch (random.between(0, 5)) {
    case 0:
      return text.slice(0, at) + bit + text.slice(at + bit.length);
    case 1:
      return text.slice(0, at) + text.slice(at + random.between(1, 3));
    case 2: {
      const letter = text[at] ?? 'a';
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
      return text.slice(0, at) + other + text.slice(at + 1);
    }
    default:
      return text.slice(0, at) + bit + text.slice(at);
  }
}

function text(random: Random): string {
  let changed = random.pick(rows);
  for (let times = random.between(1, 4); times > 0; times--) changed = mutated(random, changed);
  if (random.chance(0.5)) return changed;
  const filler = random.pick(FILLER);
  const before = filler.repeat(random.between(0, 60));
  return before + changed + filler.repeat(Math.ceil(random.between(0, 2500) / filler.length));
}

function redacted(redact: typeof withSurvey, content: Buffer, type: string): string {
  const trace = makeTrace({ body: content, requestHeaders: [['Content-Type', type]] });
  redact(trace);
  return Buffer.from(trace.request.body.content).toString('latin1');
}

describe('the survey', () => {
  it('misses nothing of mutated texts', { timeout: 60_000 + CASES * 5 }, () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let i = 0; i < CASES; i++) {
      const content = Buffer.from(text(random));
      const type = random.pick(types);
      expect(redacted(withSurvey, content, type), `SEED=${seed}, text ${i} as ${type}`).toBe(
        redacted(withoutSurvey, content, type),
      );
    }
  });
});
