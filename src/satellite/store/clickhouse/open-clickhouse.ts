/** The store of an organisation in ClickHouse: its engine, in a thread of its own. */
import { type DriftFound, driftSince } from '../drift-of.js';
import type { Before } from '../kept-inventory.js';
import type { Store } from '../store.js';
import { StoreThread } from '../store-thread.js';
import type { ClickHouseSettings } from './engine.js';

const NOTHING: DriftFound = { traces: 0, findings: [] };

/** @throws SensorError where the package is missing, the server does not answer, or its tables are of a later version */
export async function openClickHouse(settings: ClickHouseSettings, onNotice: (notice: string) => void): Promise<Store> {
  const thread = new StoreThread(settings, onNotice, new URL('./clickhouse-worker.js', import.meta.url));
  await thread.start();
  const ask = <T>(name: string, ...given: unknown[]): Promise<T> => thread.ask(name, given) as Promise<T>;
  return {
    receive: (body, kind) => {
      // Only memory that is of one body alone can be handed over.
      const isWhole = body.byteOffset === 0 && body.byteLength === body.buffer.byteLength;
      const bytes = isWhole ? body : new Uint8Array(body);
      return thread.ask('receive', [bytes, kind], [bytes.buffer as ArrayBuffer]) as ReturnType<Store['receive']>;
    },
    list: (query) => ask('list', query),
    wholes: (query, form) => ask('wholes', query, form),
    get: (seq, form) => ask('get', seq, form),
    sensors: () => ask('sensors'),
    rates: (filter, stretches) => ask('rates', filter, stretches),
    calls: (filter) => ask('calls', filter),
    values: () => ask('values'),
    facts: () => ask('facts'),
    endpoints: (selection) => ask('endpoints', selection),
    openApi: (selection) => ask('openApi', selection),
    drift: (document, filter) => ask('drift', document, filter),
    specDrift: () => ask('specDrift'),
    driftBefore: async (ageMillis, filter) => {
      const before = await ask<Before>('before', ageMillis);
      const { document } = before;
      // A filter that is wrong is, also where there is nothing to compare with yet.
      if (document === null) await ask('list', { filter, limit: 1 });
      return driftSince(before, document === null ? NOTHING : await ask<DriftFound>('drift', document, filter));
    },
    templates: () => ask('templates'),
    setTemplates: (templates) => ask('setTemplates', templates),
    told: () => ask('told'),
    setTold: (keys) => ask('setTold', keys),
    configurations: () => ask('configurations'),
    setConfigurations: (text) => ask('setConfigurations', text),
    close: () => thread.end(),
  };
}
