/**
 * Which capture filters may be pushed: expressions of pcap-filter(7) that name protocols, addresses and ports by number.
 *
 * in: an expression · out: null, or in words why it may not be pushed
 *
 * libpcap compiles it afterwards, alone and with the sensor's own. What is kept out here would do more than narrow: a name is looked
 * up in DNS while capture stands still, `vlan` and the like move what everything behind them means, a parenthesis too many would
 * end the one that it is put into.
 */

const LENGTH_MAX = 2048;
/** libpcap's optimizer takes time by the cube of them. */
const WORDS_MAX = 256;

const KEYWORDS = new Set(
  [
    ['and', 'or', 'not', 'host', 'net', 'mask', 'port', 'portrange', 'src', 'dst'],
    ['tcp', 'udp', 'ip', 'ip6', 'len', 'less', 'greater'],
    ['tcpflags', 'tcp-fin', 'tcp-syn', 'tcp-rst', 'tcp-push', 'tcp-ack', 'tcp-urg'],
  ].flat(),
);
const NUMBER = /^(\d{1,10}|0x[0-9a-f]{1,8})$/i;
const PORTS = /^\d{1,5}-\d{1,5}$/;
const IPV4 = /^\d{1,3}(\.\d{1,3}){0,3}(\/\d{1,2})?$/;
const IPV6 = /^(?=[^:]*:[^:]*:)[0-9a-f:]{2,39}(\/\d{1,3})?$/i;
const TOKEN = /\s+|[()[\]]|&&|\|\||[!=<>]=|<<|>>|[!=<>&|^+*/%-]|([A-Za-z0-9_.:/-]+)/y;

export function filterRefusal(expression: string): string | null {
  if (expression.trim() === '') return 'is empty; leave it out, and nothing is filtered by it';
  if (expression.length > LENGTH_MAX) return `has ${expression.length} characters; ${LENGTH_MAX} may be pushed`;
  let depth = 0;
  let words = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(expression);
    if (match === null) return `has ${JSON.stringify(expression.slice(at, at + 8))}, which may not be pushed`;
    const [token, word] = match;
    if (token === '(' || token === '[') depth++;
    if ((token === ')' || token === ']') && --depth < 0) return 'closes more parentheses than it opens';
    if (word === undefined) continue;
    if (++words > WORDS_MAX) return `has more than ${WORDS_MAX} words`;
    const isKnown =
      KEYWORDS.has(word) ||
      [NUMBER, PORTS, IPV4, IPV6].some((form) => inBrackets(word).every((part) => form.test(part)));
    if (!isKnown && !inBrackets(word).every((part) => KEYWORDS.has(part) || NUMBER.test(part)))
      return `has ${JSON.stringify(word)}, which may not be pushed: addresses and ports go by number, and ${[...KEYWORDS].slice(0, 15).join(', ')} are the words`;
  }
  return depth === 0 ? null : 'opens more parentheses than it closes';
}

/** In `tcp[12:4]` the colon stands between two numbers, and in `tcp[13]` there is none. */
function inBrackets(word: string): readonly string[] {
  return /^\w+:\w+$/.test(word) ? word.split(':') : [word];
}

/** Both hold. */
export function bothFilters(own: string, pushed: string | null): string {
  if (pushed === null) return own;
  return own.trim() === '' ? pushed : `(${own}) and (${pushed})`;
}
