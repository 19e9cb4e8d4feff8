/**
 * Expectations that the crafted cases give in words, as predicates: each checks what its sentence says, no more.
 */
import { expect } from 'vitest';
import { contentOf, type SensorReading } from '../support/read-with-sensor.js';
import { type Claim, compare } from './claims.js';

type Sentence = (reading: SensorReading) => void;

export const SENTENCES: Readonly<Record<string, Sentence>> = {
  // "/big: status 413, durationNano about 1000000 (response's last byte), requestEndNano 3002000000"
  'early-413-upload-goes-on-keepalive': ({ traces }) => {
    const big = traces.find(({ request }) => request.target === '/big');
    expect(big?.response?.status).toBe(413);
    expect(Math.abs(Number(big?.durationNano) - 1e6)).toBeLessThanOrEqual(1e5);
    expect(big?.timing.requestEndNano).toBe('3002000000');
  },

  // "GET /x protocol 0.9, answered; never no-response"
  'http09-with-empty-line': (reading) =>
    matches(reading, [{ method: 'GET', target: '/x', protocol: '0.9', wire: 6, 'marks-': ['no-response'] }]),

  // "one exchange, GET /index.html, protocol 0.9; its 18 answer bytes told (never no-response)"
  http09: (reading) =>
    matches(reading, [{ method: 'GET', target: '/index.html', protocol: '0.9', wire: 18, 'marks-': ['no-response'] }]),

  // "19 exchanges, /1 … /20 without /3, each with its own response; mark gap on /4 only"
  'one-exchange-lost-flow-first-seen-from-server': (reading) => {
    const numbers = Array.from({ length: 20 }, (_, i) => i + 1).filter((i) => i !== 3);
    const claims = numbers.map((i): Claim => ({ target: `/${i}`, status: 200, body: `r${i}` }));
    matches(reading, claims);
    const withGap = reading.traces.filter(({ marks }) => marks.includes('gap'));
    expect(withGap.map(({ request }) => request.target)).toEqual(['/4']);
  },

  // "/up with body 1234567890 (wireBytes 10) and 200 done; /2 200. If given up early at least: truncated true and mark
  // unfinished". An exchange waits as long as its connection lives, so the first half of the sentence holds.
  'paused-upload-12s': (reading) => {
    const claims: Claim[] = [
      { target: '/up', reqBody: '1234567890', reqWire: 10, status: 200, body: 'done' },
      { target: '/2', status: 200 },
    ];
    matches(reading, claims);
  },

  // "nothing on stdout; flow counted not HTTP"
  'rtsp-is-not-http': ({ traces, counters }) => {
    expect(traces).toEqual([]);
    expect(counters.flows_not_http).toBe(1);
  },

  // "status 200, mark malformed, body.truncated true, wireBytes 33 (or the bytes kept raw)": the packet has 34, and a
  // decoder may have taken the first for the start of a chunk size.
  'te-chunked-but-plain-body': ({ traces }) => {
    expect(traces).toHaveLength(1);
    const [trace] = traces;
    expect(trace?.response?.status).toBe(200);
    expect(trace?.marks).toContain('malformed');
    const body = trace?.response?.body;
    const isKept = body !== undefined && contentOf(body) === '{"plain":"json body, not chunked"}';
    if (isKept) return;
    expect(body?.truncated).toBe(true);
    expect([33, 34]).toContain(body?.wireBytes);
  },

  // "content decoded, or codingError / mark that says it is not"
  'te-gzip-chunked': ({ traces }) => {
    expect(traces).toHaveLength(1);
    const [trace] = traces;
    const body = trace?.response?.body;
    expect(trace?.response?.status).toBe(200);
    const isDecoded = body?.encoding === 'utf8' && body.content.length > 0;
    const isTold = body?.codingError !== undefined || trace?.marks.includes('malformed');
    expect(isDecoded || isTold, JSON.stringify(trace)).toBe(true);
  },

  // 'trailers [["X-Name","Zoë"]]'
  'trailer-utf8': (reading) => matches(reading, [{ status: 200, body: 'one', rt: [['X-Name', 'Zoë']] }]),
};

function matches({ traces }: SensorReading, claims: readonly Claim[]): void {
  const { right, seen } = compare(claims, traces);
  expect(seen).toEqual(right);
}
