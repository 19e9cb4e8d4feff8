/** The handshakes of SOCKS beyond those of the conformance kinds: byte by byte, failed, refused, and what only looks like one. */
import { describe, expect, it } from 'vitest';
import { Recognition } from '../../src/http/protocol.js';
import { socks } from '../../src/http/socks.js';
import { client, converse, fin, lost, type Step, server } from '../support/conversation.js';
import { hex } from '../support/packets.js';
import { line } from '../support/run-packets.js';

const recognise = (digits: string) => socks.recognise(hex(digits), 0, hex(digits).length);

describe('its first bytes', () => {
  it.each([
    ['05', Recognition.maybe],
    ['05 02 00', Recognition.maybe],
    ['05 02 00 02', Recognition.yes],
    ['05 01 00 ff', Recognition.no],
    ['05 00', Recognition.no],
    ['04', Recognition.maybe],
    ['04 01 0050 0a000001', Recognition.maybe],
    ['04 01 0050 0a000001 00', Recognition.yes],
    ['04 01 0050 00000001 00', Recognition.maybe],
    ['04 01 0050 00000001 00 61 00', Recognition.yes],
    ['04 02 0050 0a000001 00', Recognition.no],
    ['04 01 0050 0a000001 00 00', Recognition.no],
    [`04 01 0050 0a000001 ${'61'.repeat(1020)}`, Recognition.no],
    ['06 01 00', Recognition.no],
  ])('%s: %i', (digits, verdict) => {
    expect(recognise(digits)).toBe(verdict);
  });
});

describe('a flow', () => {
  const to = (digits: string) => client(hex(digits));
  const back = (digits: string) => server(hex(digits));
  const greeting = [to('05 01 00'), back('05 00')];
  const request = to('05 01 00 01 0a000002 0050');
  const reply = back('05 00 00 01 0a000001 9c40');
  const exchange = [
    client('GET /x HTTP/1.1\r\nHost: a\r\n\r\n'),
    server('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nX'),
    fin('client'),
    fin('server'),
  ];
  const read = (steps: readonly Step[]) => {
    const { exchanges, counters } = converse([...steps]);
    return { lines: exchanges.map(line), notHttp: counters.flows_not_http };
  };

  it('is read behind the handshake, wherever that is cut', () => {
    const sides = [...greeting, request, reply];
    sides.forEach((step, i) => {
      for (let cut = 1; cut < step.payload.length; cut++) {
        const parts = [step.payload.subarray(0, cut), step.payload.subarray(cut)].map((payload) => ({
          ...step,
          payload,
        }));
        const steps = [...sides.slice(0, i), ...parts, ...sides.slice(i + 1), ...exchange];
        expect(read(steps).lines, `step ${i} cut at ${cut}`).toEqual(['GET /x → 200 "X"']);
      }
    });
  });

  it('is read where the client does not wait for the last answer', () => {
    const eager = { ...request, payload: Buffer.concat([request.payload, exchange[0]!.payload]) };
    expect(read([...greeting, eager, reply, ...exchange.slice(1)]).lines).toEqual(['GET /x → 200 "X"']);
  });

  it.each([
    ['no method is left', [to('05 01 00'), back('05 ff')]],
    ['the answer is none of SOCKS', [to('05 01 00'), back('48 65')]],
    ['the request is refused', [...greeting, request, back('05 05 00 01 00000000 0000')]],
    ['the command is another', [...greeting, to('05 03 00 01 0a000002 0050')]],
    ['an address has no known type', [...greeting, to('05 01 00 02 0a000002 0050')]],
    ['more comes than a handshake has', [to('05 01 00'), client('x'.repeat(1030))]],
  ])('carries something else where %s', (_, steps) => {
    expect(read([...steps, fin('client'), fin('server')])).toEqual({ lines: [], notHttp: 1 });
  });

  it('is searched for HTTP where the handshake was not captured whole', () => {
    const { lines } = read([...greeting, request, lost(reply), ...exchange]);
    expect(lines).toEqual(['GET /x → 200 "X" {gap}']);
  });
});
