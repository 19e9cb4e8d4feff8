/** One look at several texts sees whatever a survey of any of them sees. */
import { describe, expect, it } from 'vitest';
import { Glance } from '../../src/redact/glance.js';
import { wordEnds } from '../../src/redact/phrases.js';
import { SearchSteps } from '../../src/redact/search-steps.js';
import { Surveys } from '../../src/redact/survey.js';
import { Random, runSeed } from '../support/random.js';
import { corpus } from './corpus.js';

const CASES = Number(process.env.REDACTION_CASES ?? 4000);
const MARKS = [...'"\'`\\/:;=&,.<>{}[]()|@$%!?*+-_~#^ \n\t0128\0', '\\"', '\\u00', '%22', 'é', '日', 'password', '--'];

const steps = new SearchSteps();
const surveys = new Surveys({ wordEnds: wordEnds(), steps });
const alone = surveys.take();
const glance = new Glance(surveys.take(), steps);

function seen(texts: readonly (string | Buffer)[]): boolean {
  glance.begin();
  for (const text of texts) {
    if (typeof text === 'string') glance.addText(text);
    else glance.addBytes(text);
  }
  return glance.mayHold();
}

describe('a glance', () => {
  it('sees what a survey of one text sees, whatever stands beside it', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const rows = [...corpus('secrets.txt'), ...corpus('look-alikes.txt')].map(({ sent }) => sent);
    const text = (): string => {
      let made = random.pick(rows);
      if (random.chance(0.6)) {
        const at = random.between(0, made.length);
        made = made.slice(at, at + random.between(1, 80));
      }
      for (let times = random.between(0, 3); times > 0; times--) {
        const at = random.between(0, made.length);
        made = made.slice(0, at) + random.pick(MARKS) + made.slice(at + random.between(0, 2));
      }
      return random.chance(0.4) ? made.replace(/[a-z]{3,}/gi, 'ab').slice(0, random.between(1, 40)) : made;
    };
    let nothing = 0;
    for (let i = 0; i < CASES; i++) {
      const texts = Array.from({ length: random.between(1, 4) }, () => Buffer.from(text()));
      const isSeen = seen(texts);
      if (!isSeen) nothing++;
      const isThere = texts.some((one) => alone.read(one));
      expect(isThere && !isSeen, `SEED=${seed} ${JSON.stringify(texts.map(String))}`).toBe(false);
    }
    // It is worth nothing if it always sees something.
    expect(nothing / CASES).toBeGreaterThan(0.2);
  });

  it('is certain of nothing that it had no room for, or that is not ASCII in a text', () => {
    expect(seen([])).toBe(false);
    expect(seen(['', ''])).toBe(false);
    expect(seen(['a'.repeat(4000)])).toBe(seen([Buffer.from('a'.repeat(4000))]));
    expect(seen(['/plain/path', Buffer.from('{"a":1}')])).toBe(false);
    expect(seen(['/plain/path', Buffer.from('{"password":1}')])).toBe(true);
    expect(seen([Buffer.alloc(2100, '. '), Buffer.alloc(2100, '. ')])).toBe(true);
    expect(seen(['/caf\u00e9'])).toBe(true);
    expect(seen(['/plain/path'])).toBe(false);
  });
});
