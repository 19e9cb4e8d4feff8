/**
 * WebSockets, and how they end.
 *
 *     node sockets.js URL COUNT LOCAL-ADDRESS MILLIS
 *
 * Opens so many, says `open` once each has had its answer, and closes those that are there still after MILLIS. Prints for each that was
 * ended by others when it asked, and when it ended, in milliseconds since 1970; and in the end how many were there still.
 */
import { WebSocket } from 'ws';

const [url, count, localAddress, millis] = process.argv.slice(2);
let kept = 0;

async function run() {
  const asked = Date.now();
  const socket = new WebSocket(url, { localAddress });
  socket.on('error', () => {});
  const answered = new Promise((resolve) => {
    socket.on('open', () => socket.send('here'));
    socket.on('message', resolve);
    socket.on('close', resolve);
  });
  let isClosing = false;
  const ended = new Promise((resolve) => {
    socket.on('close', () => {
      if (!isClosing) process.stdout.write(`ended ${asked} ${Date.now()}\n`);
      resolve();
    });
  });
  await answered;
  return async () => {
    if (socket.readyState === WebSocket.OPEN) {
      isClosing = true;
      kept++;
      socket.close();
    }
    await ended;
  };
}

const ends = await Promise.all(Array.from({ length: Number(count) }, run));
process.stdout.write('open\n');
await new Promise((resolve) => setTimeout(resolve, Number(millis)));
await Promise.all(ends.map((end) => end()));
process.stdout.write(`kept ${kept}\n`);
