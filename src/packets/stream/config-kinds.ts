/**
 * The kinds of values that a PacketStreamer configuration holds, in the ways in which its documents and its stock program
 * write them.
 *
 * in: a value of YAML · out: a value; or an `InvalidValue` that reads on from it · pure
 */
import { InvalidValue } from '../../errors.js';

export type Kind<T> = (value: unknown) => T;

export const text: Kind<string> = (value) => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw new InvalidValue('is no text; give one');
  return value;
};

export const flag: Kind<boolean> = (value) => {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidValue('is neither true nor false; give one of them');
};

export function integer(min: number, max: number): Kind<number> {
  return (value) => {
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number;
    throw new InvalidValue(`is no integer from ${min} to ${max}; give one`);
  };
}

export const port = integer(1, 65_535);

export function choice<const T extends string>(...choices: readonly T[]): Kind<T> {
  return (value) => {
    const found = choices.find((one) => one.toLowerCase() === String(value).toLowerCase());
    if (found === undefined) throw new InvalidValue(`is none of ${choices.join(', ')}; give one of them`);
    return found;
  };
}

const SIZE_UNITS = ['b', 'kb', 'mb', 'gb', 'tb'];
const SIZE_WORDS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
const SIZE_MAX = 1024 ** 4;

/** `10MB`, `5 megabytes`, `1.5 KB`, `65536`: units of 1024. */
export const size: Kind<number> = (value) => {
  const match = /^([\d.]+) *([a-z]*)$/.exec(String(value).trim().toLowerCase());
  const unit = (match?.[2] ?? '').replace(/(?<=byte)s$/, '').replace(/ib$/, 'b');
  const power = unit === '' ? 0 : Math.max(SIZE_UNITS.indexOf(unit), SIZE_WORDS.indexOf(unit));
  const bytes = match === null || power < 0 ? Number.NaN : Number(match[1]) * 1024 ** power;
  if (!Number.isFinite(bytes) || bytes < 1 || bytes > SIZE_MAX)
    throw new InvalidValue('is no size; give a number with a unit of B, KB, MB or GB, such as 10MB');
  return Math.floor(bytes);
};

const DURATION_MILLIS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
};
const DURATION_MAX = 30 * 24 * 3_600_000;

/** As Go writes it, in milliseconds: `1m`, `1h30m`, `500ms`, `0`. A number alone is of seconds. */
export const duration: Kind<number> = (value) => {
  const given = String(value).trim();
  let millis = Number.NaN;
  if (/^\d+(\.\d+)?$/.test(given)) millis = Number(given) * 1000;
  else if (/^(\d+(\.\d+)?(h|m|s|ms|us|µs))+$/.test(given)) {
    millis = 0;
    for (const [, number, unit] of given.matchAll(/([\d.]+)(h|ms|m|us|µs|s)/g))
      millis += Number(number) * (DURATION_MILLIS[unit as string] as number);
  }
  if (!(millis >= 0 && millis <= DURATION_MAX))
    throw new InvalidValue('is no duration; give one such as 1m, 90s or 1h30m');
  return millis;
};

const PORTS_MAX = 256;

/** `80`, `[80, 443]`, `'80, 443'`. */
export const ports: Kind<readonly number[]> = (value) => {
  const all = (Array.isArray(value) ? value : String(value).split(/[\s,]+/)).filter((one) => one !== '');
  if (all.length > PORTS_MAX) throw new InvalidValue(`has more than ${PORTS_MAX} ports; give an expression as filter`);
  return [...new Set(all.map(port))];
};

/** One list of ports for each interface; an empty one where none was given. */
export type InterfacePorts = Readonly<Record<string, readonly number[]>>;

/**
 * `{eth0: [80, 443]}` as the stock program reads it; `{eth0: 80}`, `{'eth0:80': null}` and `['eth0:80']`, as its manual may be
 * understood.
 */
export const interfacePorts: Kind<InterfacePorts> = (value) => {
  const found: Record<string, number[]> = {};
  const add = (name: string, more: readonly number[]) => {
    const [, bare = name, behind] = /^(.+):(\d+)$/.exec(name) ?? [];
    if (bare === '' || /[\s/]/.test(bare)) throw new InvalidValue(`has ${JSON.stringify(name)}, which is no interface`);
    const all = [...(found[bare] ?? []), ...more, ...(behind === undefined ? [] : [port(behind)])];
    found[bare] = [...new Set(all)];
  };
  if (Array.isArray(value)) for (const one of value) add(text(one), []);
  else if (typeof value === 'object' && value !== null)
    for (const [name, list] of Object.entries(value)) add(name, list === null ? [] : ports(list));
  else add(text(value), []);
  return found;
};

export const texts: Kind<readonly string[]> = (value) =>
  (Array.isArray(value) ? value.map(text) : text(value).split(','))
    .map((one) => one.trim())
    .filter((one) => one !== '');
