/**
 * Which names of fields, query parameters and headers stand for a secret.
 *
 * Names are compared without case and punctuation, so that `access_token`, `accessToken` and `X-Access-Token` are
 * one. What counts is how a name ends: `client_secret` is a secret, `secret_name` and `token_type` are not.
 */

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

export interface SensitiveNames {
  /** Of a field in JSON, a form, multipart or XML, decoded. */
  field(name: string): Sensitivity;
  /** Of a query parameter, decoded. */
  query(name: string): boolean;
  /** Of a header that is secret as a whole; those with a syntax of their own are treated apart. */
  header(name: string): boolean;
  /**
   * RE2 source, to be used without case, that finds the end of each name for which `field` is not `none`, with or
   * without punctuation between its letters; a quick no for most bodies. Null if there is no such name.
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
/** Headers that end like a secret and are none. */
const HARMLESS_HEADER_NAMES = ['accesscontrolallowcredentials'];

const REMEMBERED_MAX = 4096;

export function createSensitiveNames(settings: SensitiveNameSettings): SensitiveNames {
  const fields = plainSet(settings.fields);
  const queries = plainSet(settings.queries);
  const headers = plainSet(settings.headers);
  const patterns = [...fields];
  if (settings.defaults) {
    for (const name of QUERY_NAMES) queries.add(name);
    for (const name of HEADER_NAMES) headers.add(name);
    patterns.push(...ENDINGS, ...WORDS.keys(), ...NAMES.keys());
  }
  const builtIn = settings.defaults ? builtInSensitivity : () => Sensitivity.none;

  return {
    field: remember((name) => (fields.has(plain(name)) ? Sensitivity.deep : builtIn(name))),
    query: remember((name) => queries.has(plain(name)) || builtIn(name) !== Sensitivity.none),
    header: remember((name) => {
      const compared = plain(name);
      if (headers.has(compared)) return true;
      return !HARMLESS_HEADER_NAMES.includes(compared) && builtIn(name) !== Sensitivity.none;
    }),
    fieldPattern: patterns.length === 0 ? null : `(?:${patterns.map(spread).join('|')})`,
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
      if (verdicts.size >= REMEMBERED_MAX) verdicts.clear();
      if (name.length <= 64) verdicts.set(Buffer.from(name).toString(), verdict);
    }
    return verdict;
  };
}
