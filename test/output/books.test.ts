import { expect, it } from 'vitest';
import { createCounters, exchangesInFlight } from '../../src/counters.js';
import { createBooks, createSideBooks } from '../../src/output/books.js';

it('enters each outcome once, whoever else took the trace', () => {
  const counters = { ...createCounters(), exchanges_seen: 10 };
  const books = createBooks(counters);
  const side = createSideBooks(counters);
  books.accountExported(6);
  side.accountExported(7);
  books.accountLost(3);
  side.accountLost(2);
  expect(counters).toMatchObject({
    exchanges_exported: 6,
    exchanges_dropped_undeliverable: 3,
    output_traces_lost: 2,
  });
  expect(exchangesInFlight(counters)).toBe(1);
});

it.each([createBooks, createSideBooks])('keeps the traces of an earlier run apart: $name', (create) => {
  const counters = createCounters();
  const books = create(counters);
  books.accountExported(3, true);
  books.accountLost(2, true);
  expect(counters).toEqual({ ...createCounters(), recovered_traces_exported: 3, recovered_traces_dropped: 2 });
});
