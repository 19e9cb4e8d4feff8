/** Queries that need no walk, against the walk. */
import { describe, expect, it } from 'vitest';
import { PlainQueries } from '../../src/redact/plain-query.js';
import { createDocumentRedactor } from '../../src/redact/redact-document.js';
import { SearchSteps } from '../../src/redact/search-steps.js';
import { createSensitiveNames } from '../../src/redact/sensitive-names.js';
import { Random, runSeed } from '../support/random.js';

function queriesWith(queries: readonly string[], pii = false) {
  const steps = new SearchSteps();
  const names = createSensitiveNames({
    steps,
    ...{ fields: [], headers: [], allow: [], defaults: true },
    queries,
    onEvicted: () => {},
  });
  const documents = createDocumentRedactor(names, {
    steps,
    ...{ patterns: [], defaults: true, isAllowed: null, explains: false },
    pii,
    hasNames: queries.length > 0,
    onEvicted: () => {},
  });
  return { plain: new PlainQueries(names, pii), documents };
}

describe('a plain query', () => {
  it.each([
    ['page=2&sort=name', true],
    ['', true],
    ['flag', true],
    ['a=b:c,d;e/f', true],
    ['token=1', false],
    ['code=1', false],
    ['name=password&value=x', false],
    ['a=%70', false],
    ['a=x+y', false],
    ['a=b=c', false],
    ['a=u:p@h', false],
    ['a={"b":1}', false],
    ['a=é', false],
    [`a=${'1'.repeat(13)}`, false],
    [`${'n'.repeat(13)}=1`, false],
  ])('%s: %s', (query, isPlain) => {
    expect(queriesWith([]).plain.has(query)).toBe(isPlain);
  });

  it('has no name of the user’s', () => {
    const { plain } = queriesWith(['page']);
    expect([plain.has('page=2'), plain.has('other=2')]).toEqual([false, true]);
  });

  it('has no number of a person, where those are looked for', () => {
    const { plain, documents } = queriesWith([], true);
    expect([plain.has('a=123-45-678'), plain.has('a=123-45-6789'), plain.has('123-45-6789')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(documents.query('a=123-45-6789&123-45-6789&123-45-6789=b').result).toBe('a=REDACTED&REDACTED&REDACTED=b');
    expect(queriesWith([]).plain.has('a=123-45-6789')).toBe(true);
  });

  it.each([false, true])('holds nothing that the walk finds; with numbers of persons: %s', (pii) => {
    const random = new Random(runSeed());
    const { plain, documents } = queriesWith([], pii);
    const pieces = [
      'a',
      'id',
      'page',
      'token',
      'key',
      'code',
      'state',
      'pin',
      'cvv',
      'sig',
      '=',
      '=',
      '&',
      '1',
      '4111',
      '123-45-6789',
      'x9',
      '-',
      '_',
      '.',
      ':',
      '/',
      '~',
      '*',
      'hunter2',
      'Ab3',
    ];
    let count = 0;
    for (let i = 0; i < 5000; i++) {
      const query = Array.from({ length: random.between(1, 9) }, () => random.pick(pieces)).join('');
      if (!plain.has(query)) continue;
      count++;
      expect([query, documents.query(query).result]).toEqual([query, query]);
    }
    expect(count).toBeGreaterThan(500);
  });
});
