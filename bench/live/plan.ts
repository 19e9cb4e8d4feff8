/**
 * What the clients are to send: exchanges of every shape that HTTP/1.1 programs make, cut to what a client can do.
 * `programs/README.md` has the shapes of the plan and of the records.
 */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PlanItem {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  /** The file that holds the body. */
  readonly body: string | null;
  readonly isChunked: boolean;
  readonly isFollowed: boolean;
  readonly isClosing: boolean;
}

export interface Abilities {
  readonly hasHead: boolean;
  readonly hasHeaders: boolean;
  readonly hasChunked: boolean;
  readonly hasExpect: boolean;
  /** Whether it survives a final answer to its question; java.net.http of JDK 17 waits for ever (JDK-8286171). */
  readonly hasRefusal: boolean;
  readonly hasFollowing: boolean;
  readonly hasClosing: boolean;
}

/** Files that servers give and clients send. */
export interface Site {
  readonly directory: string;
  readonly page: string;
  readonly bodies: Readonly<Record<'empty' | 'order' | 'bytes3k' | 'bytes100k' | 'http100k', string>>;
}

const MODIFIED_SECONDS = Date.UTC(2020, 0, 1) / 1000;

export function makeSite(parent: string): Site {
  const directory = join(parent, 'site');
  mkdirSync(directory, { recursive: true });
  const page = join(directory, 'page.txt');
  const text = 'All work and no play makes a dull page.\n'.repeat(512);
  for (const file of [page, join(directory, 'zipped.txt')]) {
    writeFileSync(file, text);
    utimesSync(file, MODIFIED_SECONDS, MODIFIED_SECONDS);
  }
  const body = (name: string, content: string | Uint8Array): string => {
    const file = join(parent, name);
    writeFileSync(file, content);
    return file;
  };
  return {
    directory,
    page,
    bodies: {
      empty: body('empty', ''),
      order: body('order.json', '{"item":42,"note":"grüße","tags":["a","b"]}'),
      bytes3k: body('bytes3k', bytesOf(3000, 3)),
      bytes100k: body('bytes100k', bytesOf(100_000, 7)),
      http100k: body('http100k', httpText(100_000)),
    },
  };
}

/** Bytes of every value, the same for the same seed. */
export function bytesOf(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Requests and responses as text, as a log, a batch or a page about HTTP holds them. */
function httpText(length: number): Buffer {
  const message = (i: number) =>
    `GET /inside?id=made-up-${i} HTTP/1.1\r\nHost: inside\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`;
  return Buffer.from(Array.from({ length: Math.ceil(length / 80) }, (_, i) => message(i)).join('\r\n')).subarray(
    0,
    length,
  );
}

/** The plan of a pair: ids are of the pair alone. */
export function planFor(abilities: Abilities, { bodies }: Site): PlanItem[] {
  const items: PlanItem[] = [];
  const add = (method: string, path: string, more: Partial<PlanItem> = {}): void => {
    const id = `e${items.length}`;
    const plain = { headers: [], body: null, isChunked: false, isFollowed: false, isClosing: false };
    items.push({ ...plain, ...more, id, method, target: path.includes('?') ? `${path}&id=${id}` : `${path}?id=${id}` });
  };
  const binary = ['Content-Type', 'application/octet-stream'] as const;
  const headers = (...pairs: (readonly [string, string])[]) => ({ headers: abilities.hasHeaders ? pairs : [] });

  add('GET', '/hello', headers(['X-Live', 'first']));
  if (abilities.hasHead) add('HEAD', '/hello');
  add('GET', '/page.txt');
  if (abilities.hasHeaders) add('GET', '/page.txt', headers(['If-Modified-Since', 'Wed, 01 Jan 2025 00:00:00 GMT']));
  if (abilities.hasHeaders) add('GET', '/zipped.txt', headers(['Accept-Encoding', 'gzip']));
  add('GET', '/chunks');
  add('GET', '/nothing');
  add('GET', '/absent');
  if (abilities.hasHead) add('HEAD', '/page.txt');
  add('GET', '/moved');
  if (abilities.hasFollowing) add('GET', '/moved', { isFollowed: true });
  add('GET', '/hello?q=%20a%2Fb&list=1,2&list=3&empty=');
  add('POST', '/echo', { body: bodies.order, ...headers(['Content-Type', 'application/json']) });
  add('POST', '/echo', { body: bodies.bytes100k, ...headers(binary) });
  add('POST', '/echo', { body: bodies.http100k, ...headers(['Content-Type', 'message/http']) });
  add('PUT', '/store', { body: bodies.bytes3k, ...headers(binary) });
  add('DELETE', '/store');
  if (abilities.hasChunked) {
    add('POST', '/echo', { body: bodies.bytes100k, isChunked: true, ...headers(binary) });
    add('PUT', '/store', { body: bodies.order, isChunked: true, ...headers(['Content-Type', 'application/json']) });
  }
  if (abilities.hasExpect) {
    add('POST', '/echo', { body: bodies.bytes100k, headers: [binary, ['Expect', '100-continue']] });
    add('GET', '/hello');
    if (abilities.hasRefusal)
      add('POST', '/refuse', { body: bodies.bytes100k, headers: [binary, ['Expect', '100-continue']] });
  }
  add('GET', '/hello');
  if (abilities.hasClosing) add('GET', '/hello', { isClosing: true });
  add('GET', '/last');
  for (let i = 0; i < 8; i++) add('GET', i % 2 === 0 ? '/hello' : '/nothing');
  return items;
}
