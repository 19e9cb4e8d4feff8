/** The options of enrolment and control: rows of the tables of the sensor and of the satellite. */

import { readFileSync, statSync } from 'node:fs';
import { keyOf, parseKeys } from '../enrolment/keys.js';
import { InvalidValue, UsageError } from '../errors.js';
import { parseSatelliteUrl, redactSecrets } from '../output/satellite/satellite-url.js';
import { FLEET_RATE_OPTIONS } from './fleet-rate.js';
import { optional, toggle } from './option-row.js';
import { existingFile, type OptionValue, text } from './option-values.js';

const KEY_FILE_BYTES_MAX = 8192;

/** The keys that `--enrolment-key-file` names: a file, or `env:NAME` for a variable. @throws InvalidValue */
export function readKeySource(source: string, environment: NodeJS.ProcessEnv): ReturnType<typeof parseKeys> {
  const variable = variableOf(source);
  if (variable !== null) {
    const value = environment[variable] ?? '';
    if (value === '')
      throw new InvalidValue(`names a variable that is not set; set ${variable} to the key, or give a file`);
    // Others give out these, and however short they are, there are no longer ones.
    return variable === FOREIGN_KEY_VARIABLE ? [keyOf(value)] : parseKeys(value.replaceAll(',', '\n'));
  }
  try {
    if (statSync(source).size > KEY_FILE_BYTES_MAX)
      throw new InvalidValue('is too long; give a file with a key a line, two at most of each organisation');
    return parseKeys(readFileSync(source, 'utf8'));
  } catch (error) {
    if (error instanceof InvalidValue) throw error;
    throw new InvalidValue(`cannot be read (${(error as NodeJS.ErrnoException).code}); give a readable file`);
  }
}

/** The same for a sensor, which is of one organisation. @throws InvalidValue */
export function readSensorKeys(source: string, environment: NodeJS.ProcessEnv): ReturnType<typeof parseKeys> {
  const keys = readKeySource(source, environment);
  const names = new Set(keys.map(({ organisation }) => organisation));
  if (names.size > 1)
    throw new InvalidValue(
      `holds keys of several organisations (${[...names].slice(0, 4).join(', ')}); give a sensor those of its own`,
    );
  return keys;
}

/** osSensor's. */
export const FOREIGN_KEY_VARIABLE = 'VSENSOR_HMAC_KEY';

/** The variable that a source of keys names; null for a file. */
export function variableOf(source: string): string | null {
  return /^env:([A-Za-z_][A-Za-z0-9_]*)$/.exec(source)?.[1] ?? null;
}

function keySource(read: typeof readKeySource): OptionValue<string> {
  return {
    placeholder: 'FILE|env:NAME',
    parse: (given) => {
      if (variableOf(given) === null) {
        if (given === '-') throw new InvalidValue('is standard input, which cannot be read again; give a file');
        existingFile(given);
      }
      read(given, process.env);
      return given;
    },
  };
}

/** A WebSocket has one, too: it begins as a request. */
export const httpOriginOf = (url: string): string => new URL(url.replace(/^ws/, 'http')).origin;

const opampUrl: OptionValue<string> = {
  placeholder: 'URL',
  reveal: redactSecrets,
  isPlaceholder: (given) => /<[^<>]*>/.test(given),
  parse: (given) => {
    const url = URL.canParse(given) ? new URL(given) : null;
    if (url === null || !/^(https?|wss?):$/.test(url.protocol))
      throw new InvalidValue(
        'is no URL over HTTP or a WebSocket; give one such as https://opamp.example/v1/opamp, or wss://opamp.example/v1/opamp',
      );
    if (url.username !== '' || url.password !== '')
      throw new InvalidValue('has a user in it, which is not sent; leave it out');
    if (url.hash !== '') throw new InvalidValue('has a fragment; give it without');
    parseSatelliteUrl(httpOriginOf(url.href), '--opamp-url');
    return url.href;
  },
};

export const CONTROL_OPTIONS = {
  'enrolment-key-file': optional({
    group: 'Satellite:',
    value: keySource(readSensorKeys),
    takes: ['satellite'],
    alsoCalled: ['key-file', 'hmac-key', 'enrollment-key-file', 'enrolment-key', 'enrollment-key'],
    help: 'keys that the satellite knows too, one a line and two at most, or env:NAME for a variable: what is sent is signed, and sent to such a satellite alone; it may steer',
  }),
  'state-dir': optional({
    group: 'Satellite:',
    value: text('DIRECTORY'),
    takes: ['live', 'control'],
    alsoCalled: ['state', 'state-directory'],
    help: 'directory that keeps who the sensor is, and what it was last asked for, across restarts; each sensor needs its own',
  }),
  'opamp-url': optional({
    group: 'Satellite:',
    value: opampUrl,
    defaultText: "with --enrolment-key-file the satellite's /v1/opamp, else none",
    takes: ['live'],
    alsoCalled: ['opamp', 'opamp-endpoint', 'control-url'],
    help: 'OpAMP server that is told of the sensor, over HTTP or a WebSocket; it may steer where its answers are signed with a key of --enrolment-key-file',
  }),
  'opamp-unsigned': toggle({
    group: 'Satellite:',
    takes: ['live', 'opamp'],
    help: 'let the server of --opamp-url steer without signatures, over https or wss, and only to narrow what is sent',
  }),
};

interface Controlling {
  readonly opampUnsigned: boolean;
  readonly opampUrl: string | null;
  readonly enrolmentKeyFile: string | null;
  readonly satelliteUrl: string | null;
}

/** Without signatures it is TLS alone that says who the server is. @throws UsageError */
export function refuseUnverifiedControl(
  { opampUnsigned, opampUrl, enrolmentKeyFile, satelliteUrl }: Controlling,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  if (!opampUnsigned || opampUrl === null) return;
  if (enrolmentKeyFile !== null && satelliteUrl !== null && URL.canParse(satelliteUrl)) {
    const isAtSatellite = new URL(satelliteUrl).origin === httpOriginOf(opampUrl);
    if (isAtSatellite)
      throw new UsageError(
        '--opamp-unsigned and --enrolment-key-file are of one server, the satellite, and say that it signs and that it need not; leave --opamp-unsigned out',
      );
  }
  if (!/^(https|wss):/.test(opampUrl))
    throw new UsageError(
      `--opamp-unsigned takes a server over https, and --opamp-url is ${JSON.stringify(redactSecrets(opampUrl))}; name it by https or wss, or leave --opamp-unsigned out`,
    );
  if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    throw new UsageError(
      '--opamp-unsigned takes a server whose certificate is verified, and NODE_TLS_REJECT_UNAUTHORIZED is 0; unset it, and name its CA by --satellite-ca',
    );
}

export const FLEET_OPTIONS = {
  ...FLEET_RATE_OPTIONS,
  'enrolment-key-file': optional({
    group: 'Satellite:',
    value: keySource(readKeySource),
    alsoCalled: ['key-file', 'hmac-key', 'enrollment-key-file'],
    help: 'keys that sensors know too, one a line and two at most, of each organisation that stands behind its key if there are any, or env:NAME for a variable: nothing is taken that is not signed, and what is answered is signed',
  }),
};
