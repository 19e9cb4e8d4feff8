/** That the comparison of the live matrix finds what can be wrong: each row spoils one thing of a right report. */
import { describe, expect, it } from 'vitest';
import { type CompareSettings, compare } from '../../bench/live/compare.js';
import type { SeenTrace } from '../../bench/live/sensor.js';
import { sha256, type TrueExchange } from '../../bench/live/truth.js';

const body = (text: string) => ({
  wireBytes: text.length,
  bytes: text.length,
  sha256: sha256(Buffer.from(text)),
  content: Buffer.from(text),
});
const seenBody = (content: string) => ({
  wireBytes: content.length,
  bytes: content.length,
  truncated: false,
  encoding: 'utf8' as const,
  content,
});

const EXCHANGE: TrueExchange = {
  id: 'e1',
  route: { client: '10.0.0.1', server: '10.0.0.2', port: 80, origin: '192.0.2.7' },
  times: 1,
  method: 'POST',
  target: '/echo?id=e1',
  status: 200,
  requestHeaders: [['X-Live', 'one']],
  responseHeaders: [['x-live-id', 'e1']],
  requestBody: body('asked'),
  responseBody: body('answered'),
  isRefused: false,
  isUncertain: false,
};
const REQUEST = {
  method: 'POST',
  target: '/echo?id=e1',
  headers: [['x-live', 'one'] as const],
  body: seenBody('asked'),
};
const RESPONSE = { status: 200, headers: [['X-Live-Id', 'e1'] as const], body: seenBody('answered') };
const TRACE: SeenTrace = {
  spanId: '1',
  kind: 'server',
  startTimeUnixNano: '1',
  durationNano: '1',
  network: {
    interface: 'eth0',
    client: { address: '10.0.0.1', port: 40_000 },
    server: { address: '10.0.0.2', port: 80 },
  },
  request: REQUEST,
  response: RESPONSE,
  marks: [],
  clientAddress: '192.0.2.7',
};
const server = (address: string, port: number) => ({
  ...TRACE,
  network: { ...TRACE.network, server: { address, port } },
});

/** `what` of each wrong exchange, without the request in front. */
function faults(traces: readonly SeenTrace[], settings: CompareSettings = {}, exchange = EXCHANGE): string[] {
  return compare([exchange], traces, settings).wrong.map(({ what }) => what.replace('POST /echo?id=e1: ', ''));
}

describe('the comparison of the live matrix', () => {
  it('is content with what was so', () => {
    expect(compare([EXCHANGE], [TRACE])).toEqual({ compared: 1, wrong: [] });
    expect(compare([EXCHANGE], [TRACE], { isLossy: true })).toEqual({ compared: 1, wrong: [] });
  });

  it.each<[string, SeenTrace[], string]>([
    ['nothing', [], 'not reported'],
    ['twice', [TRACE, TRACE], 'reported 2 times, sent 1'],
    ['no response', [{ ...TRACE, response: null, marks: ['no-response'] }], 'no response; marks no-response'],
    ['a mark', [{ ...TRACE, marks: ['gap'] }], 'marks gap'],
    ['a method', [{ ...TRACE, request: { ...REQUEST, method: 'PUT' } }], 'method is "PUT", not "POST"'],
    ['a status', [{ ...TRACE, response: { ...RESPONSE, status: 204 } }], 'status is 204, not 200'],
    [
      'the response of another',
      [{ ...TRACE, response: { ...RESPONSE, headers: [['x-live-id', 'e2']] } }],
      'response header x-live-id is "e2", not "e1"',
    ],
    ['a byte', [{ ...TRACE, response: { ...RESPONSE, body: seenBody('ansWered') } }], 'response body has other bytes'],
    [
      'a byte less',
      [{ ...TRACE, request: { ...REQUEST, body: seenBody('aske') } }],
      'request wireBytes is 4, not 5; request bytes is 4, not 5; request body has other bytes',
    ],
    [
      'a cut',
      [{ ...TRACE, response: { ...RESPONSE, body: { ...seenBody('answered'), truncated: true } } }],
      'response body is truncated: 8 of 8',
    ],
    ['a destination', [server('10.0.0.3', 80)], 'to 10.0.0.3:80, not 10.0.0.2:80'],
    ['a port', [server('10.0.0.2', 81)], 'to 10.0.0.2:81, not 10.0.0.2:80'],
    ['a client', [{ ...TRACE, clientAddress: '203.0.113.66' }], 'client.address 203.0.113.66, not 192.0.2.7'],
  ])('finds %s', (_, traces, fault) => {
    expect(faults(traces)).toEqual([fault]);
  });

  it('finds what was never sent', () => {
    const inside = { ...TRACE, request: { ...REQUEST, target: '/inside?id=made-up' } };
    expect(faults([TRACE, inside])).toEqual(['made up: POST /inside?id=made-up to 10.0.0.2:80: 200']);
    expect(faults([inside], { isLossy: true })).toEqual(['made up: POST /inside?id=made-up to 10.0.0.2:80: 200']);
  });

  it('after losses takes less, and nothing else', () => {
    const cut = { ...TRACE, marks: ['gap'], response: { ...RESPONSE, body: { ...seenBody('answ'), truncated: true } } };
    expect(faults([], { isLossy: true })).toEqual([]);
    expect(faults([{ ...TRACE, response: null }], { isLossy: true })).toEqual([]);
    expect(faults([cut], { isLossy: true })).toEqual([]);
    const spliced = { ...cut, response: { ...RESPONSE, body: seenBody('anered') } };
    expect(faults([spliced], { isLossy: true })).toEqual(['response body has bytes that were not sent']);
    const neighbour = { ...TRACE, response: { ...RESPONSE, headers: [['x-live-id', 'e2'] as const] } };
    expect(faults([neighbour], { isLossy: true })).toEqual(['the response is the one to e2']);
  });

  it('takes a body that is longer than the sensor keeps, cut on a character, and marked', () => {
    const kept = (content: string) => ({ ...seenBody(content), wireBytes: 8, bytes: 8, truncated: true });
    const keeping = (content: string) => [{ ...TRACE, response: { ...RESPONSE, body: kept(content) } }];
    expect(faults(keeping('answ'), { bodyBytesMax: 4 })).toEqual(['request body is not truncated: 5 of 5']);
    expect(faults(keeping('answere'), { bodyBytesMax: 7 })).toEqual([]);
    expect(faults(keeping('ans'), { bodyBytesMax: 7 })).toEqual(['response body is kept to 3, not 7']);
    expect(faults(keeping('ansWere'), { bodyBytesMax: 7 })).toEqual(['response body has other bytes']);
  });

  it('takes two hops of one exchange by their destinations', () => {
    const inner = { ...EXCHANGE, route: { client: '10.0.0.1', server: '10.0.0.3', port: 8080 } };
    expect(compare([EXCHANGE, inner], [TRACE, server('10.0.0.3', 8080)]).wrong).toEqual([]);
    expect(compare([EXCHANGE, inner], [TRACE, TRACE]).wrong.map(({ what }) => what)).toEqual([
      'POST /echo?id=e1: reported 2 times, sent 1',
      'POST /echo?id=e1: not reported',
    ]);
  });

  it('takes two legs of one connection by their names', () => {
    const leg = (name: 'outer' | 'inner') => ({ ...TRACE, network: { ...TRACE.network, leg: name } });
    const both = (['outer', 'inner'] as const).map((name) => ({
      ...EXCHANGE,
      route: { ...EXCHANGE.route, leg: name },
    }));
    expect(compare(both, [leg('inner'), leg('outer')]).wrong).toEqual([]);
    expect(compare(both, [leg('inner'), TRACE]).wrong.map(({ what }) => what)).toEqual([
      'POST /echo?id=e1: not reported',
      'made up: POST /echo?id=e1 to 10.0.0.2:80: 200',
    ]);
  });

  it('takes silence, and a request without a response, where the client failed and the server knows nothing', () => {
    const uncertain = { ...EXCHANGE, isUncertain: true, status: null };
    expect(faults([], {}, uncertain)).toEqual([]);
    expect(faults([{ ...TRACE, response: null }], {}, uncertain)).toEqual([]);
    expect(faults([TRACE], {}, uncertain)).toEqual(['answered, which neither end knows of']);
  });
});
