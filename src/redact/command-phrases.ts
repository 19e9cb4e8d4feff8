/** Commands that take a secret without a name: as the last of their arguments, or from what is written to them. */
import { APART, always, isMixed, isUrlOrPath, type PhraseRow, SPACE, setOf, VALUE_BYTES } from './phrase-row.js';
import { isPlaceholder } from './placeholders.js';
import { isOpaque } from './value-shapes.js';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const WORD = '[^ \\t\\n"\'|]{1,128}';
const COMMAND_HEAD = `(?:${[
  `(?<=\\bhtpasswd)(?: -[a-z]{1,6}){0,3} -[a-z]{0,6}b[a-z]{0,6}(?: -[a-z]{1,6}){0,3} ${WORD} ${WORD} `,
  `(?<=\\brabbitmqctl) (?:add_user|change_password) ${WORD} `,
  `(?<=\\bnet user) ${WORD} `,
  `(?<=\\bnet use) (?:[a-z]: )?\\\\{2,8}${WORD} `,
  '(?<=\\b(?:sqlplus|impdp|expdp|sqlldr|rman))(?: -[a-z]{1,2}| target| userid=?){0,2} ["\']?[\\w$#]{1,64}/',
  `(?<=\\blftp)(?: -[a-z])? ${WORD.replace('|]', '|,]')},`,
  `(?<=\\bmc alias set) ${WORD} ${WORD} ${WORD} `,
].join('|')})["']?(?=[^/-])`;
const COMMAND_BEFORE = `(?<=\\becho (?:-n )?["']?(?:[\\w.-]{1,64}:)?([^\\s"'|:]{4,128})["']? ?\\| ?(?:sudo -s|[^\\n|]{0,160}--password-stdin|(?:sudo )?chpasswd))`;

/** Whether a pipe stands before the command that ends before `at`. */
function hasPipeBefore(bytes: Buffer, at: number): boolean {
  for (let i = at - 1; i >= 0 && i > at - 200 && bytes[i] !== 0x0a; i--) if (bytes[i] === 0x7c) return true;
  return false;
}

/** Where the argument ends that begins at `at`: behind a user's name and a slash before `@` and the database. */
function argumentEnd(bytes: Buffer, at: number): number {
  const isBehindUser = bytes[at - 1] === 0x2f;
  let end = at;
  while (end < bytes.length && (VALUE_BYTES[bytes[end] as number] as number) === 1) {
    if (isBehindUser && bytes[end] === 0x40) break;
    end++;
  }
  return end - at < 4 ? -1 : end;
}

export const COMMAND_PHRASES: readonly PhraseRow[] = [
  {
    id: 'command-line',
    words: ['snykauth', 'authtoken', 'vaultlogin', 'configuresetawssessiontoken'],
    follows: setOf('[ "\'\\\\]'),
    mayGoOn: always,
    head: `(?<=\\bsnyk(?:${SPACE}{1,4}|${APART})auth|_authToken|\\bvault login|aws_session_token)(?:${SPACE}{1,4}|${APART})(?=[\\w.~+/-]{16})`,
    secret: { set: setOf('[\\w.~+/=-]'), min: 16 },
    accept: (token) => UUID.test(token) || isOpaque(token),
  },
  {
    // Commands that take a password as the last of their arguments, without a name.
    id: 'command-line',
    words: [
      'htpasswd',
      'rabbitmqctl',
      'netuser',
      'netuse',
      'sqlplus',
      'impdp',
      'expdp',
      'sqlldr',
      'rman',
      'lftp',
      'aliasset',
    ],
    follows: setOf('[ ]'),
    mayGoOn: always,
    head: COMMAND_HEAD,
    secret: argumentEnd,
    accept: (value) => isMixed(value) && !isPlaceholder(value) && !isUrlOrPath(value),
  },
  {
    // `echo … | sudo -S`: what is written to a command that reads a password.
    id: 'command-line',
    words: ['sudos', 'passwordstdin', 'chpasswd'],
    follows: setOf('[ "\'\\\\\\n;&|]'),
    mayGoOn: (bytes, at) => hasPipeBefore(bytes, at),
    head: COMMAND_BEFORE,
    isBefore: true,
    secret: () => -1,
  },
];
