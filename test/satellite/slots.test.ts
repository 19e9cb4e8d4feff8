/** Large answers that nobody reads, and those who wait behind them. */
import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { Latest, OneByOne, Slots } from '../../src/satellite/api/slots.js';
import { type Satellite, startSatellite } from '../../src/satellite/satellite.js';
import { sendSpans, spanOf } from '../support/spans.js';

let satellite: Satellite | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await satellite?.close();
  satellite = undefined;
});

/** As much of a response as is looked at. */
function responseOf(): ServerResponse {
  const response = Object.assign(new EventEmitter(), {
    destroyed: false,
    destroy: () => {
      response.destroyed = true;
      response.emit('close');
    },
  });
  return response as unknown as ServerResponse;
}

it('are given at their turn, and passed on when one is sent, or its reader is gone', async () => {
  const slots = new Slots(2, 1000);
  const [first, second, third, fourth, gone] = Array.from({ length: 5 }, responseOf) as ServerResponse[];
  const begun: string[] = [];
  const take = (name: string, response: ServerResponse) =>
    slots.take(response).then(
      () => begun.push(name),
      () => begun.push(`${name} gone`),
    );
  const all = [take('1', first!), take('2', second!), take('3', third!), take('gone', gone!), take('4', fourth!)];
  await Promise.resolve();
  expect([begun, slots.held]).toEqual([['1', '2'], 2]);
  (gone as { destroyed: boolean }).destroyed = true;
  second?.emit('finish');
  second?.emit('close');
  first?.destroy();
  await Promise.all(all);
  expect([begun.sort(), slots.held]).toEqual([['1', '2', '3', '4', 'gone gone'], 2]);
});

it('are taken from one that keeps the others waiting for too long', async () => {
  vi.useFakeTimers();
  const slots = new Slots(1, 1000);
  const [slow, next] = [responseOf(), responseOf()];
  await slots.take(slow);
  const given = slots.take(next);
  await vi.advanceTimersByTimeAsync(1000);
  await given;
  expect([slow.destroyed, next.destroyed]).toEqual([true, false]);
});

it('of those that may last as long as they like the oldest is ended for one more', () => {
  const latest = new Latest(2);
  const responses = Array.from({ length: 4 }, responseOf);
  responses[0]?.destroy();
  for (const response of responses) latest.admit(response);
  expect(responses.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false]);
});

it('of exports is asked for one page at a time, and none for those that are over', async () => {
  const pages = new OneByOne();
  const [first, gone, last] = Array.from({ length: 3 }, responseOf) as ServerResponse[];
  let finish = (): void => {};
  const done = [
    pages.run(first!, () => new Promise<string>((resolve) => (finish = () => resolve('first')))),
    pages.run(gone!, async () => 'gone'),
    pages.run(last!, async () => 'last'),
  ];
  gone?.destroy();
  await Promise.resolve();
  finish();
  expect(await Promise.all(done)).toEqual(['first', null, 'last']);
});

it('that nobody reads keep no other answer waiting', async () => {
  satellite = await startSatellite({
    host: '127.0.0.1',
    port: 0,
    traces_max: 10,
    store: { directory: null, retention: { millis: 1e12, bytes: 1e12 } },
  });
  const { url, port } = satellite;
  await sendSpans(url, [spanOf({ answered: 'word '.repeat(1 << 18) })]);
  const sockets: Socket[] = [];
  for (const path of ['/api/traces/1', '/api/export.har', '/api/export.ndjson', '/traces'])
    for (let i = 0; i < 8; i++) {
      const socket = connect(port, '127.0.0.1').pause();
      socket.on('error', () => {});
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      sockets.push(socket);
    }
  await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : null)));
  expect((await fetch(`${url}/api/facts`)).status).toBe(200);
  expect(((await (await fetch(`${url}/api/traces`)).json()) as { rows: unknown[] }).rows.length).toBe(1);
  for (const socket of sockets) socket.destroy();
  // Their slots are free again.
  const whole = (await (await fetch(`${url}/api/traces/1`)).json()) as {
    trace: { response: { body: { bytes: number } } };
  };
  expect(whole.trace.response.body.bytes).toBe(5 << 18);
});
