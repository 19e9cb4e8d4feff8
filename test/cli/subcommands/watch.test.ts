/** `watch` as a person runs it: on files and on loopback, on a terminal and in a pipe. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { captureFile, conversation } from '../../support/capture-file.js';
import { COMMAND, runCommand, startCommand } from '../../support/command.js';
import { needs } from '../../support/needs.js';
import { atTerminal } from '../../support/terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'watch-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, paths: readonly string[]): string {
  const turns = paths.flatMap((path) => [
    ['client', `GET ${path} HTTP/1.1\r\nHost: shop.example\r\nX-Api-Key: hunter2\r\n\r\n`] as const,
    ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'] as const,
  ]);
  const path = join(folder, name);
  writeFileSync(path, captureFile(conversation(turns)));
  return path;
}

const THREE = file('three.pcap', ['/one', '/two?x=1', '/three']);
const QUIET = ['--log-level', 'warn'];
const targets = (stdout: string) => stdout.match(/shop\.example\S*/g);

describe('a file', () => {
  it('is shown, a line an exchange, plain in a pipe', async () => {
    const { code, stdout, stderr } = await runCommand(['watch', '-r', THREE, ...QUIET]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')[0]).toBe(
      '2023-11-14T22:13:20.003Z 10.0.0.1:40000 GET shop.example/one 200 1.00ms ↑0B ↓2B',
    );
    expect(targets(stdout)).toEqual(['shop.example/one', 'shop.example/two?x=1', 'shop.example/three']);
  });

  it('comes from standard input too', async () => {
    const { code, stdout } = await runCommand(['watch', '-r', '-', ...QUIET], { stdin: readFileSync(THREE) });
    expect({ code, lines: targets(stdout)?.length }).toEqual({ code: 0, lines: 3 });
  });

  it('is shown with heads by -v and bodies by -vv, redacted', async () => {
    const one = await runCommand(['watch', '-r', THREE, '-v', '--count', '1', ...QUIET]);
    expect(one.stdout).toContain('    > X-Api-Key: REDACTED\n    < HTTP/1.1 200 OK\n    < Content-Length: 2\n');
    expect(one.stdout).not.toContain('      ok');
    for (const flags of [['-vv'], ['-v', '-v'], ['--verbose=2'], ['--verbose', '-v']]) {
      const two = await runCommand(['watch', '-r', THREE, ...flags, ...QUIET]);
      expect(two.stdout.match(/^ {6}ok$/gm), flags.join(' ')).toHaveLength(3);
    }
    const three = await runCommand(['watch', '-r', THREE, ...QUIET], { env: { LEVO_VERBOSE: '2' } });
    expect(three.stdout.match(/^ {6}ok$/gm)).toHaveLength(3);
  });

  it('ends after --count exchanges that are kept, and accounts for the others', async () => {
    const flags = ['--count', '1', '--path-exclusions', '^/one', '--log-format', 'text'];
    const { code, stdout, stderr } = await runCommand(['watch', '-r', THREE, ...flags]);
    expect({ code, lines: targets(stdout) }).toEqual({ code: 0, lines: ['shop.example/two?x=1'] });
    expect(stderr).toMatch(
      /exchanges seen +3\n {2}exported +1\n {2}dropped: path rule +1\n {2}dropped: after count +1\n/,
    );
  });

  it('is written by the ending of -w: packets, HAR, NDJSON', async () => {
    const [pcap, har, ndjson] = ['out.pcap', 'out.har', 'out.ndjson'].map((name) => join(folder, name));
    const flags = [pcap, har, ndjson].flatMap((path) => ['-w', path as string]);
    const { code, stdout, stderr } = await runCommand(['watch', '-r', THREE, ...flags, ...QUIET]);
    expect({ code, lines: targets(stdout)?.length }).toEqual({ code: 0, lines: 3 });
    expect(stderr).toContain('with all secrets in them');
    const entries = JSON.parse(readFileSync(har as string, 'utf8')).log.entries;
    expect(entries).toHaveLength(3);
    expect(
      readFileSync(ndjson as string, 'utf8')
        .trimEnd()
        .split('\n'),
    ).toHaveLength(3);
    const again = await runCommand(['watch', '-r', pcap as string, ...QUIET]);
    expect(again.stdout).toBe(stdout);
  });

  it('is filtered on the way into another', async () => {
    const two = join(folder, 'two-ports.pcap');
    const other = conversation([['client', 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n']], { client: 41_000, server: 9090 });
    writeFileSync(two, Buffer.concat([readFileSync(THREE), captureFile(other).subarray(24)]));
    const out = join(folder, 'filtered.pcap');
    await runCommand(['watch', '-r', two, '--filter', 'port 8080', '-w', out, ...QUIET]);
    expect(readFileSync(out)).toHaveLength(readFileSync(THREE).length);
  });

  it('stands in for the satellite where apidump writes one', async () => {
    const har = join(folder, 'alone.har');
    const { code, stdout } = await runCommand(['apidump', '-r', THREE, '-w', har]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(JSON.parse(readFileSync(har, 'utf8')).log.entries).toHaveLength(3);
  });

  it('is never rate-limited unless asked', async () => {
    const many = file(
      'many.pcap',
      Array.from({ length: 1500 }, (_, i) => `/${i}`),
    );
    expect(targets((await runCommand(['watch', '-r', many, ...QUIET])).stdout)).toHaveLength(1500);
    const asked = await runCommand(['watch', '-r', many, '--rate-limit', '10', ...QUIET]);
    expect(targets(asked.stdout)?.length).toBeLessThan(100);
    expect(asked.stderr).toContain('dropped by the rate limit; give a larger --rate-limit, or 0 to keep them all');
    expect(asked.stderr.match(/rate limit/g)).toHaveLength(1);
  });
});

describe('what is asked wrongly', () => {
  it.each<[string[], string]>([
    [['-w', 'traces'], '--write "traces" does not say by its ending what it is to hold; give a name that ends in'],
    [['-w', '-'], '--write "-" does not say by its ending'],
    [['-w', THREE], `--read "${THREE}" is a file that would be written as well`],
    [['-w', 'a.har', '-w', './a.har'], 'name the same place twice'],
    [['-w', 'a.har', '--output', 'har:a.har'], 'name the same place twice'],
    [['--count', '0'], '--count "0" is out of range'],
    [['--verbose=loud'], '--verbose "loud" is not how often; give -v'],
    [['--output', 'text:a'], '--output "text:a" takes no file'],
  ])('%j ends with 2', async (flags, says) => {
    const { code, stdout, stderr } = await runCommand(['watch', '-r', THREE, ...flags], { cwd: folder });
    expect(stderr).toContain(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('a terminal', needs('script'), () => {
  it('has colours, and lines no longer than it is wide', async () => {
    const at = (before: string) =>
      atTerminal(`${before} ${COMMAND} watch -r ${THREE} --log-level warn`, {
        cwd: folder,
        pseudoTerminal: true,
        env: { TERM: 'xterm-256color' },
      }).ended;
    const { output } = await at('stty cols 60 &&');
    const lines = output.trimEnd().split('\r\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line).toContain('\x1b[32m200\x1b[0m');
      expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(60);
    }
    expect((await at('stty cols 60 && NO_COLOR=1')).output).not.toContain('\x1b');
  });
});

describe('loopback', needs('capture'), () => {
  async function serve(answer: (path: string) => number): Promise<Server & { port: number }> {
    const server = createServer((request, response) => response.writeHead(answer(request.url ?? '')).end('ok'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return Object.assign(server, { port: (server.address() as AddressInfo).port });
  }

  it('is shown as it happens, and --count ends it', async () => {
    const { port } = await serve((path) => (path === '/b' ? 404 : 200));
    const child = startCommand(['watch', '-i', 'lo', '--filter', `tcp port ${port}`, '--count', '2']);
    for await (const chunk of child.stderr) if (String(chunk).includes('capturing on lo')) break;
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const closed = once(child, 'close');
    for (const path of ['/a', '/b', '/c']) await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    const [code] = await closed;
    expect(code).toBe(0);
    expect(stdout.match(/127\.0\.0\.1:\d+ GET 127\.0\.0\.1:\d+\/\S+ \d+/g)).toEqual([
      expect.stringMatching(/\/a 200$/),
      expect.stringMatching(/\/b 404$/),
    ]);
  });
});
