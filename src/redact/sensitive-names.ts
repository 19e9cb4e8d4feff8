/**
 * Which names of fields, query parameters and headers stand for a secret.
 *
 * Names are compared without case and punctuation, so that `access_token`, `accessToken` and `X-Access-Token` are
 * one. What counts is how a name ends: `client_secret` is a secret, `secret_name` and `token_type` are not.
 */

import { DEFAULT_LIMITS } from '../limits.js';

/** How far the name's secrecy reaches into its value. */
export const Sensitivity = {
  none: 0,
  /** Strings only: a number or an object under this name is something else (`max_tokens`, `session`). */
  strings: 1,
  /** Strings and numbers, but not what lies in an object under this name. */
  scalars: 2,
  /** Every string and number at any depth. */
  deep: 3,
} as const;
export type Sensitivity = (typeof Sensitivity)[keyof typeof Sensitivity];

export const HeaderKind = {
  /** May hold a secret that its form gives away. */
  plain: 0,
  /** Secret as a whole. */
  secret: 1,
  /** Known not to hold any. */
  harmless: 2,
} as const;
export type HeaderKind = (typeof HeaderKind)[keyof typeof HeaderKind];

export interface SensitiveNames {
  /** Of a field in JSON, a form, multipart or XML, decoded. */
  field(name: string): Sensitivity;
  /** Whether `field` might say something else than `none` of the name from `start` to `end`, UTF-8 without escapes. */
  mayBeField(bytes: Buffer, start: number, end: number): boolean;
  /** Of a query parameter, decoded. */
  query(name: string): boolean;
  /** Of a header, as sent. Those with a syntax of their own are treated apart. */
  header(name: string): HeaderKind;
  /**
   * RE2 source, to be used without case, that finds the end of each name for which `field` is not `none` and of each
   * parameter a user named, with or without punctuation between its letters; a quick no for most bodies. Null if there is no such name.
   */
  readonly fieldPattern: string | null;
}

export interface SensitiveNameSettings {
  /** Names that are sensitive in any case, besides the built-in ones if `defaults` is set. */
  fields: readonly string[];
  queries: readonly string[];
  headers: readonly string[];
  defaults: boolean;
}

/** Endings that make a name sensitive, whatever comes before. */
const ENDINGS = [
  'password',
  'passwords',
  'passwd',
  'passphrase',
  'passcode',
  'passwordhash',
  'passwordsalt',
  'passwordconfirm',
  'passwordconfirmation',
  'passwordrepeat',
  'secret',
  'secretvalue',
  'secretstring',
  'secretbinary',
  'token',
  'tokenvalue',
  'credential',
  'credentials',
  'apikey',
  'apikeys',
  'accesskey',
  'accesskeyid',
  'secretkey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'authkey',
  'sharedkey',
  'masterkey',
  'accountkey',
  'subscriptionkey',
  'functionskey',
  'sessionkey',
  'sshkey',
  'hmackey',
  'authorization',
  'sessionid',
  'sessid',
  'codeverifier',
  'clientassertion',
  'samlresponse',
  'samlassertion',
  'creditcardnumber',
  'cardnumber',
  'ccnumber',
  'cookie',
];

/** Endings in a token or key that is none: it pages, deduplicates or marks the end of a sentence. */
const HARMLESS_ENDINGS = [
  'nexttoken',
  'pagetoken',
  'pagingtoken',
  'paginationtoken',
  'continuationtoken',
  'previoustoken',
  'prevtoken',
  'cursortoken',
  'starttoken',
  'startingtoken',
  'synctoken',
  'markertoken',
  'requesttoken',
  'idempotencytoken',
  'eostoken',
  'bostoken',
  'padtoken',
  'unktoken',
  'septoken',
  'clstoken',
  'masktoken',
  'stoptoken',
  'pertoken',
  'usernametoken',
  'maxtokens',
  'mintokens',
  'numtokens',
  'totaltokens',
  'prompttokens',
  'completiontokens',
  'inputtokens',
  'outputtokens',
  'cachedtokens',
];

/** Last words that are too short to be looked for inside others. */
const WORDS = new Map<string, Sensitivity>([
  ['pwd', Sensitivity.deep],
  ['jwt', Sensitivity.deep],
  ['pass', Sensitivity.strings],
  ['pw', Sensitivity.strings],
  ['auth', Sensitivity.strings],
  ['session', Sensitivity.strings],
  ['sid', Sensitivity.strings],
  ['bearer', Sensitivity.strings],
  ['tokens', Sensitivity.strings],
  ['secrets', Sensitivity.strings],
  ['pin', Sensitivity.scalars],
  ['otp', Sensitivity.scalars],
  ['totp', Sensitivity.scalars],
  ['cvv', Sensitivity.scalars],
  ['cvc', Sensitivity.scalars],
  ['ssn', Sensitivity.scalars],
]);

/** Whole names, without case and punctuation. */
const NAMES = new Map<string, Sensitivity>([
  ['creditcard', Sensitivity.strings],
  ['securitycode', Sensitivity.scalars],
  ['cardsecuritycode', Sensitivity.scalars],
  ['verificationcode', Sensitivity.scalars],
  ['authorizationcode', Sensitivity.scalars],
  ['authcode', Sensitivity.scalars],
  ['mfacode', Sensitivity.scalars],
  ['otpcode', Sensitivity.scalars],
  ['onetimecode', Sensitivity.scalars],
  ['recoverycode', Sensitivity.scalars],
  ['recoverycodes', Sensitivity.scalars],
  ['backupcodes', Sensitivity.scalars],
  ['socialsecuritynumber', Sensitivity.scalars],
  ['phpsessid', Sensitivity.deep],
]);

/** Of the OpenTelemetry HTTP conventions (`url.query`), and their likes of other clouds. */
const QUERY_NAMES = ['awsaccesskeyid', 'signature', 'sig', 'xgoogsignature', 'xamzsignature', 'assertion'];

const HEADER_NAMES = ['xauth', 'xgoogiapjwtassertion', 'xmsclientprincipal', 'authenticationinfo'];
/** Ids of traces, names that only look like a secret's, and what is too common to be looked at each time. */
const HARMLESS_HEADERS = new Set([
  'traceparent',
  'tracestate',
  'x-amzn-trace-id',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'access-control-allow-credentials',
  'content-type',
  'content-length',
  'date',
  'connection',
  'accept',
  'accept-encoding',
  'accept-language',
  'transfer-encoding',
]);

export function createSensitiveNames(settings: SensitiveNameSettings): SensitiveNames {
  const fields = plainSet(settings.fields);
  const queries = plainSet(settings.queries);
  const headers = plainSet(settings.headers);
  // Parameters too: bodies hold URLs.
  const patterns = [...fields, ...queries];
  if (settings.defaults) {
    for (const name of QUERY_NAMES) queries.add(name);
    for (const name of HEADER_NAMES) headers.add(name);
    patterns.push(...ENDINGS, ...WORDS.keys(), ...NAMES.keys());
  }
  const builtIn = settings.defaults ? builtInSensitivity : () => Sensitivity.none;

  return {
    field: remember((name) => (fields.has(plain(name)) ? Sensitivity.deep : builtIn(name))),
    mayBeField: endingTest(patterns),
    query: remember((name) => queries.has(plain(name)) || builtIn(name) !== Sensitivity.none),
    header: remember((name) => {
      if (headers.has(plain(name))) return HeaderKind.secret;
      if (HARMLESS_HEADERS.has(name.toLowerCase())) return HeaderKind.harmless;
      return builtIn(name) === Sensitivity.none ? HeaderKind.plain : HeaderKind.secret;
    }),
    fieldPattern: patterns.length === 0 ? null : `(?:${patterns.map(spread).join('|')})`,
  };
}

/**
 * A test of the last three letters, which tells most names apart without making a string of each. Marks between them are
 * skipped, and so is a number at the end.
 */
function endingTest(names: readonly string[]): (bytes: Buffer, start: number, end: number) => boolean {
  // By three letters of five bits, the last one lowest; 0 where there is none.
  const endings = new Uint8Array(1 << 15);
  const isPlain = names.every((name) => /(?:^|[a-z])[a-z]{2}$/.test(name));
  for (const name of names) {
    const [last = 0, second = 0, third = 0] = [...name].reverse().map((letter) => letter.charCodeAt(0) & 0x1f);
    // A word of two letters may be the end of anything.
    if (name.length === 2) for (let any = 0; any < 32; any++) endings[(any << 10) | (second << 5) | last] = 1;
    else endings[(third << 10) | (second << 5) | last] = 1;
  }
  return (bytes, start, end) => {
    if (!isPlain) return true;
    let ending = 0;
    let shift = 0;
    for (let i = end - 1; i >= start && shift < 15; i--) {
      const byte = bytes[i] as number;
      if (byte >= 0x80) return true;
      const letter = byte | 0x20;
      if (letter >= 0x61 && letter <= 0x7a) {
        ending |= (letter & 0x1f) << shift;
        shift += 5;
      } else if (shift > 0 && byte >= 0x30 && byte <= 0x39) {
        break;
      }
    }
    return endings[ending] === 1;
  };
}

/** The letters with an ASCII mark, but no quote, allowed between any two of them. */
function spread(name: string): string {
  return [...name].join('[ !#-/:-@\\[-`{-~]?');
}

function builtInSensitivity(name: string): Sensitivity {
  const compared = plain(name);
  if (HARMLESS_ENDINGS.some((ending) => compared.endsWith(ending))) return Sensitivity.none;
  if (ENDINGS.some((ending) => compared.endsWith(ending))) return Sensitivity.deep;
  return NAMES.get(compared) ?? WORDS.get(lastWord(name)) ?? Sensitivity.none;
}

/** Lower case without punctuation, and without a number at the end (`password2`). */
function plain(name: string): string {
  const compared = name.toLowerCase().replace(/[^\p{L}\d]/gu, '');
  return compared.replace(/(?<=\D)\d+$/, '');
}

function plainSet(names: readonly string[]): Set<string> {
  return new Set(names.map(plain).filter((name) => name !== ''));
}

/** The last word of `camelCase`, `snake_case`, `kebab-case`, `dotted.names` and `nested[names]`, lower-cased. */
function lastWord(name: string): string {
  const words = name.replace(/(\p{Ll}|\d)(\p{Lu})|(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1$3 $2$4').match(/\p{L}+/gu);
  return words === null ? '' : (words.at(-1) as string).toLowerCase();
}

/** The few names a service uses come again with every exchange. */
function remember<T>(decide: (name: string) => T): (name: string) => T {
  const verdicts = new Map<string, T>();
  return (name) => {
    let verdict = verdicts.get(name);
    if (verdict === undefined) {
      verdict = decide(name.length > 256 ? name.slice(-256) : name);
      if (verdicts.size >= DEFAULT_LIMITS.redaction_names_max) verdicts.clear();
      if (name.length <= 64) verdicts.set(Buffer.from(name).toString(), verdict);
    }
    return verdict;
  };
}
