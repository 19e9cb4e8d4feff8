/**
 * Secrets that what stands before them gives away: "your new password is …", `curl -u user:…`, `IDENTIFIED BY '…'`, `Bearer …`,
 * keys of AWS after their name: one row a phrase. A row says at the end of which words it may go on, what must stand between
 * there and the secret, and which bytes the secret has.
 */
import { BACKSLASH, GREATER_THAN, LESS_THAN } from './byte-text.js';
import { CODE_PHRASES } from './code-phrases.js';
import { COMMAND_PHRASES } from './command-phrases.js';
import {
  always,
  IN_SENTENCE,
  isMixed,
  isUrlOrPath,
  ODD_BYTES,
  type PhraseRow,
  type SecretBytes,
  SPACE,
  setOf,
  VALUE,
  VALUE_BYTES,
} from './phrase-row.js';
import { isPlaceholder } from './placeholders.js';
import { isOpaque } from './value-shapes.js';
import { isWordy } from './wordy.js';

/** Space and marks of layout: tags, `**`, columns, arrows, dashes. */
const BETWEEN = `(?:${SPACE}|[:*|]|->|\\xe2\\x86\\x92|[ ][-\\xe2][\\x80-\\x94]{0,2}(?=[ ])|</?[a-z]{1,8}(?: [^<>]{0,96})?>|&lt;/?[a-z]{1,8}&gt;){1,8}`;
/** A quote before a secret, which is part of no name beside it. */
const OPENING = "(?:\\\\{1,8}[\"']|['`])?";
/** Whose it is, or what has become of it: `(temporary)`, ` has been reset to`. */
const BECAME = `(?: \\([a-z ]{1,24}\\))?(?:${SPACE}{1,16}(?:is(?: now)?|was|to|for ${VALUE}{1,64} is|lautet|ist|est|es|\xc3\xa9|\xc3\xa8|=|(?:(?:has been|was|is) )?(?:re)?set to|(?:(?:has been|was|is) )?(?:changed|updated) to|provided|used))?:?`;

const TOKEN_BYTES = setOf('[\\w.~+/=:-]');
const BASE64_BYTES = setOf('[A-Za-z0-9+/]');
const SEPARATOR_BYTES = setOf('["\'\\t\\n\\f\\r :=,>]');

const BEFORE_TOKEN = setOf('[256 \\\\\\n\\r\\t]');
const BEFORE_QUOTE = setOf('[= :\\\\<\\n\\r\\t&*|]');
const COLON_ALONE = setOf(':');
const SLASH_OR_ESCAPE = setOf('[/\\\\]');
const SLASH_OR_QUESTION = setOf('[/\\\\?]');

/** How far behind a word its secret begins. */
export const PIECE_BYTES_AHEAD = 160;
/** Pieces between spaces and tags that may stand before a secret. */
const PIECES_MAX = 5;

const Piece = { gap: 0, quote: 1, value: 2, odd: 3 } as const;
const PIECES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0x22 || byte === 0x27 || byte === 0x60) return Piece.quote;
  if ((VALUE_BYTES[byte] as number) === 0) return Piece.gap;
  return (ODD_BYTES[byte] as number) === 1 ? Piece.odd : Piece.value;
});

/** Whether one of the next few pieces is as long as a secret, and has an odd byte where it must. */
function hasLongPiece(bytes: Buffer, at: number, min: number, isOdd: boolean): boolean {
  const limit = Math.min(bytes.length, at + PIECE_BYTES_AHEAD);
  let i = at;
  for (let pieces = 0; pieces <= PIECES_MAX; pieces++) {
    while (i < limit && (PIECES[bytes[i] as number] as number) === Piece.gap)
      i = bytes[i] === LESS_THAN ? behindTag(bytes, i, limit) : i + 1;
    if (isOpeningQuote(bytes, i)) i++;
    const start = i;
    let odd = !isOdd;
    for (; i < limit; i++) {
      const kind = PIECES[bytes[i] as number] as number;
      if (kind < Piece.value) break;
      odd ||= kind === Piece.odd;
      if (odd && i - start >= min - 1) return true;
    }
    if (i === limit) return i > start && limit < bytes.length;
    if (bytes[i] === 0x22 || bytes[i] === 0x27 || bytes[i] === 0x60) return false;
  }
  return false;
}

/** Where a tag that begins at `at` ends, with its attributes; the next byte where it is none. */
function behindTag(bytes: Buffer, at: number, limit: number): number {
  if ((bytes[at + 1] as number) < 0x61) return at + 1;
  for (let i = at + 1; i < limit; i++) {
    if (bytes[i] === GREATER_THAN) return i + 1;
    if (bytes[i] === LESS_THAN) return at + 1;
  }
  return at + 1;
}

/** Whether a quote opens what follows a space or a colon: `'` or `` ` ``, or `"` behind a backslash. */
function isOpeningQuote(bytes: Buffer, at: number): boolean {
  const quote = bytes[at];
  if (quote === 0x22) return bytes[at - 1] === BACKSLASH;
  return (quote === 0x27 || quote === 0x60) && (bytes[at - 1] as number) <= 0x20;
}

/** What may stand between the name of a secret and the secret, in words, with a space before each and behind the last. */
const CONNECTING = Buffer.from(' is was to ist est es lautet has been reset set changed updated now provided used ');
/** By the first letter of each, where they begin. */
const CONNECTING_PLACES: readonly (readonly number[])[] = Array.from({ length: 256 }, (_, first) =>
  [...CONNECTING.keys()].filter((at) => CONNECTING[at] === first && CONNECTING[at - 1] === 0x20),
);

/** Whether one of them has these letters, of either case. */
function isConnecting(bytes: Buffer, start: number, length: number): boolean {
  for (const place of CONNECTING_PLACES[(bytes[start] as number) | 0x20] as readonly number[]) {
    let i = 1;
    while (i < length && ((bytes[start + i] as number) | 0x20) === CONNECTING[place + i]) i++;
    if (CONNECTING[place + i] !== 0x20) continue;
    // `to:`
    if (i === length || (i === length - 1 && bytes[start + i] === 0x3a)) return true;
  }
  return false;
}

/**
 * Whether what follows is words of letters with nothing but a space between, and none of them a secret: it is the next one, or
 * that behind what connects them, and most words are shorter.
 */
function isBeforeWords(bytes: Buffer, at: number, min: number): boolean {
  let end = at;
  for (let words = 0; words < 5; words++) {
    const start = end + 1;
    const first = (bytes[start] as number) | 0x20;
    if (bytes[end] !== 0x20 || first < 0x61 || first > 0x7a) return false;
    end = start;
    while (end - start < min && (VALUE_BYTES[bytes[end] as number] as number) === 1) end++;
    if (end - start >= min || end >= bytes.length || first === 0x66) return false;
    if (!isConnecting(bytes, start, end - start)) return true;
  }
  return true;
}

function isBeforeToken(bytes: Buffer, at: number): boolean {
  let i = at;
  // `sha256`
  while (bytes[i] === 0x32 || bytes[i] === 0x35 || bytes[i] === 0x36) i++;
  const start = i;
  while (bytes[i] === 0x20 || bytes[i] === 0x5c || bytes[i] === 0x0a || bytes[i] === 0x0d || bytes[i] === 0x09) {
    if (bytes[i] === 0x5c && bytes[i + 1] !== 0x5c) i++;
    i++;
    if (i - start > 64) return false;
  }
  if (i === start) return false;
  for (let count = 0; count < 16; count++) if ((TOKEN_BYTES[bytes[i + count] as number] ?? 0) === 0) return false;
  return true;
}

/** Where 40 characters of base64 end, whose slashes JSON may have escaped. */
function awsSecretEnd(bytes: Buffer, at: number): number {
  let i = at;
  for (let count = 0; count < 40; count++) {
    if (bytes[i] === 0x5c && bytes[i + 1] === 0x2f) i += 2;
    else if ((BASE64_BYTES[bytes[i] as number] ?? 0) === 1) i++;
    else return -1;
  }
  const after = bytes[i];
  return after === undefined || (after !== 0x3d && (BASE64_BYTES[after] as number) === 0) ? i : -1;
}

function isBeforeAwsSecret(bytes: Buffer, at: number): boolean {
  let i = at;
  while (i - at < 8 && (SEPARATOR_BYTES[bytes[i] as number] ?? 0) === 1) i++;
  return i > at && awsSecretEnd(bytes, i) > 0;
}

/** Space, perhaps an equals sign, and a quote. */
function isBeforeQuote(bytes: Buffer, at: number): boolean {
  const limit = Math.min(bytes.length, at + 48);
  for (let i = at; i < limit; i++) {
    const next = bytes[i] as number;
    if (next === 0x27) return true;
    if (next === 0x5c || next === 0x3d || next <= 0x20) continue;
    // `PASSWORD FOR 'ann' = '…'`, `Password eq '…'`
    const letter = next | 0x20;
    if ((letter === 0x66 || letter === 0x65 || letter === 0x6c || letter === 0x6e) && i - at < 8) return true;
    if (bytes[i - 1] !== 0x5c) return false;
  }
  return false;
}

/** The end of a line, `$`, a length, and the end of its line; JSON may have escaped them. */
const BULK = '(?:\\r\\n|\\\\{1,8}r\\\\{1,8}n)\\$[0-9]{1,6}(?:\\r\\n|\\\\{1,8}r\\\\{1,8}n)';

function isBeforeBulk(bytes: Buffer, at: number): boolean {
  const limit = Math.min(bytes.length, at + 20);
  for (let i = at; i < limit; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x24) return true;
    if (byte !== 0x0d && byte !== 0x0a && byte !== 0x5c && byte !== 0x72 && byte !== 0x6e) return false;
  }
  return false;
}

/** How far around a payload it is said that it is one of a secret. */
const PAYLOAD_BYTES_MAX = 512;

/** Where the base64 of a payload ends, if the request holds nothing else, or a secret is named. */
function secretPayloadEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && (BASE64_BYTES[bytes[end] as number] as number) === 1) end++;
  while (bytes[end] === 0x3d) end++;
  if (end - at < 4 || (end - at) % 4 !== 0 || (bytes[end] !== 0x22 && bytes[end] !== 0x5c)) return -1;
  if (at < 48 && /^\s*\{\s*"payload"/.test(bytes.latin1Slice(0, at))) {
    if (
      /^"\s*\}\s*\}\s*$/.test(bytes.toString('latin1', end, end + 64)) ||
      /dataCrc32c/.test(bytes.toString('latin1', end, end + 64))
    )
      return end;
  }
  const around = `${bytes.latin1Slice(Math.max(0, at - PAYLOAD_BYTES_MAX), at)} ${bytes.toString('latin1', end, end + PAYLOAD_BYTES_MAX)}`;
  return /dataCrc32c|\/secrets\/[^"]{1,256}\/versions\//.test(around) ? end : -1;
}

/** The lines of a key: base64, each with its end. */
function linesEnd(bytes: Buffer, at: number): number {
  let end = -1;
  for (let i = at; i < bytes.length; ) {
    const start = i;
    while (i < bytes.length && ((BASE64_BYTES[bytes[i] as number] as number) === 1 || bytes[i] === 0x3d)) i++;
    if (i === start) break;
    const stop = i;
    while (bytes[i] === 0x0a || bytes[i] === 0x0d || bytes[i] === 0x20 || bytes[i] === 0x09) i++;
    while (bytes[i] === 0x5c) {
      let last = i;
      while (bytes[last] === 0x5c) last++;
      if (bytes[last] !== 0x6e && bytes[last] !== 0x72) break;
      i = last + 1;
    }
    if (i === stop) break;
    end = stop;
  }
  return end;
}

/** `user/password@`. */
function slashPairEnd(bytes: Buffer, at: number): number {
  let slashes = 0;
  for (let i = at; i < bytes.length && i < at + 512; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x40) return slashes > 0 && bytes[i - 1] !== 0x2f ? i : -1;
    if ((VALUE_BYTES[byte] as number) === 0) return -1;
    if (byte === 0x2f && (i === at || ++slashes > 16)) return -1;
  }
  return -1;
}

const PATH_TOKEN_BYTES = setOf('[A-Za-z0-9_.=-]');
const PATH_TOKEN_BYTES_MIN = 20;
const SEGMENT_BYTES = setOf('[A-Za-z0-9_-]');
const SEGMENT_BYTES_MAX = 12;

/** Whether a segment of a path as long as a token follows at once, or behind a short one; of a parameter it is asked later. */
function isBeforePathToken(bytes: Buffer, at: number): boolean {
  if (bytes[at] === 0x3f) return true;
  const start = behindSlash(bytes, at);
  if (start < 0) return false;
  if (runLength(PATH_TOKEN_BYTES, bytes, start, PATH_TOKEN_BYTES_MIN) === PATH_TOKEN_BYTES_MIN) return true;
  const segment = runLength(SEGMENT_BYTES, bytes, start, SEGMENT_BYTES_MAX);
  const next = segment === 0 ? -1 : behindSlash(bytes, start + segment);
  return next > 0 && runLength(PATH_TOKEN_BYTES, bytes, next, PATH_TOKEN_BYTES_MIN) === PATH_TOKEN_BYTES_MIN;
}

/** Where the slash at `at` ends, which JSON may have escaped; -1 where there is none. */
function behindSlash(bytes: Buffer, at: number): number {
  let i = at;
  while (i - at < 8 && bytes[i] === BACKSLASH) i++;
  return bytes[i] === 0x2f ? i + 1 : -1;
}

/** How many bytes of a set there are from `at` on, up to `most`. */
function runLength(set: Uint8Array, bytes: Buffer, at: number, most: number): number {
  let count = 0;
  while (count < most && (set[bytes[at + count] as number] ?? 0) === 1) count++;
  return count;
}

function isPasswordInWords(value: string): boolean {
  const word = value.replace(/[.,;:!?)]{1,256}$/, '');
  return (
    word.length >= 6 &&
    isMixed(word) &&
    !isPlaceholder(word) &&
    // A pair, a call, a variable of GraphQL.
    !/^[\w-]+[=:(]|^\$\w+[),]/.test(word) &&
    !isUrlOrPath(word)
  );
}

const PATH_WORDS =
  'reset|invite|invitations?|magic|verify|verification|confirm|confirmation|activate|activation|unsubscribe|recover|unlock|webhooks?|hooks?';

const QUOTED = `(?:${SPACE}{1,16}|${SPACE}{0,16}=${SPACE}{0,16})\\\\{0,8}'(?=[^'"\\\\\\t\\n\\f\\r ]{1,256}\\\\{0,8}')`;
const QUOTED_BYTES: SecretBytes = { set: setOf('[^\'"\\\\\\t\\n\\f\\r ]'), min: 1 };

export const PHRASES: readonly PhraseRow[] = [
  {
    id: 'authorization',
    words: ['bearer', 'basic', 'digest', 'negotiate', 'apikey', 'token', 'hmac', 'sharedkey', 'hmacsha'],
    follows: BEFORE_TOKEN,
    mayGoOn: isBeforeToken,
    head: `(?:(?<=\\b(?:bearer|basic|digest|negotiate|apikey|token|hmac|sharedkey))|(?<=\\baws4-hmac-sha)256)${SPACE}{1,64}`,
    secret: { set: TOKEN_BYTES, min: 16 },
    accept: (token) => /\d/.test(token) && (isOpaque(token) || /={1,2}$/.test(token)) && !isWordy(token),
  },
  {
    id: 'password-in-words',
    words: [
      ...[
        'password',
        'passwort',
        'passwd',
        'pwd',
        'passcode',
        'passphrase',
        'kennwort',
        'motdepasse',
        'contrasena',
        'senha',
      ],
      'wachtwoord',
      'requirepass',
    ],
    follows: IN_SENTENCE,
    needs: 'odd',
    isRuledOut: (bytes, at) => isBeforeWords(bytes, at, 6),
    mayGoOn: (bytes, at) => hasLongPiece(bytes, at, 6, true),
    head: `(?<=password|passwort|passwd|\\bpwd|passcode|passphrase|kennwort|mot de passe|contrase(?:\\xc3\\xb1|n)a|senha|wachtwoord|requirepass)${BECAME}${BETWEEN}${OPENING}(?=${VALUE}{6})`,
    secret: { set: VALUE_BYTES, min: 6 },
    accept: isPasswordInWords,
    isInSentence: true,
  },
  {
    id: 'secret-in-words',
    words: ['secret', 'token', 'apikey', 'accesskey', 'secretkey', 'privatekey', 'licensekey', 'encryptionkey'],
    follows: IN_SENTENCE,
    needs: 'long',
    isRuledOut: (bytes, at) => isBeforeWords(bytes, at, 16),
    mayGoOn: (bytes, at) => hasLongPiece(bytes, at, 16, false),
    head: `(?:(?<=secret|token)|(?<=(?:api|access|secret|private|license|encryption)[ _-]?key))${BECAME}${BETWEEN}${OPENING}(?=${VALUE}{16})`,
    secret: { set: VALUE_BYTES, min: 16 },
    accept: (value) => {
      const word = value.replace(/[.,;:!?)]{1,256}$/, '');
      return !/[:;,()]|=(?!=?$)/.test(word) && isOpaque(word) && !isUrlOrPath(word);
    },
    isInSentence: true,
  },
  ...CODE_PHRASES,
  {
    id: 'sql',
    words: ['identified'],
    follows: IN_SENTENCE,
    mayGoOn: always,
    head: `(?<=identified)${SPACE}{1,16}(?:with${SPACE}{1,16}[^\\t\\n\\f\\r ]{1,64}${SPACE}{1,16})?by(?:${SPACE}{1,16}password)?${QUOTED}`,
    secret: QUOTED_BYTES,
  },
  {
    id: 'sql',
    words: ['password'],
    follows: BEFORE_QUOTE,
    mayGoOn: isBeforeQuote,
    head: `(?<=password)(?:${SPACE}{1,4}(?:eq|ne|like|for${SPACE}{1,4}[^\\t\\n\\f\\r ]{1,128})(?=${SPACE}))?${QUOTED}`,
    secret: QUOTED_BYTES,
  },
  {
    // 40 characters of base64 say nothing by themselves; right after such a name they do.
    id: 'aws-secret',
    words: ['aws', 'secret', 'secretaccess', 'secretkey', 'accesskey'],
    follows: SEPARATOR_BYTES,
    mayGoOn: isBeforeAwsSecret,
    head: `(?:(?<=aws|secret|aws_?secret_?access)|(?<=(?:secret|access)[ _-]?key))["'\\t\\n\\f\\r :=,>]{1,8}`,
    secret: awsSecretEnd,
    accept: (secret) => /\d/.test(secret) && /[a-z]/.test(secret) && /[A-Z]/.test(secret),
  },
  {
    id: 'wifi',
    words: ['wifi'],
    follows: COLON_ALONE,
    mayGoOn: always,
    head: `(?<=WIFI):[^\\t\\n\\f\\r "']{0,80}?;P:(?=[^;"\\\\]{8,63};)`,
    isExact: true,
    secret: { set: setOf('[^;"\\\\]'), min: 8 },
  },
  {
    // RFC 959, RFC 4954, RFC 9051, Redis: commands of other protocols, as they are logged.
    id: 'protocol',
    words: ['pass', 'auth', 'login'],
    follows: setOf(' '),
    mayGoOn: (bytes, at) => (bytes[at - 1] as number) < 0x60,
    head: `(?:(?<=(?:^|\\n)PASS)|(?<=(?:^|\\n)AUTH)(?: [A-Za-z-]{1,32})?|(?<=(?:^|\\n)[A-Za-z0-9]{1,8} LOGIN) [^\\t\\n\\f\\r ]{1,128}) (?=${VALUE}{6,1024}\\r?(?:\\n|$))`,
    isExact: true,
    secret: { set: VALUE_BYTES, min: 6 },
    accept: (value) => isMixed(value),
  },
  {
    // The same of Redis as its clients send them (RESP): `$` and the length of what follows, each on a line.
    id: 'protocol',
    words: ['auth', 'requirepass'],
    follows: setOf('[\\r\\\\]'),
    mayGoOn: isBeforeBulk,
    head: `(?:(?<=[\\nn]auth)${BULK}(?:[^\\r\\n\\\\"]{1,128}${BULK})?|(?<=requirepass|masterauth)${BULK})`,
    secret: { set: setOf('[^\\r\\n\\\\"]'), min: 1 },
  },
  ...COMMAND_PHRASES,
  {
    // Base64 of what a person chose looks like nothing; what stands around it says that it is a version of a secret (Google Secret Manager).
    id: 'secret-payload',
    words: ['payloaddata'],
    follows: setOf('["\\\\]'),
    mayGoOn: always,
    head: `(?<=payload\\\\{0,8}"\\s{0,64}:\\s{0,64}\\{\\s{0,64}\\\\{0,8}"data)\\\\{0,8}"\\s{0,8}:\\s{0,8}\\\\{0,8}"`,
    isExact: true,
    secret: secretPayloadEnd,
  },
  {
    // RFC 8628 §3.3, as command lines print it.
    id: 'code-in-words',
    words: ['enterthecode', 'entercode'],
    follows: setOf('[ :]'),
    mayGoOn: always,
    head: `(?<=[Ee]nter (?:the )?code):? {1,2}(?=(?:[A-Z0-9]{4}-[A-Z0-9]{4}|[A-Z0-9]{8,9})(?![\\w-]))`,
    isExact: true,
    secret: { set: setOf('[A-Z0-9-]'), min: 8 },
  },
  {
    id: 'private-key',
    words: ['privatelines'],
    follows: COLON_ALONE,
    mayGoOn: always,
    head: `(?<=Private-Lines): [0-9]{1,4}${SPACE}{1,16}`,
    isExact: true,
    secret: linesEnd,
  },
  {
    id: 'private-key',
    words: ['privatemac'],
    follows: COLON_ALONE,
    mayGoOn: always,
    head: '(?<=Private-MAC): ',
    isExact: true,
    secret: { set: setOf('[0-9a-f]'), min: 32 },
  },
  {
    id: 'path-token',
    words: [
      ...['reset', 'invite', 'invitation', 'invitations', 'magic', 'verify', 'verification', 'confirm', 'confirmation'],
      ...['activate', 'activation', 'unsubscribe', 'recover', 'unlock', 'webhook', 'webhooks', 'hook', 'hooks'],
      ...['password', 'link', 'token', 'email', 'account'],
    ],
    follows: SLASH_OR_QUESTION,
    // Where such a word stands in a URL, its segments and its query are judged as well.
    mayGoOn: always,
    isSecretAhead: isBeforePathToken,
    head: `(?<=/(?:password|account|email|user|auth)?[-_]?(?:${PATH_WORDS})(?:[-_]?(?:password|link|token|email|account))?)(?:\\\\{0,8}/(?:[A-Za-z0-9_-]{1,12}\\\\{0,8}/)?|\\?[A-Za-z_]{1,16}=)(?=[A-Za-z0-9_.=-]{20})`,
    secret: { set: setOf('[A-Za-z0-9_.=-]'), min: 20 },
    accept: (token) => isOpaque(token),
  },
  {
    id: 'webhook',
    words: ['webhookofficecom'],
    follows: SLASH_OR_ESCAPE,
    mayGoOn: always,
    head: `(?<=webhook\\.office\\.com)\\\\{0,8}/webhookb2\\\\{0,8}/`,
    isExact: true,
    secret: { set: setOf('[\\w@/\\\\-]'), min: 20 },
  },
  {
    id: 'webhook',
    words: ['slackcom'],
    follows: SLASH_OR_ESCAPE,
    mayGoOn: always,
    head: `(?<=hooks\\.slack\\.com)\\\\{0,8}/(?:services|workflows|triggers)\\\\{0,8}/`,
    isExact: true,
    secret: { set: setOf('[A-Za-z0-9/\\\\]'), min: 20 },
  },
  {
    id: 'userinfo',
    words: ['oraclethin'],
    follows: COLON_ALONE,
    mayGoOn: always,
    head: '(?<=jdbc:oracle:thin):',
    isExact: true,
    secret: slashPairEnd,
  },
];
