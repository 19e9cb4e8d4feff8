/**
 * Exchanges whose verdict waits for the request's body: it is asked for once, when the body has ended, or enough of it has
 * come, or nothing more will; what is dropped then is accounted for as if it had been at its head.
 */
import { describe, expect, it } from 'vitest';
import { DropReason } from '../../src/counters.js';
import { bodyBytes } from '../../src/http/message-body.js';
import { type Exchange, UNDECIDED } from '../../src/pair/exchange.js';
import { ack, client, converse, fin, lost, pause, rst, type Step, server } from '../support/conversation.js';
import { data, END_STREAM, headers, POST, PREFACE, reset, settings, status } from '../support/h2-frames.js';

const post = (body: string, length = body.length) =>
  `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;
const ok = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

/** What was asked, and the answers: bodies that begin with "drop" are dropped. */
function run(steps: readonly (Step | Step[])[], verdictBytes = 1 << 16) {
  const asked: string[] = [];
  const { lines, counters, exchanges } = converse(steps, {
    limits: { graphql_verdict_bytes_max: verdictBytes },
    admit: ({ request }) => (request.target === '/graphql' ? UNDECIDED : DropReason.none),
    decide: (exchange: Exchange) => {
      const body = Buffer.from(bodyBytes(exchange.request.body)).toString();
      asked.push(body);
      return body.startsWith('drop') ? DropReason.rateLimited : DropReason.none;
    },
  });
  return { lines, counters, exchanges, asked };
}

describe('an exchange that is undecided', () => {
  it('is kept or dropped by its body', () => {
    const steps = [client(post('keep1')), ok('a'), client(post('drop2')), ok('b'), client(post('keep3')), ok('c')];
    const { lines, counters, asked } = run(steps);
    expect(lines).toEqual(['POST /graphql "keep1" → 200 "a"', 'POST /graphql "keep3" → 200 "c"']);
    expect(asked).toEqual(['keep1', 'drop2', 'keep3']);
    expect(counters).toMatchObject({ exchanges_dropped_rate_limited: 1, responses_unpaired: 0, responses_late: 0 });
  });

  it('pairs nothing else with the response of one that is dropped, in a pipeline too', () => {
    const steps = [
      client(`${post('drop1')}${post('keep2')}${post('drop3')}GET /4 HTTP/1.1\r\nHost: a\r\n\r\n`),
      ok('one'),
      ok('two'),
      ok('three'),
      ok('four'),
    ];
    expect(run(steps).lines).toEqual(['POST /graphql "keep2" → 200 "two"', 'GET /4 → 200 "four"']);
  });

  it('is decided once, by the whole body however it was sent', () => {
    const steps = [client(post('dr', 6)), client('op'), client('!!'), ok('')];
    const { lines, asked } = run(steps);
    expect(lines).toEqual([]);
    expect(asked).toEqual(['drop!!']);
  });

  it('is decided by what is enough', () => {
    const steps = [client(post('dropped', 100)), client('x'.repeat(93)), ok('')];
    expect(run(steps, 4).asked).toEqual(['dropped']);
    const kept = [client(post('keep', 100)), client('x'.repeat(96)), ok('')];
    const { asked, lines } = run(kept, 4);
    expect(asked).toEqual(['keep']);
    expect(lines).toHaveLength(1);
  });

  it.each<[string, Step[]]>([
    ['the connection is reset', [client(post('drop', 10)), rst('server')]],
    ['the client ends', [client(post('drop', 10)), fin('client'), fin('server')]],
    ['the capture ends', [client(post('drop', 10))]],
    ['bytes are lost', [client(post('drop', 10)), lost(client('xxx')), client('yyy'), ok('')]],
    ['the response comes first', [client(post('drop', 10)), ok('no'), fin('server'), fin('client')]],
    ['nothing is sent', [client('POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n'), rst('client')]],
    ['no body is', [client('POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'), ok('')]],
    ['no response comes', [client(post('drop')), pause(200, ack('client')), pause(200, ack('client'))]],
  ])('is decided when %s', (_what, steps) => {
    const { asked, counters, exchanges } = run(steps);
    expect(asked).toHaveLength(1);
    expect(exchanges.length + counters.exchanges_dropped_rate_limited).toBe(1);
    expect(exchanges).toHaveLength(asked[0] === '' ? 1 : 0);
  });
});

describe('a stream that is undecided', () => {
  const begin = [client(Buffer.concat([PREFACE, settings])), server(settings)];
  const request = (stream: number) => headers(stream, POST('/graphql'));
  const ok = (stream: number) => headers(stream, status(200), END_STREAM);

  it('is kept or dropped by its body', () => {
    const { lines, asked, counters } = run([
      ...begin,
      client(Buffer.concat([request(1), request(3), data(3, 'keep3', END_STREAM), data(1, 'drop1', END_STREAM)])),
      server(Buffer.concat([ok(1), ok(3)])),
    ]);
    expect(asked).toEqual(['keep3', 'drop1']);
    expect(lines).toEqual(['POST /graphql "keep3" → 200']);
    expect(counters).toMatchObject({ exchanges_dropped_rate_limited: 1, responses_unpaired: 0 });
  });

  it('is decided when it is given up', () => {
    const { lines, asked } = run([...begin, client(Buffer.concat([request(1), data(1, 'drop'), reset(1, 8)]))]);
    expect(asked).toEqual(['drop']);
    expect(lines).toEqual([]);
  });
});
