/** What every engine has to do, whatever keeps the traces. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FilterError } from '../../src/satellite/filter/parse.js';
import type { BodyKind, Receipt, Refusal, Store } from '../../src/satellite/store/store.js';
import { requestOf, type SpanGiven, spanOf } from '../support/spans.js';

const JSON_KIND: BodyKind = { protocol: 'otlp', isPacked: false, isProtobuf: false };

export function send(store: Store, spans: readonly unknown[]): Promise<Receipt | Refusal> {
  return store.receive(Buffer.from(JSON.stringify(requestOf(spans))), JSON_KIND);
}

const spans = (...given: SpanGiven[]): unknown[] => given.map(spanOf);

export function storeContract(what: string, withStore: (use: (store: Store) => Promise<void>) => Promise<void>): void {
  const holds = (says: string, use: (store: Store) => Promise<void>): void => it(says, () => withStore(use));

  describe(`a store ${what}`, () => {
    holds('keeps what it has said it has, in the order of arrival', async (store) => {
      expect(await send(store, spans({ path: '/1' }, { path: '/2' }))).toEqual({
        received: 2,
        rejected: 0,
        reason: '',
      });
      await send(store, spans({ path: '/3' }));
      const { rows, next, complete } = await store.list({ filter: '', limit: 10 });
      expect(rows.map(({ path }) => path)).toEqual(['/3', '/2', '/1']);
      expect([next, complete]).toEqual([null, true]);
      expect(rows[0]!.seq).toBeGreaterThan(rows[1]!.seq);
      const later = await store.list({ filter: '', after: rows[2]!.seq, limit: 10 });
      expect(later.rows.map(({ path }) => path)).toEqual(['/2', '/3']);
    });

    holds('keeps each trace once', async (store) => {
      const [one, other] = spans({ path: '/1' }, { path: '/2' });
      await send(store, [one, other, one]);
      expect(await send(store, [other])).toEqual({ received: 1, rejected: 0, reason: '' });
      expect(await store.facts()).toMatchObject({ stored: 2, duplicates: 2, held: 2 });
    });

    holds('takes gzip and the other protocol, whose traces may have no ids', async (store) => {
      const packed = gzipSync(JSON.stringify(requestOf(spans({ path: '/packed' }))));
      await store.receive(packed, { ...JSON_KIND, isPacked: true });
      const entry = {
        method: 'GET',
        request: { headers: { ':path': '/levo?a=1', ':authority': 'h' } },
        response: { status_code: 200, headers: {}, body: 'aGVsbG8=' },
      };
      await store.receive(Buffer.from(JSON.stringify([entry, entry])), { ...JSON_KIND, protocol: 'levo' });
      const { rows } = await store.list({ filter: '', limit: 10 });
      expect(rows.map(({ path, query }) => `${path}?${query}`)).toEqual(['/levo?a=1', '/levo?a=1', '/packed?']);
      expect((await store.list({ filter: 'body:hello', limit: 10 })).rows.length).toBe(2);
    });

    holds('says what it refuses, and keeps the rest', async (store) => {
      const answer = await send(store, [...spans({}), { ...spanOf(), spanId: 'x' }]);
      expect(answer).toEqual({ received: 1, rejected: 1, reason: 'spanId "x"' });
      expect(await store.facts()).toMatchObject({ stored: 1, rejected: 1 });
      expect(await store.receive(Buffer.from('{'), JSON_KIND)).toMatchObject({ status: 400 });
    });

    holds('gives pages that are all of it, each trace once', async (store) => {
      await send(store, spans(...Array.from({ length: 25 }, (_, i) => ({ path: `/${i}`, status: i % 2 ? 200 : 500 }))));
      const seen: string[] = [];
      let before: number | null = null;
      do {
        const page: Awaited<ReturnType<Store['list']>> = await store.list({
          filter: 'status:500',
          limit: 4,
          ...(before === null ? {} : { before }),
        });
        seen.push(...page.rows.map(({ path }) => path));
        before = page.next;
      } while (before !== null);
      expect(seen).toEqual(Array.from({ length: 13 }, (_, i) => `/${24 - 2 * i}`));
    });

    holds('gives a trace with all that was sent, as NDJSON and HAR and as it came', async (store) => {
      const span = spanOf({ path: '/a', query: 'b=1', answered: '{"x":1}', marks: ['gap'] });
      await send(store, [span]);
      const [row] = (await store.list({ filter: '', limit: 1 })).rows;
      const whole = await store.get(row!.seq, 'ndjson');
      expect(JSON.parse(whole!.text)).toMatchObject({
        traceId: span.traceId,
        request: { target: '/a?b=1', headers: [['host', 'shop.example']] },
        response: { status: 200, body: { content: '{"x":1}' } },
        marks: ['gap'],
      });
      expect(JSON.parse((await store.get(row!.seq, 'har'))!.text).request.url).toBe('http://shop.example/a?b=1');
      expect(JSON.parse((await store.get(row!.seq, 'received'))!.text).span).toEqual(span);
      expect(whole!.resource).toMatchObject({ 'service.name': 'shop', 'host.name': 'host-1' });
      expect(await store.get(row!.seq + 1, 'ndjson')).toBeNull();
    });

    holds('knows who sends, and what they lost', async (store) => {
      await send(store, spans({}, { marks: ['gap'] }, { marks: ['early-response'] }));
      expect(await store.sensors()).toEqual([
        expect.objectContaining({ service: 'shop', environment: 'staging', version: '0.1.0', traces: 3, damaged: 1 }),
      ]);
      expect(await store.values()).toEqual({
        methods: ['GET'],
        hosts: ['shop.example'],
        services: ['shop'],
        environments: ['staging'],
      });
    });

    holds('counts over time', async (store) => {
      const at = Date.now();
      await send(
        store,
        spans(
          ...Array.from({ length: 10 }, (_, i) => ({
            at: at + i * 1000,
            millis: i + 1,
            status: i < 5 ? 200 : i < 9 ? 503 : null,
          })),
        ),
      );
      const rates = await store.rates('', 2);
      expect(rates.map(({ traces, failures, p50, p95 }) => [traces, failures, p50, p95])).toEqual([
        [5, 0, 3e6, 5e6],
        [5, 5, 8e6, 10e6],
      ]);
      expect(await store.rates('path:/none', 2)).toEqual([]);
    });

    holds('knows who called whom', async (store) => {
      await send(store, spans({ status: 500 }, {}, { host: 'other' }));
      await send(
        store,
        spans({ millis: 3 }).map((span) => ({ ...(span as object), kind: 3 })),
      );
      const { traces, groups, left } = await store.calls('');
      expect([traces, left]).toEqual([4, 0]);
      expect(groups).toHaveLength(3);
      const about = { service: 'shop', environment: 'staging', client: '10.0.0.7' };
      expect(groups[0]).toMatchObject({
        ...about,
        kind: 'server',
        host: 'shop.example',
        traces: 2,
        failures: 1,
        nanos: 2e6,
      });
      expect(groups).toContainEqual({
        ...about,
        kind: 'client',
        host: 'shop.example',
        traces: 1,
        failures: 0,
        nanos: 3e6,
      });
      expect(await store.calls('path:/none')).toEqual({ from: 0, to: 0, traces: 0, groups: [], left: 0 });
    });

    holds('says in words what is wrong with a filter', async (store) => {
      await expect(store.list({ filter: 'stauts:1', limit: 1 })).rejects.toThrow(FilterError);
      await expect(store.list({ filter: 'stauts:1', limit: 1 })).rejects.toThrow('did you mean status?');
    });
  });
}
