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
import type { Query, Store, Whole, WholeForm } from '../store/store.js';
import { SAFE_HEADERS } from './reply.js';
import type { OneByOne } from './slots.js';

const PAGE_TRACES = 200;

export interface ExportContext {
  readonly store: Store;
  readonly pages: OneByOne;
}

/** @throws FilterError */
export async function exportTraces(
  form: 'ndjson' | 'har',
  context: ExportContext,
  response: ServerResponse,
  query: Query & { readonly version: string },
): Promise<void> {
  compileFilter(parseFilter(query.filter), Date.now());
  response.writeHead(200, {
    ...SAFE_HEADERS,
    'Content-Type': form === 'har' ? 'application/json' : 'application/x-ndjson',
    'Content-Disposition': `attachment; filename="traces.${form}"`,
  });
  const wholes = wholesOf(context, response, query, form);
  const pieces = form === 'har' ? harOf(wholes, query.version) : ndjsonOf(wholes);
  // One piece may be large, so that none is made ahead of its turn.
  await pipeline(Readable.from(pieces, { highWaterMark: 1 }), response);
}

async function* ndjsonOf(wholes: AsyncIterable<Whole>): AsyncGenerator<string> {
  for await (const { text } of wholes) yield `${text}\n`;
}

async function* harOf(wholes: AsyncIterable<Whole>, version: string): AsyncGenerator<string> {
  yield harHead(version);
  let separator = '';
  for await (const { text } of wholes) {
    yield separator + text;
    separator = ',\n';
  }
  yield HAR_TAIL;
}

/** All that a query finds, the newest first, a page of the store at a time. */
async function* wholesOf(
  { store, pages }: ExportContext,
  response: ServerResponse,
  { filter, before, limit }: Query,
  form: WholeForm,
): AsyncGenerator<Whole> {
  let left = limit;
  let next: number | null = before ?? null;
  do {
    const page = { filter, limit: Math.min(left, PAGE_TRACES), ...(next === null ? {} : { before: next }) };
    const found = await pages.run(response, () => store.wholes(page, form));
    if (found === null) return;
    yield* found.wholes;
    left -= found.wholes.length;
    next = found.next;
  } while (next !== null && left > 0);
}
