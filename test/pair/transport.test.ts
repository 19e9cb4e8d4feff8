/** What TCP does to a conversation, and that the exchanges come out all the same (RFC 9293). */
import { describe, expect, it } from 'vitest';
import {
  ack,
  CLIENT_ISN,
  client,
  converse,
  fin,
  late,
  lost,
  packetsOf,
  pause,
  rst,
  SERVER_ISN,
  server,
  split,
  syn,
  twice,
} from '../support/conversation.js';
import { line, runPackets } from '../support/run-packets.js';

const REQUEST = 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody';
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer';
const EXCHANGE = 'POST /a "body" → 200 "answer"';
const HALF = 30;

describe('segments', () => {
  it('ignores what is sent again, RFC 9293 §3.8.1', () => {
    const { lines, counters } = converse([client(REQUEST), client(REQUEST, { at: 0 }), server(RESPONSE)]);
    expect(lines).toEqual([EXCHANGE]);
    expect(counters.segments_retransmitted).toBe(1);
  });

  it('ignores the copy that a second interface captured', () => {
    const { lines, counters } = converse([
      twice(syn('client')),
      twice(syn('server')),
      twice(client(REQUEST)),
      twice(server(RESPONSE)),
    ]);
    expect(lines).toEqual([EXCHANGE]);
    expect(counters).toMatchObject({ flows_opened: 1, segments_retransmitted: 2, gaps: 0 });
  });

  it('puts segments in order', () => {
    const [one, two, three] = split(client(REQUEST), 20);
    const { lines, counters } = converse([late(one as never, 2), two as never, three as never, server(RESPONSE)]);
    expect(lines).toEqual([EXCHANGE]);
    // The late one goes through the store too, so that what came first is what counts.
    expect(counters).toMatchObject({ gaps: 0, segments_reordered: 3 });
  });

  it('delivers a request captured behind its response before it', () => {
    const { lines, counters } = converse([late(client(REQUEST)), server(RESPONSE)]);
    expect(lines).toEqual([EXCHANGE]);
    expect(counters).toMatchObject({ responses_unpaired: 0, gaps: 0 });
  });

  it('delivers a request captured behind all of its connection', () => {
    const { lines } = converse([late(client(REQUEST), 3), server(RESPONSE), fin('server'), fin('client')]);
    expect(lines).toEqual([EXCHANGE]);
  });

  it('takes a SYN that its own data overtook for theirs', () => {
    const steps = [late(syn('client'), 3), syn('server'), ack('client'), client(REQUEST), server(RESPONSE)];
    const { lines } = converse(steps);
    expect(lines.map((text) => text.replace(' {midstream}', ''))).toEqual([EXCHANGE]);
  });

  it('takes data on the SYN, RFC 7413', () => {
    expect(converse([syn('client', REQUEST), syn('server'), server(RESPONSE)]).lines).toEqual([EXCHANGE]);
  });

  it('is not misled by keep-alive probes, RFC 9293 §3.8.4', () => {
    const { lines, counters } = converse([
      client(REQUEST),
      client('\0', { at: REQUEST.length - 1 }),
      ack('server'),
      server(RESPONSE),
      server('\0', { at: RESPONSE.length - 1 }),
      ack('client', { at: RESPONSE.length - 1 }),
      client('GET /2 HTTP/1.1\r\n\r\n'),
      server(RESPONSE),
    ]);
    expect(lines).toEqual([EXCHANGE, 'GET /2 → 200 "answer"']);
    expect(counters).toMatchObject({ segments_retransmitted: 2, gaps: 0 });
  });

  it.each([
    ['inside', 10, 20],
    ['across the start', 25, 35],
    ['across the end', 40, REQUEST.length],
    ['over all of it', 0, REQUEST.length],
    ['right behind', 35, REQUEST.length],
  ])('keeps the first byte seen where segments overlap: %s', (_, from, to) => {
    // Segments 20…40 are held for want of the first; the lie is about bytes that are (partly) held.
    const lie = Buffer.from(REQUEST, 'latin1');
    for (let i = Math.max(from, 20); i < Math.min(to, 40); i++) lie[i] = 0x21;
    const { lines } = converse([
      client(REQUEST.slice(20, 40), { at: 20 }),
      client(lie.subarray(from, to), { at: from }),
      client(REQUEST.slice(0, 20), { at: 0 }),
      client(REQUEST.slice(40), { at: 40 }),
      client('!'.repeat(REQUEST.length), { at: 0 }),
      server(RESPONSE),
    ]);
    expect(lines).toEqual([EXCHANGE]);
  });

  it('follows sequence numbers around the wrap, RFC 9293 §3.4', () => {
    const { lines, counters } = converse([split(client(REQUEST), 7), split(server(RESPONSE), 5)], {
      clientIsn: 0xffff_fff0,
      serverIsn: 0x7fff_ffff,
    });
    expect(lines).toEqual([EXCHANGE]);
    expect(counters.gaps).toBe(0);
  });

  it('puts segments in order around the wrap', () => {
    const parts = split(client(REQUEST), 7).map((step, i) => (i % 2 === 0 ? late(step) : step));
    expect(converse([parts, server(RESPONSE)], { clientIsn: 0xffff_fff0 }).lines).toEqual([EXCHANGE]);
  });

  it('cuts what was sent again off a longer segment that was cut by the snap length', () => {
    // 60 bytes of body; the second copy overlaps the first, has 10 captured of 40 bytes, and ends at the same place.
    const body = 'x'.repeat(60);
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n';
    const { lines, counters } = converse([
      client(REQUEST),
      server(head + body.slice(0, 40)),
      server(body.slice(20), { at: head.length + 20, kept: 10 }),
      client('GET /2 HTTP/1.1\r\n\r\n'),
      server(RESPONSE),
    ]);
    expect(lines).toEqual([`POST /a "body" → 200 "${body.slice(0, 40)}"… of 60 {gap}`, 'GET /2 → 200 "answer"']);
    expect(counters.gap_bytes).toBe(20);
  });

  it('counts what the snap length cut', () => {
    const { lines, counters } = converse([
      client(REQUEST),
      server(RESPONSE, { kept: RESPONSE.length - 3 }),
      client('GET /2 HTTP/1.1\r\n\r\n'),
      server(RESPONSE),
    ]);
    expect(lines).toEqual(['POST /a "body" → 200 "ans"… of 6 {gap}', 'GET /2 → 200 "answer"']);
    expect(counters).toMatchObject({ packets_cut_short: 1, gap_bytes: 3 });
  });

  it('counts what the snap length cut of segments out of order', () => {
    const { lines } = converse([
      client(REQUEST),
      late(server(RESPONSE.slice(0, HALF)), 1),
      server(RESPONSE.slice(HALF), { kept: 0 }),
      client('GET /2 HTTP/1.1\r\n\r\n'),
      server(RESPONSE),
    ]);
    expect(lines[1]).toMatch(/^GET \/2 → (200 "answer"|nothing)/);
    expect(lines[0]).toMatch(/gap/);
  });
});

describe('ends of a connection', () => {
  it('ends a message as aborted on a reset, RFC 9293 §3.5.2', () => {
    const half = server('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    expect(converse([client(REQUEST), half, rst('server')]).lines).toEqual(['POST /a "body" → 200 "half" {aborted}']);
    expect(converse([client(REQUEST), half, rst('client')]).lines).toEqual(['POST /a "body" → 200 "half" {aborted}']);
  });

  it('ends a body without length as aborted on a reset', () => {
    expect(converse([client(REQUEST), server('HTTP/1.1 200 OK\r\n\r\nhalf'), rst('server')]).lines).toEqual([
      'POST /a "body" → 200 "half" {aborted}',
    ]);
  });

  it('says of a request that was reset that it has no response', () => {
    expect(converse([client(REQUEST), rst('server')]).lines).toEqual([
      'POST /a "body" → nothing {aborted, no-response}',
    ]);
    expect(converse([client(REQUEST.slice(0, -2)), rst('client')]).lines).toEqual([
      'POST /a "bo" → nothing {aborted, no-response}',
    ]);
  });

  it('reads the response behind a half-close, RFC 9293 §3.6', () => {
    expect(converse([client(REQUEST), fin('client'), server(RESPONSE), fin('server')]).lines).toEqual([EXCHANGE]);
    expect(converse([fin('client', REQUEST), server(RESPONSE), fin('server')]).lines).toEqual([EXCHANGE]);
  });

  it('says of a request behind the end of the server that it has no response', () => {
    const { lines, emittedAt } = converse([client(REQUEST), server(RESPONSE), fin('server'), client(REQUEST)]);
    expect(lines).toEqual([EXCHANGE, 'POST /a "body" → nothing {no-response}']);
    expect(emittedAt[1]).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('says so, too, of a server that ended before it said anything', () => {
    const { lines } = converse([fin('server'), client(REQUEST)]);
    expect(lines).toEqual(['POST /a "body" → nothing {no-response}']);
  });

  it('survives a simultaneous close, RFC 9293 §3.6', () => {
    const { lines, counters } = converse([
      client(REQUEST),
      server(RESPONSE),
      fin('client', '', { acknowledges: RESPONSE.length }),
      fin('server', '', { acknowledges: REQUEST.length }),
      ack('client'),
      ack('server'),
    ]);
    expect(lines).toEqual([EXCHANGE]);
    expect(counters.gaps).toBe(0);
  });

  it('takes a simultaneous open for one connection, RFC 9293 §3.5', () => {
    const open = { ...syn('server'), bare: true, flags: 2 };
    const { lines, counters } = converse([syn('client'), open, client(REQUEST), server(RESPONSE)]);
    expect(lines).toEqual([EXCHANGE]);
    expect(counters.flows_opened).toBe(1);
  });

  it('takes a new SYN on the same ports for a new connection', () => {
    const first = packetsOf([client(REQUEST)]);
    const second = packetsOf([client('GET /second HTTP/1.1\r\n\r\n'), server(RESPONSE)], {
      clientIsn: CLIENT_ISN + 12_345_678,
      serverIsn: SERVER_ISN + 7_654_321,
      start: 1e9,
    });
    const { exchanges, counters } = runPackets([...first, ...second]);
    expect(exchanges.map(line)).toEqual([
      'POST /a "body" → nothing {no-response, unfinished}',
      'GET /second → 200 "answer"',
    ]);
    expect(counters.flows_opened).toBe(2);
  });

  it('takes a new SYN for a new connection after a close, too', () => {
    const close = [fin('client'), fin('server'), ack('client')];
    const first = packetsOf([client(REQUEST), server(RESPONSE), ...close]);
    const second = packetsOf([client(REQUEST), server(RESPONSE), ...close], { clientIsn: 77_777, start: 1e9 });
    expect(runPackets([...first, ...second]).exchanges.map(line)).toEqual([EXCHANGE, EXCHANGE]);
  });

  it('does not open a closed connection again for a late segment', () => {
    const { lines, counters } = converse([
      client(REQUEST),
      server(RESPONSE),
      fin('server'),
      fin('client'),
      server(RESPONSE, { at: 0 }),
    ]);
    expect(lines).toEqual([EXCHANGE]);
    expect(counters.flows_opened).toBe(1);
  });

  it('is not misled by a reset or a FIN from before what was delivered, RFC 5961 §3.2', () => {
    const { lines } = converse([
      client(REQUEST),
      rst('server', { at: -50_000 }),
      fin('server', '', { at: -50_000 }),
      rst('client', { at: 3 }),
      fin('client', '', { at: 3 }),
      server(RESPONSE),
      client('GET /2 HTTP/1.1\r\n\r\n'),
      server(RESPONSE),
    ]);
    expect(lines).toEqual([EXCHANGE, 'GET /2 → 200 "answer"']);
  });

  it('goes on where a reset was refused, RFC 5961 §3.2', () => {
    const { lines } = converse([
      client(REQUEST),
      server(RESPONSE),
      rst('server'),
      client('GET /2 HTTP/1.1\r\n\r\n'),
      server(RESPONSE),
      client('GET /3 HTTP/1.1\r\n\r\n'),
      server(RESPONSE),
    ]);
    expect(lines[0]).toBe(EXCHANGE);
    expect(lines.at(-1)).toMatch(/^GET \/3 → 200 "answer"/);
  });

  it('follows a connection that rests between its handshake and its first request', () => {
    const { lines } = converse([
      syn('client'),
      syn('server'),
      ack('client'),
      pause(60, client(REQUEST)),
      server(RESPONSE),
    ]);
    expect(lines).toEqual([EXCHANGE]);
  });
});

describe('ports that are used again at once', () => {
  const next = { clientIsn: 90_000_000, serverIsn: 700_000_000, start: 20e6 };
  const before = [client(REQUEST), server(RESPONSE), fin('client'), fin('server')];

  it('leave out what comes late of the connection before', () => {
    const [, , , , answer] = packetsOf(before);
    const [opening, ...rest] = packetsOf([client(REQUEST), server(RESPONSE)], next);
    const packets = [...packetsOf(before), opening, { ...answer, time: 21.5e6 }, ...rest] as never[];
    const { exchanges, counters } = runPackets(packets);
    expect(exchanges.map(line)).toEqual([EXCHANGE, EXCHANGE]);
    expect(counters).toMatchObject({ flows_opened: 2, flows_midstream: 0, segments_stray: 1, gaps: 0 });
  });

  it('take nothing late for their own whose acknowledgement is none of theirs, RFC 5961 §5.2', () => {
    const near = { ...next, clientIsn: CLIENT_ISN - 10 };
    const [opening, answer, acknowledgement, ...rest] = packetsOf([client(REQUEST), server(RESPONSE)], near);
    const old = packetsOf([client('0123456789abcdefghijklmnopqrstuvwxyz')])[3];
    const packets = [opening, answer, acknowledgement, { ...old, time: 23.5e6 }, ...rest] as never[];
    const { exchanges, counters } = runPackets([...packetsOf(before), ...packets]);
    expect(exchanges.map(line)).toEqual([EXCHANGE, EXCHANGE]);
    expect(counters).toMatchObject({ segments_stray: 1, gaps: 0 });
  });

  it('are of a connection seen from its start, though one of those comes in front of the answer to its SYN', () => {
    const near = { ...next, clientIsn: CLIENT_ISN - 10 };
    const [opening, ...rest] = packetsOf([client(REQUEST), server(RESPONSE)], near);
    const [, , , , old] = packetsOf(before);
    const packets = [opening, { ...old, time: 21.5e6 }, ...rest] as never[];
    const { exchanges } = runPackets([...packetsOf(before), ...packets]);
    expect(exchanges.map(line)).toEqual([EXCHANGE, EXCHANGE]);
  });

  it('leave out an acknowledgement of the connection before that comes in front of the answer to the SYN', () => {
    const [opening, ...rest] = packetsOf([client(REQUEST), server(RESPONSE)], next);
    const [, , old] = packetsOf(before);
    const packets = [...packetsOf(before), opening, { ...old, time: 21.5e6 }, ...rest] as never[];
    const { exchanges, counters } = runPackets(packets);
    expect(exchanges.map(line)).toEqual([EXCHANGE, EXCHANGE]);
    expect(counters).toMatchObject({ segments_stray: 1, gaps: 0, gap_bytes: 0 });
  });

  it('begin a connection behind one of whose client nothing was seen', () => {
    const rest = packetsOf([server(RESPONSE), server(RESPONSE)], { handshake: false });
    const { exchanges, counters } = runPackets([...rest, ...packetsOf([client(REQUEST), server(RESPONSE)], next)]);
    expect(exchanges.map(line)).toEqual([EXCHANGE]);
    expect(counters).toMatchObject({ flows_opened: 2, flows_midstream: 1 });
  });

  it('leave nothing out of a stream whose FIN alone was acknowledged and not seen', () => {
    const steps = [client(REQUEST), server('HTTP/1.1 200 OK\r\n\r\nfoo'), lost(fin('server')), ack('client')];
    const { exchanges, counters } = runPackets([
      ...packetsOf(steps),
      ...packetsOf([client(REQUEST), server(RESPONSE)], next),
    ]);
    expect(exchanges.map(line)).toEqual([`${EXCHANGE.split(' → ')[0]} → 200 "foo"… of 3 {unfinished}`, EXCHANGE]);
    expect(counters).toMatchObject({ gaps: 0 });
  });

  it('begin a connection whose SYN comes behind its first bytes', () => {
    const steps = [late(syn('client'), 4), late(syn('server'), 5), ack('client'), client(REQUEST), server(RESPONSE)];
    const { exchanges } = runPackets([...packetsOf(before), ...packetsOf(steps, next)]);
    expect(exchanges.map(line)).toEqual([EXCHANGE, EXCHANGE]);
  });
});

describe('sequence numbers that wrap', () => {
  it('acknowledge with 0 too', () => {
    const clientIsn = -1 - REQUEST.length;
    const steps = [late(client(REQUEST), 1), server(RESPONSE)];
    expect(converse(steps, { clientIsn }).lines).toEqual([EXCHANGE]);
    const [first, second] = split(client(REQUEST), HALF) as [never, never];
    expect(converse([first, late(second, 1), server(RESPONSE)], { clientIsn }).lines).toEqual([EXCHANGE]);
  });
});

describe('times', () => {
  it('gives each event the time of its packet, to the nanosecond', () => {
    const { exchanges } = converse([split(client(REQUEST), 40), split(server(RESPONSE), 40)], {
      start: 5e9 + 123_456_789,
      interval: 1001,
    });
    // Three packets of handshake come before.
    const at = (packet: number) => 5e9 + 123_456_789 + 1001 * packet;
    expect(exchanges[0]).toMatchObject({
      timeBaseSeconds: 1_700_000_000,
      startTime: at(4),
      requestEndTime: at(5),
      responseStartTime: at(6),
      endTime: at(7),
    });
  });

  it('gives a segment that waited the time it was captured at, not that of what it waited for', () => {
    const { exchanges } = converse([late(client(REQUEST)), server(RESPONSE)], { interval: 1000 });
    expect(exchanges[0]).toMatchObject({ startTime: 4000, responseStartTime: 5000 });
  });
});
