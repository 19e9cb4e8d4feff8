/**
 * How long an exchange waits: for its response as long as its connection lives, up to the response timeout; for the rest of
 * a message as long as its connection lives. Time is that of the packets.
 */
import { describe, expect, it } from 'vitest';
import { ack, client, converse, fin, packetsOf, pause, type Step, server } from '../support/conversation.js';
import { line, runPackets } from '../support/run-packets.js';

const get = (target: string) => client(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
const put = (target: string, length: number, begun: string) =>
  client(`PUT ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${begun}`);
const ok = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const begun = (length: number, body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${body}`);
/** Packets that show that time passes, and carry nothing. */
const ticks = (count: number, seconds: number): Step[] =>
  Array.from({ length: count }, () => [pause(seconds, ack('client')), ack('server')]).flat();

describe('a response', () => {
  it('is waited for as long as its timeout says, from the last byte of its request', () => {
    const steps = [
      put('/1', 6, 'abc'),
      ticks(4, 100),
      client('def'),
      ticks(2, 100),
      pause(99, ok('one')),
      get('/2'),
      ok('two'),
    ];
    const { lines, counters } = converse(steps);
    expect(lines).toEqual(['PUT /1 "abcdef" → 200 "one"', 'GET /2 → 200 "two"']);
    expect(counters).toMatchObject({ flows_midstream: 0, responses_late: 0 });
  });

  it('that comes later answers nothing and nobody else, and is counted for what it is', () => {
    const steps = [get('/1'), ticks(3, 101), ok('late'), get('/2'), ok('two')];
    const { lines, counters, emittedAt } = converse(steps);
    expect(lines).toEqual(['GET /1 → nothing {no-response}', 'GET /2 → 200 "two"']);
    expect(counters).toMatchObject({ responses_late: 1, responses_unpaired: 0, flows_midstream: 0 });
    expect(emittedAt[0]).toBeLessThan(304e9);
  });

  it('is waited for as long as the option says, whatever a missing segment is', () => {
    const steps = [get('/1'), ticks(1, 3), ok('late'), get('/2'), pause(1.5, ok('two'))];
    const { lines } = converse(steps, { limits: { response_timeout_nanos: 2e9 } });
    expect(lines).toEqual(['GET /1 → nothing {no-response}', 'GET /2 → 200 "two"']);
  });

  it('of a pipeline: each has its own time', () => {
    const steps = [get('/1'), pause(200, get('/2')), ticks(1, 150), ok('one'), ok('two')];
    const { lines, counters } = converse(steps);
    expect(lines).toEqual(['GET /1 → nothing {no-response}', 'GET /2 → 200 "two"']);
    expect(counters.responses_late).toBe(1);
  });

  it('that was not wanted is not late', () => {
    const { counters } = converse([get('/1'), ticks(4, 100), ok('one')], { admit: () => 1 });
    expect(counters).toMatchObject({ responses_late: 0, responses_unpaired: 0 });
  });

  it('that has begun goes on when its bytes come, again and again', () => {
    const { lines } = converse([
      get('/1'),
      begun(9, 'abc'),
      pause(400, server('def')),
      pause(550, server('ghi')),
      get('/2'),
      ok('two'),
    ]);
    expect(lines).toEqual(['GET /1 → 200 "abcdefghi"', 'GET /2 → 200 "two"']);
  });

  it('without end lives as long as its connection, with nothing but heartbeats, and is told of once and at its end', () => {
    const events = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
    const beats = Array.from({ length: 200 }, () => pause(15, server(':\n\n')));
    const { lines, emittedAt } = converse([get('/events'), server(events), beats, fin('server'), fin('client')]);
    expect(lines).toEqual(['GET /events → 200 ":\n\n:\n\n:\n\n"… of 9 {continues}', 'GET /events → 200']);
    expect(emittedAt[1]).toBeGreaterThan(3000e9);
  });
});

describe('a body cut by time', () => {
  it.each([
    ['a request of a flow seen from its client', [put('/1', 6, 'abc')], {}, 'PUT /1 "abc"… of 3 → nothing'],
    [
      'a request of a flow seen from its server',
      [ack('server'), put('/1', 6, 'abc')],
      {},
      'PUT /1 "abc"… of 3 → nothing',
    ],
    ['a request without a byte of it', [put('/1', 6, '')], {}, 'PUT /1 ""… of 0 → nothing'],
    ['a response', [get('/1'), begun(6, 'abc')], {}, 'GET /1 → 200 "abc"… of 3'],
    ['a response without a byte of it', [get('/1'), begun(6, '')], {}, 'GET /1 → 200 ""… of 0'],
    ['both', [put('/1', 6, 'abc'), begun(6, 'de')], {}, 'PUT /1 "abc"… of 3 → 200 "de"… of 2'],
  ])('says so: %s', (_, steps, options, expected) => {
    // Its connection rests until it is forgotten, while another one goes on; or the capture ends.
    for (const rest of [[], [pause(700, ack('server'))]]) {
      const { lines } = converse([...steps, ...rest], options);
      expect(lines[0]).toContain(`${expected} {`);
      expect(lines[0]).toMatch(/[{ ]unfinished[,}]/);
    }
  });

  it('says nothing of a body that has ended', () => {
    const { lines } = converse([put('/1', 3, 'abc'), begun(6, 'de')]);
    expect(lines).toEqual(['PUT /1 "abc" → 200 "de"… of 2 {unfinished}']);
  });

  it('and one that its server closed on: the connection ended first', () => {
    const { lines } = converse([put('/1', 6, 'abc'), fin('server'), fin('client')]);
    expect(lines).toEqual(['PUT /1 "abc"… of 3 → nothing {aborted, no-response}']);
  });
});

describe('times', () => {
  const timesOf = (steps: readonly (Step | Step[])[]) => {
    const [exchange] = converse(steps).exchanges;
    if (exchange === undefined) throw new Error('no exchange');
    const { startTime, requestEndTime, responseStartTime, endTime } = exchange;
    return [requestEndTime, responseStartTime, endTime].map((time) => Math.round((time - startTime) / 1e6));
  };

  it.each<[string, (Step | Step[])[], number[]]>([
    ['of a request answered before its end', [put('/1', 6, 'abc'), ok('no'), pause(3, client('def'))], [3002, 1, 1]],
    [
      'of a response that ends after its request',
      [put('/1', 6, 'abc'), begun(4, 'no'), client('def'), pause(1, server('pe'))],
      [2, 1, 1003],
    ],
    [
      'of a body that ends with its connection: its last byte, not the FIN',
      [get('/1'), server('HTTP/1.0 200 OK\r\n\r\nab'), server('cd'), pause(9, fin('server')), fin('client')],
      [0, 1, 2],
    ],
    ['of a response cut by a FIN', [get('/1'), begun(9, 'abc'), pause(9, fin('server'))], [0, 1, 1]],
    ['of a request cut by the end', [put('/1', 9, 'abc'), client('def'), ticks(1, 30)], [1, -1, 1]],
  ])('%s', (_, steps, [requestEnd, responseStart, end]) => {
    const [first, second, third] = timesOf(steps);
    expect([first, responseStart === -1 ? -1 : second, third]).toEqual([requestEnd, responseStart, end]);
  });
});

describe('memory', () => {
  it('goes first to flows that have long been quiet, then to bodies', () => {
    const large = 'x'.repeat(50_000);
    const resting = (clientPort: number) => packetsOf([get('/0'), ok('0')], { clientPort });
    const busy = (start: number) =>
      packetsOf([get('/2'), begun(150_000, large), server(large), server(large)], { clientPort: 39_999, start });
    const run = (start: number) => {
      const quiet = Array.from({ length: 120 }, (_, i) => resting(40_000 + i));
      return runPackets([...quiet.flat(), ...busy(start)], { limits: { memory_bytes_max: 250_000 } });
    };
    const after = run(130e9);
    expect(after.exchanges.map(line).at(-1)).toBe(`GET /2 → 200 "${large}${large}${large}"`);
    expect(after.counters.body_bytes_shed).toBe(0);
    expect(after.counters.flows_evicted).toBeGreaterThan(0);
    const atOnce = run(1e9);
    expect(atOnce.exchanges.map(line).at(-1)).toContain('shed');
    expect(atOnce.counters.flows_evicted).toBe(0);
  });
});
