/**
 * What is not concluded from what follows a loss, or from the middle of a connection: each is a conversation in which a
 * conclusion that seems near would pair a response with another's request, or take text for a message.
 */
import { describe, expect, it } from 'vitest';
import { ack, client, converse, fin, lost, pause, rst, type Step, server } from '../support/conversation.js';

const bytesOfGet = (target: string, method = 'GET') => `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
const get = (target: string, method = 'GET') => client(bytesOfGet(target, method));
const ok = (body: string) => server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const over = [fin('client'), fin('server')];
const midstream = { handshake: false };
const linesOf = (steps: readonly (Step | Step[])[], options = {}) => converse(steps, options).lines;
const answered = (steps: readonly (Step | Step[])[], options = {}) =>
  linesOf(steps, options).filter((line) => / → [1-5]/.test(line));

describe('a request that was sent again', () => {
  it('says nothing of what its client had received when it was first sent', () => {
    const first = bytesOfGet('/1', 'HEAD');
    const steps = [lost(client(first)), lost(server('HTTP/1.1 201 Created\r\n\r\n')), get('/2'), ok('two')];
    expect(answered([...steps, over, client(first, { at: 0 })])).toEqual([]);
  });

  it('does not begin a turn that is none', () => {
    const head = client('PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n');
    const text = client(bytesOfGet('/text'), { at: head.payload.length });
    const response = [lost(server('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n')), server('rest')];
    expect(linesOf([lost(head), lost(text), response, over, text])).toEqual([]);
  });

  it('does not begin a turn if another was sent before that', () => {
    const { length } = bytesOfGet('/1');
    const fourth = client(bytesOfGet('/4'), { at: 3 * length });
    const hints = lost(server('HTTP/1.1 103 Early Hints\r\n\r\n', { acknowledges: 3 * length }));
    const begun = [get('/1'), ok('1'), get('/2'), ok('2'), get('/3'), lost(fourth), get('/5'), hints, fourth];
    const turns = [ok('3'), ok('4'), get('/6'), ok('5'), get('/7'), ok('6')];
    expect(answered([begun, turns, ok('7'), over])).toEqual(['GET /1 → 200 "1"', 'GET /2 → 200 "2"']);
  });

  it('says nothing of how many its client has under way', () => {
    const { length } = bytesOfGet('/11');
    const had = (requests: number) => ({ acknowledges: requests * length });
    const third = client(bytesOfGet('/13'), { at: 2 * length });
    // Four are under way. One is lost on its way, and comes again when two others have been answered.
    const first = [
      { ...ok('11'), ...had(2) },
      { ...ok('12'), ...had(2) },
    ];
    const begun = [get('/11'), get('/12'), lost(third), get('/14'), first, third, ok('13')].flat();
    const turns = Array.from({ length: 6 }, (_, i) => [
      { ...ok(String(i + 14)), ...had(Math.max(7, i + 6)) },
      get(`/${i + 18}`),
    ]).flat();
    const lines = answered([begun, get('/15'), lost(get('/16')), lost(get('/17')), turns]);
    expect(lines).toEqual([11, 12, 13, 14, 15].map((number) => `GET /${number} → 200 "${number}"`));
  });
});

describe('a response that may be of a request that nobody saw', () => {
  it('is taken back from one whose request has not ended', () => {
    const head = client('POST /4 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
    const steps = [get('/1'), lost(get('/2')), get('/3'), ok('one'), ok('two')];
    const lines = answered([...steps, head, client('ab'), ok('three'), ok('four'), client('cd'), over]);
    expect(lines).toEqual(['GET /1 → 200 "one"']);
  });

  it('is not believed where responses were lost behind it', () => {
    const turns = Array.from({ length: 9 }, (_, i) => [get(`/${i + 3}`), ok(String(i + 3))]).flat();
    const lines = answered([get('/2'), ok('one'), lost(ok('two')), turns], midstream);
    expect(lines.filter((line) => line.includes('/2 '))).toEqual([]);
    expect(lines).toHaveLength(9);
  });

  it('is not believed where one may have been lost behind it and the connection ends', () => {
    expect(answered([get('/2'), ok('one'), lost(ok('two')), over], midstream)).toEqual([]);
  });

  it('is not believed where it lasts as long as its connection and may have swallowed what was lost', () => {
    const toHead = server('HTTP/1.1 200 OK\r\n\r\n');
    const steps = [get('/2'), toHead, lost(ok('two')), fin('server'), fin('client')];
    expect(answered(steps, midstream)).toEqual([]);
  });

  it('is not believed after a pause in which a slow server may answer the next', () => {
    expect(answered([get('/2'), ok('one'), pause(30, ok('two')), over], midstream)).toEqual([]);
  });

  it('is believed after one in which every proxy would have given up', () => {
    expect(
      answered([server('rest'), get('/2'), ok('two'), pause(70, ack('client')), ack('server')], midstream),
    ).toHaveLength(1);
  });

  it.each([2, 4, 6])('is not believed after %i turns that a client with two under way takes as well', (turns) => {
    const steps = Array.from({ length: turns }, (_, i) => [ok(String(i + 1)), get(`/${i + 3}`)]).flat();
    const rest = [ok(String(turns + 1)), ok(String(turns + 2)), over].flat();
    const lines = answered([get('/2'), steps, rest], midstream);
    expect(lines.filter((line) => !/^GET \/(\d+) → 200 "\1"/.test(line))).toEqual([]);
  });
});

describe('a body whose client asked whether to send it', () => {
  const head = 'POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n';

  it('is not what is lost while the answer is on its way: that may be the next request', () => {
    const begun = server('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 4\r\n\r\nno');
    const steps = [client(head), begun, lost(client('x'.repeat(200))), client('more'), server('no'), over];
    const [exchange] = converse(steps).exchanges;
    expect(exchange?.request.body.wireBytes).toBe(0);
  });
});

describe('a body whose connection breaks off in the line of its first chunk', () => {
  it('has nothing of that line', () => {
    const cut = server('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4f;n');
    expect(linesOf([get('/1'), cut, rst('server')])).toEqual(['GET /1 → 200 {aborted}']);
  });
});

describe('what looks like a request', () => {
  const text = 'GET /text HTTP/1.1\r\nHost: a\r\n\r\n';
  const put = 'PUT /text HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';

  it('is text where the side that sends it is asked by the other', () => {
    const head = lost(server('HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: 60\r\n\r\n'));
    expect(linesOf([get('/1'), head, server(text), server(ok('x').payload), over])).toEqual([
      'GET /1 → nothing {gap, no-response}',
    ]);
  });

  it('is text where its side goes on with a response', () => {
    const steps = [client(text), client('HTTP/1.1 200 OK\r\n\r\nmore'), lost(server('HTTP')), ok('x'), over];
    expect(linesOf(steps, midstream)).toEqual([]);
  });

  it('is text where nothing was seen in front of it, and nothing like it follows', () => {
    expect(linesOf([client(put), ok('x'), over], midstream)).toEqual([]);
    const turns = [1, 2].flatMap((n) => [client(`GET /${n} HTTP/1.1\r\nHost: b\r\nX-Id: ${n}\r\n\r\n`), ok(String(n))]);
    expect(linesOf([client(text), ok('x'), turns], midstream)).toEqual(['GET /1 → 200 "1"', 'GET /2 → 200 "2"']);
  });

  it('is text where nobody answers it and the other side asks, or its own side answers', () => {
    const asked = [server(text), get('/1'), ok('one')];
    expect(linesOf(asked, midstream).filter((line) => line.includes('/text'))).toEqual([]);
    const answering = [server(text), ok('one'), server(text), ok('two')];
    expect(linesOf(answering, midstream)).toEqual([]);
  });

  it('may be text where its server has only let the client go on with a body', () => {
    const interim = server('HTTP/1.1 100 Continue\r\n\r\n');
    expect(linesOf([interim, client(put), ok('x'), over], midstream)).toEqual([]);
  });

  it('is none where its client had all that the server has said, names its connection, or goes on with others like it', () => {
    expect(answered([server('rest of a body'), client(put), ok('x'), over], midstream)).toHaveLength(1);
    expect(answered([client(text), ok('x'), over], midstream)).toHaveLength(1);
    expect(answered([client(put), ok('x'), get('/2'), ok('two'), over], midstream)).toHaveLength(2);
    const live = client(put.replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n'));
    expect(answered([live, ok('x'), over], midstream)).toHaveLength(1);
  });

  it('is text where what should be its response is none, behind lost bytes on both sides', () => {
    const frames = [client('\0\0\0+\0\0\0\t'), server('\0\0\0V\0\0\0\x05HTTP/1.1 204 No Content\r\n\r\n')];
    const behind = [lost(server('\0'.repeat(80))), server('\0\0\0\x09'), lost(client('\0'.repeat(18))), client(text)];
    expect(linesOf([frames, behind, server('\0\0\0`\0\0\0\x04'), server(ok('x').payload), over], midstream)).toEqual(
      [],
    );
  });

  it('is the rest of a method whose first letters came in a segment of their own', () => {
    const steps = [get('/1'), client('OP'), ok('one'), client('TIONS /2 HTTP/1.1\r\nHost: a\r\n\r\n'), ok('two')];
    expect(linesOf(steps)).toEqual(['GET /1 → 200 "one"', 'OPTIONS /2 → 200 "two"']);
  });

  it('is none with the rest of a body in front of its method: that is the end of another', () => {
    const rest = '0123456789';
    expect(answered([client(rest + bytesOfGet('/2')), ok('two'), over], midstream)).toEqual([]);
    expect(answered([client(rest + bytesOfGet('/2')), ok('two'), get('/3'), ok('three'), over], midstream)).toEqual([
      'GET /3 → 200 "three" {midstream}',
    ]);
  });

  it('is text where other bytes in front of it come again', () => {
    const part = client('--batch\r\n\r\n');
    const again = client(text, { at: part.payload.length });
    expect(linesOf([lost(part), again, { ...part, at: 0 }, ok('to the upload'), over], midstream)).toEqual([]);
  });

  it('is text where the other side has closed and bytes are missing in front of it', () => {
    const put = client('PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n');
    const steps = [lost(put), ok('early'), fin('server'), lost(client('lost')), client(text), fin('client')];
    expect(linesOf(steps)).toEqual([]);
  });

  it('is text where other bytes in front of it were still under way, as a late acknowledgement says', () => {
    const steps = [client(text), ack('server', { acknowledges: 0 }), ack('server'), ok('to the upload'), over];
    expect(linesOf(steps, midstream)).toEqual([]);
  });

  it('is text where the server had not received what is in front of it', () => {
    const part = client('--batch\r\n\r\n');
    const begun = server('HTTP/1.1 204 No Content\r\n\r\n', { acknowledges: 0 });
    const steps = [part, begun, client(text), client('\r\n--batch--\r\n'), ok('x'), over];
    expect(linesOf(steps, midstream)).toEqual([]);
  });
});
