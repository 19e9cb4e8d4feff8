/**
 * Settings from what was given: flag before environment before configuration file before default.
 *
 * in: an option table, flag values as text, the environment, optionally a YAML file
 * out: frozen settings, typed by the table; or a `UsageError` of one line that names option, source, value and way out
 */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { InvalidValue, UsageError } from '../errors.js';
import { MEMORY_BY_BODY } from '../limits.js';
import { idleOptions } from './circumstances.js';
import { refuseUnverifiedControl } from './control-options.js';
import type { Option, OptionTable, SettingsOf } from './option-row.js';
import { defaultText, environmentNames, settingName } from './option-row.js';
import { looksUnfilled } from './option-values.js';
import type { Settings } from './options.js';
import { REDACT_OPTIONS, SENSOR_OPTIONS } from './options.js';
import { patternNotes } from './pattern-notes.js';
import { REDACTION_OPTIONS } from './redaction-options.js';
import { APIDUMP, type SensorVerb } from './sensor-verbs.js';
import { unknownOption } from './unknown-option.js';

/** Flags as given, by option name without the dashes; one text for each time that the flag was given. */
export type FlagValues = Readonly<Record<string, readonly string[]>>;
export type Environment = Readonly<Record<string, string | undefined>>;

type Source = { readonly from: 'flag' | 'default' } | { readonly from: 'env' | 'file'; readonly name: string };

interface Given {
  readonly texts: readonly string[];
  readonly source: Source;
}

const CONFIG_BYTES_MAX = 1 << 20;

/** Something about the settings that a person should know. */
export interface Note {
  readonly level: 'info' | 'warn';
  readonly message: string;
}

/** The settings of a verb that senses, with everything checked that can be checked before capture starts. */
export function resolveSensorSettings(
  flags: FlagValues,
  environment: Environment,
  verb: SensorVerb = APIDUMP,
): Settings {
  return resolveSensor(flags, environment, verb).settings;
}

export interface ResolvedSensor {
  readonly settings: Settings;
  /** What is to be said about them. */
  readonly notes: readonly Note[];
  /** The value of an option as a message may show it. */
  shown(name: string): string;
}

/** The same, with what is to be said about them. */
export function resolveSensor(flags: FlagValues, environment: Environment, verb: SensorVerb = APIDUMP): ResolvedSensor {
  // The place of the file must be known before its contents.
  const path = resolveSettings({ config: SENSOR_OPTIONS.config }, pick(flags, 'config'), environment).config;
  const { values: file, foreign } = path === null ? NO_FILE : readConfigFile(path, SENSOR_OPTIONS);
  const values = { ...verb.defaults, ...file };
  const settings = { ...resolveSettings(SENSOR_OPTIONS, flags, environment, values, path ?? '') };
  const isOnPurpose = (name: string) => name in flags || name in file;
  const isGiven = (name: string) => isOnPurpose(name) || variableOf(name, environment) !== null;
  const written = settings.write.filter((one) => one.to !== 'pcap');
  // A file that is written stands in for the satellite where none is named.
  const isAlone =
    written.length > 0 && settings.satelliteUrl === null && !isGiven('output') && !('output' in verb.defaults);
  settings.output = Object.freeze([...(isAlone ? [] : settings.output), ...written]);
  const isShown = settings.read !== null || settings.output.every(({ to }) => to === 'text');
  if (isShown && !isGiven('rate-limit')) settings.rateLimit = 0;
  if (settings.read !== null && settings.interfaces.length > 0) {
    throw new UsageError('--interfaces has no meaning with --read; leave one of them out');
  }
  refuseWhatCannotFit(settings);
  refuseCommand(settings);
  refuseMixedMetrics(settings);
  refuseUnverifiedControl(settings, environment);
  if (settings.read !== null && !verb.readsFiles) {
    throw new UsageError(
      `--read ${quote(settings.read)} has no meaning to a verb that looks at interfaces; give the file to pcap-sensor watch`,
    );
  }
  if (verb.demandsOutput) refuseNowhere(settings, isGiven('output'), isOnPurpose('satellite-url'));
  refuseSamePlaces(settings);
  const given = Object.keys(SENSOR_OPTIONS).filter(isGiven);
  const sources: Sources = { flags, environment, file: values, filePath: path ?? '' };
  return {
    settings: Object.freeze(settings),
    notes: [
      ...idleNotes(given, settings, verb, isOnPurpose),
      ...repeatedNotes(flags),
      ...patternNotes(settings).map((message) => ({ level: 'warn' as const, message })),
      ...unreadNotes(environment),
      ...foreignNotes(foreign, path),
    ],
    shown: (name) => shownValue(name, settings, sources),
  };
}

/** The settings of `redact`: of a configuration file, which is a sensor's, it takes what is about redaction. */
export function resolveRedact(flags: FlagValues, environment: Environment): SettingsOf<typeof REDACT_OPTIONS> {
  const path = resolveSettings({ config: SENSOR_OPTIONS.config }, pick(flags, 'config'), environment).config;
  const { values } = path === null ? NO_FILE : readConfigFile(path, SENSOR_OPTIONS);
  const known = Object.entries(values).filter(([name]) => Object.hasOwn(REDACTION_OPTIONS, name));
  return resolveSettings(REDACT_OPTIONS, flags, environment, Object.fromEntries(known), path ?? '');
}

function shownValue(name: string, settings: Settings, sources: Sources): string {
  const option = (SENSOR_OPTIONS as OptionTable)[name];
  const value = settings[settingName(name) as keyof Settings];
  // What is no secret and short is shown as it was understood.
  if (option === undefined || ['number', 'boolean'].includes(typeof value)) return String(value);
  const texts = given(name, option, sources)?.texts ?? [];
  if (texts.length === 0) return defaultText(option) ?? 'none';
  return texts.map((text) => quote(option.value.reveal?.(text) ?? text)).join(', ');
}

/** Traces need somewhere to go, and a satellite that was named is meant to have them. */
function refuseNowhere({ read, output, satelliteUrl }: Settings, isOutputGiven: boolean, isUrlGiven: boolean): void {
  const toSatellite = output.some(({ to }) => to === 'satellite');
  if (!toSatellite && isUrlGiven) {
    throw new UsageError(
      `--satellite-url ${quote(satelliteUrl ?? '')} gets nothing, since --output names other places alone; ` +
        'add --output satellite, or leave the URL out',
    );
  }
  if (!toSatellite || satelliteUrl !== null) return;
  if (read !== null && !isOutputGiven) {
    throw new UsageError('--read needs somewhere to put traces; add --output text or ndjson, or --satellite-url URL');
  }
  throw new UsageError(
    '--satellite-url is required; give it such as http://127.0.0.1:9999, or --output text or ndjson to print traces',
  );
}

/** The last of several counts, so that a wrapper's choice can be overruled; nobody should miss the others. */
function repeatedNotes(flags: FlagValues): Note[] {
  return Object.entries(flags).flatMap(([name, texts]) => {
    const option = (SENSOR_OPTIONS as OptionTable)[name];
    if (option?.arity !== 'one' || new Set(texts).size < 2) return [];
    const last = texts.at(-1) ?? '';
    const message = `--${name} was given ${texts.length} times, and the last one counts: ${quote(option.value.reveal?.(last) ?? last)}; give it once`;
    return [{ level: 'warn' as const, message }];
  });
}

/** One line for each reason, at WARN where one of the options was given for this run. */
function idleNotes(
  given: readonly string[],
  settings: Settings,
  verb: SensorVerb,
  isOnPurpose: (name: string) => boolean,
): Note[] {
  const byReason = new Map<string, string[]>();
  const byVerb = verb.idle.map((name) => ({ name, missing: verb.idleBecause }));
  const found = [...byVerb.filter(({ name }) => given.includes(name)), ...idleOptions(given, SENSOR_OPTIONS, settings)];
  const seen = new Set<string>();
  for (const { name, missing } of found) {
    if (!seen.has(name)) byReason.set(missing, [...(byReason.get(missing) ?? []), name]);
    seen.add(name);
  }
  return [...byReason].map(([missing, names]) => ({
    level: names.some(isOnPurpose) ? 'warn' : 'info',
    message: `${names.map((name) => `--${name}`).join(', ')} ${names.length === 1 ? 'does' : 'do'} nothing here: ${missing}`,
  }));
}

/** Two writers of one file, or a file that is written while it is read, would destroy what is in it. */
function refuseSamePlaces({ read, output, write }: Settings): void {
  const targets = [...output, ...write.filter(({ to }) => to === 'pcap')];
  const places = targets.map((target) => ('file' in target && target.file !== null ? resolve(target.file) : target.to));
  const twice = places.find((place, index) => places.indexOf(place) < index);
  if (twice !== undefined) {
    throw new UsageError(`--output and --write name the same place twice, ${quote(twice)}; leave one of them out`);
  }
  const source = read === null ? undefined : statSync(read, { throwIfNoEntry: false });
  for (const place of source?.isFile() ? places : []) {
    const status = statSync(place, { throwIfNoEntry: false });
    if (status?.ino === source?.ino && status?.dev === source?.dev)
      throw new UsageError(`--read ${quote(read ?? '')} is a file that would be written as well; write to another one`);
  }
}

/** Refuses a command that nothing could be captured of, or whose output would be mixed into the traces. */
function refuseCommand({ command, read, output }: Settings): void {
  if (command === null) return;
  if (read !== null) throw new UsageError('--command has no meaning with --read; leave one of them out');
  if (output.some((one) => one.to === 'ndjson' && one.file === null))
    throw new UsageError(
      '--command writes to standard output too; give --output ndjson:FILE, or leave one of them out',
    );
}

/** Refuses metrics in the middle of traces. */
function refuseMixedMetrics({ metrics, output }: Settings): void {
  if (!metrics.includes('emf') || !output.some((one) => one.to === 'ndjson' && one.file === null)) return;
  throw new UsageError(
    '--metrics emf writes to standard output too; give --output ndjson:FILE, or leave one of them out',
  );
}

/** Refuses bodies that the memory cannot hold. Where one of the two was not given, it is as the other needs it. */
function refuseWhatCannotFit({ maxHttpLength, maxMemory }: Pick<Settings, 'maxHttpLength' | 'maxMemory'>): void {
  if (maxHttpLength === null || maxMemory === null || maxHttpLength * MEMORY_BY_BODY <= maxMemory) return;
  throw new UsageError(
    `--max-http-length ${maxHttpLength} does not fit into --max-memory ${maxMemory}; give at most --max-http-length ` +
      `${Math.floor(maxMemory / MEMORY_BY_BODY)}, or at least --max-memory ${maxHttpLength * MEMORY_BY_BODY}`,
  );
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
    if (!Object.hasOwn(table, name)) throw unknownOption(name.length > 1 ? `--${name}` : `-${name}`, name, table, '--');
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
  const variable = variableOf(name, environment, option);
  if (variable !== null) {
    const raw = environment[variable] ?? '';
    return { texts: option.arity === 'many' ? splitList(raw) : [raw], source: { from: 'env', name: variable } };
  }
  const keyed = file[name];
  if (keyed !== undefined) return { texts: keyed, source: { from: 'file', name: filePath } };
  return givenLast(option, environment);
}

function givenLast({ lastEnv }: Option<unknown>, environment: Environment): Given | null {
  const raw = lastEnv === undefined ? '' : (environment[lastEnv.name] ?? '');
  const texts = raw === '' ? null : (lastEnv?.split(raw) ?? null);
  return texts === null ? null : { texts, source: { from: 'env', name: lastEnv?.name ?? '' } };
}

/** Variables of others that cannot be read: they are left out, as whoever set them may not have meant this program. */
function unreadNotes(environment: Environment): Note[] {
  return Object.values(SENSOR_OPTIONS as OptionTable).flatMap(({ lastEnv }) => {
    const raw = lastEnv === undefined ? '' : (environment[lastEnv.name] ?? '');
    if (lastEnv === undefined || raw === '' || lastEnv.split(raw) !== null) return [];
    const message = `${lastEnv.name} ${quote(raw)} is left out, since it is no list of NAME=VALUE with commas between; mend it`;
    return [{ level: 'warn' as const, message }];
  });
}

/** What the environment gives for the options of `table`, as flags would have it. */
export function fromEnvironment(table: OptionTable, environment: Environment): FlagValues {
  return Object.fromEntries(
    Object.entries(table).flatMap(([name, option]) => {
      const found =
        variableOf(name, environment, option) === null
          ? null
          : given(name, option, { flags: {}, environment, file: {}, filePath: '' });
      return found === null ? [] : [[name, found.texts]];
    }),
  );
}

/** The variable that sets `name`. An empty one sets nothing, since templates leave such behind. */
function variableOf(
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
    if (error instanceof InvalidValue)
      throw new UsageError(`${shown()} ${error.message}${eachAlone(name, option, text, source)}`);
    if (error instanceof UsageError) throw new UsageError(`${error.message}${provenance(source)}`);
    throw error;
  }
}

/** What is said besides where each of a list with commas would have been right. */
function eachAlone(name: string, option: Option<unknown>, text: string, source: Source): string {
  const parts = text.split(',').map((part) => part.trim());
  if (option.arity !== 'many' || parts.length < 2 || option.value.placeholder === 'RE2') return '';
  try {
    for (const part of parts) option.value.parse(part);
  } catch {
    return '';
  }
  if (source.from === 'env') return '; give each in a line of its own';
  return `; give each alone: ${parts.map((part) => `--${name} ${part}`).join(' ')}`;
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
function readConfigFile(path: string, table: OptionTable): ConfigFile {
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
    throw new UsageError(`${where} line ${line} is not YAML (${problem.code}): ${problem.message}; mend that line`);
  }
  let root: unknown;
  try {
    root = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases: without an anchor, or so many that they are an attack.
    throw new UsageError(`${where} is not YAML: ${(error as Error).message}; mend its aliases (*)`);
  }
  if (root === null || root === undefined || root === '') return NO_FILE;
  if (typeof root !== 'object' || Array.isArray(root)) {
    throw new UsageError(`${where} is not a mapping of options to values; write lines such as "rate-limit: 1000"`);
  }
  const values: Record<string, readonly string[]> = {};
  const foreign: string[] = [];
  for (const [key, value] of Object.entries(root)) {
    if (FOREIGN_KEYS.has(key)) {
      foreign.push(key);
      continue;
    }
    const option = Object.hasOwn(table, key) ? table[key] : undefined;
    if (option === undefined || key === 'config') throw unknownOption(`${where}: ${quote(key)}`, key, table, '');
    const texts = textsOf(value);
    if (texts === null || (texts.length > 1 && option.arity !== 'many')) {
      const shape = option.arity === 'many' ? 'a list of texts' : 'one text';
      throw new UsageError(`--${key} (from ${path}) must be ${shape}; write ${key}: ${option.value.placeholder}`);
    }
    const isSet = Array.isArray(value) ? texts.length > 0 : !['', 'null', '~'].includes(texts[0] ?? '');
    if (isSet) values[key] = texts;
  }
  return { values, foreign };
}

interface ConfigFile {
  readonly values: FlagValues;
  /** Keys in it that are another program's. */
  readonly foreign: readonly string[];
}

const NO_FILE: ConfigFile = { values: {}, foreign: [] };

/** What Levo's file for Windows has beside the sensor's options: how its service is called and started. */
const FOREIGN_KEYS: ReadonlySet<string> = new Set([
  'name',
  'display-name',
  'description',
  'log-file-path',
  'exec',
  'args',
]);

function foreignNotes(keys: readonly string[], path: string | null): Note[] {
  if (keys.length === 0) return [];
  const says = keys.length === 1 ? 'says' : 'say';
  const message = `--config ${quote(path ?? '')}: ${keys.join(', ')} ${says} how a Windows service is started, and nothing to this sensor`;
  return [{ level: 'info', message }];
}

function textsOf(value: unknown): string[] | null {
  if (value === null || value === undefined) return [''];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
}

function pick(flags: FlagValues, name: string): FlagValues {
  const values = flags[name];
  return values === undefined ? {} : { [name]: values };
}
