/**
 * Bodies that hold HTTP messages as text, in the forms in which people send them: batches, `message/http`, logs,
 * documentation pages, and requests stored in Redis, Kafka or MySQL.
 *
 * A request in one has a target below `/text/`, and no message in one has an id that a spoken message has, so whoever
 * reads an exchange out of a body is found out.
 */
import type { Random } from '../../support/random.js';

export const FLAVOURS = ['plain', 'batch', 'message/http', 'log', 'docs', 'redis', 'kafka', 'mysql'] as const;
export type Flavour = (typeof FLAVOURS)[number];

export interface RandomBody {
  bytes: Buffer;
  type: string;
  /** Where an application begins a new write: most often in front of a message. */
  cuts: number[];
}

type Piece = string | Buffer;

export function randomBody(random: Random, flavour: Flavour, isRequest: boolean): RandomBody {
  switch (flavour) {
    case 'plain':
      return joined(random, plainType(random), [plain(random)]);
    case 'batch':
      return batch(random, isRequest);
    case 'message/http':
      return joined(random, 'message/http', [
        random.chance(isRequest ? 0.8 : 0.2) ? request(random) : response(random),
      ]);
    case 'log':
      return joined(random, 'text/plain', log(random));
    case 'docs':
      return joined(random, 'text/html; charset=utf-8', docs(random));
    default:
      return joined(random, 'application/octet-stream', frames(random, flavour, isRequest));
  }
}

/** What a client of a store sends and what it gets, in turns. */
export function foreignTurns(
  random: Random,
  flavour: 'redis' | 'kafka' | 'mysql',
): { fromClient: boolean; body: RandomBody }[] {
  const turns: { fromClient: boolean; body: RandomBody }[] = [];
  for (let i = random.between(2, 12); i > 0; i--) {
    turns.push({ fromClient: true, body: joined(random, '', frames(random, flavour, true)) });
    turns.push({ fromClient: false, body: joined(random, '', frames(random, flavour, false)) });
  }
  return turns;
}

function joined(random: Random, type: string, pieces: readonly Piece[]): RandomBody {
  const cuts: number[] = [];
  let length = 0;
  const buffers = pieces.map((piece) => {
    if (length > 0 && random.chance(0.7)) cuts.push(length);
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    length += bytes.length;
    return bytes;
  });
  return { bytes: Buffer.concat(buffers), type, cuts };
}

// --- messages as text

const METHODS = ['GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'];

/** A request as a body holds one; with its own lines' ends. */
export function request(random: Random, end = random.chance(0.8) ? '\r\n' : '\n'): string {
  const method = random.pick(METHODS);
  const content = method.startsWith('P') ? random.pick(['{"a":1}', 'name=value', '']) : '';
  const lines = [`${method} /text/${random.pick(['health', 'items(1)', 'v1/users?page=2', ''])} HTTP/1.1`];
  if (random.chance(0.9)) lines.push(`Host: ${random.pick(['a', 'api.example.com'])}`);
  if (random.chance(0.3)) lines.push('Accept: application/json');
  if (random.chance(0.2)) lines.push(`X-Id: text-${random.between(0, 99)}`);
  if (content !== '' || random.chance(0.2)) lines.push(`Content-Length: ${content.length}`);
  return `${lines.join(end)}${end}${end}${content}`;
}

export function response(random: Random, end = random.chance(0.8) ? '\r\n' : '\n'): string {
  const [status, content] = random.pick([
    ['200 OK', '{"id":1,"name":"tea"}'],
    ['201 Created', 'hi'],
    ['204 No Content', ''],
    ['404 Not Found', 'no'],
    ['304 Not Modified', ''],
    ['100 Continue', ''],
  ] as const);
  const lines = [`HTTP/1.1 ${status}`];
  if (random.chance(0.7)) lines.push('Content-Type: application/json');
  if (random.chance(0.2)) lines.push(`X-Id: text-${random.between(0, 99)}`);
  const framing = random.next();
  if (framing < 0.6) lines.push(`Content-Length: ${content.length}`);
  else if (framing < 0.75) lines.push('Transfer-Encoding: chunked');
  return `${lines.join(end)}${end}${end}${content}`;
}

const either = (random: Random, end?: string): string =>
  random.chance(0.5) ? request(random, end) : response(random, end);

// --- forms

const plainType = (random: Random): string =>
  random.pick(['application/json', 'application/octet-stream', 'text/plain']);

function plain(random: Random): Buffer {
  const length = random.chance(0.1) ? random.between(3000, 40_000) : random.between(0, 900);
  if (random.chance(0.5)) return Buffer.from('{"k":"v","n":[1,2,3]},'.repeat(length / 22 + 1)).subarray(0, length);
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = random.between(0, 255);
  return bytes;
}

/** OData JSON or Atom batch: `multipart/mixed` with parts of `application/http` (OData 4.01, part 1, §11.7.7). */
function batch(random: Random, isRequest: boolean): RandomBody {
  const boundary = `batch_${random.between(1e6, 9e6)}`;
  const pieces: Piece[] = [];
  for (let i = random.between(1, random.chance(0.2) ? 40 : 8); i > 0; i--) {
    pieces.push(
      `--${boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: ${i}\r\n\r\n`,
      isRequest ? request(random, '\r\n') : response(random, '\r\n'),
      '\r\n',
    );
  }
  pieces.push(`--${boundary}--\r\n`);
  return joined(random, `multipart/mixed; boundary=${boundary}`, pieces);
}

/** Lines of an access log, or whole messages as a debugging proxy logs them. */
function log(random: Random): Piece[] {
  const pieces: Piece[] = [];
  const end = random.chance(0.5) ? '\n' : '\r\n';
  for (let i = random.between(1, random.chance(0.2) ? 60 : 12); i > 0; i--) {
    const time = `26/Nov/2026:15:${10 + (i % 50)}:07 +0000`;
    if (random.chance(0.4))
      pieces.push(`10.0.0.${i} - - [${time}] "GET /text/${i} HTTP/1.1" 200 512 "-" "curl/8"${end}`);
    else if (random.chance(0.3)) pieces.push(`GET /text/${i} HTTP/1.1${end}`);
    else pieces.push(`[${time}] >>>${end}`, either(random), end);
  }
  return pieces;
}

function docs(random: Random): Piece[] {
  const pieces: Piece[] = ['<!doctype html><title>How to call it</title>\n'];
  for (let i = random.between(1, random.chance(0.2) ? 30 : 6); i > 0; i--) {
    pieces.push(`<p>${'Then ask for it, and read what comes back. '.repeat(random.between(1, 20))}</p>\n<pre>\n`);
    pieces.push(request(random), '\n', response(random), '</pre>\n');
  }
  pieces.push('</html>\n');
  return pieces;
}

/** Values that are messages, in the frames of a store. */
function frames(random: Random, store: 'redis' | 'kafka' | 'mysql', isRequest: boolean): Piece[] {
  const pieces: Piece[] = [];
  for (let i = random.between(1, 6); i > 0; i--) {
    const value = Buffer.from(either(random));
    if (store === 'redis') {
      if (isRequest) pieces.push(`*3\r\n$3\r\nSET\r\n$4\r\nreq${i}\r\n$${value.length}\r\n`, value, '\r\n');
      else if (random.chance(0.6)) pieces.push('+OK\r\n');
      else pieces.push(`$${value.length}\r\n`, value, '\r\n');
    } else if (store === 'kafka') {
      const header = Buffer.alloc(isRequest ? 18 : 12);
      header.writeUInt32BE(header.length - 4 + value.length, 0);
      header.writeUInt32BE(isRequest ? 0x0000_0009 : i, 4);
      header.writeUInt32BE(i, 8);
      pieces.push(header, value);
    } else {
      const statement = Buffer.from(isRequest ? "\x03INSERT INTO queue VALUES ('" : '\x00\x00\x00');
      const length = statement.length + value.length;
      pieces.push(Buffer.from([length & 0xff, (length >> 8) & 0xff, length >> 16, i & 0xff]), statement, value);
    }
  }
  return pieces;
}
