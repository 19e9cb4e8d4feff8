/**
 * What passes a filter, as a file: NDJSON or an HTTP Archive.
 *
 * in: a query · out: pieces, each asked of the store when the one before has been taken
 */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HAR_TAIL, harHead } from '../../output/file/har.js';
import { compileFilter } from '../filter/compile.js';
import { parseFilter } from '../filter/parse.js';
import type { Query, Store, Whole } from '../store/store.js';
import { SAFE_HEADERS } from './reply.js';

const PAGE_TRACES = 200;

/** @throws FilterError */
export async function exportTraces(
  form: 'ndjson' | 'har',
  store: Store,
  response: ServerResponse,
  query: Query & { readonly version: string },
): Promise<void> {
  compileFilter(parseFilter(query.filter), Date.now());
  response.writeHead(200, {
    ...SAFE_HEADERS,
    'Content-Type': form === 'har' ? 'application/json' : 'application/x-ndjson',
    'Content-Disposition': `attachment; filename="traces.${form}"`,
  });
  const pieces = form === 'har' ? harOf(store, query) : ndjsonOf(store, query);
  await pipeline(Readable.from(pieces), response);
}

async function* ndjsonOf(store: Store, query: Query): AsyncGenerator<string> {
  for await (const { ndjson } of wholesOf(store, query)) yield `${ndjson}\n`;
}

async function* harOf(store: Store, query: Query & { readonly version: string }): AsyncGenerator<string> {
  yield harHead(query.version);
  let separator = '';
  for await (const { har } of wholesOf(store, query)) {
    yield separator + har;
    separator = ',\n';
  }
  yield HAR_TAIL;
}

/** All that a query finds, the newest first, a page of the store at a time. */
export async function* wholesOf(store: Store, { filter, before, limit }: Query): AsyncGenerator<Whole> {
  let left = limit;
  let next: number | null = before ?? null;
  do {
    const page = { filter, limit: Math.min(left, PAGE_TRACES), ...(next === null ? {} : { before: next }) };
    const found = await store.wholes(page);
    yield* found.wholes;
    left -= found.wholes.length;
    next = found.next;
  } while (next !== null && left > 0);
}
