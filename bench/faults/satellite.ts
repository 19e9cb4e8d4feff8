/**
 * A satellite with faults, as a process of its own, so that it can be killed like one.
 *
 * in: what to be (JSON, as the argument), `{ fault }` messages · out: `{ listening }`, then `{ spans }` of each batch it took
 *
 * A batch counts as taken when its answer is on the way. The parent hears of it before, so that a kill cannot come between.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { gunzipSync } from 'node:zlib';

export interface SatelliteCharacter {
  readonly address: string;
  readonly port: number;
  /** With TLS, if given. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
}

export type SatelliteFault = 'none' | 'silent' | 'slow' | 'reset' | `${413 | 429 | 500 | 503}`;

/** The most bytes, as sent, that a satellite takes which answers 413. */
const REQUEST_BYTES_MAX = 100_000;
const SLOW_BYTE_MILLIS = 1000;
const SPAN_ID = /"spanId":"([0-9a-f]{16})"/g;

const character = JSON.parse(process.argv[2] ?? '{}') as SatelliteCharacter;
let fault: SatelliteFault = 'none';
process.on('message', (message: { fault: SatelliteFault }) => {
  fault = message.fault;
});
process.on('disconnect', () => process.exit());

function receive(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('error', () => {});
  response.on('error', () => {});
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => ANSWERS[fault](Buffer.concat(chunks), request, response));
}

type Answer = (payload: Buffer, request: IncomingMessage, response: ServerResponse) => void;

const refuse =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (_payload, _request, response) =>
    response.writeHead(status, headers).end();

const ANSWERS: Readonly<Record<SatelliteFault, Answer>> = {
  none: take,
  silent: () => {},
  slow: (_payload, _request, response) => answerSlowly(response),
  reset: (_payload, _request, { socket }) => void socket?.write('HTTP/1.1 503 Ser', () => socket.resetAndDestroy()),
  413: (payload, request, response) =>
    (payload.length <= REQUEST_BYTES_MAX ? take : refuse(413))(payload, request, response),
  429: refuse(429),
  500: refuse(500),
  503: refuse(503, { 'Retry-After': '5' }),
};

function take(payload: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(payload) : payload;
  const spans = [...body.toString('latin1').matchAll(SPAN_ID)].map(([, id]) => id);
  process.send?.({ spans }, () => response.end('{}'));
}

/** A byte a second: 38 seconds, where the sensor waits 10. */
function answerSlowly(response: ServerResponse): void {
  const bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  let sent = 0;
  const timer = setInterval(() => {
    if (response.destroyed || sent === bytes.length) clearInterval(timer);
    else response.socket?.write(bytes[sent++] as string);
  }, SLOW_BYTE_MILLIS);
}

const server =
  character.certificate === null ? createServer(receive) : createTlsServer({ ...character.certificate }, receive);
server.listen(character.port, character.address, () => process.send?.({ listening: true }));
