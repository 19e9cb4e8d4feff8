/**
 * The server of active response that is written in Node.js, over HTTP/1.1, and HTTP/2 in clear one port above; with WebSockets, which
 * send back what they get.
 *
 *     node server.js ADDRESS PORT
 *
 * What is asked for below /admin/slow goes on until its client is gone; the server then prints for how many milliseconds it did.
 */
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { WebSocketServer } from 'ws';

const [address, port] = process.argv.slice(2);

function answer(request, response) {
  if (!request.url.startsWith('/admin/slow')) return response.end('ok');
  const began = performance.now();
  response.write('a');
  response.once('close', () => process.stdout.write(`ended ${Math.round(performance.now() - began)}\n`));
}

const server = createServer(answer).listen(Number(port), address);
createHttp2Server(answer).listen(Number(port) + 1, address);
new WebSocketServer({ server }).on('connection', (socket, request) => {
  const began = performance.now();
  socket.on('message', (data) => socket.send(data));
  socket.on('error', () => {});
  socket.on(
    'close',
    (code) =>
      code === 1006 &&
      request.url.startsWith('/admin/slow') &&
      process.stdout.write(`ended ${Math.round(performance.now() - began)}\n`),
  );
});
