/** The parameters of the API: a row for each, which reads and describes it. */

export interface Parameter {
  readonly in: 'query' | 'path';
  readonly help: string;
  readonly default: string | number | null;
  /** Of numbers. */
  readonly min?: number;
  readonly max?: number;
  /** What it is called where it is used, if not by its name. */
  readonly property?: string;
}

/** Larger ones are not exact. */
const SEQ_MAX = Number.MAX_SAFE_INTEGER;

export const PARAMETERS = {
  filter: { in: 'query', default: '', help: 'such as status>=500 path:^/orders; /api/fields has the fields' },
  before: {
    in: 'query',
    default: null,
    max: SEQ_MAX,
    help: 'traces with smaller numbers: the next of the page before',
  },
  after: { in: 'query', default: null, max: SEQ_MAX, help: 'traces with larger numbers, the oldest first' },
  limit: { in: 'query', default: 100, min: 1, max: 1000, help: 'traces of a page' },
  count: { in: 'query', default: 10_000, min: 1, max: 1_000_000, property: 'limit', help: 'traces in all' },
  stretches: { in: 'query', default: 60, min: 1, max: 500, help: 'into how many the time is divided' },
  days: { in: 'query', default: 7, min: 0, max: 8, help: 'how long ago; where less is known, as long as that' },
  service: { in: 'query', default: null, help: 'of the services, this one' },
  host: { in: 'query', default: null, help: 'of the hosts, this one, with its port if it has one' },
  id: { in: 'query', default: null, help: 'of the orders, this one' },
  seq: { in: 'path', default: 0, max: SEQ_MAX, help: 'the number of a trace' },
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;
