import { expect, it } from 'vitest';
import { lossText, summaryText } from '../../../src/cli/subcommands/summary.js';
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
  expect(summaryText({ counters, interfaces, unread: [] })).toBe(
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
  expect(summaryText({ counters, interfaces: [], unread: [] })).toBe(
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

it('says what of HTTP/2 was not known', () => {
  const text = (counters: object) =>
    summaryText({ counters: { ...createCounters(), ...counters }, interfaces: [], unread: [] });
  expect(text({})).not.toContain('HTTP/2');
  expect(text({ flows_h2: 3 })).toMatch(/^HTTP\/2 connections +3$/m);
  expect(text({ flows_h2: 3, requests_without_path: 2 })).toMatch(
    /^HTTP\/2 connections +3\n {2}requests without a known path +2$/m,
  );
});

it('says what was read of streams', () => {
  const counters = { ...createCounters(), flows_websocket: 1, messages_websocket: 20, messages_events: 3 };
  expect(summaryText({ counters, interfaces: [], unread: [] })).toMatch(
    /^WebSocket connections +1\nmessages of WebSockets +20\nserver-sent events +3$/m,
  );
});

it('names what is not read, most first, and no more than ten', () => {
  const unread = Array.from({ length: 12 }, (_, i) => ({ what: `EtherType 0x88${i + 10}`, packets: 100 - i }));
  const lines = summaryText({ counters: createCounters(), interfaces: [], unread }).split('\n');
  expect(lines).toContain('  not read: EtherType 0x8810  100');
  expect(lines.filter((line) => line.includes('not read'))).toHaveLength(11);
  expect(lines).toContain('  not read: 2 others          179');
});

it.each([
  [
    { exchanges_dropped_undeliverable: 3 },
    false,
    'lost: 3 traces that could not be delivered; --spool-dir keeps what waits for the next run',
  ],
  [
    { exchanges_dropped_undeliverable: 3, recovered_traces_dropped: 2 },
    true,
    'lost: 3 traces that could not be delivered, 2 traces of an earlier run',
  ],
  [
    { output_traces_lost: 4, packets_unwritten: 5 },
    false,
    'lost: 4 traces that a file could not take, 5 packets that --write could not take',
  ],
] as const)('says what was lost: %j', (counted, hasSpool, said) => {
  expect(lossText({ ...createCounters(), ...counted }, hasSpool)).toBe(said);
});
