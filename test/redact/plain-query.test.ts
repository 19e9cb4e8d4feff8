/** Queries that need no walk, against the walk. */
import { describe, expect, it } from 'vitest';
import { PlainQueries } from '../../src/redact/plain-query.js';
import { createDocumentRedactor } from '../../src/redact/redact-document.js';
import { createSensitiveNames } from '../../src/redact/sensitive-names.js';
import { Random, runSeed } from '../support/random.js';

function queriesWith(queries: readonly string[]) {
  const names = createSensitiveNames({
    ...{ fields: [], headers: [], allow: [], defaults: true },
    queries,
    onEvicted: () => {},
  });
  const documents = createDocumentRedactor(names, {
    ...{ patterns: [], defaults: true, pii: true, isAllowed: null, explains: false },
    hasNames: queries.length > 0,
    onEvicted: () => {},
  });
  return { plain: new PlainQueries(names), documents };
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

  it('holds nothing that the walk finds', () => {
    const random = new Random(runSeed());
    const { plain, documents } = queriesWith([]);
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
