/**
 * The flags, in the way Go's programs take them: one dash or two, the value behind `=` or in the next word, switches alone.
 *
 * in: the words of the command line · out: `FlagValues` · pure
 */
import { UsageError } from '../../../errors.js';

interface FlagRow {
  readonly kind: 'text' | 'integer' | 'switch';
  readonly help: string;
}

export const FLAG_ROWS = {
  config: { kind: 'text', help: 'file with the configuration, in TOML' },
  cshost: { kind: 'text', help: 'host of CloudShark' },
  cstoken: { kind: 'text', help: 'token for the API of CloudShark' },
  csscheme: { kind: 'text', help: 'http or https, to CloudShark (https)' },
  csport: { kind: 'integer', help: 'port of CloudShark (443)' },
  cstimeout: { kind: 'integer', help: 'seconds that an upload to CloudShark may take; 0 for as long as it takes (0)' },
  redisnode: { kind: 'text', help: 'host of Redis' },
  redisport: { kind: 'integer', help: 'port of Redis (6379)' },
  redischannel: { kind: 'text', help: 'channel of Redis that messages come through' },
  maxpackets: { kind: 'integer', help: 'most packets that a message may ask for (10000)' },
  upload: { kind: 'switch', help: 'upload captures to CloudShark' },
  writelocal: { kind: 'switch', help: 'write captures to a directory' },
  destdir: { kind: 'text', help: 'the directory for -writelocal' },
  panic: { kind: 'switch', help: 'taken and without effect: no packet ends this program' },
} as const satisfies Record<string, FlagRow>;

interface Kinds {
  text: string | null;
  integer: number | null;
  switch: boolean;
}

/** Null and false where a flag is not given. */
export type FlagValues = { readonly [Name in keyof typeof FLAG_ROWS]: Kinds[(typeof FLAG_ROWS)[Name]['kind']] };

const INTEGER_MAX = 2 ** 31 - 1;

/** `help` where help is asked for. @throws UsageError */
export function readFlags(words: readonly string[]): FlagValues | 'help' {
  const values: Record<string, unknown> = {};
  for (const [name, { kind }] of Object.entries(FLAG_ROWS)) values[name] = kind === 'switch' ? false : null;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const [, name = '', , given] = /^--?([a-z]+)(=(.*))?$/s.exec(word) ?? [];
    if (name === 'h' || name === 'help') return 'help';
    const row: FlagRow | undefined = Object.hasOwn(FLAG_ROWS, name)
      ? FLAG_ROWS[name as keyof typeof FLAG_ROWS]
      : undefined;
    if (row === undefined) throw new UsageError(`${word}: no such flag; -h lists them`);
    if (row.kind === 'switch') {
      values[name] = switchOf(word, given);
      continue;
    }
    const value = given ?? words[++at];
    if (value === undefined) throw new UsageError(`-${name}: has no value; give one behind it`);
    values[name] = row.kind === 'integer' ? integerOf(name, value) : value;
  }
  return values as unknown as FlagValues;
}

function switchOf(word: string, given: string | undefined): boolean {
  if (given === undefined) return true;
  if (/^(1|t|true)$/i.test(given)) return true;
  if (/^(0|f|false)$/i.test(given)) return false;
  throw new UsageError(`${word}: is neither true nor false; leave the value out`);
}

function integerOf(name: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const min = name === 'cstimeout' ? 0 : 1;
  const max = name.endsWith('port') ? 65_535 : INTEGER_MAX;
  if (value >= min && value <= max) return value;
  throw new UsageError(`-${name} ${text}: give a number from ${min} to ${max}`);
}

/** The flags, a line each. */
export function flagsHelp(): string {
  return Object.entries(FLAG_ROWS)
    .map(
      ([name, { kind, help }]) =>
        `  ${`-${name}${{ text: ' TEXT', integer: ' NUMBER', switch: '' }[kind]}`.padEnd(22)} ${help}\n`,
    )
    .join('');
}
