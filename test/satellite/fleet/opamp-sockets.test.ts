/** Agents that call the satellite over a WebSocket: listed as those that poll, within bounds. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as wire from '@bufbuild/protobuf/wire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { uuidBytes } from '../../../src/enrolment/identity.js';
import { createOpampCodec } from '../../../src/enrolment/opamp/codec.js';
import { fromSocketFrame, toSocketFrame } from '../../../src/enrolment/opamp/socket-frame.js';
import { startSatellite } from '../../../src/satellite/satellite.js';

const codec = createOpampCodec(wire);
const STORE = { directory: null, retention: { millis: 1e12, bytes: 1e12 } };

async function satelliteWith(ingestToken: string | null = null) {
  const satellite = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, store: STORE, ingestToken });
  onTestFinished(() => satellite.close());
  return satellite;
}

function call(url: string, path = '/v1/opamp', headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(url.replace('http', 'ws') + path, { headers });
  onTestFinished(() => socket.terminate());
  return socket;
}

/** The status of the answer that is no WebSocket. */
async function refusal(socket: WebSocket): Promise<number | undefined> {
  const refused = once(socket, 'unexpected-response');
  socket.on('error', () => {});
  const [, { statusCode }] = await refused;
  return statusCode;
}

const message = (last: number) =>
  toSocketFrame(
    codec.writeAgentToServer({
      instanceUid: uuidBytes(`01932c07-209b-7abc-8def-0123456789${String(last).padStart(2, '0')}`),
      sequenceNum: 1,
      agentDescription: { identifyingAttributes: [{ key: 'service.name', value: { stringValue: 'collector' } }] },
    }),
  );

describe('an agent over a WebSocket', () => {
  it('is answered and listed', async () => {
    const { url } = await satelliteWith();
    const socket = call(url);
    await once(socket, 'open');
    socket.send(message(1));
    const [data] = await once(socket, 'message');
    expect(codec.readServerToAgent(fromSocketFrame(data as Buffer))).toHaveProperty('capabilities', 7);
    const { agents } = (await (await fetch(`${url}/api/fleet`)).json()) as { agents: unknown[] };
    expect(agents).toEqual([expect.objectContaining({ service: 'collector', isSigned: false })]);
  });

  it('is hung up on where it sends what is no message', async () => {
    const { url } = await satelliteWith();
    for (const wrong of ['text', Buffer.from([0, 255, 255, 255])]) {
      const socket = call(url);
      await once(socket, 'open');
      socket.send(wrong);
      expect((await once(socket, 'close'))[0]).toBe(1003);
    }
  });

  it('is refused elsewhere, without the token, and where there are too many', async () => {
    const { url } = await satelliteWith('token-of-senders');
    const headers = { Authorization: 'Bearer token-of-senders' };
    expect(await refusal(call(url, '/api/tail', headers))).toBe(404);
    expect(await refusal(call(url))).toBe(401);
    expect(await refusal(call(url, '/v1/opamp', { ...headers, Origin: 'http://elsewhere.example' }))).toBe(403);
    const open = Array.from({ length: 64 }, () => call(url, '/v1/opamp', headers));
    await Promise.all(open.map((socket) => once(socket, 'open')));
    expect(await refusal(call(url, '/v1/opamp', headers))).toBe(503);
    open[0]?.close();
    await once(open[0] as WebSocket, 'close');
    await once(call(url, '/v1/opamp', headers), 'open');
  });

  it('leaves requests that offer another protocol as they were', async () => {
    const { url } = await satelliteWith('token-of-senders');
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAEAAEAA' };
    const ask = async (path: string, body: string, more: Record<string, string> = {}) => {
      const asked = request(url + path, {
        method: body === '' ? 'GET' : 'POST',
        headers: { ...headers, ...more },
        agent,
      });
      // The body comes after the head was read.
      await new Promise((resolve) => asked.write(body.slice(0, 1), resolve));
      asked.end(body.slice(1));
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      return { status: response.statusCode, body: await text(response) };
    };
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const sent = { 'Content-Type': 'application/json', Authorization: 'Bearer token-of-senders' };
    for (let i = 0; i < 3; i++) {
      expect(await ask('/v1/traces', '{"resourceSpans": []}', sent)).toMatchObject({ status: 200 });
      expect(await ask('/healthz', '')).toEqual({ status: 200, body: expect.stringContaining('ok') });
    }
  });

  it('is gone with the satellite', async () => {
    const { url, close } = await startSatellite({ host: '127.0.0.1', port: 0, traces_max: 10, store: STORE });
    const socket = call(url);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    await close();
    await closed;
  });
});
