/** What is reset, what is left alone, and what is said of either: connections made of packets, and what would be sent for them. */
import { describe, expect, it } from 'vitest';
import { createPacketBatch } from '../../src/capture/packet-batch.js';
import { createCounters, DropReason } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import { parseMatch } from '../../src/respond/match.js';
import { decodeOrder } from '../../src/respond/order.js';
import { Responder, type ResponderContext } from '../../src/respond/responder.js';
import { conversation, type Turn } from '../support/capture-file.js';
import { Random, runSeed } from '../support/random.js';

/** Of `conversation`. */
const CLIENT = '10.0.0.1';
const SERVER = '10.0.0.2';

interface SetUp {
  rules?: string[];
  mode?: ResponderContext['mode'];
  perMinute?: number;
  ownPorts?: number[];
  send?: (packet: Buffer) => void;
}

function setUp({ rules = [], mode = 'on', perMinute = 60, ownPorts = [], send }: SetUp = {}) {
  const counters = createCounters();
  const sent: Buffer[] = [];
  const lines: string[] = [];
  const later: (() => void)[] = [];
  const time = { now: 0 };
  const log = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const responder = new Responder({
    ...{ mode, perMinute, ownPorts, counters },
    rules: rules.map(parseMatch),
    send: send ?? ((packet) => void sent.push(packet)),
    limits: DEFAULT_LIMITS,
    log: { info: log, warn: log },
    now: () => time.now,
    after: (_millis, work) => void later.push(work),
  });
  const assembler = new ExchangeAssembler({
    ...{ limits: DEFAULT_LIMITS, counters, hashSeed: 1 },
    budget: new MemoryBudget(DEFAULT_LIMITS.memory_bytes_max),
    interfaces: [{ id: 0, name: 'eth0', linkType: 1 }],
    hooks: {
      admit(exchange) {
        responder.onRequest(exchange);
        return DropReason.none;
      },
      complete() {},
    },
    observer: {
      onOpened: (flow) => responder.onOpened(flow),
      onProtocol: (flow, protocol) => responder.onProtocol(flow, protocol),
      onClosed: (flow) => responder.onClosed(flow),
    },
  });
  let packets = 0;
  const push = (frames: readonly Buffer[]): void => {
    const batch = createPacketBatch(frames.length);
    batch.timeBaseSeconds = 1_700_000_000;
    batch.bytes = Buffer.concat(frames);
    let offset = 0;
    for (const frame of frames) {
      const i = batch.count++;
      batch.offset[i] = offset;
      batch.capturedLength[i] = frame.length;
      batch.wireLength[i] = frame.length;
      batch.time[i] = packets++ * 1e6;
      offset += frame.length;
    }
    assembler.push(batch);
  };
  return { responder, counters, sent, lines, later, time, push };
}

const get = (path = '/', head = ''): Turn => [
  'client',
  `GET ${path} HTTP/1.1\r\nHost: shop.example:8080\r\n${head}\r\n`,
];
const OK: Turn = ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'];
/** Without its end. */
const open = (turns: readonly Turn[], client = 40_000, server = 8080) =>
  conversation(turns, { client, server }).slice(0, -3);

/** `from` → `to`, sequence number, acknowledgement number. */
function readReset(packet: Buffer): string {
  const address = (at: number) => [...packet.subarray(at, at + 4)].join('.');
  const port = (at: number) => packet.readUInt16BE(at);
  return `${address(12)}:${port(20)} ${address(16)}:${port(22)} ${packet.readUInt32BE(24)} ${packet.readUInt32BE(28)}`;
}

describe('a connection that matches', () => {
  it.each([
    'path=^/admin',
    'host=^shop\\.example$',
    'client=10.0.0.1',
    'client=10.0.0.0/24',
    'connection=10.0.0.1:40000-10.0.0.2:8080',
    'connection=10.0.0.2:8080-10.0.0.1:40000',
  ])('is reset at both ends, by %s', (rule) => {
    const { push, sent, counters, responder, later } = setUp({ rules: [rule] });
    push(open([get('/'), OK, get('/admin')]));
    for (const again of later) again();
    const ways = new Set(sent.map((packet) => readReset(packet).split(' ').slice(0, 2).join(' ')));
    expect([...ways].sort()).toEqual([`${CLIENT}:40000 ${SERVER}:8080`, `${SERVER}:8080 ${CLIENT}:40000`]);
    expect(counters).toMatchObject({ response_resets: 1, response_refusals: 0, response_dry_runs: 0 });
    expect(responder.takeActions()).toEqual([{ did: 'reset', by: rule, connection: `${CLIENT}:40000-${SERVER}:8080` }]);
    expect(responder.takeActions()).toEqual([]);
    expect(later).toHaveLength(7);
  });

  it('is sent the numbers that its ends wait for, and later ones where it goes on', () => {
    const { push, sent, later } = setUp({ rules: ['path=^/admin'] });
    const frames = open([get('/'), OK, get('/admin'), OK]);
    const request = get('/')[1].length;
    const answer = OK[1].length;
    const admin = get('/admin')[1].length;
    push(frames.slice(0, 6));
    expect(sent.map(readReset)).toEqual([
      // What the client sent last may not have come, and then its end waits for what it acknowledged.
      `${CLIENT}:40000 ${SERVER}:8080 ${1001 + request + admin} ${5001 + answer}`,
      `${CLIENT}:40000 ${SERVER}:8080 ${1001 + request} ${5001 + answer}`,
      `${SERVER}:8080 ${CLIENT}:40000 ${5001 + answer} ${1001 + request + admin}`,
    ]);
    sent.length = 0;
    push(frames.slice(6));
    later[0]?.();
    expect(sent.map(readReset)).toContain(
      `${SERVER}:8080 ${CLIENT}:40000 ${5001 + 2 * answer} ${1001 + request + admin}`,
    );
    push(conversation([get('/'), OK, get('/admin'), OK]).slice(-3));
    later[1]?.();
    sent.length = 0;
    // It is over, and its ends have been told all that there is.
    for (const again of later) again();
    expect(sent).toEqual([]);
  });

  it('is only told of in a dry run', () => {
    const { push, sent, counters, lines, later } = setUp({ rules: ['path=^/admin'], mode: 'dry-run' });
    push(open([get('/admin'), OK]));
    expect(sent).toEqual([]);
    expect(later).toEqual([]);
    expect(counters).toMatchObject({ response_dry_runs: 1, response_resets: 0, response_packets: 0 });
    expect(lines).toEqual([expect.stringContaining('would be reset, but for the dry run')]);
  });

  it('is one of so many a minute', () => {
    const { push, sent, counters, time } = setUp({ rules: ['path=^/admin'], perMinute: 2 });
    const flows = (from: number, to: number) => {
      for (let i = from; i < to; i++) push(open([get('/admin')], 41_000 + i));
    };
    flows(0, 5);
    expect(counters).toMatchObject({ response_resets: 2, response_refusals: 3 });
    expect(new Set(sent.map((packet) => readReset(packet).split(' ')[0])).size).toBe(3);
    time.now = 61_000;
    flows(5, 6);
    expect(counters.response_resets).toBe(3);
  });

  it('is left alone where nothing can be sent', () => {
    const fails = () => {
      throw Object.assign(new Error('send'), { code: 'EPERM' });
    };
    const { push, counters, responder } = setUp({ rules: ['path=.'], send: fails });
    push(open([get('/admin')]));
    expect(counters).toMatchObject({ response_resets: 0, response_refusals: 1 });
    expect(responder.takeActions()[0]).toMatchObject({ did: 'refused', reason: 'it could not be sent (EPERM)' });
  });
});

describe('never touched', () => {
  it.each([
    ['SSH', 'connection=10.0.0.1:40000-10.0.0.2:22', open([['client', 'SSH-2.0-x\r\n']], 40_000, 22), 'it is SSH'],
    ["the sensor's own port", 'path=.', open([get('/')], 40_000, 9100), "it is the sensor's own"],
    [
      'a probe of health',
      'path=.',
      open([get('/', 'User-Agent: ELB-HealthChecker/2.0\r\n')]),
      'it has probes of health',
    ],
  ])('%s', (_what, rule, frames, reason) => {
    const { push, sent, counters, responder } = setUp({ rules: [rule], ownPorts: [9100] });
    push(frames);
    expect(sent).toEqual([]);
    expect(counters).toMatchObject({ response_resets: 0, response_refusals: 1 });
    expect(responder.takeActions()).toMatchObject([{ did: 'refused', reason }]);
  });

  it.each([
    [[169, 254, 169, 254], 'it is with a metadata endpoint'],
    [[168, 63, 129, 16], 'it is with a metadata endpoint'],
    [[224, 0, 0, 1], 'one of its addresses is of no single host'],
    [[255, 255, 255, 255], 'one of its addresses is of no single host'],
    [[0, 0, 0, 0], 'one of its addresses is of no single host'],
  ])('%j', (address, reason) => {
    const { push, sent, counters, responder } = setUp({ rules: ['path=.'] });
    const frames = open([get('/latest/meta-data')]).map((frame) => {
      const moved = Buffer.from(frame);
      for (const at of [26, 30]) if (moved[at + 3] === 2) moved.set(address, at);
      return moved;
    });
    push(frames);
    expect(sent).toEqual([]);
    expect(counters.response_refusals).toBe(1);
    expect(responder.takeActions()).toMatchObject([{ did: 'refused', reason }]);
  });

  it('what does not match', () => {
    const { push, sent, counters } = setUp({ rules: ['path=^/admin', 'host=^other', 'client=10.9.9.9'] });
    for (let i = 0; i < 100; i++) push(open([get('/'), OK], 42_000 + i));
    expect(sent).toEqual([]);
    expect(counters).toMatchObject({ response_resets: 0, response_refusals: 0 });
  });
});

describe('an order', () => {
  const order = (match: string, id = 'o-1', seconds = 60) => Buffer.from(JSON.stringify({ id, match, seconds }));

  it('holds for connections that are there, for later ones, and for its time', () => {
    const { push, responder, counters, time } = setUp();
    push(open([get('/')], 40_000));
    responder.order(order('client=10.0.0.1'), true);
    expect(counters).toMatchObject({ response_orders: 1, response_resets: 1 });
    push(open([get('/')], 40_001));
    expect(counters.response_resets).toBe(2);
    time.now = 60_000;
    push(open([get('/')], 40_002));
    expect(counters.response_resets).toBe(2);
  });

  it('is refused where nobody signed it, and taken back', () => {
    const { push, responder, counters, lines } = setUp();
    responder.order(order('client=10.0.0.1'), false);
    expect(counters).toMatchObject({ response_orders: 0, response_orders_refused: 1 });
    expect(lines.join()).toContain('nobody signed it');
    responder.order(order('client=10.0.0.1'), true);
    responder.order(Buffer.from('{"cancel":"o-1"}'), true);
    push(open([get('/')]));
    expect(counters.response_resets).toBe(0);
  });

  it('is refused where there are too many', () => {
    const { responder, counters } = setUp();
    for (let i = 0; i < 300; i++) responder.order(order('path=^/x', `o-${i}`), true);
    expect(counters).toMatchObject({ response_orders: 256, response_orders_refused: 44 });
  });

  it.each([
    ['', 'not JSON'],
    ['[]', 'no object'],
    ['{"id":"a b","match":"path=.","seconds":5}', 'its id'],
    ['{"id":"a","match":"path=.","seconds":1e9}', 'its seconds'],
    ['{"id":"a","match":"path=(","seconds":5}', 'RE2 cannot read'],
    ['{"id":"a","seconds":5}', 'no match'],
  ])('%j is none: %s', (text, reason) => {
    expect(decodeOrder(Buffer.from(text))).toEqual({ wrong: expect.stringContaining(reason) });
  });

  it('may be any bytes', () => {
    const random = new Random(runSeed());
    const whole = order('client=10.0.0.1');
    for (let i = 0; i < 10_000; i++) {
      const bytes = Buffer.from(whole.subarray(0, random.between(0, whole.length)));
      for (let edits = random.between(0, 3); edits > 0 && bytes.length > 0; edits--)
        bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      decodeOrder(bytes);
    }
  });
});
