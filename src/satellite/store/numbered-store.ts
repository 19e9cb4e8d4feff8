/**
 * A store whose numbers begin elsewhere: where each organisation has a file of its own, no two of them give one number, so that
 * the number of another's trace is nowhere.
 *
 * in: a store that numbers from 1 on, and which of the ranges is its · out: the same store, numbered within that
 */
import type { Page, Query, Store, WholePage } from './store.js';

/** Numbers of one range: at 10,000 traces a second, three years. */
export const RANGE = 1e12;
/** Ranges that fit a number of 15 digits. */
export const RANGES_MAX = 999;

export function numbered(store: Store, range: number): Store {
  const base = range * RANGE;
  const inner = (query: Query): Query => ({
    ...query,
    ...(query.before === undefined ? {} : { before: within(query.before - base) }),
    ...(query.after === undefined ? {} : { after: within(query.after - base) }),
  });
  const outer = <P extends Omit<Page, 'rows'>>(page: P): P => ({
    ...page,
    next: page.next === null ? null : page.next + base,
    through: page.through + base,
  });
  const raised = <R extends { readonly seq: number }>(one: R): R => ({ ...one, seq: one.seq + base });
  return {
    ...store,
    list: async (query) => {
      const page = await store.list(inner(query));
      return { ...outer(page), rows: page.rows.map(raised) };
    },
    wholes: async (query, form): Promise<WholePage> => {
      const page = await store.wholes(inner(query), form);
      return { ...outer(page), wholes: page.wholes.map(raised) };
    },
    get: async (seq, form) => {
      const own = seq - base;
      if (own < 1 || own >= RANGE) return null;
      const whole = await store.get(own, form);
      return whole === null ? null : raised(whole);
    },
    facts: async () => {
      const facts = await store.facts();
      return { ...facts, lastSeq: facts.lastSeq + base };
    },
    specDrift: async () => {
      const drift = await store.specDrift();
      return { ...drift, through: drift.through + base };
    },
  };
}

const within = (seq: number): number => Math.min(Math.max(seq, 0), RANGE);
