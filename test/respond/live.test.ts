/**
 * Active response on the wire: connections of real servers and clients end where they match, others go on, and a capture beside sees
 * every reset that is sent.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { startCommand } from '../support/command.js';
import { makeVethPair, run } from '../support/namespace.js';
import { needs } from '../support/needs.js';

/** Answers at once, except below `/admin`, where it goes on for ever. */
async function startServer(): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(200);
    if (request.url?.startsWith('/admin')) response.write('a');
    else response.end('ok');
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    sockets.close();
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function startSensor(interfaceName: string, port: number, args: readonly string[]) {
  const child = startCommand([
    ...['apidump', '--interfaces', interfaceName, '--output', 'ndjson', '--filter', `tcp port ${port}`],
    ...['--rate-limit', '0', '--log-format', 'text', ...args],
  ]);
  const said = { log: '' };
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (data: string) => (said.log += data));
  while (!said.log.includes('capturing on')) await once(child.stderr, 'data');
  return {
    said,
    async stop(): Promise<string> {
      child.kill('SIGINT');
      await once(child, 'exit');
      return said.log;
    },
  };
}

/** Every reset on an interface, as tcpdump prints it. */
async function captureResets(interfaceName: string, port: number): Promise<() => Promise<string[]>> {
  const filter = `tcp port ${port} and tcp[tcpflags] & tcp-rst != 0`;
  const child = spawn('tcpdump', ['-n', '-l', '--immediate-mode', '-i', interfaceName, filter], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
  await once(child.stderr, 'data');
  return async () => {
    const closed = once(child, 'close');
    child.kill('SIGINT');
    await closed;
    return text.split('\n').filter((line) => line !== '');
  };
}

function openConnection(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host);
  onTestFinished(() => void socket.destroy());
  return once(socket, 'connect').then(() => socket);
}

/** Resolves with how the connection ends. */
const endOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('close', () => resolve('closed'));
  });

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;

async function answerOf(socket: Socket, path: string): Promise<string> {
  socket.write(get(path));
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString().slice(0, 15);
}

describe('on loopback', () => {
  it(
    'ends what matches at both ends, a WebSocket too, and leaves the others',
    needs('capture', 'tcpdump'),
    async () => {
      const port = await startServer();
      const sensor = await startSensor('lo', port, ['--active-response', '--active-response-rule', 'path=^/admin']);
      const others = await Promise.all(Array.from({ length: 20 }, () => openConnection(port)));
      for (const one of others) expect(await answerOf(one, '/')).toBe('HTTP/1.1 200 OK');

      const socket = await openConnection(port);
      const ended = endOf(socket.resume());
      socket.write(get('/admin'));
      expect(await ended).toBe('ECONNRESET');

      const web = new WebSocket(`ws://127.0.0.1:${port}/admin/feed`);
      const [error] = (await Promise.race([once(web, 'error'), once(web, 'close')])) as [unknown];
      expect(error).toBeDefined();
      const kept = new WebSocket(`ws://127.0.0.1:${port}/feed`);
      await once(kept, 'open');
      kept.send('still here');
      expect(String(((await once(kept, 'message')) as [Buffer])[0])).toBe('still here');
      kept.terminate();

      for (const one of others) expect(await answerOf(one, '/again')).toBe('HTTP/1.1 200 OK');
      const log = await sensor.stop();
      expect(log).toMatch(/connections reset +2\n/);
      expect(log).toContain('a connection is reset');
    },
  );

  it.each([
    ['in a dry run', ['--active-response=dry-run', '--active-response-rule', 'path=^/admin'], 'would be reset'],
    ['without the option', ['--active-response-rule', 'path=^/admin'], 'no connection is ever reset'],
    ['without a rule or an order', ['--active-response'], 'active response'],
  ])('sends nothing %s', needs('capture', 'tcpdump'), async (_, args, says) => {
    const port = await startServer();
    const resets = await captureResets('lo', port);
    const sensor = await startSensor('lo', port, args);
    const socket = await openConnection(port);
    expect(await answerOf(socket, '/admin')).toBe('HTTP/1.1 200 OK');
    // The sensor has seen the request once it says so of another.
    const second = await openConnection(port);
    expect(await answerOf(second, '/')).toBe('HTTP/1.1 200 OK');
    const log = await sensor.stop();
    expect(log).toContain(says);
    expect(await resets()).toEqual([]);
    expect(socket.destroyed).toBe(false);
  });
});

describe('between two hosts', () => {
  it(
    'ends connections to nginx that match, and none of a thousand others',
    needs('capture', 'namespaces', 'ip', 'sysctl', 'nginx', 'curl'),
    async () => {
      const pair = makeVethPair();
      onTestFinished(() => pair.remove());
      run('ip', 'addr', 'add', '10.213.7.1/24', 'dev', pair.here);
      run('ip', '-n', pair.namespace, 'addr', 'add', '10.213.7.2/24', 'dev', pair.there);
      const nginx = await startNginx(pair.inside);
      const sensor = await startSensor(pair.here, 8080, [
        '--active-response',
        '--active-response-rule',
        'path=^/admin',
      ]);
      const url = 'http://10.213.7.2:8080';
      const curl = (path: string) =>
        promisify(execFile)('curl', ['-sS', '-m', '10', '-o', '/dev/null', `${url}${path}`]);
      // Slow, so that it is under way for longer than it may take to be reset.
      await expect(curl('/admin/large')).rejects.toThrow(/reset|closed/i);
      const paths = Array.from({ length: 1000 }, () => `${url}/small`);
      const many = promisify(execFile)('curl', [
        '-sS',
        '-m',
        '60',
        '-w',
        '%{http_code}\n',
        ...paths.flatMap((one) => ['-o', '/dev/null', one]),
      ]);
      const { stdout } = await many;
      expect(
        stdout
          .trim()
          .split('\n')
          .filter((code) => code === '200'),
      ).toHaveLength(1000);
      const log = await sensor.stop();
      expect(log).toMatch(/connections reset +1\n/);
      nginx.kill();
    },
  );
});

async function startNginx(inside: (...command: string[]) => [string, string[]]): Promise<ChildProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'respond-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'small'), 'ok');
  writeFileSync(join(directory, 'large'), Buffer.alloc(8 << 20));
  const settings = `
    daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
    events {}
    http {
      access_log off; client_body_temp_path ${directory}/a; proxy_temp_path ${directory}/b; fastcgi_temp_path ${directory}/c;
      uwsgi_temp_path ${directory}/d; scgi_temp_path ${directory}/e;
      server { listen 10.213.7.2:8080; root ${directory}; location /admin/ { alias ${directory}/; limit_rate 64k; } }
    }`;
  writeFileSync(join(directory, 'nginx.conf'), settings);
  const [command, args] = inside('nginx', '-p', directory, '-c', join(directory, 'nginx.conf'));
  const child = spawn(command, args, { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  for (;;) {
    const socket = connect(8080, '10.213.7.2');
    const isUp = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
