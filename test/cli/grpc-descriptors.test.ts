/** `--grpc-descriptors` on the command line: a file that is none ends the run before anything is captured. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { captureFile, conversation } from '../support/capture-file.js';
import { runCommand } from '../support/command.js';
import { callFrame, greeterDescriptors, note } from '../support/greeter.js';

const folder = mkdtempSync(join(tmpdir(), 'descriptors-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const body = callFrame(0, note({ text: 'hi', password: 'hunter2' })).toString('latin1');
const CALL = file(
  'call.pcap',
  captureFile(
    conversation([
      [
        'client',
        `POST /demo.Greeter/Say HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc-web\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ],
      ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ]),
  ),
);
const dump = (set: string) => runCommand(['apidump', '--read', CALL, '--output', 'ndjson', '--grpc-descriptors', set]);

it('sends messages as JSON', async () => {
  const { code, stdout } = await dump(file('demo.protoset', greeterDescriptors()));
  expect(code).toBe(0);
  expect(JSON.parse(stdout).request.body.content).toBe('{"text":"hi","password":"REDACTED"}');
});

it('refuses a file that is no set, with the way to make one', async () => {
  const path = file('demo.proto', 'syntax = "proto3";');
  const { code, stdout, stderr } = await dump(path);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(
    /^pcap-sensor: --grpc-descriptors ".*demo\.proto" is no set .* give a file that protoc .* wrote\n$/,
  );
});
