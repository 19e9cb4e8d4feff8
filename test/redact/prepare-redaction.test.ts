/** What is made before the first trace is what the first trace is redacted by, and changes nothing about it. */
import { expect, it } from 'vitest';
import { preparation } from '../../src/redact/prepare-redaction.js';
import { createRedactor } from '../../src/redact/redactor.js';
import type { Trace } from '../../src/trace/trace.js';
import { makeTrace } from './make-trace.js';

const SETTINGS = { defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true };

const first = (): Trace =>
  makeTrace({
    target: '/reset/a1b2c3d4e5f6a7b8?token=x9y8z7',
    requestHeaders: [['Content-Type', 'application/json']],
    body: Buffer.from('{"password":"correct-horse-7","note":"sk_live_a1b2c3d4e5f6a7b8c9d0e1f2"}'),
  });

it('does as one that nobody prepared, and finds something in each of its samples', () => {
  const plain = first();
  createRedactor(SETTINGS)(plain);
  const redact = createRedactor(SETTINGS);
  const seen: Trace[] = [];
  for (const step of preparation((trace) => {
    redact(trace);
    seen.push(trace);
  }))
    step();
  const prepared = first();
  redact(prepared);
  expect(prepared).toEqual(plain);
  expect(seen.length).toBeGreaterThan(1);
  for (const { redactions } of seen) expect(redactions?.length).toBeGreaterThan(0);
});
