/** Each row of the tables of forms: its true example goes wherever it stands, its false one stays. */
import { describe, expect, it } from 'vitest';
import { LOOK_ROWS, OTHER_LOOKS } from '../../src/redact/looks-table.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { makeTrace } from './make-trace.js';

const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });

function redacted(text: string, type: string): { text: string; rules: string[] } {
  const trace = makeTrace({ body: Buffer.from(text), requestHeaders: [['Content-Type', type]] });
  redact(trace);
  const rules = (trace.redactions ?? []).map(({ rule }) => rule);
  return { text: Buffer.from(trace.request.body.content).toString(), rules };
}

describe('forms', () => {
  const rows = [...LOOK_ROWS, ...OTHER_LOOKS];

  it.each(rows)('$id: $what', ({ id, example, counterExample }) => {
    const places: [type: string, before: string, after: string][] = [
      ['application/json', '{"n":1,"text":"please use ', ' for now"}'],
      ['application/json', '["', '"]'],
      ['text/plain', '', ''],
      ['text/plain', 'it is ', ', they say\n'],
      ['application/xml', '<a><b c="1">', '</b></a>'],
      ['application/x-www-form-urlencoded', 'x=', '&y=2'],
    ];
    for (const [type, before, after] of places) {
      if (type.includes('form') && example.includes('+')) continue;
      const { text, rules } = redacted(`${before}${example}${after}`, type);
      expect(text).toBe(`${before}REDACTED${after}`);
      expect(rules).toContain(`looks:${id}`);
      expect(redacted(`${before}${counterExample}${after}`, type).text).toBe(`${before}${counterExample}${after}`);
    }
  });

  it('say where they come from', () => {
    for (const { source, what } of rows) {
      expect(source).not.toBe('');
      expect(what).not.toBe('');
    }
  });
});
