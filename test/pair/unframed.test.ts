/** Bodies that are not chunked though their head says so (RFC 9112 §7.1): their bytes are kept, and the message is marked. */
import { describe, expect, it } from 'vitest';
import { client, converse, fin, lost, rst, server, split } from '../support/conversation.js';

const get = (target: string) => client(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
const ok = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const CLOSE = [fin('server'), fin('client')];

describe('a body that is not chunked', () => {
  it.each([
    ['of letters that begin no number', '<p>text</p>'],
    ['that begins with a number', '42 is the answer'],
    ['that is a number', '42'],
    ['that begins with hexadecimal letters', 'feed the cat'],
    ['of a line and more', '{"a":1}\r\n{"b":2}\r\n'],
  ])('%s is kept, however it is cut', (_, body) => {
    for (const size of [1, 2, 5, 1000]) {
      const { lines } = converse([get('/1'), split(server(CHUNKED + body), CHUNKED.length + size), CLOSE]);
      expect(lines).toEqual([`GET /1 → 200 "${body}" {malformed}`]);
      const alone = converse([get('/1'), server(CHUNKED), split(server(body), size), CLOSE]);
      expect(alone.lines).toEqual([`GET /1 → 200 "${body}" {malformed}`]);
    }
  });

  it('ends where a segment begins with a message', () => {
    const { lines } = converse([get('/1'), server(`${CHUNKED}<p>`), server('text'), get('/2'), ok('two'), CLOSE]);
    expect(lines).toEqual(['GET /1 → 200 "<p>text" {malformed}', expect.stringMatching(/^GET \/2 → /)]);
  });

  it('of a request', () => {
    const post = client('POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{"a":1}');
    const { lines } = converse([post, ok('one'), CLOSE]);
    expect(lines).toEqual(['POST /1 "{"a":1}" → 200 "one" {malformed, early-response}']);
  });

  it('and that is cut: by a loss, a reset', () => {
    const begun = [get('/1'), server(`${CHUNKED}<p>`)];
    expect(converse([begun, lost(server('lost')), server('rest'), CLOSE]).lines).toEqual([
      'GET /1 → 200 "<p>"… of 11 {gap, malformed}',
    ]);
    expect(converse([begun, rst('server')]).lines).toEqual(['GET /1 → 200 "<p>" {aborted}']);
  });

  it('behind a good chunk is told by its mark, and by its end', () => {
    const { lines } = converse([get('/1'), server(`${CHUNKED}3\r\nabc\r\n<p>`), CLOSE]);
    expect(lines).toEqual(['GET /1 → 200 "abc"… of 3 {malformed}']);
  });
});
