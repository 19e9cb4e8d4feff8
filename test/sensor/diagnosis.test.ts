import { describe, expect, it } from 'vitest';
import { protocolFindings } from '../../src/cli/subcommands/doctor-report.js';
import { type Counters, createCounters } from '../../src/counters.js';
import { diagnose, type Observation } from '../../src/sensor/diagnosis.js';
import { progressLine } from '../../src/sensor/progress.js';

const observe = (counters: Partial<Counters>, override: Partial<Observation> = {}): Observation => ({
  counters: { ...createCounters(), ...counters },
  interfaces: ['lo', 'eth1'],
  filter: '',
  tlsNames: [],
  exporting: true,
  ...override,
});

const seen = { packets_seen: 90, segments_seen: 80 };
const talking = { ...seen, requests_seen: 9, responses_seen: 9, exchanges_seen: 9 };

describe('diagnose', () => {
  it.each([
    [observe({}, { interfaces: [] }), 'no-interfaces', /no interface/],
    [observe({}), 'no-packets', /no packet on lo, eth1/],
    [observe({}, { filter: 'port 81' }), 'filter-excludes-all', /passed --filter "port 81"/],
    [observe({ packets_seen: 5, packets_not_tcp: 5 }), 'no-tcp', /5 packets .* none of them TCP/],
    [
      observe({ packets_seen: 5, packets_not_ip: 5 }, { unread: [{ what: 'EtherType 0x88e5 (MACsec)', packets: 5 }] }),
      'no-tcp',
      /none of them TCP: EtherType 0x88e5 \(MACsec\)$/,
    ],
    [
      observe({ ...seen, flows_tls: 3 }, { tlsNames: ['a.example', 'b.example'] }),
      'tls-only',
      /3 .*TLS \(to a.example, b.example\)/,
    ],
    [observe({ ...seen, flows_tls: 3 }), 'tls-only', /3 connections are TLS, none/],
    [observe({ ...seen, flows_h2: 2 }), 'no-requests', /80 TCP segments/],
    [
      observe({ packets_seen: 5, packets_not_tcp: 5, packets_quic: 4, flows_quic: 1 }),
      'http3-only',
      /^4 packets carry QUIC \(HTTP\/3\)/,
    ],
    [observe({ ...seen, packets_quic: 40, flows_quic: 3, flows_not_http: 2 }), 'http3-only', /40 packets carry QUIC/],
    [observe({ ...seen, packets_quic: 40, flows_quic: 3, flows_tls: 9 }), 'tls-only', /9 connections are TLS/],
    [observe({ ...seen, flows_not_http: 2, flows_tls: 1 }), 'not-http', /2 connections carry/],
    [observe({ ...seen }), 'no-requests', /80 TCP segments/],
    [observe({ ...seen, responses_seen: 4 }), 'one-direction', /4 responses and no request/],
    [observe({ ...seen, requests_seen: 4, exchanges_seen: 4 }), 'one-direction', /4 requests and no response/],
    [
      observe({ ...talking, exchanges_dropped_path_rule: 5, exchanges_dropped_rate_limited: 4 }),
      'all-excluded',
      /all 9 .*: 5 by path rules, 4 by the rate limit/,
    ],
    [observe({ ...talking, exchanges_dropped_undeliverable: 9 }), 'not-delivered', /satellite takes none/],
    [observe({ ...talking, export_retries: 2 }), 'not-delivered', /satellite takes none/],
  ] as const)('%#: %s', (observed, code, message) => {
    const diagnosis = diagnose(observed);
    expect(diagnosis?.code).toBe(code);
    expect(diagnosis?.message).toMatch(message);
    expect(diagnosis?.advice).not.toBe('');
  });

  it.each([
    ['traces come', observe({ ...talking, exchanges_exported: 1, exchanges_dropped_path_rule: 8 })],
    ['they are on their way', observe(talking)],
    ['most connections are TLS, but not all', observe({ ...talking, flows_tls: 900, exchanges_exported: 9 })],
    ['they go to a file', observe({ ...talking, export_retries: 1 }, { exporting: false })],
  ])('says nothing where %s', (_what, observed) => {
    expect(diagnose(observed)).toBeNull();
  });

  it('shows no more than five names', () => {
    const tlsNames = Array.from({ length: 8 }, (_, i) => `h${i}.example`);
    expect(diagnose(observe({ ...seen, flows_tls: 9 }, { tlsNames }))?.message).toContain('h4.example, and 3 more');
  });
});

describe('progressLine', () => {
  const facts = {
    interfaces: ['lo'],
    filter: '',
    tlsNames: [],
    exporting: true,
    seconds: 60,
    packetsDropped: 0,
    residentBytes: 70 << 20,
  };

  it('is about the last minute, not about all time', () => {
    const before = { ...createCounters(), ...talking, exchanges_exported: 9 };
    const now = {
      ...before,
      packets_seen: 190,
      segments_seen: 180,
      requests_seen: 19,
      responses_seen: 19,
      exchanges_seen: 19,
      exchanges_exported: 18,
    };
    expect(progressLine(before, now, facts)).toMatchObject({
      level: 'info',
      message: '10 exchanges seen, 9 exported in 60 s',
      fields: { packets: 100, seen: 10, exported: 9, inFlight: 1, rssMiB: 70 },
    });
    expect(progressLine(before, { ...now, responses_late: 2 }, facts).message).toBe(
      '10 exchanges seen, 9 exported in 60 s; 2 responses came after --response-timeout-seconds, for which a longer time helps',
    );
    expect(progressLine(before, { ...now, requests_without_path: 3 }, facts).message).toBe(
      '10 exchanges seen, 9 exported in 60 s; 3 requests of HTTP/2 without a known path, on connections that were open before',
    );
  });

  it('says what was seen of each protocol, and that streams go on without any request', () => {
    const before = createCounters();
    const now = {
      ...before,
      ...{ packets_seen: 9, segments_seen: 9, exchanges_seen: 2, exchanges_exported: 2, stream_windows: 2 },
      ...{ flows_h2: 1, flows_websocket: 2, messages_websocket: 7, messages_events: 1, messages_rpc: 3 },
    };
    expect(progressLine(before, now, facts)).toMatchObject({
      level: 'info',
      message:
        '2 exchanges seen, 2 exported in 60 s; HTTP/2: 1 connection; WebSocket: 2 connections, 7 messages; ' +
        'server-sent events: 1 event; gRPC: 3 messages; streams: 2 later windows',
      fields: { protocols: expect.stringContaining('WebSocket: 2 connections') },
    });
    expect(protocolFindings({ ...now, requests_without_path: 4 })[0]).toMatchObject({
      what: 'HTTP/2',
      found: '1 connection, 4 requests on them without a known path',
      advice: expect.stringContaining('before the sensor looked'),
    });
    expect(protocolFindings(before)).toEqual([]);
  });

  it('says why nothing was seen', () => {
    expect(progressLine(createCounters(), createCounters(), facts)).toMatchObject({
      level: 'warn',
      message: 'no packet on lo',
      fields: { why: 'no-packets' },
    });
  });
});
