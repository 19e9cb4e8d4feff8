/** OpAMP over a WebSocket, against servers that answer, speak by themselves, say nothing, or hang up. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { createConnector } from '../../../src/output/satellite/connector.js';
import { parseSatelliteUrl } from '../../../src/output/satellite/satellite-url.js';
import { NO_TLS_SETTINGS } from '../../../src/output/satellite/settings.js';
import { OpampSocket } from '../../../src/sensor/control/opamp-socket.js';

const SIGNAL = new AbortController().signal;

async function open(serve: (socket: WebSocket) => void, { autoPong = true, timeoutMillis = 5000 } = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, autoPong });
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  server.on('connection', serve);
  const { port } = server.address() as AddressInfo;
  return clientTo(`ws://127.0.0.1:${port}/v1/opamp`, timeoutMillis);
}

async function clientTo(url: string, timeoutMillis = 5000) {
  const addresses: string[] = [];
  const socket = await OpampSocket.load({
    connector: await createConnector(parseSatelliteUrl(url.replace('ws', 'http')), NO_TLS_SETTINGS),
    ...{ timeoutMillis, message_bytes_max: 1000, onAddress: (address) => addresses.push(address) },
  });
  onTestFinished(() => socket.close());
  const post = async (text: string) =>
    (
      await socket.post({ url, headers: { Authorization: 'Bearer x' }, body: Buffer.from(text) }, SIGNAL)
    ).body.toString();
  return { socket, post, addresses };
}

const frame = (text: string) => Buffer.from(`\0${text}`);

describe('a WebSocket to an OpAMP server', () => {
  it('brings the answer to each message, on one connection, with what is to go along', async () => {
    const seen: string[] = [];
    let connections = 0;
    const { post, addresses } = await open((socket) => {
      connections++;
      socket.on('message', (data, isBinary) => {
        seen.push(`${isBinary} ${(data as Buffer).toString('latin1')}`);
        socket.send(frame(`to ${data.toString().slice(1)}`));
      });
    });
    expect(await post('1')).toBe('to 1');
    expect(await post('2')).toBe('to 2');
    expect(seen).toEqual(['true \u00001', 'true \u00002']);
    expect(connections).toBe(1);
    expect(addresses).toEqual(['127.0.0.1']);
  });

  it('takes a pong for the answer of one that says nothing', async () => {
    const { post } = await open(() => {});
    expect(await post('1')).toBe('');
    expect(await post('2')).toBe('');
  });

  it('takes no answer from one that does nothing at all, and then has another connection', async () => {
    let connections = 0;
    const { post } = await open(() => connections++, { autoPong: false, timeoutMillis: 50 });
    await expect(post('1')).rejects.toThrow('no answer within 0.05 s');
    await expect(post('2')).rejects.toThrow('no answer within 0.05 s');
    expect(connections).toBe(2);
  });

  it('says when the server speaks by itself, and then has what it said', async () => {
    const { socket, post } = await open((peer) =>
      peer.once('message', () => {
        peer.send(frame('answer'));
        peer.send(frame('pushed'));
      }),
    );
    const pushed = new Promise<void>((resolve) => socket.onPush(resolve));
    expect(await post('1')).toBe('answer');
    await pushed;
    expect(socket.nextPushed()?.toString()).toBe('pushed');
    expect(socket.nextPushed()).toBeNull();
    expect(await post('2')).toBe('');
  });

  it('fails with a connection that is closed, or once after that, so that all is told again, and then has another', async () => {
    const { socket, post } = await open((peer) =>
      peer.on('message', (data) => {
        const said = data.toString();
        if (!said.endsWith('at once')) peer.send(frame('well'));
        if (said.includes('bye')) peer.close();
      }),
    );
    expect(await post('1')).toBe('well');
    await expect(post('bye at once')).rejects.toThrow('the connection was closed');
    expect(await post('2')).toBe('well');
    expect(await post('bye')).toBe('well');
    await expect.poll(() => post('3').catch((error: Error) => error.message)).toBe('the connection was closed');
    expect(await post('4')).toBe('well');
    socket.close();
  });

  it('says at once that the server has hung up, and then has another connection', async () => {
    const { socket, post } = await open((peer) =>
      peer.on('message', (data) => {
        peer.send(frame('well'));
        if (data.toString().includes('bye')) peer.terminate();
      }),
    );
    expect(await post('1')).toBe('well');
    const woken = new Promise<void>((resolve) => socket.onPush(resolve));
    expect(await post('bye').catch(() => 'well')).toBe('well');
    await woken;
    expect(socket.takeEnd()).toBe('the connection was closed');
    expect(socket.takeEnd()).toBeNull();
    expect(await post('2')).toBe('well');
  });

  it('hangs up on one that sends too much, or too many at once', async () => {
    const large = await open((peer) => peer.once('message', () => peer.send(Buffer.alloc(2000))));
    await expect(large.post('1')).rejects.toThrow('exceeded');
    const many = await open((peer) => {
      for (let i = 0; i < 50; i++) peer.send(frame(String(i)));
    });
    await many.post('1');
    await expect.poll(() => many.post('2').catch((error: Error) => error.message)).toBe('the connection was closed');
  });

  it('says where there is none', async () => {
    const server = createServer((_, response) => response.writeHead(200).end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { post } = await clientTo(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await expect(post('1')).rejects.toThrow('it takes no WebSocket here (status 200)');
  });
});
