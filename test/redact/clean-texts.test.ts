import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { CleanTexts } from '../../src/redact/clean-texts.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { makeTrace } from './make-trace.js';

const SETTINGS = { defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true };

describe('CleanTexts', () => {
  it('remembers a text under its name, and none that is long', () => {
    const texts = new CleanTexts(() => {});
    texts.add('x-a', 'one');
    texts.add('x-a', 'y'.repeat(200));
    expect([texts.has('x-a', 'one'), texts.has('x-b', 'one'), texts.has('x-a', 'two')]).toEqual([true, false, false]);
    expect(texts.has('x-a', 'y'.repeat(200))).toBe(false);
  });

  it('forgets all for one too many, and counts them', () => {
    let evicted = 0;
    const texts = new CleanTexts((count) => (evicted += count));
    for (let i = 0; i <= DEFAULT_LIMITS.redaction_texts_max; i++) texts.add('x', String(i));
    expect(evicted).toBe(DEFAULT_LIMITS.redaction_texts_max);
    expect([texts.has('x', '0'), texts.has('x', String(DEFAULT_LIMITS.redaction_texts_max))]).toEqual([false, true]);
  });
});

it('what was clean under one name, and what was replaced, is so each time', () => {
  const redact = createRedactor(SETTINGS);
  const values = (): string[] => {
    const trace = makeTrace({
      requestHeaders: [
        ['X-Note', 'a%20b: %3D'],
        ['X-Link', '/items/1?q=%7B'],
        ['X-Next', '/login?token=1f3a9c0d7e'],
        ['X-Other', 'password=hunter2!'],
      ],
    });
    redact(trace);
    return trace.request.headers.map(([, value]) => value);
  };
  const first = values();
  expect(first.slice(-2)).toEqual(['/login?token=REDACTED', 'password=REDACTED']);
  expect([values(), values()]).toEqual([first, first]);
});
