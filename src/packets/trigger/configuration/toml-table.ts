/**
 * A table of the configuration, read key by key with its types checked; what no key was asked for is known at the end.
 *
 * in: a table as the TOML parser gives it, with integers as bigints so that `10.0` is none · out: values · pure
 *
 * Keys match whatever their case, as pcapdaemon's parser has it. A wrong type is a `UsageError` that names table, key and
 * value: nothing is captured by a configuration that is half understood.
 */
import { UsageError } from '../../../errors.js';

type TomlTable = Readonly<Record<string, unknown>>;

/** The range of an integer. */
interface Range {
  readonly min: number;
  readonly max: number;
}

export class ConfigurationTable {
  /** As errors name it: `[general]`. */
  readonly name: string;
  readonly #values = new Map<string, unknown>();
  readonly #unread = new Map<string, string>();

  /** @param table undefined where the configuration does not have it */
  constructor(name: string, table: unknown) {
    this.name = name;
    if (table === undefined) return;
    if (!isTable(table))
      throw new UsageError(`${name}: is ${show(table)}; write it as a table, under the line ${name}`);
    for (const [key, value] of Object.entries(table)) {
      this.#values.set(key.toLowerCase(), value);
      this.#unread.set(key.toLowerCase(), key);
    }
  }

  get isPresent(): boolean {
    return this.#values.size > 0;
  }

  /** Keys that nothing asked for. */
  get unknownKeys(): readonly string[] {
    return [...this.#unread.values()];
  }

  text(key: string): string | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    if (typeof value !== 'string') throw this.#wrong(key, value, 'text in quotes');
    return value;
  }

  /** One text or a list of them. */
  texts(key: string): readonly string[] {
    const value = this.#take(key);
    if (value === undefined) return [];
    const list = Array.isArray(value) ? value : [value];
    if (!list.every((one) => typeof one === 'string'))
      throw this.#wrong(key, value, 'text in quotes, or a list of texts');
    return list;
  }

  flag(key: string): boolean | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    if (typeof value !== 'boolean') throw this.#wrong(key, value, 'true or false');
    return value;
  }

  integer(key: string, range: Range): number | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    if (typeof value !== 'bigint') throw this.#wrong(key, value, 'an integer');
    return this.#inRange(key, Number(value), range);
  }

  /** Seconds: an integer, or a text with units such as "1m30s", which pcapdaemon takes for nanoseconds. */
  seconds(key: string, range: Range): number | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    if (typeof value === 'bigint') return this.#inRange(key, Number(value), range);
    const seconds = typeof value === 'string' ? secondsOf(value) : null;
    if (seconds === null) throw this.#wrong(key, value, 'seconds, or a text such as "90s" or "1m30s"');
    return this.#inRange(key, seconds, range);
  }

  /** Bytes: a text with a unit such as "64MiB", or an integer, which counts `unit` bytes. */
  bytes(key: string, unit: number, range: Range): number | null {
    const value = this.#take(key);
    if (value === undefined) return null;
    const bytes = typeof value === 'bigint' ? Number(value) * unit : typeof value === 'string' ? bytesOf(value) : null;
    if (bytes === null) throw this.#wrong(key, value, 'a size such as "64MiB"');
    return this.#inRange(key, bytes, range);
  }

  /** Texts and integers, one or a list of them: what has a unit, and what goes without one. */
  sizesOrTimes(key: string): readonly (string | number)[] {
    const value = this.#take(key);
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((one: unknown) => {
      if (typeof one === 'bigint') return Number(one);
      if (typeof one === 'string') return one;
      throw this.#wrong(key, value, 'texts with units, such as "64MiB" or "30s"');
    });
  }

  /** What is wrong with a key's value, for checks of its own. */
  fault(key: string, value: unknown, wayOut: string): UsageError {
    return new UsageError(`${this.name} ${key} = ${show(value)}: ${wayOut}`);
  }

  #take(key: string): unknown {
    this.#unread.delete(key);
    return this.#values.get(key);
  }

  #wrong(key: string, value: unknown, what: string): UsageError {
    return new UsageError(`${this.name} ${key} = ${show(value)}: is ${kindOf(value)}; give ${what}`);
  }

  #inRange(key: string, value: number, { min, max }: Range): number {
    if (value >= min && value <= max) return value;
    throw this.fault(key, value, `give a number from ${min} to ${max}`);
  }
}

const SECONDS_BY_UNIT: Readonly<Record<string, number>> = {
  h: 3600,
  m: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
};

/** A duration as Go writes it; null for another text. */
export function secondsOf(text: string): number | null {
  if (!/^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(text)) return null;
  let seconds = 0;
  for (const [, digits = '', , unit = ''] of text.matchAll(/(\d+(\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) {
    seconds += Number(digits) * (SECONDS_BY_UNIT[unit] as number);
  }
  return seconds;
}

const BYTES_BY_UNIT: Readonly<Record<string, number>> = {
  '': 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

export function bytesOf(text: string): number | null {
  const [, digits, unit = ''] = /^\s*(\d+)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = BYTES_BY_UNIT[unit.toLowerCase()];
  return digits === undefined || factor === undefined ? null : Number(digits) * factor;
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return (
    { bigint: 'an integer', number: 'a fraction', string: 'a text', boolean: 'true or false' }[
      typeof value as string
    ] ?? 'a table'
  );
}

/** Values of passwords and tokens are never shown: those keys take texts, and a text is wrong for none of them. */
function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? Number(one) : one)) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
