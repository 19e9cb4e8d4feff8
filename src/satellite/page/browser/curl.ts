/** A request as a command line that sends it again. What a stranger sent cannot become more than an argument. */
import type { Trace } from './ask.js';

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$/;
/** What curl makes itself, or what holds for one connection alone. */
const LEFT_OUT = new Set(['content-length', 'transfer-encoding', 'connection', 'host']);

export function curlOf({ request }: Trace): string {
  const { method, scheme, authority, target, headers, body } = request;
  const isAbsolute = /^https?:\/\//i.test(target);
  const words = ['curl', '--globoff', '--path-as-is'];
  if (method !== 'GET' && TOKEN.test(method)) words.push('-X', quoted(method));
  for (const [name, value] of headers)
    if (TOKEN.test(name) && !LEFT_OUT.has(name.toLowerCase())) words.push('-H', quoted(`${name}: ${value}`));
  const comment = commentOn(body);
  if (body.content !== '' && comment === '') words.push('--data-raw', quoted(body.content));
  words.push('--', quoted(isAbsolute ? target : `${scheme}://${authority}${target}`));
  return words.join(' ') + comment;
}

function commentOn({ encoding, truncated, content }: Trace['request']['body']): string {
  if (truncated) return ' # its body is not here as a whole';
  return encoding === 'base64' && content !== '' ? ' # its body is no text' : '';
}

function quoted(text: string): string {
  // What no line of a shell takes is left out: a line break would begin another command in some.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these
  const plain = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
  return `'${plain.replaceAll("'", "'\\''")}'`;
}
