// A server of HTTP/2 in clear: files of a directory, with trailers where a query asks for them.
// usage: http2-server.js PORT DIRECTORY
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import { basename, join } from 'node:path';

const [port, directory] = process.argv.slice(2);
const server = createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const content = readFileSync(join(directory, basename(headers[':path'].split('?')[0])));
  stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-length': String(content.length) }));
  stream.end(content);
});
server.listen(Number(port), '127.0.0.1');
