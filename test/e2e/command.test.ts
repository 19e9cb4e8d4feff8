/**
 * `apidump --command`: captures while a command runs, and ends with its code.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand, startCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const folder = mkdtempSync(join(tmpdir(), 'command-'));
afterAll(() => rmSync(folder, { recursive: true }));
const INIT = join(import.meta.dirname, '../../bin/init');

describe('a command', needs('capture'), () => {
  it('is captured from its first request to its last, and its code is the code of the sensor', async () => {
    const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const file = join(folder, 'traces.ndjson');
    const fetches = `for (const n of [1, 2, 3]) await (await fetch("http://127.0.0.1:${port}/" + n)).text()`;
    const command = `node --input-type=module -e '${fetches}'; echo "said: $MALLOC_ARENA_MAX $GIVEN"; exit 7`;
    const args = ['apidump', '--output', `ndjson:${file}`, '-i', 'lo', '--filter', `port ${port}`];
    const { code, stdout } = await runCommand([...args, '-c', command], { env: { GIVEN: 'yes' } });
    server.close();
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'said:  yes\n' });
    const paths = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).request.path);
    expect(paths).toEqual(['/1', '/2', '/3']);
  });

  it.each([
    ['true', 0],
    ['kill -9 $$', 137],
    ['no-such-program', 127],
  ])('%s ends with %d', async (command, expected) => {
    const { code } = await runCommand(['watch', '-i', 'lo', '--command', command]);
    expect(code).toBe(expected);
  });

  it('is asked to end where the sensor is, and waited for', async () => {
    const command = 'trap "echo ended; exit 5" TERM; echo running; while :; do sleep 0.05; done';
    const child = startCommand(['watch', '-i', 'lo', '-c', command]);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await expect.poll(() => said, { timeout: 30_000 }).toContain('running');
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    expect({ code, said }).toEqual({ code: 5, said: 'running\nended\n' });
  });

  it('keeps the rights it came with', needs('root'), async () => {
    const { stdout } = await runCommand(['watch', '-i', 'lo', '-c', 'grep CapEff /proc/self/status'], {
      command: INIT,
    });
    expect(stdout).toBe(readFileSync('/proc/self/status', 'utf8').match(/^CapEff:.*\n/m)?.[0]);
  });
});

it('is not run where the sensor cannot start, or its output would be mixed into the traces', async () => {
  const args = ['apidump', '--output', 'ndjson', '-c', 'echo ran'];
  expect(await runCommand(args)).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('--command writes to standard output too; give --output ndjson:FILE'),
  });
});
