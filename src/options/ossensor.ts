/**
 * Darktrace's osSensor is configured by variables alone, or by the file that its image makes of them. This reads both, so
 * that a container with those variables starts this sensor in its place.
 *
 * in: the environment, what the configuration file says · out: the sensor's options as text, what is to be said; or a
 * `UsageError` that names the variable, the value and the way out · pure
 */
import { InvalidValue, UsageError } from '../errors.js';
import { egrepPattern } from './egrep.js';
import { nearest } from './names.js';
import { captureFilter, number, type OptionValue, pattern, satelliteUrl, yesOrNo } from './option-values.js';
import type { Environment } from './settings.js';

export interface OsSensorVariable {
  /** What counts where it is not set; null where it must be, or where nothing counts. */
  readonly default: string | null;
  readonly required?: true;
  /** Whether its value must not be shown. */
  readonly secret?: true;
  /** The older name of it, which counts where this one is empty. */
  readonly old?: string;
  readonly value: OptionValue<unknown>;
  /** What it does here. */
  readonly help: string;
}

const DEBUG_LEVEL_MAX = 5;
const KEY_LENGTH_MAX = 1024;

/** A host alone: the port has a variable of its own. */
const host: OptionValue<string> = {
  placeholder: 'HOST',
  parse: (given) => {
    const name = given.trim();
    if (name.includes(':')) throw new InvalidValue('holds a colon; give the host alone, and its port as VSENSOR_PORT');
    if (!/^[A-Za-z0-9._-]+$/.test(name)) throw new InvalidValue('is no host name; give a name or an IPv4 address');
    satelliteUrl.parse(`http://${name}`);
    return name;
  },
};

const hmacKey: OptionValue<string> = {
  placeholder: 'KEY',
  parse: (given) => {
    if (!/^[\x21-\x7e]+$/.test(given))
      throw new InvalidValue('holds spaces or other than ASCII; give the key as it was issued');
    if (given.length > KEY_LENGTH_MAX)
      throw new InvalidValue(`is longer than ${KEY_LENGTH_MAX}; give the key as it was issued`);
    return given;
  },
};

/** Patterns as `egrep` takes them, with white space between, as RE2. */
const interfacePatterns: OptionValue<readonly string[]> = {
  placeholder: 'PATTERNS',
  parse: (given) => words(given).map((one) => pattern.parse(egrepPattern(one))),
};

const anyText: OptionValue<string> = { placeholder: 'TEXT', parse: (given) => given.trim() };

const whole = (placeholder: string, min: number, max: number, example: string) =>
  number(placeholder, { min, max, integer: true, example });

export const OSSENSOR_VARIABLES = {
  VSENSOR_HOSTNAME: {
    default: null,
    required: true,
    value: host,
    help: 'the host of the satellite; no port in it, and no IPv6 address',
  },
  VSENSOR_PORT: {
    default: '443',
    value: whole('PORT', 1, 65_535, 'a port such as 443'),
    help: 'its port; by https where it ends in 443, else by http. `LEVO_SATELLITE_URL` says it whole, and wins',
  },
  VSENSOR_HMAC_KEY: {
    default: null,
    required: true,
    secret: true,
    value: hmacKey,
    help: 'what is sent is signed with it, and a satellite that has it too may steer the sensor (docs/fleet.md); to one that knows nothing of enrolment traces go unsigned',
  },
  OSSENSOR_NETWORK_DEVICE: {
    default: null,
    value: anyText,
    help: 'interfaces to capture on, or `default gateway` for that of the default route; without it, all but loopback',
  },
  NETWORK_DEVICE_INCLUDELIST: {
    default: null,
    old: 'NETWORK_DEVICE_WHITELIST',
    value: interfacePatterns,
    help: '`egrep` patterns, with white space between; only interfaces that match one are captured on',
  },
  NETWORK_DEVICE_EXCLUDELIST: {
    default: null,
    old: 'NETWORK_DEVICE_BLACKLIST',
    value: interfacePatterns,
    help: 'the same for interfaces that are left out; it wins over the other list',
  },
  NETWORK_DEVICE_ANY: {
    default: '0',
    value: yesOrNo,
    help: '1: also on interfaces that come up later, if the two lists let them; 0: only on those there at the start',
  },
  INTERFACE_WAIT_SECS: {
    default: '5',
    value: number('SECONDS', { min: 0, max: 3600, example: 'seconds such as 5' }),
    help: 'seconds between attempts to find an interface',
  },
  INTERFACE_WAIT_ATTEMPTS: {
    default: '3',
    value: whole('ATTEMPTS', 1, 1000, 'a number such as 3'),
    help: 'attempts to find one before the sensor ends with exit code 1',
  },
  BPF: { default: null, value: captureFilter, help: 'a pcap filter expression, as `--filter`' },
  OSSENSOR_DEBUG: {
    default: '1',
    value: whole('LEVEL', 0, DEBUG_LEVEL_MAX, 'a level from 0 to 5'),
    help: 'how much is logged: see below',
  },
  OSSENSOR_CONFIG_PATH: {
    default: '/etc/darktrace/ossensor.cfg',
    value: anyText,
    help: 'the file that is made of these variables, where it can be written; one that somebody else wrote is read instead, and variables win over it',
  },
  OSSENSOR_LOGFILE_PATH: {
    default: '/dev/stdout',
    value: anyText,
    help: 'does nothing: logs go to standard error',
  },
  ANTIGENA_ENABLED: {
    default: 'false',
    value: yesOrNo,
    help: 'the same as `--active-response`: `true` is the half of the sensor, and nothing is reset without a signed order of its satellite. **osSensor takes `true` where it is not set, and this sensor `false`**: what answers on the wire has to be asked for',
  },
  ANTIGENA_TIME_PERIOD: {
    default: '5',
    value: number('SECONDS', { min: 0.1, max: 86_400, example: 'seconds such as 5' }),
    help: 'the same as `--active-response-report-seconds`: the seconds between reports of resets to the satellite',
  },
} as const satisfies Record<string, OsSensorVariable>;

type VariableName = keyof typeof OSSENSOR_VARIABLES;

/** What `OSSENSOR_DEBUG` shows, by level; each shows what those before it do. */
export const OSSENSOR_DEBUG_LEVELS = [
  { log: 'warn', packets: 'none', help: 'what was started, and with what; warnings' },
  { log: 'info', packets: 'none', help: 'a line a minute: packets, exchanges, what was sent and dropped' },
  { log: 'debug', packets: 'none', help: 'each batch that was sent or not: its traces, its bytes, the answer' },
  {
    log: 'debug',
    packets: 'none',
    help: 'the same: each connection that active response resets is a warning, which every level shows',
  },
  { log: 'debug', packets: 'batches', help: 'each batch of packets: how many, their bytes, their time' },
  { log: 'debug', packets: 'hex', help: 'each packet as hex: **the log then holds what the packets held**' },
] as const;

/** Whether somebody means osSensor: one of its own variables is there, empty or not. */
export function meansOsSensor(environment: Environment): boolean {
  return Object.keys(environment).some((name) => OWN_PREFIX.test(name));
}

const OWN_PREFIX = /^(VSENSOR|OSSENSOR|ANTIGENA|NETWORK_DEVICE)_/;

export interface OsSensorSettings {
  readonly hostname: string;
  readonly port: number;
  /** By which the sensor enrols. */
  readonly key: string;
  /** What the sensor is told: options as text, as a configuration file would have them. */
  readonly options: Readonly<Record<string, readonly string[]>>;
  readonly devices: DeviceSelection;
  readonly waitSeconds: number;
  readonly waitAttempts: number;
  readonly debugLevel: number;
  readonly configPath: string;
  /** Something that a person should know. */
  readonly warnings: readonly string[];
}

/** Which interfaces are wanted. */
export interface DeviceSelection {
  /** By name; `default gateway` may be among them; empty for all but loopback. */
  readonly named: readonly string[];
  /** RE2. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Also those that come up later. */
  readonly any: boolean;
}

/** `file`: variables that the configuration file stands for; see `variablesOfFile`. */
export function osSensorSettings(environment: Environment, file: Environment): OsSensorSettings {
  refuseMisspelt(environment);
  const warnings: string[] = [];
  const read = <T>(name: VariableName): T | null => parsedVariable(name, environment, file) as T | null;
  const hostname = read<string>('VSENSOR_HOSTNAME') as string;
  const port = read<number>('VSENSOR_PORT') as number;
  const key = read<string>('VSENSOR_HMAC_KEY') as string;
  const named = deviceNames(read<string>('OSSENSOR_NETWORK_DEVICE') ?? '');
  const any = read<boolean>('NETWORK_DEVICE_ANY') === true || named.includes('any');
  if (any && named.some((name) => name !== 'any'))
    warnings.push('NETWORK_DEVICE_ANY captures on every interface, so that OSSENSOR_NETWORK_DEVICE does nothing');
  const responds = read<boolean>('ANTIGENA_ENABLED') === true;
  const period = read<number>('ANTIGENA_TIME_PERIOD');
  if (responds) warnings.push('ANTIGENA_ENABLED: connections that a signed order of the satellite matches are reset');
  const debugLevel = read<number>('OSSENSOR_DEBUG') as number;
  if (debugLevel === DEBUG_LEVEL_MAX)
    warnings.push('OSSENSOR_DEBUG 5: the log holds the bytes of packets from here on, with all secrets in them');
  const logFile = read<string>('OSSENSOR_LOGFILE_PATH') as string;
  if (!/^\/dev\/std(out|err)$/.test(logFile))
    warnings.push(`OSSENSOR_LOGFILE_PATH ${JSON.stringify(logFile)} does nothing here: logs go to standard error`);
  const { log, packets } = OSSENSOR_DEBUG_LEVELS[debugLevel] ?? OSSENSOR_DEBUG_LEVELS[1];
  return {
    hostname,
    port,
    key,
    options: {
      'enrolment-key-file': ['env:VSENSOR_HMAC_KEY'],
      'satellite-url': [`${/443$/.test(String(port)) ? 'https' : 'http'}://${hostname}:${port}`],
      'log-level': [log],
      'log-packets': [packets],
      filter: [read<string>('BPF') ?? ''],
      ...(responds ? { 'active-response': ['on'], 'active-response-report-seconds': [String(period)] } : {}),
    },
    devices: {
      named: any ? [] : named,
      include: read<readonly string[]>('NETWORK_DEVICE_INCLUDELIST') ?? [],
      exclude: read<readonly string[]>('NETWORK_DEVICE_EXCLUDELIST') ?? [],
      any,
    },
    waitSeconds: read<number>('INTERFACE_WAIT_SECS') as number,
    waitAttempts: read<number>('INTERFACE_WAIT_ATTEMPTS') as number,
    debugLevel,
    configPath: read<string>('OSSENSOR_CONFIG_PATH') as string,
    warnings,
  };
}

function parsedVariable(name: VariableName, environment: Environment, file: Environment): unknown {
  const row: OsSensorVariable = OSSENSOR_VARIABLES[name];
  const set = [environment[name], row.old === undefined ? undefined : environment[row.old], file[name]];
  const given = set.find((one) => one !== undefined && one.trim() !== '');
  if (given === undefined && row.required) {
    throw new UsageError(
      `${name} is required, and is ${environment[name] === undefined ? 'not set' : 'empty'}; set it to ${row.value.placeholder}: ${row.help}`,
    );
  }
  const text = given ?? row.default;
  if (text === null) return null;
  try {
    return row.value.parse(text);
  } catch (error) {
    if (!(error instanceof InvalidValue || error instanceof UsageError)) throw error;
    const shown = row.secret ? '' : ` ${JSON.stringify(text.slice(0, 80))}`;
    const from = given !== undefined && given === file[name] && environment[name] !== given ? ' (from its file)' : '';
    throw new UsageError(`${name}${shown}${from} ${error.message}`);
  }
}

/** A variable that is close to one of these is a slip. */
function refuseMisspelt(environment: Environment): void {
  const known = Object.entries(OSSENSOR_VARIABLES as Record<string, OsSensorVariable>).flatMap(([name, { old }]) =>
    old === undefined ? [name] : [name, old],
  );
  for (const name of Object.keys(environment)) {
    if (!OWN_PREFIX.test(name) || known.includes(name)) continue;
    const near = nearest(name, known);
    if (near !== null)
      throw new UsageError(`nothing reads the variable ${name}; did you mean ${near}? Set that, or unset this`);
  }
}

const DEFAULT_GATEWAY = 'default gateway';

function deviceNames(given: string): string[] {
  // Two words, and everything else is one.
  const text = given.replace(/default[ _-]gateway/gi, '\0');
  return text
    .split(/[\s,]+/)
    .filter((name) => name !== '')
    .map((name) => (name === '\0' ? DEFAULT_GATEWAY : name));
}

function words(given: string): string[] {
  return given.split(/\s+/).filter((word) => word !== '');
}

/** The interfaces of this machine that the list of routes has a default route by: `/proc/net/route`. */
export function defaultRouteInterfaces(procNetRoute: string): string[] {
  const names = procNetRoute
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    // Destination and mask of all zeros, and the route is up (RTF_UP).
    .filter(
      (cells) => cells[1] === '00000000' && cells[7] === '00000000' && (Number.parseInt(cells[3] ?? '0', 16) & 1) === 1,
    )
    .map(([name = '']) => name);
  return [...new Set(names)];
}

/**
 * Those of `existing` that are wanted, in their order: the exclude list first, then the include list.
 *
 * @param matches whether a name matches an RE2 pattern
 * @throws UsageError for a name that is none of them
 */
export function chooseDevices(
  { named, include, exclude }: DeviceSelection,
  existing: readonly string[],
  defaultRoutes: readonly string[],
  matches: (pattern: string, name: string) => boolean,
): string[] {
  const wanted = named.flatMap((name) => (name === DEFAULT_GATEWAY ? defaultRoutes : [name]));
  const missing = wanted.find((name) => !existing.includes(name));
  if (missing !== undefined) {
    throw new UsageError(
      `OSSENSOR_NETWORK_DEVICE ${JSON.stringify(missing)} is no interface of this machine; there are ${existing.join(', ')}`,
    );
  }
  const all =
    named.length > 0 ? existing.filter((name) => wanted.includes(name)) : existing.filter((name) => name !== 'lo');
  return all
    .filter((name) => !exclude.some((one) => matches(one, name)))
    .filter((name) => include.length === 0 || include.some((one) => matches(one, name)));
}

/** The first line of a file that was made here, by which it is known not to be somebody's own. */
const GENERATED =
  '; Made by pcap-sensor from the variables of its environment at each start. Your own file has no such line.';

/** The configuration file as osSensor's image writes it. */
export function generatedFile(
  { hostname, port, debugLevel, options }: OsSensorSettings,
  environment: Environment,
  devices: readonly string[],
): string {
  const lines = {
    Debug: debugLevel,
    vSensor: `${hostname}:${port}`,
    key: environment.VSENSOR_HMAC_KEY ?? '',
    device: devices.join(','),
    useAntigena: environment.ANTIGENA_ENABLED ?? OSSENSOR_VARIABLES.ANTIGENA_ENABLED.default,
    sendAntigenaActionDelta: environment.ANTIGENA_TIME_PERIOD ?? OSSENSOR_VARIABLES.ANTIGENA_TIME_PERIOD.default,
    bpf: options.filter?.[0] ?? '',
  };
  const text = Object.entries(lines).map(([key, value]) => `${key}=${value}`);
  return `${[GENERATED, '[osSensor]', ...text].join('\n')}\n`;
}

/** The variables that a configuration file stands for; null for one that was made here. */
export function variablesOfFile(text: string): Environment | null {
  if (text.startsWith(GENERATED)) return null;
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([A-Za-z_]+)\s*[=:]\s*(.*?)\s*$/.exec(line);
    const [, key = '', value = ''] = match ?? [];
    if (value === '') continue;
    if (key.toLowerCase() === 'vsensor') {
      const [hostname = '', port = ''] = value.split(/:(?=\d*$)/);
      found.VSENSOR_HOSTNAME = hostname;
      found.VSENSOR_PORT = port;
    }
    if (key.toLowerCase() === 'blacklist_device') {
      found.NETWORK_DEVICE_EXCLUDELIST = value
        .split(',')
        .map((name) => `^${name.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
        .join(' ');
    }
    const name = FILE_KEYS[key.toLowerCase()];
    if (name !== undefined) found[name] = value;
  }
  return found;
}

const FILE_KEYS: Readonly<Record<string, VariableName>> = {
  debug: 'OSSENSOR_DEBUG',
  key: 'VSENSOR_HMAC_KEY',
  device: 'OSSENSOR_NETWORK_DEVICE',
  logfile: 'OSSENSOR_LOGFILE_PATH',
  useantigena: 'ANTIGENA_ENABLED',
  sendantigenaactiondelta: 'ANTIGENA_TIME_PERIOD',
  bpf: 'BPF',
};
