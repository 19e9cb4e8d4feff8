/**
 * Settings from what was given: flag before environment before configuration file before default.
 *
 * in: an option table, flag values as text, the environment, optionally a YAML file
 * out: frozen settings, typed by the table; or a `UsageError` of one line that names option, source, value and way out
 */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { InvalidValue, UsageError } from '../errors.js';
import type { Option, OptionTable, SettingsOf } from './option-row.js';
import { environmentNames, settingName } from './option-row.js';
import { looksUnfilled } from './option-values.js';
import type { Settings } from './options.js';
import { SENSOR_OPTIONS } from './options.js';

/** Flags as given, by option name without the dashes; one text for each time that the flag was given. */
export type FlagValues = Readonly<Record<string, readonly string[]>>;
export type Environment = Readonly<Record<string, string | undefined>>;

type Source = { readonly from: 'flag' | 'default' } | { readonly from: 'env' | 'file'; readonly name: string };

interface Given {
  readonly texts: readonly string[];
  readonly source: Source;
}

const CONFIG_BYTES_MAX = 1 << 20;

/** The settings of `apidump`, with everything checked that can be checked before capture starts. */
export function resolveSensorSettings(flags: FlagValues, environment: Environment): Settings {
  // The place of the file must be known before its contents.
  const path = resolveSettings({ config: SENSOR_OPTIONS.config }, pick(flags, 'config'), environment).config;
  const file = path === null ? {} : readConfigFile(path, SENSOR_OPTIONS);
  const settings = { ...resolveSettings(SENSOR_OPTIONS, flags, environment, file, path ?? '') };
  const isGiven = (name: string) => name in flags || name in file || fromEnvironment(name, environment) !== null;
  if (settings.read !== null && !isGiven('rate-limit')) settings.rateLimit = 0;
  if (settings.read !== null && settings.interfaces.length > 0) {
    throw new UsageError('--interfaces has no meaning with --read; leave one of them out');
  }
  const toSatellite = settings.output.some((output) => output.to === 'satellite');
  if (toSatellite && settings.satelliteUrl === null) {
    if (settings.read !== null && !isGiven('output')) {
      throw new UsageError('--read needs somewhere to put traces; add --output ndjson, or --satellite-url URL');
    }
    throw new UsageError(
      '--satellite-url is required; give it such as http://127.0.0.1:9999, or --output ndjson to print traces',
    );
  }
  const places = settings.output.map((output) => JSON.stringify(output));
  if (new Set(places).size < places.length) {
    throw new UsageError('--output names the same place twice; leave one of them out');
  }
  return Object.freeze(settings);
}

/** The settings any `table` describes. `file` has values by option name, `filePath` is for errors. */
export function resolveSettings<T extends OptionTable>(
  table: T,
  flags: FlagValues,
  environment: Environment,
  file: FlagValues = {},
  filePath = '',
): SettingsOf<T> {
  const sources: Sources = { flags, environment, file, filePath };
  const settings: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    settings[settingName(name)] = optionValue(name, option, given(name, option, sources));
  }
  // Only now, so that the error about `--filter -x` is the missing value, not that there is no -x.
  for (const name of Object.keys(flags)) {
    if (!Object.hasOwn(table, name)) throw unknownName(name.length > 1 ? `--${name}` : `-${name}`, name, table, '--');
  }
  // Every property was made from the row that also makes its type.
  return Object.freeze(settings) as SettingsOf<T>;
}

/** Everything a value may come from. */
interface Sources {
  readonly flags: FlagValues;
  readonly environment: Environment;
  readonly file: FlagValues;
  readonly filePath: string;
}

function given(name: string, option: Option<unknown>, sources: Sources): Given | null {
  const { flags, environment, file, filePath } = sources;
  const flag = flags[name];
  // The last of several counts, so that a wrapper's choice can be overruled.
  if (flag !== undefined) return { texts: option.arity === 'many' ? flag : flag.slice(-1), source: { from: 'flag' } };
  const variable = fromEnvironment(name, environment, option);
  if (variable !== null) {
    const raw = environment[variable] ?? '';
    return { texts: option.arity === 'many' ? splitList(raw) : [raw], source: { from: 'env', name: variable } };
  }
  const keyed = file[name];
  return keyed === undefined ? null : { texts: keyed, source: { from: 'file', name: filePath } };
}

/** The variable that sets `name`. An empty one sets nothing, since templates leave such behind. */
function fromEnvironment(
  name: string,
  environment: Environment,
  option: Option<unknown> | undefined = (SENSOR_OPTIONS as OptionTable)[name],
): string | null {
  if (option === undefined) return null;
  return environmentNames(name, option).find((variable) => (environment[variable] ?? '') !== '') ?? null;
}

/** A list in one variable: a JSON array of strings, or one value a line. Commas belong to the values. */
function splitList(raw: string): string[] {
  if (raw.trimStart().startsWith('[')) {
    try {
      const parsed: unknown = JSON.parse(raw);
      if (Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')) return parsed;
    } catch {
      // `[a-z]+` is a pattern, not an array.
    }
  }
  return raw.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function optionValue(name: string, option: Option<unknown>, given: Given | null): unknown {
  if (given === null) return Array.isArray(option.default) ? Object.freeze([...option.default]) : option.default;
  const values = given.texts.map((text) => parseValue(name, option, text, given.source));
  return option.arity === 'many' ? Object.freeze(values) : values[0];
}

function parseValue(name: string, option: Option<unknown>, text: string, source: Source): unknown {
  if (text === '' && option.value.emptyAllowed !== true) {
    const hint = source.from === 'flag' ? ` (--${name}=${option.value.placeholder} if it begins with a dash)` : '';
    throw new UsageError(`--${name}${provenance(source)} needs a value; give ${option.value.placeholder}${hint}`);
  }
  const shown = () => `--${name} ${quote(option.value.reveal?.(text) ?? text)}${provenance(source)}`;
  if (looksUnfilled(option.value, text)) {
    throw new UsageError(
      `${shown()} is a placeholder nobody filled in; give ${option.value.placeholder}: ${option.help}`,
    );
  }
  try {
    return option.value.parse(text);
  } catch (error) {
    if (error instanceof InvalidValue) throw new UsageError(`${shown()} ${error.message}`);
    if (error instanceof UsageError) throw new UsageError(`${error.message}${provenance(source)}`);
    throw error;
  }
}

function provenance(source: Source): string {
  if (source.from === 'env') return ` (from environment variable ${source.name})`;
  if (source.from === 'file') return ` (from ${source.name})`;
  return '';
}

/** Text for a one-line message: quoted, escaped, of bounded length. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}

/**
 * The values of a YAML file by option name. Every scalar is taken as the text in the file (YAML's failsafe schema), so
 * that an id of digits or a pattern such as `no` is not turned into something else.
 */
function readConfigFile(path: string, table: OptionTable): FlagValues {
  const where = `--config ${quote(path)}`;
  let source: string;
  try {
    if (path !== '-' && statSync(path).size > CONFIG_BYTES_MAX) {
      throw new UsageError(`${where} is larger than ${CONFIG_BYTES_MAX} bytes; give a configuration file`);
    }
    source = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${where} cannot be read (${(error as NodeJS.ErrnoException).code}); give a readable file`);
  }
  // Loaded here, since most sensors have no such file.
  const { parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  const document = parseDocument(source, { schema: 'failsafe', prettyErrors: false, logLevel: 'silent' });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = source.slice(0, problem.pos[0]).split('\n').length;
    throw new UsageError(`${where} line ${line} is not YAML (${problem.code}); mend that line`);
  }
  const root: unknown = document.toJS({ maxAliasCount: 100 });
  if (root === null || root === undefined || root === '') return {};
  if (typeof root !== 'object' || Array.isArray(root)) {
    throw new UsageError(`${where} is not a mapping of options to values; write lines such as "rate-limit: 1000"`);
  }
  const values: Record<string, readonly string[]> = {};
  for (const [key, value] of Object.entries(root)) {
    const option = Object.hasOwn(table, key) ? table[key] : undefined;
    if (option === undefined || key === 'config') throw unknownName(`${where}: ${quote(key)}`, key, table, '');
    const texts = textsOf(value);
    if (texts === null || (texts.length > 1 && option.arity !== 'many')) {
      const shape = option.arity === 'many' ? 'a list of texts' : 'one text';
      throw new UsageError(`--${key} (from ${path}) must be ${shape}; write ${key}: ${option.value.placeholder}`);
    }
    const isSet = Array.isArray(value) ? texts.length > 0 : !['', 'null', '~'].includes(texts[0] ?? '');
    if (isSet) values[key] = texts;
  }
  return values;
}

function textsOf(value: unknown): string[] | null {
  if (value === null || value === undefined) return [''];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
}

function unknownName(shown: string, name: string, table: OptionTable, prefix: string): UsageError {
  const near = nearest(name, Object.keys(table));
  const wayOut = near === null ? 'see --help for those there are' : `did you mean ${prefix}${near}?`;
  return new UsageError(`${shown} is no option; ${wayOut}`);
}

/** Variables that no option reads, but whose names are close to one that an option reads. */
export function mistypedVariables(environment: Environment): { name: string; meant: string }[] {
  const known = Object.entries<Option<unknown>>(SENSOR_OPTIONS).flatMap(([name, option]) =>
    environmentNames(name, option),
  );
  const unknown = Object.keys(environment).filter((name) => /^LEVO(AI)?_/.test(name) && !known.includes(name));
  return unknown.flatMap((name) => {
    const meant = nearest(name, known);
    return meant === null ? [] : [{ name, meant }];
  });
}

/** The only candidate that begins with `name`, else the nearest within two edits; null if there is none. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  const begun = candidates.filter((candidate) => candidate.startsWith(name));
  if (begun.length === 1) return begun[0] ?? null;
  const ranked = candidates.map((candidate) => ({ candidate, edits: editDistance(name, candidate) }));
  ranked.sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= 2 ? best.candidate : null;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

function pick(flags: FlagValues, name: string): FlagValues {
  const values = flags[name];
  return values === undefined ? {} : { [name]: values };
}
