/** Where captures go: a directory, a CloudShark that plays the remote service, S3 as moto has it. */

import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MemoryLedger } from '../../../../src/packets/trigger/capture/memory-ledger.js';
import { createTriggerCounters } from '../../../../src/packets/trigger/trigger-counters.js';
import { CaptureSpool } from '../../../../src/packets/trigger/uploads/capture-spool.js';
import { createCloudSharkUploader } from '../../../../src/packets/trigger/uploads/cloudshark.js';
import { Delivery } from '../../../../src/packets/trigger/uploads/delivery.js';
import { createDirectoryUploader } from '../../../../src/packets/trigger/uploads/directory.js';
import { createS3Uploader, objectKey } from '../../../../src/packets/trigger/uploads/s3.js';
import {
  type CaptureFile,
  UploadError,
  type Uploader,
  type UploadOutcome,
} from '../../../../src/packets/trigger/uploads/uploader.js';
import { makeCertificates } from '../../../support/certificates.js';
import { type Moto, motoInstalled, startMoto } from '../../../support/moto.js';
import { needs } from '../../../support/needs.js';

const CONTENT = [Buffer.from('a capture '), Buffer.from('in two pieces')];
const FILE: CaptureFile = {
  name: 'node-1-cap0-1795692388.pcap',
  bytes: 23,
  tags: 'customer:cust,alertid:5,x,y,node:node-1,interface:cap0,snaplength:1500',
  s3: null,
};
const NEVER = new AbortController().signal;

const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pcapdaemon-uploads-'));
  folders.push(made);
  return made;
}
afterAll(() => folders.forEach((one) => void rmSync(one, { recursive: true, force: true })));

describe('a directory', () => {
  it('has each capture whole, under a name that was free, for its owner alone', async () => {
    const place = folder();
    const uploader = createDirectoryUploader(place);
    const first = await uploader.upload(FILE, CONTENT, NEVER);
    const second = await uploader.upload(FILE, [Buffer.from('another')], NEVER);
    expect([first, second]).toEqual([join(place, FILE.name), join(place, 'node-1-cap0-1795692388.2.pcap')]);
    expect(readFileSync(first, 'utf8')).toBe('a capture in two pieces');
    expect(readFileSync(second, 'utf8')).toBe('another');
    expect(statSync(first).mode & 0o777).toBe(0o600);
    expect(readdirSync(place)).toHaveLength(2);
  });

  it('that is gone may be back', async () => {
    const uploader = createDirectoryUploader(join(folder(), 'gone'));
    await expect(uploader.upload(FILE, CONTENT, NEVER)).rejects.toMatchObject({ isFinal: false, message: /ENOENT/ });
  });
});

describe('CloudShark', () => {
  let server: Server;
  let requests: { path: string; type: string; body: string }[] = [];
  let answer: { status: number; body: string } = { status: 200, body: '' };

  beforeAll(async () => {
    server = createServer(async (request: IncomingMessage, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      requests.push({
        path: request.url ?? '',
        type: request.headers['content-type'] ?? '',
        body: Buffer.concat(parts).toString(),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => (requests = []));
  afterAll(() => server.close());

  const uploader = (port = (server.address() as AddressInfo).port) =>
    createCloudSharkUploader({
      ...{
        host: '127.0.0.1',
        scheme: 'http',
        port,
        token: '0123456789abcdef',
        timeoutSeconds: 5,
        ca: null,
        isVerified: true,
      },
    });

  it('gets the form that the stock program sends', async () => {
    answer = { status: 200, body: '{"filename":"f","id":"c0ffee"}' };
    const where = await uploader().upload(FILE, CONTENT, NEVER);
    const [request] = requests;
    expect(where).toBe(`http://127.0.0.1:${(server.address() as AddressInfo).port}/captures/c0ffee`);
    expect(request?.path).toBe('/api/v1/0123456789abcdef/upload');
    const [, boundary = ''] = /^multipart\/form-data; boundary=([0-9a-f]+)$/.exec(request?.type ?? '') ?? [];
    expect(request?.body.replaceAll(boundary, 'BOUNDARY')).toBe(
      [
        ...['--BOUNDARY', `Content-Disposition: form-data; name="file"; filename="${FILE.name}"`],
        ...['Content-Type: application/octet-stream', '', 'a capture in two pieces'],
        ...['--BOUNDARY', 'Content-Disposition: form-data; name="additional_tags"', '', FILE.tags, '--BOUNDARY--', ''],
      ].join('\r\n'),
    );
  });

  it.each([
    [404, true],
    [401, true],
    [429, false],
    [500, false],
    [503, false],
  ])('%s is final: %s', async (status, isFinal) => {
    answer = { status, body: `{"status":${status},"exceptions":["Not for 0123456789abcdef"]}` };
    const failed = uploader().upload(FILE, CONTENT, NEVER);
    await expect(failed).rejects.toMatchObject({ isFinal });
    await expect(failed).rejects.toThrow(`${status} Not for …`);
  });

  it('is verified over TLS, but where that is switched off (bug 13)', needs('openssl'), async () => {
    const { ca, server: certificate } = makeCertificates();
    answer = { status: 200, body: '{"id":"c0ffee"}' };
    const secure = createSecureServer(certificate, (request, response) => {
      request.resume().on('end', () => response.end(answer.body));
    }).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const upload = (given: { ca: string | null; isVerified: boolean }) =>
      createCloudSharkUploader({
        ...{ host: 'localhost', scheme: 'https', port: (secure.address() as AddressInfo).port, timeoutSeconds: 5 },
        ...{ token: '0123456789abcdef', ...given },
      }).upload(FILE, CONTENT, NEVER);
    await expect(upload({ ca: null, isVerified: true })).rejects.toThrow(/certificate/);
    expect(await upload({ ca, isVerified: true })).toMatch(/captures\/c0ffee$/);
    expect(await upload({ ca: null, isVerified: false })).toMatch(/captures\/c0ffee$/);
    secure.close();
  });

  it('that is away has its token in no error (A6)', async () => {
    const error = await uploader(9)
      .upload(FILE, CONTENT, NEVER)
      .catch((reason: Error) => reason);
    expect(error).toMatchObject({ isFinal: false, message: expect.stringContaining('ECONNREFUSED') });
    expect((error as Error).message).not.toContain('0123456789abcdef');
    // A server that repeats what it was asked.
    answer = { status: 401, body: '{"exceptions":["no such token: 0123456789abcdef"]}' };
    const refused = uploader().upload(FILE, CONTENT, NEVER);
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/: 401 no such token: …$/) });
  });
});

it('leaves out slashes that lead or are doubled, as the stock program’s client did', () => {
  expect(objectKey('', 'f')).toBe('f');
  expect(objectKey('/deep//er/', 'f')).toBe('deep/er/f');
});

it('gives up an upload to an S3 that takes it and never answers, so that it can be made again', async () => {
  const silent = createServer((request) => void request.resume());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const uploader = await createS3Uploader({ accessKeyId: 'a', secretAccessKey: 'b' }, 100);
  const s3 = {
    ...{
      endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      region: 'us-east-1',
      bucket: 'captures',
    },
    ...{ folder: '', acl: 'private', encryption: false },
  };
  const lost = uploader.upload({ ...FILE, s3 }, CONTENT, NEVER);
  await expect(lost).rejects.toMatchObject({ isFinal: false, message: expect.stringContaining('of inactivity') });
  await uploader.close();
  silent.closeAllConnections();
  silent.close();
});

describe('S3', needs({ moto: motoInstalled }), () => {
  let moto: Moto;
  let s3: S3Client;
  let uploader: Uploader;
  const keys = { accessKeyId: 'a', secretAccessKey: 'b' };

  beforeAll(async () => {
    moto = await startMoto(0);
    s3 = new S3Client({ region: 'us-east-1', endpoint: moto.url, credentials: keys, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'captures' }));
    uploader = await createS3Uploader(keys);
  });
  afterAll(async () => {
    s3.destroy();
    await uploader.close();
    await moto.stop();
  });

  const place = (more = {}) => ({
    endpoint: moto.url,
    region: 'us-east-1',
    bucket: 'captures',
    folder: 'pcaps',
    acl: 'private',
    encryption: false,
    ...more,
  });

  it('has the object with its tags, its ACL and its encryption', async () => {
    const where = await uploader.upload(
      { ...FILE, s3: place({ acl: 'public-read', encryption: true }) },
      CONTENT,
      NEVER,
    );
    expect(where).toBe(`s3://captures/pcaps/${FILE.name}`);
    const object = { Bucket: 'captures', Key: `pcaps/${FILE.name}` };
    const head = await s3.send(new HeadObjectCommand(object));
    expect(head).toMatchObject({
      ...{ ContentType: 'application/octet-stream', ContentLength: 23, ServerSideEncryption: 'AES256' },
      Metadata: { tags: FILE.tags },
    });
    const { Body } = await s3.send(new GetObjectCommand(object));
    expect(await Body?.transformToString()).toBe('a capture in two pieces');
    const { Grants = [] } = await s3.send(new GetObjectAclCommand(object));
    expect(Grants.some(({ Permission, Grantee }) => Permission === 'READ' && Grantee?.URI?.endsWith('AllUsers'))).toBe(
      true,
    );
  });

  it('without a folder has the file by its name (bug 2)', async () => {
    const where = await uploader.upload({ ...FILE, s3: place({ folder: '' }) }, CONTENT, NEVER);
    expect(where).toBe(`s3://captures/${FILE.name}`);
  });

  it('that does not know the bucket is final, one that is away is not', async () => {
    await expect(uploader.upload({ ...FILE, s3: place({ bucket: 'none' }) }, CONTENT, NEVER)).rejects.toMatchObject({
      isFinal: true,
      message: /NoSuchBucket/,
    });
    await expect(
      uploader.upload({ ...FILE, s3: place({ endpoint: 'http://127.0.0.1:9' }) }, CONTENT, NEVER),
    ).rejects.toMatchObject({ isFinal: false });
  });
});

describe('delivery', () => {
  /** Fails as often as it is told to. */
  function flaky(name: Uploader['name'], failures: number, isFinal = false): Uploader & { taken: string[] } {
    const taken: string[] = [];
    return {
      name,
      taken,
      async upload(file, content) {
        if (failures-- > 0) throw new UploadError(`${name} is away`, isFinal);
        taken.push(`${file.name} ${Buffer.concat([...content])}`);
        return `${name}:${file.name}`;
      },
      close: async () => {},
    };
  }

  async function deliver(uploaders: Uploader[], spool: CaptureSpool | null = null, retrySeconds = 60) {
    const counters = createTriggerCounters();
    const ledger = new MemoryLedger(1000);
    const settled: UploadOutcome[] = [];
    const warned: string[] = [];
    let onSettled = () => {};
    const delivery = new Delivery({
      ...{ uploaders, spool, retrySeconds, ledger, counters, warn: (message) => warned.push(message) },
      onSpooledOutcome: (_capture, outcome) => {
        settled.push(outcome);
        onSettled();
      },
    });
    const due = () => ({
      file: FILE,
      content: CONTENT,
      reservation: ledger.reserve(23)!,
      replyTo: { source: 'redis', name: 'r' },
    });
    return {
      delivery,
      counters,
      ledger,
      settled,
      warned,
      due,
      settles: () => new Promise<void>((resolve) => (onSettled = resolve)),
    };
  }

  it('tries again what failed, and no other', async () => {
    const [good, bad] = [flaky('local', 0), flaky('s3', 1)];
    const { delivery, counters, ledger, due } = await deliver([good, bad]);
    expect(await delivery.deliver(due())).toEqual([
      { to: 'local', state: 'done', where: `local:${FILE.name}` },
      { to: 's3', state: 'done', where: `s3:${FILE.name}` },
    ]);
    expect([good.taken.length, bad.taken.length]).toEqual([1, 1]);
    expect(counters).toMatchObject({ uploads_due: 2, uploads_done: 2, uploads_retried: 1, uploads_failed: 0 });
    expect(ledger.reserved).toBe(0);
    await delivery.close(0);
  });

  it('gives up what is refused for good at once, and what is away when its time is over', async () => {
    const { delivery, counters, due } = await deliver([flaky('s3', 9, true), flaky('local', 9)], null, 0);
    expect(await delivery.deliver(due())).toEqual([
      { to: 's3', state: 'failed', reason: 's3 is away' },
      { to: 'local', state: 'failed', reason: 'local is away' },
    ]);
    expect(counters).toMatchObject({ uploads_due: 2, uploads_failed: 2, uploads_retried: 0 });
    await delivery.close(0);
  });

  it('keeps on disk what is away, for the next start as well, and sends it when it is back', async () => {
    const directory = folder();
    const open = async () => {
      const spool = new CaptureSpool({ directory, bytesMax: 1 << 20 }, () => {});
      return { spool, pending: await spool.open() };
    };
    const first = await deliver([flaky('s3', 1000)], (await open()).spool);
    expect(await first.delivery.deliver(first.due())).toEqual([{ to: 's3', state: 'spooled', reason: 's3 is away' }]);
    expect(first.counters).toMatchObject({ uploads_due: 1, uploads_spooled: 1, uploads_failed: 0 });
    await first.delivery.close(0);
    // What a run that was killed left half written is no capture.
    writeFileSync(join(directory, 'x.capture.part'), 'torn');
    writeFileSync(join(directory, 'y.capture'), 'no word of it');
    const { spool, pending } = await open();
    expect(pending).toBe(1);
    const back = flaky('s3', 1);
    const second = await deliver([back], spool);
    await second.settles();
    expect(second.settled).toEqual([{ to: 's3', state: 'done', where: `s3:${FILE.name}` }]);
    expect(back.taken).toEqual([`${FILE.name} a capture in two pieces`]);
    await second.delivery.close(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('loses the oldest of a spool that is full, and says so', async () => {
    const lost: string[] = [];
    const spool = new CaptureSpool({ directory: folder(), bytesMax: 50 }, ({ file }) => lost.push(file.name));
    for (const name of ['a', 'b', 'c'])
      await spool.add({ file: { ...FILE, name }, pending: ['s3'], replyTo: null }, CONTENT);
    expect(lost).toEqual(['a']);
    expect(spool.nextFor('s3')?.file.name).toBe('b');
    await expect(spool.add({ file: { ...FILE, bytes: 51 }, pending: ['s3'], replyTo: null }, CONTENT)).rejects.toThrow(
      /spoolmaxbytes/,
    );
  });

  it('ends a pause to try again when it is to close, and tries once more', async () => {
    const { delivery, due } = await deliver([flaky('local', 1)]);
    const delivered = delivery.deliver(due());
    await new Promise((resolve) => setImmediate(resolve));
    await delivery.close(1000);
    expect(await delivered).toMatchObject([{ state: 'done' }]);
  });
});
