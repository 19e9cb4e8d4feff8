/** node:http over one kept-alive connection. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { baseUrl, pairs, pieces, plan, report, reportError } from './plan.js';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function send(item) {
  return new Promise((resolve, reject) => {
    const body = item.body === null ? null : readFileSync(item.body);
    const headers = Object.fromEntries(item.headers);
    if (item.isClosing) headers.connection = 'close';
    if (body !== null && !item.isChunked) headers['content-length'] = String(body.length);
    const outgoing = request(baseUrl + item.target, { method: item.method, headers, agent });
    const sendBody = () => {
      if (body !== null && item.isChunked) for (const piece of pieces(body)) outgoing.write(piece);
      outgoing.end(item.isChunked ? undefined : (body ?? undefined));
    };
    if (item.headers.some(([name]) => name.toLowerCase() === 'expect')) {
      // A server that knows nothing of it keeps silent (RFC 9110 §10.1.1).
      const waiting = setTimeout(sendBody, 1000);
      for (const event of ['continue', 'response', 'close']) outgoing.once(event, () => clearTimeout(waiting));
      outgoing.once('continue', sendBody);
      outgoing.flushHeaders();
    } else sendBody();
    outgoing.setTimeout(5000, () => outgoing.destroy(new Error('no answer within 5 s')));
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      const parts = [];
      try {
        for await (const part of response) parts.push(part);
        report(item.id, response.statusCode, pairs(response.rawHeaders), Buffer.concat(parts));
        if (!outgoing.writableEnded) outgoing.destroy();
        resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
}

for (const item of plan) await send(item).catch((error) => reportError(item.id, error));
agent.destroy();
