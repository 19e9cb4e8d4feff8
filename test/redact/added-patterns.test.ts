/** A pattern of the user's that a text matches everywhere costs a bounded number of matches: the rest is replaced as one. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { makeTrace } from './make-trace.js';

function redacted(body: string, patterns: readonly string[], type = 'text/plain') {
  const trace = makeTrace({ body: Buffer.from(body), requestHeaders: [['Content-Type', type]] });
  createRedactor({ defaults: false, headers: [], queries: [], fields: [], patterns, bodies: true })(trace);
  const rules = (trace.redactions ?? [])
    .filter(({ where }) => where.startsWith('request.body'))
    .map(({ rule }) => rule);
  return { text: Buffer.from(trace.request.body.content).toString(), rules };
}

const MOST = DEFAULT_LIMITS.redaction_matches_max;
const MATCH_BYTES = 1024 / DEFAULT_LIMITS.redaction_matches_per_kibibyte_max;

describe('a pattern that matches', () => {
  it('as often as a text may have it is replaced each time', () => {
    const { text, rules } = redacted('a;'.repeat(MOST), [';']);
    expect(text).toBe('aREDACTED'.repeat(MOST));
    expect(rules).toEqual(['pattern:1']);
  });

  it('once more takes the rest of the text with it, and says so', () => {
    const { text, rules } = redacted(`${'a;'.repeat(MOST)}b;c`, [';']);
    expect(text).toBe(`${'aREDACTED'.repeat(MOST)}bREDACTED`);
    expect(rules).toEqual(['pattern:1', 'bound:matches']);
  });

  it('more often may do so in a longer text', () => {
    const row = `${'x'.repeat(MATCH_BYTES)};`;
    expect(redacted(row.repeat(4 * MOST), [';']).rules).toEqual(['pattern:1']);
    expect(redacted('x;'.repeat(40 * MOST), [';']).text.length).toBeLessThan(40 * MOST * 4);
  });

  it('nothing, again and again, takes the rest as well', () => {
    const { text, rules } = redacted('\n'.repeat(MOST + 1), ['(?m)^']);
    expect(text).toBe(`${'\n'.repeat(MOST)}REDACTED`);
    expect(rules).toEqual(['bound:matches']);
  });

  it('in JSON leaves it JSON', () => {
    const { text } = redacted(JSON.stringify(Array.from({ length: 2 * MOST }, (_, i) => ({ a: 'bb', n: i }))), ['b']);
    const rows = JSON.parse(text) as { a?: string; REDACTED?: string; n?: number }[];
    expect(rows.length).toBe(2 * MOST);
    expect(text).not.toContain('b');
    expect(rows[0]).toEqual({ a: 'REDACTEDREDACTED', n: 0 });
    expect(rows.at(-1)).toEqual({ REDACTED: 0 });
  });

  it('shares what there is with the others', () => {
    const { text } = redacted('a;'.repeat(MOST), ['a', ';']);
    expect(text).not.toMatch(/[a;]/);
    expect(text.length).toBeLessThanOrEqual('REDACTED'.length * (MOST + 2));
  });
});
