/**
 * Opens and closes rings in every way there is, with the addon named on the command line; for runs under AddressSanitizer
 * or valgrind. It is plain JavaScript, so that nothing but the addon runs beside it.
 */
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';

const [file, cyclesText = '30'] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(file);
const cycles = Number(cyclesText);
const [loopback] = addon.describe('lo');
const program = addon.compile('tcp', 1, 262_144);
const open = (filter = program) => addon.open(loopback, false, filter, 1 << 17, 4, 10, true);
const fails = (code, act) => {
  try {
    act();
  } catch (error) {
    if (error.code === code) return;
    throw error;
  }
  throw new Error(`did not fail with ${code}`);
};

// Opened and closed; mapped, with views left behind; never closed; closed twice.
for (let i = 0; i < cycles; i++) {
  addon.close(open());
  const handle = open();
  const buffer = Buffer.from(addon.map(handle));
  const words = new Int32Array(addon.map(handle));
  addon.setFilter(handle, program);
  addon.statistics(handle, new Uint32Array(3));
  addon.close(handle);
  addon.close(handle);
  if (buffer.length !== 0 || words.length !== 0 || words[2] !== undefined) throw new Error('the map outlives the ring');
  fails('EBADF', () => addon.map(handle));
  fails('EBADF', () => addon.setFilter(handle, program));
  addon.map(open());
}
globalThis.gc?.();

// What is wrong is refused.
fails('ERR_FILTER', () => addon.compile('porrt 80', 1, 65_535));
fails('ENODEV', () => addon.open(999_999, false, program, 1 << 17, 4, 10, false));
fails('EINVAL', () => addon.open(loopback, false, program, 1000, 4, 10, false));
fails('ERR_INVALID_ARG_VALUE', () => open(new ArrayBuffer(7)));
fails('ERR_INVALID_ARG_TYPE', () => addon.open(loopback));
fails('ERR_INVALID_ARG_TYPE', () => addon.close());
if (addon.describe('no such interface, and longer than any') !== undefined) throw new Error('described');

// Closed in its own callback, while a block is held; and with the callback left to fire after the close.
process.stdout.write('opened and closed\n');
const server = createServer((socket) => socket.end('x'));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();
for (let i = 0; i < cycles; i++) {
  const held = open();
  const words = new Int32Array(addon.map(held));
  const bytes = Buffer.from(addon.map(held));
  const closed = new Promise((resolve) => {
    addon.poll(held, () => {
      if ((Atomics.load(words, 2) & 1) === 0) throw new Error('called without a block');
      const packet = bytes.subarray(0, 64);
      addon.close(held);
      if (packet.length !== 0 || bytes.length !== 0) throw new Error('the block outlives the ring');
      resolve();
    });
  });
  const never = open();
  addon.poll(never, () => {
    throw new Error('called after close');
  });
  addon.close(never);
  connect(port, '127.0.0.1').resume();
  await closed;
}
server.close();

process.stdout.write('closed while polled\n');
// A thread that ends with its ring open and polled.
for (let i = 0; i < 3; i++) {
  const worker = new Worker(
    `const addon = require(${JSON.stringify(file)});
     const handle = addon.open(${loopback}, false, addon.compile('tcp', 1, 65535), 1 << 17, 4, 10, true);
     addon.map(handle);
     addon.poll(handle, () => {});
     require('node:worker_threads').parentPort.postMessage('open');`,
    { eval: true },
  );
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}
globalThis.gc?.();
await new Promise((resolve) => setTimeout(resolve, 50));
process.stdout.write('all cycles done\n');
