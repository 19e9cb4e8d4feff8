/** Streams of messages over HTTP/2: a stream of the connection each, with those of others between its frames. */
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../../src/pair/exchange.js';
import { markNames } from '../../src/pair/exchange.js';
import { client, converse, lost, pause, server } from '../support/conversation.js';
import { block, data, END_STREAM, GET, headers, PREFACE, reset, settings, status } from '../support/h2-frames.js';
import { line } from '../support/run-packets.js';
import { frame as socketFrame } from '../support/websocket-frames.js';

const begin = [client(Buffer.concat([PREFACE, settings])), server(settings)];
const MASK = Buffer.from([1, 2, 3, 4]);
const messages = ({ messages: log }: Exchange) =>
  (log?.kept ?? []).map(({ isRequest, kind, content }) => `${isRequest ? '↑' : '↓'} ${kind} ${content}`);

const events = (stream: number) => server(headers(stream, status(200, ['content-type', 'text/event-stream'])));
const event = (stream: number, text: string, flags = 0) => server(data(stream, `data: ${text}\n\n`, flags));

describe('server-sent events over HTTP/2', () => {
  it('are told of by stream, in windows, and to their end', () => {
    const { exchanges } = converse([
      ...begin,
      client(Buffer.concat([headers(1, GET('/a'), END_STREAM), headers(3, GET('/b'), END_STREAM)])),
      events(1),
      events(3),
      event(1, 'a1'),
      event(3, 'b1'),
      pause(70, event(1, 'a2')),
      event(3, 'b2', END_STREAM),
      event(1, 'a3', END_STREAM),
    ]);
    expect(exchanges.map((one) => [one.request.target, messages(one), markNames(one.marks)])).toEqual([
      ['/a', ['↓ event a1'], ['continues']],
      ['/b', ['↓ event b1'], ['continues']],
      ['/b', ['↓ event b2'], []],
      ['/a', ['↓ event a2', '↓ event a3'], []],
    ]);
  });

  it('that are given up between their windows say so in a last one', () => {
    const { exchanges } = converse([
      ...begin,
      client(headers(1, GET('/a'), END_STREAM)),
      events(1),
      event(1, 'a1'),
      ...Array.from({ length: 8 }, () => pause(10, server(settings))),
      client(reset(1, 8)),
    ]);
    expect(exchanges.map((one) => [markNames(one.marks), one.stream?.error])).toEqual([
      [['continues'], null],
      [['aborted'], 'CANCEL'],
    ]);
  });

  it('with a gap inside DATA go on with the next event', () => {
    const { exchanges } = converse([
      ...begin,
      client(headers(1, GET('/a'), END_STREAM)),
      events(1),
      event(1, 'a1'),
      lost(event(1, 'a2')),
      server(data(1, 'data: a3\n\ndata: a4\n\n')),
      event(1, 'a5', END_STREAM),
    ]);
    expect(exchanges.flatMap(messages)).toEqual(['↓ event a1', '↓ event a4', '↓ event a5']);
  });

  it('behind each of two gaps that reach into frames go on with the next event', () => {
    /** The next frame comes without its first bytes. */
    const gap = (text: string) => {
      const bytes = data(1, text);
      return [lost(server(bytes.subarray(0, 4))), server(bytes.subarray(4))];
    };
    const { exchanges } = converse([
      ...begin,
      client(headers(1, GET('/a'), END_STREAM)),
      events(1),
      server(data(1, 'data: a1\n\ndata: no')),
      gap('thing\n\n'),
      event(1, 'a2'),
      event(1, 'a3'),
      server(data(1, 'data: a4\n\ndata: no')),
      gap('thing\n\ndata: a5\n\n'),
      event(1, 'a6'),
      event(1, 'a7'),
      event(1, 'a8', END_STREAM),
    ]);
    const told = exchanges.flatMap(messages);
    expect(told.filter((one) => !/^↓ event a[1-8]$/.test(one))).toEqual([]);
    expect(told).toEqual(expect.arrayContaining(['↓ event a1', '↓ event a4', '↓ event a8']));
  });
});

describe('a WebSocket over HTTP/2', () => {
  const CONNECT = block(
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', '/chat'],
    [':authority', 'a'],
  );

  it('is the exchange of its extended CONNECT, RFC 8441', () => {
    const { exchanges } = converse([
      ...begin,
      client(headers(1, CONNECT)),
      server(headers(1, status(200))),
      client(data(1, socketFrame('to the server', { mask: MASK }))),
      server(data(1, socketFrame('to the '))),
      server(data(1, socketFrame('client').subarray(0, 4))),
      server(data(1, socketFrame('client').subarray(4))),
      server(data(1, socketFrame(Buffer.from([3, 232]), { opcode: 8 }), END_STREAM)),
      client(data(1, socketFrame('', { opcode: 8, mask: MASK }), END_STREAM)),
    ]);
    expect(exchanges.map(messages)).toEqual([
      ['↑ text to the server', '↓ text to the ', '↓ text client', '↓ close ', '↑ close '],
    ]);
    expect(exchanges.map(line)[0]).toContain('CONNECT /chat');
    expect(exchanges.flatMap(({ marks }) => markNames(marks))).toContain('upgraded');
  });

  it('that was refused is an exchange like others', () => {
    const { lines, exchanges } = converse([
      ...begin,
      client(headers(1, CONNECT)),
      server(headers(1, status(404), END_STREAM)),
      client(reset(1, 0)),
    ]);
    expect(lines[0]).toMatch(/^CONNECT \/chat.* → 404/);
    expect(exchanges[0]?.messages).toBeUndefined();
  });
});
