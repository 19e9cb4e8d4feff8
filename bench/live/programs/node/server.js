/** The application on node:http: `server.js PORT|/path/of/socket`. */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const page = readFileSync(process.env.LIVE_PAGE);
const MODIFIED = 'Wed, 01 Jan 2020 00:00:00 GMT';
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** `[status, headers, body or chunks]` for a request. */
function answer(method, path, id, request, body) {
  const text = { 'content-type': 'text/plain' };
  switch (`${method === 'HEAD' ? 'GET' : method} ${path}`) {
    case 'GET /hello':
      return [
        200,
        { 'content-type': 'application/json', 'set-cookie': ['a=1; Path=/', 'b=2; Path=/'] },
        JSON.stringify({ id, hello: 'world' }),
      ];
    case 'GET /page.txt':
      if (request.headers['if-modified-since'] !== undefined) return [304, { 'last-modified': MODIFIED }, ''];
      return [200, { ...text, 'last-modified': MODIFIED }, page];
    case 'GET /zipped.txt':
      if (!/gzip/.test(request.headers['accept-encoding'] ?? '')) return [200, text, page];
      return [200, { ...text, 'content-encoding': 'gzip' }, gzipSync(page)];
    case 'GET /chunks':
      return [200, text, Array.from({ length: 50 }, (_, i) => `chunk ${i} of ${id}\n`)];
    case 'GET /nothing':
      return [204, {}, ''];
    case 'GET /moved':
      return [302, { ...text, location: `/hello?id=${id}-2` }, 'moved\n'];
    case 'GET /last':
      return [200, { ...text, connection: 'close' }, page];
    case 'POST /echo':
      return [200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' }, body];
    case 'POST /refuse':
      return [413, { ...text, connection: 'close' }, 'too much\n'];
    case 'PUT /store':
      return [201, text, `stored ${body.length}\n`];
    case 'DELETE /store':
      return [200, text, 'deleted\n'];
    default:
      return [404, text, 'absent\n'];
  }
}

async function respond(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://live');
  const id = searchParams.get('id') ?? '';
  const parts = [];
  if (pathname !== '/refuse') for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const [status, headers, content] = answer(request.method, pathname, id, request, body);
  const chunks = Array.isArray(content) ? content : [];
  const whole = Array.isArray(content) ? Buffer.from(content.join('')) : Buffer.from(content);
  const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 304;
  if (!Array.isArray(content) && status !== 204 && status !== 304) headers['content-length'] = whole.length;
  response.writeHead(status, { 'x-live-id': id, ...headers });
  if (hasBody) {
    for (const chunk of chunks) {
      response.write(chunk);
      await new Promise(setImmediate);
    }
    if (chunks.length === 0) response.write(whole);
  }
  response.end();
  const sent = hasBody ? whole : Buffer.alloc(0);
  log({
    id,
    method: request.method,
    target: request.url,
    status,
    ...(pathname === '/refuse' ? {} : { requestBytes: body.length, requestSha256: sha256(body) }),
    responseBytes: sent.length,
    responseSha256: sha256(sent),
  });
}

function log(record) {
  if (process.env.LIVE_LOG) appendFileSync(process.env.LIVE_LOG, `${JSON.stringify(record)}\n`);
}

const listening = (request, response) => respond(request, response).catch(() => response.destroy());
const server = createServer({ keepAliveTimeout: 60_000 }, listening);
server.on('checkExpectation', listening);
server.on('checkContinue', (request, response) => {
  if (!request.url.startsWith('/refuse')) response.writeContinue();
  listening(request, response);
});
const where = process.argv[2];
server.listen(
  /^\d+$/.test(where) ? { port: Number(where), host: process.env.LIVE_HOST ?? '0.0.0.0' } : { path: where },
);
