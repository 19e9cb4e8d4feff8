/** The detector: what each protocol is given of a flow, byte for byte and in order, whatever came before the verdict. */
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/counters.js';
import { Segment } from '../../src/decode/segment.js';
import { Flow } from '../../src/flow/flow.js';
import { type Direction, EndCause, type FlowConsumer } from '../../src/flow/flow-consumer.js';
import { Detector } from '../../src/http/detector.js';
import { InflateWindows } from '../../src/http/inflate-windows.js';
import type { MessageSink } from '../../src/http/message-sink.js';
import {
  matchPrefix,
  type Opening,
  type Protocol,
  type ProtocolContext,
  type Protocols,
  Recognition,
} from '../../src/http/protocol.js';
import { createProtocols } from '../../src/http/protocols.js';
import { TlsNames } from '../../src/http/tls-names.js';
import { UnreadFlows } from '../../src/http/unread-flows.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { hex } from '../support/packets.js';
import { Random, runSeed } from '../support/random.js';

/** Writes down what it is given, a line for each call. */
class Recorder implements FlowConsumer {
  readonly lines: string[] = [];

  constructor(name: string, { bytes, start, end }: Opening) {
    this.lines.push(`${name} opens with ${JSON.stringify(bytes.toString('latin1', start, end))}`);
  }

  data(direction: Direction, bytes: Buffer, start: number, end: number, time: number): void {
    this.lines.push(`${direction} at ${time} ${JSON.stringify(bytes.toString('latin1', start, end))}`);
  }

  gap(direction: Direction, length: number, time: number): void {
    this.lines.push(`${direction} at ${time} lost ${length}`);
  }

  end(direction: Direction, cause: EndCause, time: number): void {
    this.lines.push(`${direction} at ${time} ended ${cause}`);
  }
}

function recorded(name: string, prefix: string | null): Protocol {
  return {
    name,
    counter: null,
    isUnmistakable: false,
    recognise: (bytes, start, end) => (prefix === null ? Recognition.no : matchPrefix(bytes, start, end, prefix)),
    open: (_flow, opening) => new Recorder(name, opening),
  };
}

/** Two protocols that begin alike, and the places for what is neither. */
const RECORDED: Protocols = {
  known: [recorded('long', 'HELLO WORLD'), recorded('short', 'HELL')],
  midstream: recorded('midstream', null),
  unknown: recorded('unknown', null),
  upgraded: recorded('upgraded', null),
  watched: recorded('watched', null),
  upgrades: {},
};

function detect(options: { midstream?: boolean; limits?: Partial<Limits>; protocols?: Protocols } = {}) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const counters = createCounters();
  const budget = new MemoryBudget(1e9);
  const flow = new Flow(new Segment(), 0, 0, 0);
  flow.midstream = options.midstream ?? false;
  const context: ProtocolContext = {
    limits,
    counters,
    budget,
    windows: new InflateWindows(1e6, budget, counters),
    tlsNames: new TlsNames(limits, counters),
    unreadFlows: new UnreadFlows(limits.unread_flow_kinds_max),
    openConversation: () => [silentSink(), silentSink()],
    openExchanges: () => ({
      onRequest: () => {
        throw new Error('nothing here speaks HTTP/2');
      },
    }),
  };
  const protocols = options.protocols ?? RECORDED;
  flow.consumer = new Detector(flow, protocols, context);
  let time = 0;
  return {
    budget,
    counters,
    protocols: createProtocols(context),
    say(direction: Direction, text: string | Buffer): void {
      const bytes = Buffer.from(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
      flow.consumer?.data(direction, bytes, 0, bytes.length, ++time);
      // A segment does not outlive its batch.
      bytes.fill(0xee);
    },
    lose: (direction: Direction, length: number) => flow.consumer?.gap(direction, length, ++time),
    end: (direction: Direction) => flow.consumer?.end(direction, EndCause.fin, ++time),
    use: (next: Protocols) => {
      flow.consumer = new Detector(flow, next, context);
    },
    get lines(): string[] {
      return flow.consumer instanceof Recorder ? flow.consumer.lines : [];
    },
  };
}

function silentSink(): MessageSink {
  return {
    onRequest: () => false,
    awaitedMethod: () => 'GET',
    wantsResponse: () => true,
    awaitsSimple: () => false,
    onResponse() {},
    onBody() {},
    onBodyLost() {},
    onMessageEnd() {},
    onDesync() {},
    onUnread() {},
    doubtsRequests: false,
    mayBegin: () => false,
    mayLeaveOutBody: () => false,
    isDeferred: false,
    underWayMax: -1,
    mayBeSingle: false,
    isLacking: false,
    believed: () => [],
    awaited: () => [],
    settle() {},
    passOver() {},
    withhold() {},
    certainty: 'open',
    release() {},
    withheld: 0,
    withdraw: () => true,
    refute() {},
    upgrade: () => null,
    onStreamEnd() {},
    onLeave() {},
  };
}

describe('a verdict', () => {
  it('by the first segment gives it on as it lies', () => {
    const flow = detect();
    flow.say(0, 'HELLO WORLD and more');
    flow.say(1, 'anything');
    expect(flow.lines).toEqual([
      'long opens with "HELLO WORLD and more"',
      '0 at 1 "HELLO WORLD and more"',
      '1 at 2 "anything"',
    ]);
    expect(flow.budget.used).toBe(0);
  });

  it('waits for an earlier protocol that may still be meant', () => {
    const flow = detect();
    flow.say(0, 'HELL');
    flow.say(0, 'O W');
    expect(flow.lines).toEqual([]);
    expect(flow.budget.used).toBeGreaterThan(0);
    flow.say(0, 'AR');
    expect(flow.lines).toEqual(['short opens with "HELLO WAR"', '0 at 1 "HELLO W"', '0 at 3 "AR"']);
    expect(flow.budget.used).toBe(0);
  });

  it('replays both directions in the order they came, ends included', () => {
    const flow = detect();
    flow.say(1, 'HE');
    flow.say(0, 'H');
    flow.end(1);
    flow.say(0, 'ELP');
    expect(flow.lines).toEqual([
      'unknown opens with "HELP"',
      '1 at 1 "HE"',
      '0 at 2 "H"',
      '1 at 3 ended 0',
      '0 at 4 "ELP"',
    ]);
  });

  it('comes of what no protocol knows: unknown from the start, somewhere in the middle', () => {
    for (const midstream of [false, true]) {
      const flow = detect({ midstream });
      flow.say(0, 'what?');
      expect(flow.lines[0]).toBe(`${midstream ? 'midstream' : 'unknown'} opens with "what?"`);
    }
  });

  it('does not come behind a loss: only a protocol that finds its place can go on', () => {
    const flow = detect();
    flow.say(1, 'HEL');
    flow.lose(0, 7);
    flow.say(0, 'HELLO WORLD');
    expect(flow.lines).toEqual(['midstream opens with ""', '1 at 1 "HEL"', '0 at 2 lost 7', '0 at 3 "HELLO WORLD"']);
  });

  it('is not waited for with more than a head may have, nor while the sides take turns', () => {
    const endless: Protocols = {
      ...RECORDED,
      known: [{ ...recorded('endless', null), recognise: () => Recognition.maybe }],
    };
    const long = detect({ protocols: endless, limits: { head_bytes_max: 100 } });
    long.say(0, 'x'.repeat(60));
    long.say(0, 'y'.repeat(60));
    expect(long.lines.slice(1)).toEqual([`0 at 1 "${'x'.repeat(60)}"`, `0 at 2 "${'y'.repeat(60)}"`]);
    expect(long.budget.used).toBe(0);

    const turns = detect({ protocols: endless });
    turns.say(0, 'a');
    turns.say(1, 'b');
    turns.say(0, 'c');
    expect(turns.lines).toEqual(['midstream opens with "ac"', '0 at 1 "a"', '1 at 2 "b"', '0 at 3 "c"']);
  });

  it('that never comes leaves nothing behind', () => {
    const flow = detect();
    flow.say(0, 'HEL');
    flow.say(1, 'HELLO');
    flow.end(1);
    flow.end(0);
    expect(flow.budget.used).toBe(0);
    flow.say(0, 'LO WORLD');
    flow.lose(1, 5);
    expect([flow.lines, flow.budget.used]).toEqual([[], 0]);
  });

  it('is the same, and nothing is lost or doubled, however the bytes are cut', () => {
    const seed = runSeed();
    const random = new Random(seed);
    for (let round = 0; round < 500; round++) {
      const text = random.pick(['HELLO WORLD, hello', 'HELLO WAR', 'HELP', 'xyz', 'PROXY UNKNOWN\r\nHELLO WORLD']);
      const flow = detect({ midstream: random.chance(0.3) });
      for (let at = 0; at < text.length; ) {
        const end = Math.min(text.length, at + random.between(1, 12));
        flow.say(0, text.slice(at, end));
        at = end;
      }
      const expected = detect({ midstream: flow.lines[0]?.startsWith('midstream') ?? false });
      expected.say(0, text);
      const got = flow.lines.slice(1).map((line) => JSON.parse(line.replace(/^\d at \d+ /, '')));
      expect(flow.lines[0]?.split(' ')[0], `SEED=${seed}`).toBe(expected.lines[0]?.split(' ')[0]);
      expect(got.join(''), `SEED=${seed}`).toBe(text.replace(/^PROXY.*\r\n/, ''));
      expect(flow.budget.used, `SEED=${seed}`).toBe(0);
    }
  });
});

describe('a PROXY header', () => {
  const v1 = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n');
  const v2 = Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    hex('21 11 000c c0000201 c0000202 dc04 01bb'),
  ]);

  it.each([
    ['of version 1', v1],
    ['of version 2', v2],
    ['of each, one behind the other', Buffer.concat([v1, v2])],
  ])('%s goes no further', (_, header) => {
    const flow = detect();
    flow.say(0, Buffer.concat([header, Buffer.from('HELLO WORLD')]));
    expect(flow.lines).toEqual(['long opens with "HELLO WORLD"', '0 at 1 "HELLO WORLD"']);
  });

  it('whose end does not come is not waited for longer than for a head', () => {
    const flow = detect({ limits: { head_bytes_max: 200 } });
    for (let i = 0; i < 10; i++) flow.say(0, 'PROXY TCP4 and so on, without a line end ');
    expect(flow.lines[0]).toMatch(/^unknown opens/);
    expect(flow.budget.used).toBe(0);
  });
});

describe('HTTP/1', () => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n';

  it('gives what is behind its last message to the protocol that comes after it', () => {
    const flow = detect();
    flow.use({ ...flow.protocols, upgraded: RECORDED.upgraded });
    flow.say(0, 'GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n');
    flow.say(1, `${switching}first`);
    flow.say(0, 'second');
    expect(flow.lines).toEqual(['upgraded opens with ""', '1 at 2 "first"', '0 at 3 "second"']);
  });

  it('does so wherever its last head was cut', () => {
    for (let cut = 1; cut < switching.length; cut++) {
      const flow = detect();
      flow.use({ ...flow.protocols, upgraded: RECORDED.upgraded });
      flow.say(0, 'GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n');
      flow.say(1, switching.slice(0, cut));
      flow.say(1, `${switching.slice(cut)}first`);
      expect(flow.lines, `cut at ${cut}`).toEqual(['upgraded opens with ""', '1 at 3 "first"']);
      expect(flow.budget.used).toBe(0);
    }
  });

  it('asks again where the other side begins another protocol', () => {
    const flow = detect();
    const { known } = flow.protocols;
    flow.use({ ...flow.protocols, known: [recorded('long', 'HELLO WORLD'), known.at(-1) as Protocol] });
    flow.say(0, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    flow.say(1, Buffer.from('\x01'));
    flow.say(1, 'HELLO WORLD');
    expect(flow.lines).toEqual([]);

    const again = detect();
    again.use({
      ...again.protocols,
      known: [recorded('other', '\x01\x02'), known.at(-1) as Protocol],
    });
    again.say(0, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    again.say(1, '\x01');
    again.say(1, '\x02 and more');
    expect(again.lines).toEqual(['other opens with "\\u0001\\u0002 and more"', '1 at 3 "\\u0001\\u0002 and more"']);
  });
});
