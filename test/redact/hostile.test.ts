/**
 * Two tables made to get past redaction, by kind: secrets in places, quotings, languages and commands that the others do not
 * have, and texts that resemble them. What is marked must go, every other byte must stay, and what was redacted is left alone.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { type CorpusRow, corpus } from './corpus.js';
import { redactedIn } from './place.js';

const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });

function byKind(rows: readonly CorpusRow[]): [kind: string, rows: CorpusRow[]][] {
  const kinds = new Map<string, CorpusRow[]>();
  for (const row of rows) kinds.set(row.kind, [...(kinds.get(row.kind) ?? []), row]);
  return [...kinds];
}

describe('secrets made to get through', () => {
  const rows = corpus('hostile-secrets.txt');

  it.each(byKind(rows))('%s', (_, ofKind) => {
    const wrong = ofKind.flatMap(({ place, sent, expected }) => {
      const left = redactedIn(place, sent, redact);
      const again = redactedIn(place, expected, redact);
      return left === expected && again === expected ? [] : [{ place, sent, left, again }];
    });
    expect(wrong).toEqual([]);
  });

  it('are hundreds', () => {
    expect(rows.length).toBeGreaterThan(600);
  });
});

describe('names of secrets in JSON', () => {
  const names = readFileSync(new URL('secret-names.txt', import.meta.url), 'utf8')
    .split(/\s+/)
    .filter(Boolean);

  it('each have their value replaced', () => {
    const left = names.filter(
      (name) => !redactedIn('json', `{"id":7,"${name}":"hbzkxQ7tW2mq9140"}`, redact).includes('REDACTED'),
    );
    expect(left).toEqual([]);
    expect(names.length).toBeGreaterThan(800);
  });
});

describe('texts that resemble them', () => {
  const rows = corpus('hostile-look-alikes.txt');

  it.each(byKind(rows))('%s', (_, ofKind) => {
    const wrong = ofKind.flatMap(({ place, sent }) => {
      const left = redactedIn(place, sent, redact);
      return left === sent ? [] : [{ place, sent, left }];
    });
    expect(wrong).toEqual([]);
  });

  it('are hundreds', () => {
    expect(rows.length).toBeGreaterThan(350);
  });
});
