/**
 * The store of a satellite: SQLite in threads of its own, one that writes and, where there is a file, one that reads.
 */
import type { BodyBounds, BodyKind } from '../receive/read-body.js';
import { type DriftFound, driftSince } from './drift-of.js';
import type { Before } from './kept-inventory.js';
import type { Query, Retention, Store } from './store.js';
import { StoreThread, type StoreThreadData } from './store-thread.js';

export interface StoreSettings {
  /** Null for memory. */
  readonly directory: string | null;
  readonly retention: Retention;
  readonly bounds: BodyBounds;
  readonly reports: boolean;
  /** An OpenAPI document that what comes is held against. */
  readonly spec?: string | null;
  /** What a person should know of the file. */
  readonly onNotice: (notice: string) => void;
}

const NOTHING: DriftFound = { traces: 0, findings: [] };

/** @throws SensorError where there is no SQLite, or the directory cannot be used */
export async function openStore({ onNotice, ...settings }: StoreSettings): Promise<Store> {
  const data: StoreThreadData = { ...settings, spec: settings.spec ?? null, reads: false };
  const newReader = (): StoreThread => new StoreThread({ ...data, reads: true }, onNotice);
  let reader: StoreThread | null = null;
  const writer = new StoreThread(data, (notice) => {
    onNotice(notice);
    // The file may be another one now.
    const before = reader;
    if (before === null) return;
    reader = newReader();
    void before.end();
  });
  await writer.start();
  if (settings.directory !== null) reader = newReader();
  const ask = <T>(name: string, ...given: unknown[]): Promise<T> => (reader ?? writer).ask(name, given) as Promise<T>;
  const write = <T>(name: string, ...given: unknown[]): Promise<T> => writer.ask(name, given) as Promise<T>;
  return {
    receive: (body: Buffer, kind: BodyKind) => {
      // Only memory that is of one body alone can be handed over.
      const isWhole = body.byteOffset === 0 && body.byteLength === body.buffer.byteLength;
      const bytes = isWhole ? body : new Uint8Array(body);
      return writer.ask('receive', [bytes, kind], [bytes.buffer as ArrayBuffer]) as ReturnType<Store['receive']>;
    },
    list: (query: Query) => ask('list', query),
    wholes: (query, form) => ask('wholes', query, form),
    get: (seq, form) => ask('get', seq, form),
    sensors: () => ask('sensors'),
    rates: (filter, stretches) => ask('rates', filter, stretches),
    calls: (filter) => ask('calls', filter),
    values: () => ask('values'),
    facts: () => ask('facts'),
    endpoints: (selection) => write('endpoints', selection),
    openApi: (selection) => write('openApi', selection),
    drift: (document, filter) => ask('drift', document, filter),
    specDrift: () => ask('specDrift'),
    driftBefore: async (ageMillis, filter) => {
      const before = await write<Before>('before', ageMillis);
      const { document } = before;
      // A filter that is wrong is, also where there is nothing to compare with yet.
      if (document === null) await ask('list', { filter, limit: 1 });
      return driftSince(before, document === null ? NOTHING : await ask<DriftFound>('drift', document, filter));
    },
    templates: () => write('templates'),
    setTemplates: (templates) => write('setTemplates', templates),
    told: () => write('told'),
    setTold: (keys) => write('setTold', keys),
    configurations: () => write('configurations'),
    setConfigurations: (text) => write('setConfigurations', text),
    close: async () => {
      await reader?.end();
      await writer.end();
    },
  };
}
