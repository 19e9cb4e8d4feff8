/**
 * A row of the option table, and the names, types and texts that follow from it. The rows are in `options.ts`.
 */
import { type OptionValue, yesOrNo } from './option-values.js';

export interface Option<T> {
  /** `switch` needs no value on the command line; `many` may be repeated, and is never split on commas. */
  readonly arity: 'one' | 'many' | 'switch';
  readonly group: OptionGroup;
  readonly value: OptionValue<unknown>;
  readonly default: T;
  /** Describes the default where the value alone does not. */
  readonly defaultText?: string;
  /** Environment variables beside the one that its name gives it; the first one that is set counts. */
  readonly env?: readonly string[];
  /** One sentence with the unit, without a full stop. */
  readonly help: string;
}

/** Headings of `--help` and of docs/options.md, in this order. */
export const OPTION_GROUPS = [
  'AWS:',
  'Change:',
  'Container:',
  'Satellite:',
  'Capture:',
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
  return [...(option.env ?? []), `LEVO_${name.replaceAll('-', '_').toUpperCase()}`];
}

/** The default as help and documents show it; null if there is nothing to show. */
export function defaultText(option: Option<unknown>): string | null {
  if (option.defaultText !== undefined) return option.defaultText;
  if (option.default === null || option.default === false || option.default === '') return null;
  return Array.isArray(option.default) ? null : String(option.default);
}
