/**
 * What a server may ask of a sensor: less than the sensor's own options say, and never more.
 *
 * in: JSON that a server pushed · out: a `Narrowing`, or in words everything that is wrong with it
 *
 * Names are those of the options; `docs/remote-configuration.schema.json` describes it, and docs/fleet.md what each does. One
 * thing that is not taken refuses all of it, so that what is in force is always something that a person wrote. Packets are sent where the
 * sensor itself says that they may be asked for. There is a row for
 * whatever may be asked, and none for the rest: what another name would do stays the sensor's own.
 */
import { InvalidValue } from '../errors.js';
import { parsePushedRule } from '../policy/packet-rule.js';
import { compileRe2, re2Reason } from '../re2.js';
import { filterRefusal } from './filter-words.js';

/** The custom capability (`opamp/custom.ts`) by which a sensor says that it takes such a configuration. */
export const STEERING_CAPABILITY = 'dev.pcap-sensor.steering';

/** Bytes of a configuration as JSON. */
export const CONFIGURATION_BYTES_MAX = 64 << 10;
export const TTL_SECONDS_DEFAULT = 3600;
export const TTL_SECONDS_MAX = 7 * 86_400;
const LIST_MAX = 128;
const TEXT_LENGTH_MAX = 512;

export interface Narrowing {
  /** How long it counts from the last word of the server on. */
  readonly ttlSeconds: number;
  /** Nothing is captured. */
  readonly pause: boolean;
  /** And-ed with the sensor's own. */
  readonly filter: string | null;
  /** RE2 patterns: what is kept matches one of these, and one of the sensor's own, where there are any. */
  readonly hostAllow: readonly string[];
  readonly pathAllow: readonly string[];
  readonly methodAllow: readonly string[];
  readonly statusAllow: readonly string[];
  /** RE2 patterns, besides the sensor's own. */
  readonly hostExclusions: readonly string[];
  readonly pathExclusions: readonly string[];
  /** Traces a minute, share of exchanges: the lesser of this and the sensor's own. */
  readonly rateLimit: number | null;
  readonly sampleRate: number | null;
  /** Besides the sensor's own. */
  readonly redactHeader: readonly string[];
  readonly redactQuery: readonly string[];
  readonly redactField: readonly string[];
  readonly redactPattern: readonly string[];
  readonly redactPii: boolean;
  readonly noBodies: boolean;
  readonly opaqueBodies: 'searched' | 'drop' | null;
  /** Of exchanges whose packets are wanted, for a sensor that says `--packets-on pushed`; others refuse it. */
  readonly packetsOn: readonly string[];
}

export type Read<T> = { readonly value: T } | { readonly why: string };

interface Row {
  readonly property: keyof Narrowing;
  readonly default: unknown;
  /** As JSON Schema. */
  readonly schema: object;
  readonly help: string;
  read(given: unknown): Read<unknown>;
}

const fits = <T>(value: T): Read<T> => ({ value });
const fails = (why: string): Read<never> => ({ why });

function list(property: keyof Narrowing, help: string, check: (text: string) => string | null): Row {
  return {
    property,
    default: [],
    help,
    schema: { type: 'array', maxItems: LIST_MAX, items: { type: 'string', minLength: 1, maxLength: TEXT_LENGTH_MAX } },
    read(given) {
      if (!Array.isArray(given) || !given.every((one) => typeof one === 'string')) return fails('is no list of texts');
      if (given.length > LIST_MAX) return fails(`has ${given.length} entries; ${LIST_MAX} may be pushed`);
      for (const text of given) {
        if (text === '' || text.length > TEXT_LENGTH_MAX)
          return fails(`has an entry of ${text.length} characters; 1 to ${TEXT_LENGTH_MAX} may be pushed`);
        const why = check(text);
        if (why !== null) return fails(`${JSON.stringify(text.slice(0, 80))} ${why}`);
      }
      return fits(given);
    },
  };
}

function patterns(property: keyof Narrowing, help: string): Row {
  return list(property, help, (text) => {
    try {
      compileRe2(text, 'u');
      return null;
    } catch (error) {
      return `is no RE2 pattern: ${re2Reason(error)}`;
    }
  });
}

function packetRules(property: keyof Narrowing, help: string): Row {
  return list(property, help, (text) => {
    try {
      parsePushedRule(text);
      return null;
    } catch (error) {
      if (error instanceof InvalidValue) return error.message;
      throw error;
    }
  });
}

const names = (property: keyof Narrowing, help: string): Row =>
  list(property, help, (text) => (/[\p{L}\d]/u.test(text) ? null : 'has neither letter nor digit'));

function number(
  property: keyof Narrowing,
  help: string,
  schema: { type: string; minimum: number; maximum: number; default?: number },
): Row {
  return {
    property,
    default: schema.default ?? null,
    help,
    schema,
    read(given) {
      const { type, minimum, maximum } = schema;
      if (typeof given !== 'number' || !(given >= minimum && given <= maximum))
        return fails(`is no number from ${minimum} to ${maximum}`);
      return type === 'integer' && !Number.isInteger(given) ? fails('is no whole number') : fits(given);
    },
  };
}

/** A switch that can be turned on alone. */
function on(property: keyof Narrowing, help: string): Row {
  return {
    property,
    default: false,
    help,
    schema: { const: true },
    read: (given) =>
      given === true ? fits(true) : fails('can be true alone: whether it is false is for the sensor to say'),
  };
}

export const STEERABLE: Readonly<Record<string, Row>> = {
  'ttl-seconds': number('ttlSeconds', 'seconds for which it counts after the last word of the server', {
    type: 'integer',
    minimum: 1,
    maximum: TTL_SECONDS_MAX,
    default: TTL_SECONDS_DEFAULT,
  }),
  pause: {
    property: 'pause',
    default: false,
    help: 'nothing is captured while it is true',
    schema: { type: 'boolean', default: false },
    read: (given) => (typeof given === 'boolean' ? fits(given) : fails('is neither true nor false')),
  },
  filter: {
    property: 'filter',
    default: null,
    help: "a pcap filter expression, and-ed with the sensor's own; addresses and ports by number",
    schema: { type: 'string', minLength: 1, maxLength: 2048 },
    read(given) {
      if (typeof given !== 'string') return fails('is no text');
      const why = filterRefusal(given);
      return why === null ? fits(given) : fails(why);
    },
  },
  'host-allow': patterns('hostAllow', 'hosts kept, as far as the sensor keeps them'),
  'path-allow': patterns('pathAllow', 'paths kept, as far as the sensor keeps them'),
  'method-allow': patterns('methodAllow', 'methods kept, as far as the sensor keeps them'),
  'status-allow': patterns('statusAllow', 'statuses kept, as far as the sensor keeps them'),
  'host-exclusions': patterns('hostExclusions', "hosts dropped, besides the sensor's own"),
  'path-exclusions': patterns('pathExclusions', "paths dropped, besides the sensor's own"),
  'rate-limit': number('rateLimit', "traces a minute, where the sensor's own limit is higher", {
    type: 'integer',
    minimum: 1,
    maximum: 1e9,
  }),
  'sample-rate': number('sampleRate', "share of exchanges kept, where the sensor's own is higher", {
    type: 'number',
    minimum: 0,
    maximum: 1,
  }),
  'redact-header': names('redactHeader', "headers redacted, besides the sensor's own"),
  'redact-query': names('redactQuery', "query parameters redacted, besides the sensor's own"),
  'redact-field': names('redactField', "fields redacted, besides the sensor's own"),
  'redact-pattern': patterns('redactPattern', "patterns redacted, besides the sensor's own"),
  'redact-pii': on('redactPii', 'IBANs and social security numbers are redacted too'),
  'no-bodies': on('noBodies', 'heads alone are sent'),
  'opaque-bodies': {
    property: 'opaqueBodies',
    default: null,
    help: 'bodies that are no text: the stricter of this and what the sensor does',
    schema: { enum: ['searched', 'drop'] },
    read: (given) =>
      given === 'searched' || given === 'drop' ? fits(given) : fails('is neither "searched" nor "drop"'),
  },
  'packets-on': packetRules(
    'packetsOn',
    'exchanges whose packets are wanted, of a sensor that has `--packets-on pushed`',
  ),
};

/** Why other names are refused, where that is worth saying. */
const FOREIGN: readonly (readonly [names: RegExp, why: string])[] = [
  [/^(satellite|output|write|spool|opamp|packets-(dir|to)|metrics|aws-|levo)/, 'where data goes is the sensor’s own'],
  [/^(no-default-redaction|redact-allow|grpc-descriptors)/, 'redaction can only be added to'],
  [/^(command|config|read|state-dir|enrolment)/, 'nothing that runs, reads or writes on the host can be pushed'],
  [/^log-packets/, 'packets are for the sensor to offer'],
];

/** @param text JSON; an empty one asks for nothing */
export function readRemoteConfiguration(text: string): Read<Narrowing> {
  if (Buffer.byteLength(text) > CONFIGURATION_BYTES_MAX)
    return fails(`the configuration has ${Buffer.byteLength(text)} bytes; ${CONFIGURATION_BYTES_MAX} may be pushed`);
  let given: unknown;
  try {
    given = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    return fails(`the configuration is not JSON: ${(error as Error).message}`);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return fails('the configuration is no JSON object');
  const values: Record<string, unknown> = Object.fromEntries(
    Object.values(STEERABLE).map((row) => [row.property, row.default]),
  );
  const wrong: string[] = [];
  for (const [name, one] of Object.entries(given)) {
    const row = Object.hasOwn(STEERABLE, name) ? STEERABLE[name] : undefined;
    if (row === undefined) {
      const [, why = 'it is none of what may be asked'] = FOREIGN.find(([names]) => names.test(name)) ?? [];
      wrong.push(`${JSON.stringify(name.slice(0, 80))} cannot be pushed: ${why}`);
      continue;
    }
    const read = row.read(one);
    if ('why' in read) wrong.push(`"${name}" ${read.why}`);
    else values[row.property] = read.value;
  }
  return wrong.length > 0 ? fails(wrong.slice(0, WRONG_MAX).join('; ')) : fits(values as unknown as Narrowing);
}

const WRONG_MAX = 8;

/** The schema of a configuration, in JSON Schema 2020-12. */
export function configurationSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What a satellite may ask of a sensor',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      Object.entries(STEERABLE).map(([name, { schema, help }]) => [name, { description: help, ...schema }]),
    ),
  };
}
