// A client of HTTP/2 in clear: as many connections as asked for, some requests on each, all at once. Logs `TARGET STATUS BYTES` of each.
// With GO it makes a first round that it does not log, says "ready", and goes on with the same connections when the file GO is there.
// usage: http2-client.js BASE CONNECTIONS REQUESTS [GO]
import { existsSync } from 'node:fs';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

const [base, connections, requests, go] = process.argv.slice(2);
const sessions = Array.from({ length: Number(connections) }, () => connect(base));
let id = 0;

function get(session, path) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, 'x-id': path });
    let status = 0;
    let bytes = 0;
    stream.on('response', (headers) => (status = headers[':status']));
    stream.on('data', (data) => (bytes += data.length));
    stream.on('error', reject);
    stream.on('close', () => resolve(`${path} ${status} ${bytes}`));
  });
}

/** On each connection two at a time. */
async function round(count, name) {
  const lines = [];
  await Promise.all(
    sessions.map(async (session) => {
      for (let left = count; left > 0; left -= 2) {
        const some = Array.from({ length: Math.min(2, left) }, () => get(session, `/f-${id % 10}?${name}=${id++}`));
        lines.push(...(await Promise.all(some)));
      }
    }),
  );
  return lines;
}

if (go !== undefined) {
  await round(2, 'early');
  process.stdout.write('ready\n');
  while (!existsSync(go)) await sleep(20);
}
for (const line of await round(Number(requests), 'id')) process.stdout.write(`${line}\n`);
for (const session of sessions) session.close();
