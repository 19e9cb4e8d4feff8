import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import {
  closeServer,
  createBoundedServer,
  type Handler,
  listen,
  listenErrorInWords,
  type ServerBounds,
} from '../src/bounded-server.js';

type BoundedServer = ReturnType<typeof createBoundedServer>;

const PATIENT: ServerBounds = { connections_max: 4, head_millis: 60_000, request_millis: 60_000, quiet_millis: 60_000 };
const OK: Handler = (request, response) => {
  request.resume();
  response.end('ok');
};

let server: BoundedServer | null = null;
const clients: Client[] = [];
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  if (server !== null) await closeServer(server);
  server = null;
});

interface Client {
  readonly socket: Socket;
  /** Resolves to all that came, when the connection has ended. */
  readonly ended: Promise<string>;
  /** Resolves when what came so far has `text` in it. */
  saw(text: string): Promise<void>;
}

async function start(handle: Handler = OK, bounds: Partial<ServerBounds> = {}): Promise<number> {
  server = createBoundedServer({ ...PATIENT, ...bounds }, handle);
  await listen(server, 0, '127.0.0.1');
  return (server.address() as AddressInfo).port;
}

/** Connects and sends `text`. */
async function client(port: number, text = ''): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => {});
  const ended = new Promise<string>((resolve) => void socket.once('close', () => resolve(received)));
  await once(socket, 'connect');
  socket.write(text);
  const made: Client = {
    socket,
    ended,
    async saw(wanted) {
      while (!received.includes(wanted)) await once(socket, 'data');
    },
  };
  clients.push(made);
  return made;
}

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const connections = (): Promise<number> =>
  new Promise((resolve) => server?.getConnections((_error, count) => resolve(count)));

it('answers a new client however many are idle, and ends the longest idle', async () => {
  const port = await start();
  const idle: Client[] = [];
  for (let i = 0; i < 4; i++) idle.push(await client(port));
  // It was idle longest, and is not any more.
  idle[0]?.socket.write(GET);
  await idle[0]?.saw('ok');
  const late = await client(port, GET);
  await late.saw('ok');
  expect(await idle[1]?.ended).toBe('');
  expect(idle.map(({ socket }) => socket.destroyed)).toEqual([false, true, false, false]);
});

it.each([
  ['nothing', ''],
  ['part of a request line', 'GE'],
  ['part of a head', 'GET / HTTP/1.1\r\nHost: h\r\nX: '],
])('answers each of many clients while others that sent %s keep coming', async (_what, text) => {
  const port = await start();
  for (let i = 0; i < 40; i++) {
    await client(port, text);
    if (i % 4 === 3) await (await client(port, GET)).saw('ok');
  }
  expect(await connections()).toBeLessThanOrEqual(4);
});

it('ends the request that has gone on longest where no connection is idle', async () => {
  const begun = new EventEmitter();
  const port = await start((request, response) => {
    if (request.url !== '/slow') return OK(request, response);
    request.resume();
    begun.emit('request');
  });
  const slow: Client[] = [];
  for (let i = 0; i < 4; i++) {
    const request = once(begun, 'request');
    slow.push(await client(port, 'POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx'));
    await request;
  }
  await (await client(port, GET)).saw('ok');
  expect(await slow[0]?.ended).toBe('');
  expect(slow.map(({ socket }) => socket.destroyed)).toEqual([true, false, false, false]);
});

it.each([
  ['that says nothing', '', { head_millis: 100 }],
  ['that sends its head slowly', 'GET / HTTP/1.1\r\n', { head_millis: 100 }],
  [
    'that sends its body slowly',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx',
    { head_millis: 100, request_millis: 100 },
  ],
  ['that is quiet', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx', { quiet_millis: 100 }],
])('ends a client %s', async (_what, text, bounds) => {
  const port = await start((request) => void request.resume(), bounds);
  const made = await client(port, text);
  await made.ended;
});

it('ends a client that asks on and on without reading', async () => {
  const unanswered: unknown[] = [];
  const port = await start((_request, response) => void unanswered.push(response));
  const made = await client(port, GET.repeat(200));
  expect(await made.ended).toBe('');
  expect(unanswered.length).toBeLessThanOrEqual(8);
});

it('answers requests sent ahead, within reason', async () => {
  const port = await start();
  const made = await client(port, GET.repeat(5));
  while (made.socket.bytesRead === 0) await once(made.socket, 'data');
  made.socket.end();
  expect((await made.ended).split('\r\n\r\nok')).toHaveLength(6);
});

it('lives on when a handler throws', async () => {
  const port = await start((request, response) => {
    if (request.url === '/bad') throw new RangeError('Maximum call stack size exceeded');
    OK(request, response);
  });
  expect(await (await client(port, 'GET /bad HTTP/1.1\r\nHost: h\r\n\r\n')).ended).toBe('');
  await (await client(port, GET)).saw('ok');
});

it.each([
  ['EADDRINUSE', 'another process listens there; end it, or choose another --port'],
  [
    'EACCES',
    'this user may not listen on ports below 1024; choose another --port, run as root, or grant CAP_NET_BIND_SERVICE',
  ],
  ['EADDRNOTAVAIL', 'this machine has no such address; give one that it has, or 0.0.0.0 for all'],
  ['ENOTFOUND', 'the name is not found; give an address of this machine, or 0.0.0.0 for all'],
  ['EMFILE', 'listen EMFILE; choose another --port'],
])('says what to do where a port cannot be listened on: %s', (code, said) => {
  expect(listenErrorInWords(Object.assign(new Error(`listen ${code}`), { code }), '--port')).toBe(said);
});
