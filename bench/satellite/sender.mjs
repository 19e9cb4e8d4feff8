/**
 * Sends spans as fast as they are answered: node sender.mjs URL TRACES SECONDS [CONNECTIONS]
 *
 * Requests are made once, and each time they are sent only ids, times and what varies are written over, so that the sender
 * takes little of the machine.
 */
import { randomFillSync } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';

const [url = '', traces = '0', seconds = '0', connections = '4'] = process.argv.slice(2);
const SPANS = 200;
const CONNECTIONS = Number(connections);
const text = (key, stringValue) => ({ key, value: { stringValue } });
const int = (key, intValue) => ({ key, value: { intValue } });
const texts = (key, ...list) => ({
  key,
  value: { arrayValue: { values: list.map((stringValue) => ({ stringValue })) } },
});
const RESOURCE = [text('service.name', 'shop'), text('levo.env', 'prod'), text('service.instance.id', 'bench')];
const ID = '@'.repeat(32);
const SPAN_ID = '~'.repeat(16);
const NUMBER = '#######';

function template(offset) {
  const spans = Array.from({ length: SPANS }, (_, j) => {
    const i = offset + j;
    const status = i % 97 === 0 ? 500 : i % 13 === 0 ? 404 : 200;
    const start = BigInt(Date.now()) * 1_000_000n;
    return {
      traceId: ID,
      spanId: SPAN_ID,
      name: 'GET',
      kind: 2,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + BigInt(1_000_000 + (i % 1000) * 300_000)),
      attributes: [
        text('http.request.method', i % 5 === 0 ? 'POST' : i % 499 === 0 ? 'DELETE' : 'GET'),
        text('url.scheme', 'http'),
        text('url.path', `/orders/${NUMBER}/items`),
        text('url.query', `page=${i % 10}`),
        text('server.address', 'shop.example'),
        int('server.port', 8080),
        text('client.address', '10.0.0.1'),
        text('network.peer.address', '10.0.0.1'),
        int('network.peer.port', 40_000),
        text('network.protocol.version', '1.1'),
        ...(i % 701 === 0 ? [] : [int('http.response.status_code', status)]),
        texts('http.request.header.host', 'shop.example:8080'),
        texts('http.response.header.content-type', 'application/json'),
        int('http.request.body.size', 0),
        int('http.response.body.size', 60),
        text(
          'http.response.body.content',
          `{"id":${NUMBER},"name":"thing ${i % 1000}","mail":"u${NUMBER}@example.com"}`,
        ),
        ...(i % 503 === 0 ? [texts('pcap.marks', 'gap', 'drops')] : []),
      ],
    };
  });
  const bytes = Buffer.from(
    JSON.stringify({ resourceSpans: [{ resource: { attributes: RESOURCE }, scopeSpans: [{ spans }] }] }),
  );
  const places = { ids: [], spanIds: [], numbers: [] };
  for (let at = bytes.indexOf(ID); at >= 0; at = bytes.indexOf(ID, at + 1)) places.ids.push(at);
  for (let at = bytes.indexOf(SPAN_ID); at >= 0; at = bytes.indexOf(SPAN_ID, at + 1)) places.spanIds.push(at);
  for (let at = bytes.indexOf(NUMBER); at >= 0; at = bytes.indexOf(NUMBER, at + 1)) places.numbers.push(at);
  return { bytes, ...places };
}

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const random = Buffer.alloc(SPANS * 24);
const until = Date.now() + Number(seconds) * 1000;
let count = 0;
let refused = 0;

function fill({ bytes, ids, spanIds, numbers }) {
  const hex = randomFillSync(random).toString('latin1') && random.toString('hex');
  for (let j = 0; j < SPANS; j++) {
    bytes.latin1Write(hex.slice(48 * j, 48 * j + 32), ids[j]);
    bytes.latin1Write(hex.slice(48 * j + 32, 48 * j + 48), spanIds[j]);
  }
  for (let j = 0; j < numbers.length; j++)
    bytes.latin1Write(
      String(100_000 + count + Math.floor(j / 3))
        .padStart(7, '1')
        .slice(-7),
      numbers[j],
    );
}

function send(body) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    const asked = httpRequest(`${url}/v1/traces`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function run(offset) {
  const templates = Array.from({ length: 5 }, (_, i) => template(offset + i * SPANS));
  for (let i = 0; count < Number(traces) && Date.now() < until; i++) {
    const one = templates[i % templates.length];
    fill(one);
    count += SPANS;
    if ((await send(one.bytes)) !== 200) refused++;
  }
}

await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => run(i * 5 * SPANS)));
if (refused > 0) process.stdout.write(`${refused} requests were refused\n`);
agent.destroy();
