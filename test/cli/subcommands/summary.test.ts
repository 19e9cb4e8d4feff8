import { expect, it } from 'vitest';
import { summaryText } from '../../../src/cli/subcommands/summary.js';
import { createCounters } from '../../../src/counters.js';

it('is a table whose rows add up, with what is unknown called so', () => {
  const counters = {
    ...createCounters(),
    exchanges_seen: 1010,
    exchanges_exported: 990,
    exchanges_dropped_path_rule: 12,
    exchanges_dropped_rate_limited: 7,
    packets_seen: 12345,
  };
  const interfaces = [
    { name: 'lo', packets: 12000, dropped: 3, freezes: 1 },
    { name: 'eth0', packets: 345, dropped: null, freezes: null },
  ];
  expect(summaryText({ counters, interfaces })).toBe(
    [
      'exchanges seen                 1010',
      '  exported                      990',
      '  dropped: path rule             12',
      '  dropped: rate limited           7',
      '  in flight                       1',
      'packets seen                  12345',
      '  lo                          12000',
      '  lo, lost by the kernel          3',
      '  eth0                          345',
      '  eth0, lost by the kernel  unknown',
      '',
    ].join('\n'),
  );
});

it('says what the spool holds, and what became of what it held before', () => {
  const counters = {
    ...createCounters(),
    exchanges_seen: 9,
    spool_traces: 9,
    recovered_traces: 5,
    recovered_traces_exported: 4,
    recovered_traces_dropped: 1,
  };
  expect(summaryText({ counters, interfaces: [] })).toBe(
    [
      'exchanges seen                  9',
      '  exported                      0',
      '  in flight                     9',
      'in the spool, for the next run  9',
      'found in the spool              5',
      '  exported                      4',
      '  given up                      1',
      'packets seen                    0',
      '',
    ].join('\n'),
  );
});
