/** Messages of a shape that costs: heads, framing, requests in a row, and what does not end. */
import { type Attack, say, trickle } from './speak.js';

const HEAD = 'GET /attack HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = 'POST /attack HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

export const MESSAGES: readonly Attack[] = [
  speaking('20 heads with 8,300 headers', 20, () => `${HEAD}${'a:\r\n'.repeat(8300)}\r\n`),
  speaking('20 heads with 100,000 headers', 20, () => `${HEAD}${'a:\r\n'.repeat(100_000)}\r\n`),
  speaking('20 heads of 2 MiB', 20, () => `${HEAD}${`X: ${'x'.repeat(1000)}\r\n`.repeat(2090)}\r\n`),
  speaking('20 cookies of 1 MB', 20, () => `${HEAD}Cookie: ${'session=abc; '.repeat(80_000)}\r\n\r\n`),
  speaking('20 targets of 60 KB', 20, () => `GET /?${'a=%7b&'.repeat(10_000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  { name: 'heads that trickle, 200 at once', run: (port) => trickle(port, 200, HEAD.repeat(8)) },
  speaking('16,000 requests in a row', 1, () => `${HEAD}\r\n`.repeat(16_000)),
  speaking('3 times 300,000 chunks of a byte', 3, () => `${CHUNKED}${'1\r\na\r\n'.repeat(300_000)}0\r\n\r\n`),
  speaking('10 chunk extensions of 1 MB', 10, () => `${CHUNKED}1;${'a=b;'.repeat(250_000)}\r\na\r\n0\r\n\r\n`),
  speaking('10 trailers of 1 MB', 10, () => `${CHUNKED}1\r\na\r\n0\r\n${'X: token\r\n'.repeat(100_000)}\r\n`),
  speaking(
    '2,000 requests that do not end',
    2000,
    () => `POST /attack HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n${'x'.repeat(40_000)}`,
  ),
];

function speaking(name: string, times: number, text: () => string): Attack {
  return { name, run: (port) => say(port, times, Buffer.from(text())) };
}
