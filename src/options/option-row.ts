/**
 * A row of the option table, and the names, types and texts that follow from it. The rows are in `options.ts`.
 */
import { type OptionValue, yesOrNo } from './option-values.js';

export interface Option<T> {
  /**
   * `switch` needs no value on the command line, `count` is how often it was given there; `many` may be repeated, and is
   * never split on commas.
   */
  readonly arity: 'one' | 'many' | 'switch' | 'count';
  readonly group: OptionGroup;
  readonly value: OptionValue<unknown>;
  readonly default: T;
  /** Describes the default where the value alone does not. */
  readonly defaultText?: string;
  /** The flag in one letter, where tcpdump or kubectl has the same. */
  readonly letter?: string;
  /** What it takes for the option to mean anything; without it, the option is said to do nothing. */
  readonly takes?: readonly Circumstance[];
  /** Whether a sensor that runs takes a new value, when it reads its configuration file again. */
  readonly reloads?: true;
  /** What people call it elsewhere: names for which it is suggested. */
  readonly alsoCalled?: readonly string[];
  /** Environment variables beside the one that its name gives it; the first one that is set counts. */
  readonly env?: readonly string[];
  /**
   * A variable of others, which counts where flag, own variables and file leave it out: what it is called, and the values
   * in it, or null where it cannot be read.
   */
  readonly lastEnv?: { readonly name: string; readonly split: (raw: string) => readonly string[] | null };
  /** One sentence with the unit, without a full stop. */
  readonly help: string;
}

/** See `circumstances.ts`. */
export type Circumstance =
  | 'live'
  | 'reading'
  | 'satellite'
  | 'spans'
  | 'https'
  | 'otlp'
  | 'spool'
  | 'health'
  | 'file'
  | 'text'
  | 'packets'
  | 'packetRule'
  | 'debug'
  | 'pods'
  | 'response'
  | 'orders'
  | 'control'
  | 'opamp';

/** Headings of `--help` and of docs/options.md, in this order. */
export const OPTION_GROUPS = [
  'Doctor:',
  'AWS:',
  'Change:',
  'Container:',
  'Satellite:',
  'Capture:',
  'Kubernetes:',
  'Policy:',
  'Redaction:',
  'Output:',
  'Process:',
] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

type Row<T, V> = Omit<Option<T>, 'arity' | 'value'> & { readonly value: OptionValue<V> };

export function one<V>(row: Row<NoInfer<V>, V>): Option<V> {
  return { ...row, arity: 'one' };
}
/** Its value is null unless one is given. */
export function optional<V>(row: Omit<Row<null, V>, 'default'>): Option<V | null> {
  return { ...row, arity: 'one', default: null };
}
export function many<V>(row: Row<readonly V[], V>): Option<readonly V[]> {
  return { ...row, arity: 'many' };
}
export function toggle(row: Omit<Row<false, boolean>, 'value' | 'default'>): Option<boolean> {
  return { ...row, arity: 'switch', value: yesOrNo, default: false };
}

/** Its value is how often the flag is given, up to `max`. */
export function counted(row: Omit<Row<0, number>, 'value' | 'default'>, value: OptionValue<number>): Option<number> {
  return { ...row, arity: 'count', value, default: 0 };
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** The settings that a table gives: a property for each option, named in camel case. */
export type SettingsOf<T extends OptionTable> = {
  readonly [Name in keyof T & string as CamelCase<Name>]: T[Name] extends Option<infer V> ? V : never;
};

/** The settings property of an option: `satellite-url` → `satelliteUrl`. */
export function settingName(option: string): string {
  return option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The environment variables that an option is read from; the first one that is set counts. */
export function environmentNames(name: string, option: Option<unknown>): readonly string[] {
  return [...new Set([...(option.env ?? []), `LEVO_${name.replaceAll('-', '_').toUpperCase()}`])];
}

/** The default as help and documents show it; null if there is nothing to show. */
export function defaultText(option: Option<unknown>): string | null {
  if (option.defaultText !== undefined) return option.defaultText;
  if (option.arity === 'count' || option.default === null || option.default === false || option.default === '')
    return null;
  return Array.isArray(option.default) ? null : String(option.default);
}
