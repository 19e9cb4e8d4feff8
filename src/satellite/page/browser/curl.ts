/**
 * A request as a command line that sends it again, for sh, bash and zsh. What a stranger sent cannot become more than an argument.
 *
 * in: a trace · out: one line
 */
import type { Trace } from './ask.js';

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$/;
/** What curl makes itself, or what holds for one connection alone. */
const LEFT_OUT = new Set(['content-length', 'transfer-encoding', 'connection', 'host', 'expect']);
/** What curl sends unless it is told not to. */
const ADDED = ['Accept', 'User-Agent'] as const;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a line of a shell does not carry as it is
const CONTROL = /[\u0000-\u001f\u007f]/;

export function curlOf({ request, network }: Trace): string {
  const { method, scheme, authority, target, headers, body } = request;
  const isAbsolute = /^https?:\/\//i.test(target);
  const words = ['curl', '--globoff', '--path-as-is'];
  if (method === 'HEAD') words.push('--head');
  else if (method !== 'GET' && TOKEN.test(method)) words.push('-X', quoted(method));
  const names = new Set<string>();
  for (const [name, value] of headers) {
    if (!TOKEN.test(name) || LEFT_OUT.has(name.toLowerCase())) continue;
    names.add(name.toLowerCase());
    // With a colon alone curl leaves a header out.
    words.push('-H', quoted(value === '' ? `${name};` : `${name}: ${value}`));
  }
  if (names.has('accept-encoding')) words.push('--compressed');
  for (const name of ADDED) if (!names.has(name.toLowerCase())) words.push('-H', quoted(`${name}:`));
  const sent = bodyOf(body);
  if (sent.words.length > 0) {
    if (!names.has('content-type')) words.push('-H', quoted('Content-Type:'));
    if (method === 'GET') words.push('-X', quoted(method));
    words.push(...sent.words);
  }
  const host = authority === '' ? hostOf(network.server) : authority;
  if (!isAbsolute && !target.startsWith('/')) words.push('--request-target', quoted(target));
  words.push('--', quoted(isAbsolute ? target : `${scheme}://${host}${target.startsWith('/') ? target : '/'}`));
  return `${sent.before}${words.join(' ')}${sent.after}`;
}

interface SentBody {
  readonly before: string;
  readonly words: readonly string[];
  readonly after: string;
}

const NO_BODY: SentBody = { before: '', words: [], after: '' };

/** Text is an argument. What no argument can be goes through a pipe; base64 has nothing in it that means anything to a shell. */
function bodyOf({ encoding, truncated, content }: Trace['request']['body']): SentBody {
  if (truncated) return { ...NO_BODY, after: ' # its body is not here as a whole' };
  if (content === '') return NO_BODY;
  if (encoding === 'utf8' && !CONTROL.test(content.replace(/[\t\n]/g, '')))
    return { ...NO_BODY, words: ['--data-raw', quoted(content)] };
  const packed = encoding === 'utf8' ? base64Of(content) : content.replace(/[^A-Za-z0-9+/=]/g, '');
  return { before: `printf %s '${packed}' | base64 -d | `, words: ['--data-binary', '@-'], after: '' };
}

/** Of the bytes of a text in UTF-8. */
function base64Of(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(binary);
}

const hostOf = ({ address, port }: Trace['network']['server']): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

function quoted(text: string): string {
  // What no line of a shell takes is left out: a line break would begin another command in some.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these
  const plain = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
  return `'${plain.replaceAll("'", "'\\''")}'`;
}
