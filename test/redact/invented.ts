/**
 * Messages with secrets, and look-alikes without any, invented to get past redaction: in forms that nobody had in mind when the
 * rules were written. Values are made up anew for each seed.
 */
import type { Random } from '../support/random.js';

export interface Invented {
  readonly name: string;
  readonly target?: string;
  readonly headers?: readonly [name: string, value: string][];
  readonly type?: string;
  readonly body?: string | Buffer;
  /** What must not leave, or of a look-alike, what must. */
  readonly values: readonly string[];
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';
const ALNUM = UPPER + LOWER + DIGITS;
const HEX = '0123456789abcdef';

type Parts = Omit<Invented, 'name' | 'values'>;

/** Makes values, and notes each for the message that is being made. */
export class Maker {
  readonly made: Invented[] = [];
  readonly #random: Random;
  #values: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  add(name: string, make: () => Parts): void {
    this.#values = [];
    const parts = make();
    this.made.push({ name, ...parts, values: this.#values });
  }

  raw(from: string, length: number): string {
    return Array.from({ length }, () => from[this.#random.between(0, from.length - 1)]).join('');
  }

  /** Notes a value, which begins with `prefix`. */
  keep(value: string): string {
    this.#values.push(value);
    return value;
  }

  /** A password as people choose them. */
  get pw(): string {
    return this.keep(`${this.raw(LOWER, 4)}-${this.raw(ALNUM, 6)}!${this.raw(DIGITS, 3)}`);
  }
  get plainPw(): string {
    return this.keep(`${this.raw(LOWER, 5)}${this.raw(ALNUM, 6)}${this.raw(DIGITS, 3)}`);
  }
  an(length: number, prefix = ''): string {
    return this.keep(`${prefix}${this.raw(ALNUM, length - 2)}7Q`);
  }
  hex(length: number, prefix = ''): string {
    return this.keep(`${prefix}${this.raw(HEX, length - 2)}7e`);
  }
  b64(length: number, prefix = ''): string {
    return this.keep(`${prefix}${this.raw(`${ALNUM}+/`, length - 2)}7Q`);
  }
  url64(length: number, prefix = ''): string {
    return this.keep(`${prefix}${this.raw(`${ALNUM}-_`, length - 2)}7Q`);
  }
  up(length: number, prefix = ''): string {
    return this.keep(`${prefix}${this.raw(`${UPPER}234567`, length - 1)}7`);
  }
  digits(length: number): string {
    return this.keep(this.raw(DIGITS, length));
  }
  get uuid(): string {
    const h = (n: number) => this.raw(HEX, n);
    return this.keep(`${h(8)}-${h(4)}-4${h(3)}-a${h(3)}-${h(12)}`);
  }
  get jwt(): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = part({ iss: 'https://idp.example', sub: this.raw(HEX, 12), exp: 1_795_000_000 });
    return `${part({ alg: 'RS256', typ: 'JWT' })}.${payload}.${this.url64(86)}`;
  }
  /** A card number, whose last digit checks it, in groups. */
  card(prefix: string, length: number, groups: readonly number[] = [], mark = ' '): string {
    const digits = luhn(prefix + this.raw(DIGITS, length - 1 - prefix.length));
    if (groups.length === 0) return this.keep(digits);
    const starts = groups.map((_, i) => groups.slice(0, i).reduce((sum, size) => sum + size, 0));
    return this.keep(groups.map((size, i) => digits.slice(starts[i], (starts[i] as number) + size)).join(mark));
  }
  luhn(prefix: string, length: number): string {
    return this.keep(luhn(prefix + this.raw(DIGITS, length - 1 - prefix.length)));
  }
  pemLines(count = 4): string[] {
    return Array.from({ length: count }, () => this.b64(64));
  }
}

function luhn(digits: string): string {
  let sum = 0;
  for (let i = digits.length - 1, isDouble = true; i >= 0; i--, isDouble = !isDouble) {
    const digit = Number(digits[i]) * (isDouble ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return digits + ((10 - (sum % 10)) % 10);
}

export const json = (value: unknown): Parts => ({ type: 'application/json', body: JSON.stringify(value) });
export const rawJson = (body: string): Parts => ({ type: 'application/json', body });
export const text = (body: string, type = 'text/plain'): Parts => ({ type, body });
export const form = (body: string): Parts => ({ type: 'application/x-www-form-urlencoded', body });
export const xml = (body: string): Parts => ({ type: 'application/xml', body });
export const header = (name: string, value: string): Parts => ({ headers: [[name, value]] });
export const to = (target: string): Parts => ({ target });
