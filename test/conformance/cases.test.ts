/**
 * Small captures made for one question each, with the exchanges that are in them: what is claimed of each must hold.
 *
 * The captures stand beside the repository, not in it; without them this suite says that it was skipped. One that is not
 * right yet stands in `KNOWN_FAILURES` and fails here when it becomes right, so that the list only shrinks.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs } from '../support/needs.js';
import { readWithSensor, type SensorReading } from '../support/read-with-sensor.js';
import { sharedConformance } from '../support/shared-conformance.js';
import { type Claim, compare } from './claims.js';
import { KNOWN_FAILURES } from './known-failures.js';
import { SENTENCES } from './sentences.js';
import { shrinkingList } from './shrinking-list.js';

interface Case {
  /** The exchanges in order, or a sentence, which `SENTENCES` has as a predicate. */
  readonly right: readonly Claim[] | string;
}

const folder = sharedConformance('cases');
const names = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => /\.pcap(ng)?$/.test(name))
      .sort()
  : [];

const judge = shrinkingList(join(import.meta.dirname, 'known-failures.ts'), KNOWN_FAILURES);

describe('crafted cases', () => {
  if (names.length === 0) {
    it(`has captures at ${folder}`, needs({ 'captures of crafted cases': false }), () => {});
    return;
  }

  it.each(names)('%s', async (file) => {
    const name = file.replace(/\.pcap(ng)?$/, '');
    const { right } = JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8')) as Case;
    judge(name, disagreementOf(name, right, await readWithSensor(`${folder}/${file}`)));
  });

  it('are all there that the list names', () => {
    expect(KNOWN_FAILURES.filter((name) => !names.some((file) => file.startsWith(`${name}.`)))).toEqual([]);
  });
});

/** What the reading gets wrong, or null. */
function disagreementOf(name: string, right: Case['right'], reading: SensorReading): unknown {
  try {
    if (typeof right === 'string') {
      const check = SENTENCES[name];
      if (check === undefined) throw new Error(`"${right}" has no predicate in sentences.ts`);
      check(reading);
    } else {
      const lines = compare(right, reading.traces);
      expect(lines.seen).toEqual(lines.right);
    }
    return null;
  } catch (error) {
    return error;
  }
}
