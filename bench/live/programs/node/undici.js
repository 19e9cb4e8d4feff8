/** undici over one connection, with what is safe to be repeated LIVE_DEPTH at a time in a pipeline. */
import { readFileSync } from 'node:fs';
import { Client } from 'undici';
import { baseUrl, pieces, plan, report, reportError } from './plan.js';

const client = new Client(baseUrl, { pipelining: Number(process.env.LIVE_DEPTH), headersTimeout: 5000 });

async function send(item) {
  const body = item.body === null ? null : readFileSync(item.body);
  const headers = item.headers.flat();
  const response = await client.request({
    path: item.target,
    method: item.method,
    headers,
    body: body !== null && item.isChunked ? pieces(body) : body,
    reset: item.isClosing,
  });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const found = [];
  for (const [name, values] of Object.entries(response.headers))
    for (const value of [values].flat()) found.push([name, value]);
  report(item.id, response.statusCode, found, bytes);
}

const isRepeatable = (item) => item.body === null && (item.method === 'GET' || item.method === 'HEAD');
for (let at = 0; at < plan.length; ) {
  let end = at + 1;
  while (end < plan.length && isRepeatable(plan[at]) && isRepeatable(plan[end])) end++;
  const together = plan.slice(at, end).map((item) => send(item).catch((error) => reportError(item.id, error)));
  await Promise.all(together);
  at = end;
}
await client.close();
