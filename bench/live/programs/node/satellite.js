/** A satellite that writes each span it takes as a line of JSON: `satellite.js PORT FILE`. OTLP/HTTP in JSON, gzip or plain. */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

const [, , port, file] = process.argv;

createServer(async (request, response) => {
  if (request.headers['content-type'] !== 'application/json') {
    response.writeHead(415).end();
    return;
  }
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const { resourceSpans = [] } = body.length === 0 ? {} : JSON.parse(text);
  for (const { scopeSpans } of resourceSpans)
    for (const { spans } of scopeSpans)
      for (const span of spans) {
        const attributes = span.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? null]);
        appendFileSync(file, `${JSON.stringify({ spanId: span.spanId, ...Object.fromEntries(attributes) })}\n`);
      }
  response.setHeader('content-type', 'application/json');
  response.end('{}');
}).listen(Number(port), '127.0.0.1');
