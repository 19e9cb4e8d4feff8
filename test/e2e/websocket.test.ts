/** WebSockets of real peers, live: `ws` as server, `ws`, undici and Chromium as clients. Every message against what its sender logged. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket as UndiciSocket } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import WebSocket, { type PerMessageDeflateOptions, WebSocketServer } from 'ws';
import { startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';
import { Random, runSeed } from '../support/random.js';
import type { NdjsonTrace } from '../support/read-with-sensor.js';

const CONNECTIONS = Number(process.env.CONNECTIONS ?? 20);
const MESSAGES = 12;
const seed = runSeed();

interface NdjsonMessage {
  readonly direction: 'request' | 'response';
  readonly kind: string;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
  readonly truncated: boolean;
  readonly codingError?: string;
}

type WebSocketTrace = NdjsonTrace & { messages: NdjsonMessage[] };

const DEFLATES: Readonly<Record<string, boolean | PerMessageDeflateOptions>> = {
  plain: false,
  'with context': { threshold: 0 },
  'without context': { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
  'with the context of the server alone, in a small window': {
    threshold: 0,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 9,
  },
};

const text = (random: Random) =>
  JSON.stringify({ id: random.between(0, 1e6), words: Array(random.between(0, 300)).fill('price ü€') });

const binary = (random: Random) => {
  const block = Buffer.from(Array.from({ length: 512 }, () => random.between(0, 255)));
  return Buffer.alloc(random.between(1, 16_000), block);
};

it.each(Object.entries(DEFLATES))(
  `are read to the last message: %s (SEED=${seed})`,
  { ...needs('capture'), timeout: 60_000 },
  async (_, deflate) => {
    /** By path, in the order of each sender. */
    const sent = new Map<string, { request: string[]; response: string[] }>();
    const { server, sockets, port } = await startServer(deflate, sent);
    const sensor = await startSensor(port);
    await Promise.all(Array.from({ length: CONNECTIONS }, (_n, i) => talk(port, `/${i}`, new Random(seed + i), sent)));
    sockets.close();
    server.close();
    expectAsSent(await sensor.traces(CONNECTIONS), sent, CONNECTIONS);
  },
);

it(`are read to the last message of a browser (SEED=${seed})`, {
  ...needs('capture', 'chromium'),
  timeout: 60_000,
}, async () => {
  const { openBrowser } = await import('../support/browser.js');
  const sent = new Map<string, { request: string[]; response: string[] }>();
  const { server, sockets, port } = await startServer({ threshold: 0 }, sent);
  server.on('request', (_, response) => response.setHeader('content-type', 'text/html').end('<title>sockets</title>'));
  const random = new Random(seed);
  const texts = Array.from({ length: 4 }, () => Array.from({ length: MESSAGES }, () => text(random)));
  for (const [i, messages] of texts.entries()) {
    const bytes = messages.map((message) => Buffer.from(message).toString('latin1'));
    sent.set(`/${i}`, { request: bytes, response: [] });
  }
  const sensor = await startSensor(port);
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.evaluate(talkInPage, texts);
  sockets.close();
  const traces = await sensor.traces(texts.length);
  expectAsSent(
    traces.filter(({ response }) => response?.status === 101),
    sent,
    texts.length,
  );
});

/** Runs in the page: a socket for each list of texts, closed when all is answered. */
async function talkInPage(texts: string[][]): Promise<void> {
  const talkOne = (messages: string[], i: number) =>
    new Promise<void>((resolve, reject) => {
      const { host } = (globalThis as unknown as { location: { host: string } }).location;
      const socket = new globalThis.WebSocket(`ws://${host}/${i}`);
      let answers = 0;
      socket.onopen = () => {
        for (const message of messages) socket.send(message);
      };
      socket.onmessage = () => {
        if (++answers === messages.length) socket.close(1000, 'done');
      };
      socket.onerror = () => reject(new Error('the socket failed'));
      socket.onclose = () => resolve();
    });
  await Promise.all(texts.map(talkOne));
}

async function startSensor(port: number) {
  const child = startCommand([
    ...['apidump', '--interfaces', 'lo', '--output', 'ndjson', '--filter', `tcp port ${port}`, '--rate-limit', '0'],
    ...['--no-default-redaction', '--stream-messages', '1000', '--log-format', 'text'],
  ]);
  let log = '';
  let output = '';
  child.stderr.on('data', (data) => (log += data));
  child.stdout.setEncoding('utf8').on('data', (data) => (output += data));
  while (!log.includes('capturing on')) await once(child.stderr, 'data');
  return {
    /** Waits for so many upgrades, then ends the sensor. */
    async traces(count: number): Promise<WebSocketTrace[]> {
      const closed = once(child, 'close');
      const all = () =>
        output
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as WebSocketTrace);
      while (all().filter(({ response }) => response?.status === 101).length < count) await once(child.stdout, 'data');
      child.kill('SIGTERM');
      await closed;
      return all();
    },
  };
}

function expectAsSent(
  traces: readonly WebSocketTrace[],
  sent: ReadonlyMap<string, { request: string[]; response: string[] }>,
  count: number,
): void {
  expect(new Set(traces.map(({ request }) => request.target)).size).toBe(count);
  for (const { request, response, messages } of traces) {
    expect(response?.status).toBe(101);
    expect(messages.some(({ truncated, codingError }) => truncated || codingError !== undefined)).toBe(false);
    for (const side of ['request', 'response'] as const) {
      const told = messages.filter(
        ({ direction, kind }) => direction === side && (kind === 'text' || kind === 'binary'),
      );
      const contents = told.map(({ encoding, content }) => Buffer.from(content, encoding).toString('latin1'));
      expect(contents, `${request.target} ${side}`).toEqual(sent.get(request.target)?.[side]);
    }
  }
}

async function startServer(deflate: boolean | PerMessageDeflateOptions, sent: Map<string, { response: string[] }>) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: deflate });
  onTestFinished(() => void server.close());
  sockets.on('connection', (socket, { url = '' }) => {
    const log = sent.get(url)?.response ?? [];
    // Twice as long, in fragments, so that both directions differ.
    socket.on('message', (data: Buffer, binary) => {
      log.push(Buffer.concat([data, data]).toString('latin1'));
      socket.send(data, { binary, fin: false });
      socket.ping('still there');
      socket.send(data, { binary, fin: true });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, sockets, port: (server.address() as AddressInfo).port };
}

async function talk(
  port: number,
  path: string,
  random: Random,
  sent: Map<string, { request: string[]; response: string[] }>,
) {
  const log = { request: [] as string[], response: [] as string[] };
  sent.set(path, log);
  const url = `ws://127.0.0.1:${port}${path}`;
  const socket = random.chance(0.5) ? new WebSocket(url) : new UndiciSocket(url);
  const done = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  await new Promise<void>((resolve) => socket.addEventListener('open', () => resolve()));
  let answers = 0;
  const answered = new Promise<void>((resolve) => {
    socket.addEventListener('message', () => {
      if (++answers === MESSAGES) resolve();
    });
  });
  for (let i = 0; i < MESSAGES; i++) {
    const message = random.chance(0.7) ? text(random) : binary(random);
    log.request.push(Buffer.from(message).toString('latin1'));
    socket.send(message);
    if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
  }
  await answered;
  socket.close(1000, 'done');
  await done;
}
