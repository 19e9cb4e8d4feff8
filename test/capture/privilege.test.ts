/** An ordinary user may capture if node has CAP_NET_RAW and nothing else; without it the error names the way out. */
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AS_NOBODY, readableByAll } from '../support/another-user.js';
import { runCommand } from '../support/command.js';
import { run } from '../support/namespace.js';
import { needs } from '../support/needs.js';

const root = join(import.meta.dirname, '../..');
const able = needs('root', 'setpriv', 'setcap', readableByAll);

describe('an ordinary user', able, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sensor-user-'));
  const node = join(directory, 'node');
  const cli = join(root, 'dist/cli/cli.js');
  beforeAll(() => {
    chmodSync(directory, 0o755);
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const sensor = (...args: string[]) => {
    const [command, ...rest] = [
      ...AS_NOBODY,
      node,
      cli,
      'apidump',
      '--output',
      'ndjson',
      '--log-format',
      'text',
      ...args,
    ];
    const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    const exited = new Promise<{ code: number | null; errors: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, errors })),
    );
    return { child, exited };
  };

  it('without the capability: exit 1, the capability and the command that grants it', async () => {
    for (const backend of ['auto', 'ring', 'cap']) {
      const { code, errors } = await sensor('--interfaces', 'lo', '--capture-backend', backend).exited;
      expect(errors).toContain(
        `interface lo: capturing needs the capability CAP_NET_RAW; grant it with \`sudo setcap cap_net_raw+ep ${node}\``,
      );
      expect(code).toBe(1);
    }
  });

  it('with it, and it alone: captures', async () => {
    run('setcap', 'cap_net_raw+ep', node);
    const server = createServer((socket) =>
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')).on('error', () => {}),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { child, exited } = sensor('--interfaces', 'lo', '--capture-backend', 'ring', '--filter', `port ${port}`);
    const first = new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
    // Asks until it is seen: nothing says from outside when the capture has begun.
    const asking = setInterval(() => {
      const socket = connect(port, '127.0.0.1', () => socket.end('GET /seen HTTP/1.1\r\nHost: a\r\n\r\n'));
      socket.on('error', () => {}).resume();
    }, 100);
    const ended = await Promise.race([first, exited]);
    clearInterval(asking);
    expect(ended).toBeTypeOf('string');
    expect(JSON.parse(ended as string)).toMatchObject({
      request: { method: 'GET', target: '/seen' },
      response: { status: 200, body: { content: 'hi' } },
    });
    child.kill('SIGTERM');
    expect((await exited).code).toBe(0);
    server.close();
  });
});

it(
  'root without the capability, as in a container: what lets the container have it',
  needs('root', 'setpriv'),
  async () => {
    const without = ['--bounding-set=-net_raw', '--inh-caps=-net_raw', process.execPath, join(root, 'dist/cli/cli.js')];
    const words = ['apidump', '--output', 'ndjson', '--interfaces', 'lo'];
    const { code, stderr } = await runCommand([...without, ...words], { command: 'setpriv' });
    expect({ code, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      code: 1,
      last: expect.stringMatching(
        /^pcap-sensor: interface lo: [^\n]*CAP_NET_RAW; root lacks it here: .*--cap-add NET_RAW/,
      ),
    });
  },
);
