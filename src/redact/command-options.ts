/** Options of commands that a password follows: `--password …`, `-u user:…`, `mysql -p…`. */
import type { Cause } from './edits.js';
import { APART, isMixed, SPACE, VALUE, VALUE_BYTES } from './phrase-row.js';
import { JUDGED_BYTES_MAX, type Search } from './phrase-search.js';
import { isPlaceholder } from './placeholders.js';

const VALUE_OF_OPTION = new RegExp(
  `(?:${SPACE}{1,3}|${APART}|\\n[ \\t]{0,16}- )(?:\\\\{0,8}['"])?(?=${VALUE}{3})`,
  'y',
);
const OPTION_CAUSE: Cause = { rule: 'looks:command-line', name: null };

const USER = new RegExp(
  `(?:(?:-u|--user|--proxy-user|-U)(?:(?:${SPACE}|=){1,3}|${APART})|-u)(?:\\\\{0,8}['"])?[^\\t\\n\\f\\r :+%'"\\\\/][^\\t\\n\\f\\r :'"\\\\/]{0,127}:(?=${VALUE}{3})`,
  'y',
);
/** Samba's tools: `-U domain\\user%password`. */
const SAMBA_USER = new RegExp(
  `(?:-U|--user)(?:(?:${SPACE}|=){1,3}|${APART}|)(?:\\\\{0,8}['"])?[^\\t\\n\\f\\r :+%'"]{1,128}%(?=${VALUE}{3})`,
  'y',
);
const SAMBA =
  /(?:^|[^\w-])(?:smb\w+|rpcclient|net|winexe|wmic|wbinfo|ntlm_auth|pth-\w+|mount\.cifs|crackmapexec)(?:\s[^\n|;]*)?$/;

/** ` -u user:password`. */
export function userOption(search: Search, dash: number): number {
  const { view, context } = search;
  const { bytes } = view;
  search.text ??= bytes.latin1Slice(0, bytes.length);
  USER.lastIndex = dash;
  SAMBA_USER.lastIndex = dash;
  let value = 0;
  if (USER.test(search.text)) value = USER.lastIndex;
  else if (SAMBA_USER.test(search.text) && SAMBA.test(leadOf(bytes, dash))) value = SAMBA_USER.lastIndex;
  if (value === 0) return 0;
  const end = valueEnd(bytes, value);
  const text = bytes.latin1Slice(value, Math.min(end, value + JUDGED_BYTES_MAX));
  if (/^\d{1,6}$/.test(text) || isExample(text)) return 0;
  context.redactText(view, value, end, OPTION_CAUSE);
  return end;
}

/** A password as documents of commands have it, or a variable. */
export function isExample(password: string): boolean {
  return isPlaceholder(password) || /^(?:pass|passwd|password|pwd)$/i.test(password);
}

/** What a letter means is the command's to say: a port as often as a password. */
const LETTER = new RegExp(`-([apPwkK])(${SPACE}{1,16}|${APART}|)(?:\\\\{0,8}['"])?(?=${VALUE}{4})`, 'y');
/** How far before its option a command is looked for. */
const LEAD_BYTES = 160;
const COMMAND =
  /(?:^|[^\w-])(mysql\w*|mariadb[\w-]*|sshpass|sqlcmd|bcp|unzip|zip|7z[ar]?|openssl|cqlsh|mongo\w*|mosquitto_[ps]ub|redis-cli|ldap\w+|https?|(?:docker|podman|buildah|nerdctl|crane|oc|cf|az|helm registry)\s+login)(?:\s[^\n|;]*)?$/;

/** `mysql -p…`. */
export function letterOption(search: Search, dash: number): number {
  const { view, context } = search;
  const { bytes } = view;
  search.text ??= bytes.latin1Slice(0, bytes.length);
  LETTER.lastIndex = dash;
  const match = LETTER.exec(search.text);
  if (match === null) return 0;
  const value = LETTER.lastIndex;
  const end = valueEnd(bytes, value);
  if (!isMixed(bytes.latin1Slice(value, Math.min(end, value + JUDGED_BYTES_MAX)))) return 0;
  if (!isPasswordLetter(match[1] as string, match[2] !== '', leadOf(bytes, dash))) return 0;
  context.redactText(view, value, end, OPTION_CAUSE);
  return end;
}

/** The command and its arguments before the option at `dash`, as they would be typed: `["mysql","-uroot",` too. */
function leadOf(bytes: Buffer, dash: number): string {
  const lead = bytes.latin1Slice(Math.max(0, dash - 1 - LEAD_BYTES), Math.max(0, dash - 1));
  const quote = bytes[dash - 1];
  if (quote !== 0x22 && quote !== 0x27) return lead;
  return lead.slice(lead.lastIndexOf('[') + 1).replace(/[\\"',\s]+/g, ' ');
}

/** Whether an option of this letter is that of a password to the command that `lead` ends in. */
function isPasswordLetter(letter: string, isApart: boolean, lead: string): boolean {
  const command = COMMAND.exec(lead)?.[1];
  if (command === undefined) return false;
  if (/^(?:mysql|mariadb)/.test(command)) return letter === 'p' && !isApart;
  if (/^(?:mosquitto|sqlcmd|bcp|zip|unzip)/.test(command)) return letter === 'P';
  if (command.startsWith('7z')) return letter === 'p' && !isApart;
  if (/^(?:redis|http)/.test(command)) return letter === 'a';
  if (command === 'openssl') return isApart && (letter === 'k' || letter === 'K');
  return letter === (command.startsWith('ldap') ? 'w' : 'p');
}

/** ` --password …`, whose name ends before `at`. */
export function option(search: Search, at: number): number {
  const { view, context } = search;
  const { bytes } = view;
  let end = at;
  while (end < bytes.length && isNameByte(bytes[end] as number)) end++;
  let start = at;
  while (start > 0 && at - start < 128 && isNameByte(bytes[start - 1] as number)) start--;
  while (bytes[start] === 0x2d) start++;
  const rule = context.names.of('field', bytes, start, end);
  if (rule === null || rule.value === 'opaque') return 0;
  search.text ??= bytes.latin1Slice(0, bytes.length);
  VALUE_OF_OPTION.lastIndex = end;
  if (!VALUE_OF_OPTION.test(search.text)) return 0;
  const value = VALUE_OF_OPTION.lastIndex;
  const stop = optionEnd(bytes, value);
  if (bytes[value] === 0x2d || isPlaceholder(bytes.latin1Slice(value, Math.min(stop, value + JUDGED_BYTES_MAX))))
    return 0;
  context.redactText(view, value, stop, OPTION_CAUSE);
  return stop;
}

/** Where the value of an option ends, in quotes with what spaces are in it. */
function optionEnd(bytes: Buffer, at: number): number {
  const quote = bytes[at - 1];
  const end = valueEnd(bytes, at);
  if ((quote !== 0x22 && quote !== 0x27) || bytes[end] !== 0x20) return end;
  const limit = Math.min(bytes.length, at + JUDGED_BYTES_MAX);
  for (let i = end; i < limit && bytes[i] !== 0x0a; i++) {
    if (bytes[i] === 0x5c && bytes[at - 2] === 0x5c) return i;
    if (bytes[i] === quote) return i;
  }
  return end;
}

function valueEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && (VALUE_BYTES[bytes[end] as number] as number) === 1) end++;
  return end;
}

export function isNameByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
}
