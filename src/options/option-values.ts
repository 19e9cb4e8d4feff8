/**
 * The kinds of value that an option can have: each turns text from a flag, the environment or the configuration file
 * into a value, or says why it cannot.
 *
 * in: text · out: a value, or a thrown `InvalidValue` whose message reads on from the value ("is not a number; …")
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { InvalidValue } from '../errors.js';
import {
  OUTPUT_FORMS,
  type OutputTarget,
  parseOutput,
  parseWritten,
  WRITTEN_FORMS,
  type WrittenTarget,
} from '../output/registry.js';
import { parseSatelliteUrl } from '../output/satellite/satellite-url.js';
import { type PacketRule, parsePacketRule } from '../policy/packet-rule.js';
import { compileRe2, re2Reason } from '../re2.js';
import { type AddressRange, PRIVATE_RANGES, parseAddressRange } from '../trace/address-range.js';
import { patternForGlob } from './glob.js';

export interface OptionValue<T> {
  /** Stands for the value in help and documents: `URL`, `SECONDS`. */
  readonly placeholder: string;
  /** The part of a value that an error may show. Without it an error shows all of it. */
  readonly reveal?: (text: string) => string;
  /** The empty text is a value of its own, not a forgotten one. */
  readonly emptyAllowed?: true;
  /** Whether the text was copied from an example and never filled in. */
  readonly isPlaceholder?: (text: string) => boolean;
  parse(text: string): T;
}

/** Any text. `tag` values become header values and attributes, so they must be printable ASCII. */
export function text(placeholder: string): OptionValue<string> {
  return { placeholder, parse: (given) => given };
}

export function tag(placeholder: string): OptionValue<string> {
  return {
    placeholder,
    parse: (given) => {
      const trimmed = given.trim();
      if (!/^[\x20-\x7e]+$/.test(trimmed)) throw new InvalidValue('has characters that no header can carry; use ASCII');
      return trimmed;
    },
  };
}

/** A number from `min` to `max`. `integer` takes "50.0" but not "50.5". `example` is for the way out. */
export function number(
  placeholder: string,
  range: { min: number; max: number; integer?: boolean; example: string },
): OptionValue<number> {
  const { min, max, integer = false, example } = range;
  return {
    placeholder,
    parse: (given) => {
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given.trim()) ? Number(given) : Number.NaN;
      if (!Number.isFinite(value)) throw new InvalidValue(`is not a number; give ${example}`);
      if (integer && !Number.isInteger(value)) throw new InvalidValue(`is not a whole number; give ${example}`);
      if (value < min || value > max) {
        throw new InvalidValue(`is out of range ${min} to ${max}; give ${example}`);
      }
      return value;
    },
  };
}

/** Milliseconds, with a unit: `90s`, `12h`, `7d`. */
export function age(example: string): OptionValue<number> {
  return {
    placeholder: 'TIME',
    parse: (given) => {
      const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([smhdw])$/i.exec(given.trim()) ?? [];
      const millis = Number(digits) * (AGE_UNITS[unit.toLowerCase()] ?? Number.NaN);
      if (digits === '' || !(millis >= 1000 && millis <= AGE_MILLIS_MAX))
        throw new InvalidValue(`is no time; give ${example}`);
      return Math.round(millis);
    },
  };
}

const AGE_UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 7 * 86_400e3 };
/** A hundred years. */
const AGE_MILLIS_MAX = 36_525 * 86_400e3;

/** How long, and how much, is kept. */
export interface Retention {
  readonly millis: number;
  readonly bytes: number;
}

/** A time, a number of bytes, or both: `7d`, `10GiB`, `7d,10GiB`. What is left out is as by default. */
export function retention(standard: Retention): OptionValue<Retention> {
  const example = 'a time, bytes or both, such as 7d, 10GiB or 7d,10GiB';
  const size = bytes({ min: 16 << 20, max: 2 ** 50, example });
  return {
    placeholder: 'TIME,BYTES',
    parse: (given) => {
      let { millis, bytes: most } = standard;
      for (const part of given.split(',')) {
        if (/[smhdw]\s*$/i.test(part)) millis = age(example).parse(part);
        else most = size.parse(part);
      }
      return { millis, bytes: most };
    },
  };
}

/** A number of bytes, plain or with a unit: `1000000`, `64KiB`, `256 MiB`, `1MB`. */
export function bytes(range: { min: number; max: number; example: string }): OptionValue<number> {
  return {
    placeholder: 'BYTES',
    parse: (given) => {
      const match = /^(\d+(?:\.\d+)?)\s*([kmg]i?b?|b)?$/i.exec(given.trim());
      const scale = match === null ? undefined : BYTE_UNITS[(match[2] ?? 'b').toLowerCase()];
      if (match === null || scale === undefined) {
        throw new InvalidValue(`is not a number of bytes; give ${range.example}`);
      }
      const value = Number(match[1]) * scale;
      if (!Number.isInteger(value)) throw new InvalidValue(`is not a whole number of bytes; give ${range.example}`);
      if (value < range.min || value > range.max) {
        throw new InvalidValue(`is out of range ${range.min} to ${range.max} bytes; give ${range.example}`);
      }
      return value;
    },
  };
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1e3,
  kb: 1e3,
  ki: 2 ** 10,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mi: 2 ** 20,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gi: 2 ** 30,
  gib: 2 ** 30,
};

export function choice<const T extends string>(...choices: readonly T[]): OptionValue<T> {
  return {
    placeholder: choices.join('|'),
    parse: (given) => {
      const found = choices.find((one) => one === given.trim().toLowerCase());
      if (found === undefined) throw new InvalidValue(`is not one of ${choices.join(', ')}; give one of those`);
      return found;
    },
  };
}

export const yesOrNo: OptionValue<boolean> = {
  placeholder: 'true|false',
  parse: (given) => {
    const lower = given.trim().toLowerCase();
    if (['true', '1', 'yes', 'on'].includes(lower)) return true;
    if (['false', '0', 'no', 'off'].includes(lower)) return false;
    throw new InvalidValue('is neither true nor false; give one of those');
  },
};

/** An RE2 pattern, as its source: it is compiled here to check it, and again where it is used. */
export const pattern: OptionValue<string> = {
  placeholder: 'RE2',
  // Angle brackets are ordinary in a pattern, so only an unmistakable placeholder counts.
  isPlaceholder: (given) => FILL_ME_IN.test(given),
  parse: (given) => {
    try {
      compileRe2(given, 'u');
    } catch (error) {
      const why = re2Reason(error);
      const meant = patternForGlob(given);
      const wayOut = meant === null ? 'see https://github.com/google/re2/wiki/Syntax' : `give ${JSON.stringify(meant)}`;
      throw new InvalidValue(`is not an RE2 pattern (${why}); ${wayOut}`);
    }
    return given;
  },
};

/** A name that redaction compares by letters and digits alone. */
export const redactedName: OptionValue<string> = {
  placeholder: 'NAME',
  parse: (given) => {
    if (!/[\p{L}\d]/u.test(given)) throw new InvalidValue('has neither letter nor digit; give a name');
    return given.trim();
  },
};

/** A name as above, or a pattern of values between slashes. */
export const allowedRedaction: OptionValue<string> = {
  placeholder: 'NAME|/RE2/',
  parse: (given) => {
    const text = given.trim();
    if (text.length > 2 && text.startsWith('/') && text.endsWith('/')) return `/${pattern.parse(text.slice(1, -1))}/`;
    return redactedName.parse(text);
  },
};

/** CPU: cores, percent of the cores the task may use, what nobody else wants, or all. */
export type CpuBudget = { readonly cores: number } | { readonly percent: number } | 'auto' | 'none';

export const cpuBudget: OptionValue<CpuBudget> = {
  placeholder: 'CORES|PERCENT%|auto|none',
  parse: (given) => {
    const word = given.trim().toLowerCase();
    if (word === 'none' || word === 'auto') return word;
    const match = /^(\d+\.?\d*|\.\d+)\s*(%?)$/.exec(given.trim());
    if (match === null)
      throw new InvalidValue('is no amount of CPU; give cores such as 0.1, percent such as 5%, auto or none');
    const amount = Number(match[1]);
    if (match[2] === '%') {
      if (amount >= 0.1 && amount <= 100) return { percent: amount };
      throw new InvalidValue('is out of range 0.1% to 100%; give percent such as 5%');
    }
    if (amount >= 0.001 && amount <= 1024) return { cores: amount };
    throw new InvalidValue('is out of range 0.001 to 1024 cores; give cores such as 0.1');
  },
};

/**
 * A pcap filter expression. Only its parentheses are checked here: it will be put in parentheses and and-ed with the
 * sensor's own exclusions, which `a) or (b` would escape. libpcap checks the rest.
 */
export const captureFilter: OptionValue<string> = {
  placeholder: 'EXPRESSION',
  emptyAllowed: true,
  isPlaceholder: (given) => FILL_ME_IN.test(given) || ONLY_BRACKETS.test(given),
  parse: (given) => {
    let depth = 0;
    for (const character of given) {
      if (character === '(') depth++;
      if (character === ')' && --depth < 0) break;
    }
    if (depth !== 0) throw new InvalidValue('has unbalanced parentheses; see pcap-filter(7) for the grammar');
    return given.trim();
  },
};

/** Where the satellite is, as `parseSatelliteUrl` takes it. Out: its base URL. */
export const satelliteUrl: OptionValue<string> = {
  placeholder: 'URL',
  isPlaceholder: (given) => /<[^<>]*>/.test(given),
  parse: (given) => parseSatelliteUrl(given).base,
};

/** Where a message is posted. Its path is mostly a credential, so no error shows it. */
export const webhookUrl: OptionValue<string> = {
  placeholder: 'URL',
  reveal: (given) => /^https?:\/\/[^/?#@\s]+(?=[/?#]|$)/.exec(given)?.[0] ?? '…',
  isPlaceholder: (given) => /<[^<>]*>/.test(given),
  parse: (given) => {
    const url = URL.canParse(given) ? new URL(given) : null;
    if (url === null || !/^https?:$/.test(url.protocol))
      throw new InvalidValue('is no URL; give one such as https://example.com/hook');
    if (url.username !== '' || url.password !== '')
      throw new InvalidValue('has a user in it, which is not sent; put what the receiver knows you by into the path');
    return url.href;
  },
};

/** `name=value`, sent with every export. The value may be a credential, so no error shows it. */
export const headerPair: OptionValue<readonly [name: string, value: string]> = {
  placeholder: 'NAME=VALUE',
  // Only the name is shown: `authorization: secret==` has an equals sign too.
  reveal: (given) => `${/^[!#$%&'*+.^_`|~0-9a-z-]+(?=[=:])/i.exec(given)?.[0] ?? ''}…`,
  parse: (given) => {
    const equals = given.indexOf('=');
    if (equals < 0) throw new InvalidValue('has no equals sign; give NAME=VALUE');
    const name = given.slice(0, equals).trim();
    const value = given.slice(equals + 1).trim();
    // RFC 9110 §5.6.2 (token) and §5.5 (field-value).
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name))
      throw new InvalidValue('has no header name before the equals sign; give NAME=VALUE');
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new InvalidValue('has characters that no header can carry; give printable ones');
    return [name, value];
  },
};

/** For the shell. What tcpdump's letter would have is a number of packets, which is no command. */
export const shellCommand: OptionValue<string> = {
  placeholder: 'COMMAND',
  isPlaceholder: (given) => FILL_ME_IN.test(given),
  parse: (given) => {
    if (given.trim() === '') throw new InvalidValue('is empty; give a command such as "npm test"');
    if (/^\s*\d+\s*$/.test(given))
      throw new InvalidValue('is a number; give a command such as "npm test", or --count for so many exchanges');
    return given;
  },
};

/** `name=value` of OpenTelemetry's resource: which service, version, team. */
export const resourceAttribute: OptionValue<readonly [name: string, value: string]> = {
  placeholder: 'NAME=VALUE',
  parse: (given) => {
    const equals = given.indexOf('=');
    const name = given.slice(0, equals).trim();
    if (equals < 0 || name === '') throw new InvalidValue('names no attribute; give NAME=VALUE, such as team=payments');
    if (/[^\x21-\x7e]/.test(name))
      throw new InvalidValue('has a name with other characters than ASCII; give NAME=VALUE');
    return [name, given.slice(equals + 1).trim()];
  },
};

/**
 * The pairs in OTEL_RESOURCE_ATTRIBUTES: separated by commas, values percent-encoded. Null where one cannot be read, since
 * such a variable is discarded whole (https://opentelemetry.io/docs/specs/otel/resource/sdk/).
 */
export function splitBaggage(raw: string): readonly string[] | null {
  const pairs = raw
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  try {
    return pairs.map((pair) => resourceAttribute.parse(decodeURIComponent(pair)).join('='));
  } catch {
    return null;
  }
}

/** The name of an interface of this machine, up or not, with an address or not. */
export const interfaceName: OptionValue<string> = {
  placeholder: 'NAME',
  parse: (given) => {
    const names = machineInterfaces();
    if (names.includes(given.trim())) return given.trim();
    const all = given === 'any' ? '; without the option every one is captured' : '';
    throw new InvalidValue(`is no interface of this machine; there are ${names.join(', ')}${all}`);
  },
};

function machineInterfaces(): string[] {
  try {
    // Unlike the C library's list, this one has the interfaces without an address, which can be captured on too.
    return readdirSync('/sys/class/net').sort();
  } catch {
    return Object.keys(networkInterfaces()).sort();
  }
}

/** A capture file to read, `-` for standard input. */
export const captureFile: OptionValue<string> = { placeholder: 'FILE', parse: existingFile };

/** A file that must be there. */
export function existingFile(given: string): string {
  if (given === '-') return given;
  const status = statSync(given, { throwIfNoEntry: false });
  if (status === undefined) throw new InvalidValue('does not exist; give the path of a file');
  if (status.isDirectory()) throw new InvalidValue('is a directory; give the path of a file');
  return given;
}

/** A file that is read more than once: no pipe. */
export const tracesFile: OptionValue<string> = {
  placeholder: 'FILE',
  parse: (given) => {
    if (given === '-' || !statSync(existingFile(given)).isFile())
      throw new InvalidValue('is no file; write what comes through a pipe to one');
    return given;
  },
};

/** The same, or `-` for standard input. */
export const tracesInput: OptionValue<string> = {
  placeholder: 'FILE',
  parse: (given) => (given === '-' ? given : tracesFile.parse(given)),
};

/** A place traces go to. */
export const outputTarget: OptionValue<OutputTarget> = { placeholder: OUTPUT_FORMS.join('|'), parse: parseOutput };

/** A file to write, whose ending says what it holds. */
export const writtenFile: OptionValue<WrittenTarget> = { placeholder: WRITTEN_FORMS.join('|'), parse: parseWritten };

/** How much is shown: 0 to 2, and what is above means 2. */
export const verbosity: OptionValue<number> = {
  placeholder: 'TIMES',
  parse: (given) => {
    if (given === 'true') return 1;
    if (/^\d$/.test(given)) return Math.min(Number(given), 2);
    throw new InvalidValue('is not how often; give -v, -vv, or 0 to 2');
  },
};

/** A file of certificates or a key, as its path. What is in it is checked where it is used. */
export const pemFile: OptionValue<string> = {
  placeholder: 'FILE',
  parse: (given) => {
    const path = existingFile(given);
    let content: string;
    try {
      content = readFileSync(path, 'utf8');
    } catch (error) {
      throw new InvalidValue(`cannot be read (${(error as NodeJS.ErrnoException).code}); give a readable PEM file`);
    }
    if (!content.includes('-----BEGIN ')) throw new InvalidValue('is not PEM; give a file with -----BEGIN lines');
    return path;
  },
};

/** Ranges of addresses: CIDRs or addresses, several with commas between; `private` for those that are; `none` for none. */
export const addressRanges: OptionValue<readonly AddressRange[]> = {
  placeholder: 'CIDR',
  parse: (given) =>
    given.split(',').flatMap((one): readonly AddressRange[] => {
      const text = one.trim().toLowerCase();
      if (text === 'none') return [];
      if (text === 'private') return PRIVATE_RANGES;
      const range = parseAddressRange(text);
      if (range === null)
        throw new InvalidValue('is no range of addresses; give a CIDR such as 10.0.0.0/8, or private, or none');
      return [range];
    }),
};

/** The name of a host, without scheme or port. */
export const hostName: OptionValue<string> = {
  placeholder: 'NAME',
  parse: (given) => {
    const name = given.trim().toLowerCase();
    if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/.test(name))
      throw new InvalidValue('is no host name; give one such as sensor.internal, without scheme and port');
    return name;
  },
};

/** A bearer token (RFC 6750 §2.1, `b64token`). It is a credential, so no error shows it. */
export const bearerToken: OptionValue<string> = {
  placeholder: 'TOKEN',
  reveal: () => '…',
  parse: (given) => {
    const token = given.trim();
    if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token))
      throw new InvalidValue('is no token; give letters, digits and ._~+/- such as openssl rand -hex 16 prints');
    return token;
  },
};

/** A file that holds a bearer token and nothing else. Out: the token. */
export const bearerTokenFile: OptionValue<string> = {
  placeholder: 'FILE',
  parse: (given) => {
    const path = existingFile(given);
    let content: string;
    try {
      if (statSync(path).size > TOKEN_FILE_BYTES_MAX)
        throw new InvalidValue('is too long; give a file with a token alone');
      content = readFileSync(path, 'utf8');
    } catch (error) {
      if (error instanceof InvalidValue) throw error;
      throw new InvalidValue(`cannot be read (${(error as NodeJS.ErrnoException).code}); give a readable file`);
    }
    try {
      return bearerToken.parse(content);
    } catch {
      throw new InvalidValue('holds no token; write letters, digits and ._~+/- into it');
    }
  },
};

const TOKEN_FILE_BYTES_MAX = 4096;

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `PORT`, which is on loopback, or `HOST:PORT`. */
export const listenAddress: OptionValue<ListenAddress> = {
  placeholder: '[HOST:]PORT',
  parse: (given) => {
    const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]\s]+)):)?(\d{1,5})$/i.exec(given.trim());
    const port = Number(match?.[3] ?? Number.NaN);
    if (match === null || port > 65_535) throw new InvalidValue('is not a port; give PORT, for loopback, or HOST:PORT');
    return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
  },
};

/** Whether `given` is the `<…>` of an example that nobody filled in. */
export function looksUnfilled(value: OptionValue<unknown>, given: string): boolean {
  return (value.isPlaceholder ?? ((one: string) => ONLY_BRACKETS.test(one) || FILL_ME_IN.test(one)))(given);
}

const ONLY_BRACKETS = /^\s*['"]?\s*<[^<>]*>\s*['"]?\s*$/;
const FILL_ME_IN = /<\s*(INSERT|YOUR|REPLACE|ENTER)\b[^<>]*>/i;

export const packetRule: OptionValue<PacketRule> = { placeholder: 'RULE', parse: parsePacketRule };
