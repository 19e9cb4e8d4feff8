/** Which requests speak GraphQL, and what they ask for, in each form that servers take. */
import { describe, expect, it } from 'vitest';
import { type GraphqlRequestParts, readGraphql } from '../../../src/http/graphql/graphql-request.js';
import { Random, runSeed } from '../../support/random.js';

const LIMITS = { bytesMax: 1 << 20, operationsMax: 64 };
const HASH = 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38';

function read(parts: Partial<Omit<GraphqlRequestParts, 'body'>> & { body?: string | Buffer }, limits = LIMITS) {
  const { body = '', ...others } = parts;
  const whole = { method: 'POST', query: '', contentType: 'application/json', isCut: false, ...others };
  return readGraphql({ ...whole, body: Buffer.from(body as string) }, limits);
}

const json = (value: unknown) => read({ body: JSON.stringify(value) });
const one = (type: string | null, name: string | null, persisted: string | null = null) => [{ type, name, persisted }];

describe('JSON', () => {
  it.each<[string, unknown, ReturnType<typeof one>]>([
    ['a query', { query: 'query A { a }' }, one('query', 'A')],
    ['without a name', { query: '{ a }' }, one('query', null)],
    ['the one chosen of several', { query: 'query A{a} mutation B{b}', operationName: 'B' }, one('mutation', 'B')],
    ['several, none chosen', { query: 'query A{a} query B{b}' }, one(null, null)],
    ['one chosen that there is not', { query: 'query A{a}', operationName: 'X' }, one(null, 'X')],
    ['a choice of null', { query: 'query A{a}', operationName: null }, one('query', 'A')],
    ['a persisted query', { extensions: { persistedQuery: { version: 1, sha256Hash: HASH } } }, one(null, null, HASH)],
    [
      'one with a name, behind variables',
      { operationName: 'A', variables: { query: 'x' }, extensions: { persistedQuery: { sha256Hash: HASH } } },
      one(null, 'A', HASH),
    ],
    [
      'one that is registered',
      { query: 'query A{a}', extensions: { persistedQuery: { sha256Hash: HASH } } },
      one('query', 'A', HASH),
    ],
    ['a document id', { documentId: `sha256:${HASH}`, variables: {} }, one(null, null, `sha256:${HASH}`)],
    ['a document id of another kind', { documentId: 'cart-1', operationName: 'Cart' }, one(null, 'Cart', 'cart-1')],
    [
      'variables that look like members',
      { variables: { a: [{ query: '{x}' }] }, query: 'query A{a}' },
      one('query', 'A'),
    ],
    ['escapes', { query: 'query A {\n\ta(x: "\\"é\\u0041")\n}' }, one('query', 'A')],
  ])('%s', (_what, value, expected) => expect(json(value)).toEqual(expected));

  it('of a batch is one for each', () => {
    const batch = [{ query: 'query A{a}' }, { query: 'mutation B{b}' }, { query: '{c}' }];
    expect(json(batch)).toEqual([...one('query', 'A'), ...one('mutation', 'B'), ...one('query', null)]);
    expect(json(Array.from({ length: 1000 }, () => batch[0]))).toHaveLength(64);
  });

  it('with escapes in names, spaces and CRLF', () => {
    expect(read({ body: ' \r\n{ "query" : "\\u0071uery A{a} query B{b}" ,\t"operation\\u004eame":"A"}' })).toEqual(
      one('query', 'A'),
    );
  });

  it.each<[string, unknown]>([
    ['SQL', { query: 'select 1' }],
    ['a search', { query: 'red shoes' }],
    ['Elasticsearch', { query: { match: { a: 'query A{a}' } } }],
    ['Prometheus', { query: '{app="shop"}' }],
    ['a document of another kind', { documentId: '123' }],
    ['a batch of something else as well', [{ query: '{a}' }, { method: 'x' }]],
    ['a text', 'query A{a}'],
    ['null', null],
    ['an empty object', {}],
    ['an empty array', []],
    ['a query deeper down', { a: { query: 'query A{a}' } }],
  ])('is not %s', (_what, value) => expect(json(value)).toBeNull());

  it('that is cut off tells what is certain', () => {
    const body = JSON.stringify({ operationName: 'B', query: `query A{a} mutation B{b(x:"${'x'.repeat(100)}")}` });
    expect(read({ body: body.slice(0, -40), isCut: true })).toEqual(one('mutation', 'B'));
    // Another operation may follow, or a choice.
    const other = JSON.stringify({ query: `query A{a(x:"${'x'.repeat(100)}")}`, variables: {} });
    expect(read({ body: other.slice(0, 60), isCut: true })).toEqual(one(null, null));
    expect(read({ body: other.slice(0, -3), isCut: true })).toEqual(one(null, null));
    expect(read({ body: other })).toEqual(one('query', 'A'));
    expect(read({ body: other }, { ...LIMITS, bytesMax: 60 })).toEqual(one(null, null));
  });
});

describe('other forms', () => {
  it('a URL', () => {
    const url = (given: Record<string, string>) => read({ method: 'GET', query: String(new URLSearchParams(given)) });
    expect(url({ query: 'query A($x: Int) { a }', variables: '{"x":1}' })).toEqual(one('query', 'A'));
    expect(url({ query: 'query A{a} query B{b}', operationName: 'B' })).toEqual(one('query', 'B'));
    expect(url({ operationName: 'A', extensions: JSON.stringify({ persistedQuery: { sha256Hash: HASH } }) })).toEqual(
      one(null, 'A', HASH),
    );
    expect(url({ query: 'red shoes' })).toBeNull();
    expect(url({ q: '{a}' })).toBeNull();
    expect(read({ method: 'GET', query: 'query=%7Ba%7D' })).toEqual(one('query', null));
    expect(read({ method: 'GET', query: 'query=%' })).toBeNull();
    expect(read({ method: 'PUT', query: 'query=%7Ba%7D' })).toBeNull();
  });

  it('a form', () => {
    const body = String(new URLSearchParams({ query: 'mutation M { m }', operationName: 'M' }));
    expect(read({ contentType: 'application/x-www-form-urlencoded', body })).toEqual(one('mutation', 'M'));
  });

  it('the document itself', () => {
    const contentType = 'application/graphql; charset=utf-8';
    expect(read({ contentType, body: 'query A{a}' })).toEqual(one('query', 'A'));
    expect(read({ contentType, body: 'query A{a} query B{b}', query: 'operationName=B' })).toEqual(one('query', 'B'));
  });

  it('multipart, with files', async () => {
    const form = new FormData();
    form.append(
      'operations',
      JSON.stringify({ query: 'mutation Up($f: Upload!) { up(f: $f) }', variables: { f: null } }),
    );
    form.append('map', '{"0":["variables.f"]}');
    form.append('0', new Blob(['{"query":"query X{x}"}']), 'a.json');
    const sent = new Response(form);
    const contentType = sent.headers.get('content-type') as string;
    const body = Buffer.from(await sent.arrayBuffer());
    expect(read({ contentType, body })).toEqual(one('mutation', 'Up'));
    expect(read({ contentType, body: body.subarray(0, 110), isCut: true })).toEqual(one(null, null));
    const other = new FormData();
    other.append('file', new Blob(['{"query":"query X{x}"}']), 'a.json');
    const plain = new Response(other);
    const otherType = plain.headers.get('content-type') as string;
    expect(read({ contentType: otherType, body: Buffer.from(await plain.arrayBuffer()) })).toBeNull();
    expect(read({ contentType: 'multipart/form-data', body })).toBeNull();
  });
});

describe('hostile bodies', () => {
  const million = 1_000_000;
  it.each<[string, string, string]>([
    ['a query of a megabyte', 'application/json', `{"query":"query A{${'a '.repeat(million / 2)}}"}`],
    ['escapes', 'application/json', `{"query":"${'\\\\'.repeat(million / 2)}"}`],
    ['escapes that end', 'application/json', `{"query":"${'\\'.repeat(million)}`],
    ['depth', 'application/json', `{"query":"{a}","v":${'['.repeat(million)}`],
    ['objects', 'application/json', `{"query":${'{"a":'.repeat(million / 5)}`],
    ['a batch', 'application/json', `[${'{"query":"{a}"},'.repeat(million / 16)}`],
    ['spaces', 'application/json', `{"query"${' '.repeat(million)}:"{a}"}`],
    [
      'names with spaces behind them',
      'application/json',
      `{"query":1${`,"a"${' '.repeat(100)}`.repeat(million / 104)}`,
    ],
    ['a form', 'application/x-www-form-urlencoded', `query=${'%7B'.repeat(million / 3)}`],
    ['parts', 'multipart/form-data; boundary=b', '--b\r\n\r\n'.repeat(million / 7)],
    ['part heads', 'multipart/form-data; boundary=b', `--b\r\ncontent-disposition:${'; name='.repeat(million / 7)}`],
  ])('%s', (_what, contentType, body) => {
    // What is not read once takes minutes, and the test ends before.
    expect(() => read({ contentType, body, isCut: true })).not.toThrow();
  });

  it('of any bytes end, and name what they hold', () => {
    const seed = runSeed();
    const random = new Random(seed);
    const whole = JSON.stringify([
      { query: 'query A{a(x:"y")}', operationName: 'A', extensions: { persistedQuery: { sha256Hash: HASH } } },
    ]);
    for (let i = 0; i < 3000; i++) {
      const body = Buffer.from(whole);
      for (let n = random.between(1, 6); n > 0; n--) body[random.between(0, body.length - 1)] = random.between(0, 255);
      const cut = body.subarray(0, random.between(0, body.length));
      for (const { name } of read({ body: cut, isCut: random.chance(0.5) }) ?? [])
        if (name !== null) expect(name, `SEED=${seed}, body ${i}`).toMatch(/^[_A-Za-z][_0-9A-Za-z]*$/);
    }
  });
});
