/**
 * The demo's application: a small bookshop API on loopback, and a client that uses it over one kept-alive connection.
 */
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

const BOOKS = [
  { id: 1, title: 'The C Programming Language', year: 1978 },
  { id: 2, title: 'TCP/IP Illustrated', year: 1994 },
];

/** What a client of the API asks for in one visit, in order. */
const VISIT: readonly { method: string; path: string; body?: object }[] = [
  { method: 'GET', path: '/books?limit=2' },
  { method: 'GET', path: '/books/2' },
  { method: 'POST', path: '/orders', body: { book: 2, copies: 1, email: 'ada@example.com' } },
  { method: 'HEAD', path: '/books/1' },
  { method: 'GET', path: '/books/99' },
  { method: 'GET', path: '/catalogue' },
  { method: 'GET', path: '/status' },
];

export interface SampleApi {
  readonly port: number;
  close(): Promise<void>;
}

export async function startSampleApi(): Promise<SampleApi> {
  const server = createServer((incoming, response) => void answer(incoming, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Makes one visit; resolves to the number of exchanges. */
export async function visitSampleApi(port: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const { method, path, body } of VISIT) {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'user-agent': 'demo', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const outgoing = request({ agent, port, host: '127.0.0.1', method, path, headers });
    outgoing.end(payload);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
  }
  agent.destroy();
  return VISIT.length;
}

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (incoming.url ?? '/').split('?', 1)[0] ?? '/';
  for await (const _ of incoming);
  const book = BOOKS.find((one) => path === `/books/${one.id}`);
  if (path === '/books') json(response, 200, BOOKS);
  else if (book !== undefined) json(response, 200, book);
  else if (path === '/orders' && incoming.method === 'POST') json(response, 201, { order: 7, state: 'accepted' });
  else if (path === '/status') json(response, 200, { ok: true });
  else if (path === '/catalogue') {
    // Without a length it is sent in chunks; compressed, it gives the sensor something to undo.
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.write(gzipSync(JSON.stringify({ books: BOOKS })));
    response.end();
  } else json(response, 404, { error: 'no such thing' });
}

function json(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}
