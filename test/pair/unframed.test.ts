/** Messages whose heads say something that is not so, and what cannot be read: bytes are kept where they are, and marked. */
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

describe('a response whose Content-Length is no number, RFC 9112 §6.3 item 5', () => {
  it.each(['+5', '-5', '5a', '0x5', '5 5', '5.0', 'abc', ''])('"%s" ends where the next message begins', (length) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
    const steps = [get('/1'), server(`${head}he`), server('llo'), get('/2'), ok('two'), get('/3'), ok('three'), CLOSE];
    expect(converse(steps).lines).toEqual([
      'GET /1 → 200 "hello" {malformed}',
      'GET /2 → 200 "two"',
      'GET /3 → 200 "three"',
    ]);
    expect(converse([get('/1'), server(`${head}hello`), CLOSE]).lines).toEqual(['GET /1 → 200 "hello" {malformed}']);
  });
});

describe('a response that cannot be read in a pipeline', () => {
  const junk = server('HTTP/1.1 OK\r\nContent-Length: 1\r\n\r\n1');
  const nothing = (target: string) => `GET ${target} → nothing {no-response, malformed}`;

  it('leaves all that wait without one, as it may be several, and the next turn is right', () => {
    const steps = [get('/1'), get('/2'), junk, ok('two'), get('/3'), ok('three'), CLOSE];
    expect(converse(steps).lines).toEqual([nothing('/1'), nothing('/2'), 'GET /3 → 200 "three"']);
  });

  it('says of nothing that bytes were lost', () => {
    const begun = [get('/1'), server('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab'), get('/2'), server('cd')];
    const { lines } = converse([begun, junk, get('/3'), ok('three'), CLOSE]);
    expect(lines).toEqual(['GET /1 → 200 "abcd"', nothing('/2'), 'GET /3 → nothing {no-response}']);
  });
});

describe('a field value', () => {
  it.each(['a\0b', 'a\rb'])('with what is invalid in one makes its message malformed, RFC 9110 §5.5: %j', (value) => {
    const response = server(`HTTP/1.1 200 OK\r\nX: ${value}\r\nContent-Length: 2\r\n\r\nhi`);
    expect(converse([get('/1'), response, CLOSE]).lines).toEqual(['GET /1 → 200 "hi" {malformed}']);
  });
});
