/** S3 as an output, where the service hangs, loses an answer, or has ended an upload: a server that does so, call by call. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/output/clock.js';
import { openS3Output } from '../../../src/packets/outputs/s3-output.js';
import { recordingLog } from '../../support/relay.js';
import { record } from '../../support/stream-ends.js';

const saved = { ...process.env };
let server: Server;
/** What the service does with a call; undefined for what S3 does. */
let answer: (call: string, response: ServerResponse) => boolean | undefined;
let calls: string[];
beforeEach(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  calls = [];
  answer = () => undefined;
  server = createServer((request, response) => {
    request.on('error', () => {}).resume();
    request.once('end', () => respond(request, response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  process.env = saved;
});

function respond({ method = '', url = '' }: IncomingMessage, response: ServerResponse): void {
  const { searchParams } = new URL(url, 'http://s3');
  const call = `${method}${searchParams.has('uploads') ? ' begin' : searchParams.has('uploadId') ? (method === 'POST' ? ' complete' : ' part') : ''}`;
  calls.push(call);
  if (answer(call, response) !== undefined) return;
  response.setHeader('etag', '"tag"');
  response.end(
    call === 'POST begin'
      ? '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'
      : call === 'POST complete'
        ? '<CompleteMultipartUploadResult><ETag>"tag"</ETag></CompleteMultipartUploadResult>'
        : '',
  );
}

function noSuchUpload(response: ServerResponse): true {
  response.writeHead(404, { 'content-type': 'application/xml' });
  response.end('<Error><Code>NoSuchUpload</Code><Message>it does not exist</Message></Error>');
  return true;
}

async function open() {
  const { log, lines } = recordingLog();
  const settings = {
    ...{ bucket: 'b', region: 'eu-west-1', endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    ...{ key: '{id}', acl: 'none' as const, sse: null, kmsKeyId: '', objectBytes: 6 << 20, partBytes: 5 << 20 },
    ...{ quietMillis: 60_000, format: 'pcap' as const, snapLength: 65_535, queueBytesMax: 64 << 20 },
  };
  const clock = { ...systemClock, sleep: (_millis: number, signal: AbortSignal) => systemClock.sleep(5, signal) };
  const output = await openS3Output({ settings, log, clock, silenceMillis: 150 });
  let settled = 0;
  const take = (text: string) => {
    const records = record(1, text);
    output.take({ origin: { name: 'a', key: 'a' }, linkType: 1, records, packets: 1, frame: null }, () => settled++);
  };
  return { output, take, settled: () => settled, said: () => JSON.stringify(lines) };
}

const LARGE = 'x'.repeat((1 << 20) - 16);

it('a call that is not answered is given up and made again', async () => {
  let hangs = true;
  answer = (call) => {
    if (call !== 'PUT' || !hangs) return undefined;
    hangs = false;
    return true;
  };
  const { output, take, settled } = await open();
  take('a packet');
  await output.close(20_000);
  expect(output.book).toMatchObject({ taken: 1, written: 1, dropped: { failed: 0 } });
  expect([calls.filter((call) => call === 'PUT').length, settled()]).toEqual([2, 1]);
});

it('an object is there once although the answer to its end was lost', async () => {
  let isComplete = false;
  answer = (call, response) => {
    if (call !== 'POST complete') return undefined;
    if (isComplete) return noSuchUpload(response);
    isComplete = true;
    response.destroy();
    return true;
  };
  const { output, take, settled } = await open();
  for (let i = 0; i < 7; i++) take(LARGE);
  await output.close(20_000);
  expect(output.book).toMatchObject({ taken: 7, written: 7, dropped: { failed: 0 } });
  expect(settled()).toBe(7);
});

it('an upload that others have ended is lost, counted, and holds up nothing behind it', async () => {
  let isEnded = false;
  answer = (call, response) => {
    if (call === 'HEAD') {
      response.writeHead(404).end();
      return true;
    }
    if (isEnded || (call !== 'PUT part' && call !== 'POST complete')) return undefined;
    isEnded = call === 'POST complete';
    return noSuchUpload(response);
  };
  const { output, take, settled, said } = await open();
  for (let i = 0; i < 6; i++) take(LARGE);
  take('behind it');
  await output.close(20_000);
  expect(output.book).toMatchObject({ taken: 7, written: 1, dropped: { failed: 6 } });
  expect(settled()).toBe(7);
  expect(said()).toContain('is lost: object ');
});
