/**
 * S3 as an output: capture files as objects, in several parts where they are large.
 *
 * in: runs of packets · out: objects, each complete when it is large enough, when nothing came for a while, and at the end; none
 * without packets
 *
 * What an object holds counts as written when it is complete.
 */
import { randomBytes } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { LINKTYPE_ETHERNET } from '../../capture/link-types.js';
import { SensorError } from '../../errors.js';
import type { Clock } from '../../output/clock.js';
import type { Log } from '../../output/log.js';
import { createDelivery, type Delivery, Undeliverable } from './delivery.js';
import { type NoteConnection, watchedAgents } from './own-connections.js';
import { createOutputBook, type PacketOutput, type PacketRun } from './packet-output.js';
import { createRunEncoder, type RunEncoder } from './run-encoder.js';
import type { CannedAcl } from './service-words.js';

export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string;
  /** The pattern of an object's name. */
  readonly key: string;
  readonly acl: CannedAcl;
  readonly sse: 'AES256' | 'aws:kms' | null;
  readonly kmsKeyId: string;
  readonly objectBytes: number;
  readonly partBytes: number;
  /** An object is complete when nothing came for so long. */
  readonly quietMillis: number;
  readonly format: 'pcap' | 'pcapng';
  readonly snapLength: number;
  readonly queueBytesMax: number;
}

export interface S3Context {
  readonly settings: S3Settings;
  /** Told of what is connected to. */
  readonly noteConnection?: NoteConnection | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly silenceMillis?: number;
}

type S3Module = typeof import('@aws-sdk/client-s3');

/** An object that packets are added to. */
interface OpenObject {
  readonly upload: Upload;
  readonly encoder: RunEncoder;
  readonly linkType: number;
  pieces: Buffer[];
  /** Bytes of `pieces`, and of the whole object. */
  held: number;
  bytes: number;
  packets: number;
  settled: (() => void)[];
  cancelQuiet: () => void;
}

interface Upload {
  readonly put: (body: Buffer) => Promise<void>;
  /** Uploads the part of that number, once. */
  readonly part: (number: number, body: Buffer) => Promise<void>;
  readonly complete: () => Promise<void>;
  parts: number;
}

/** Objects that are open at once, where their names have the sensor's. */
const OBJECTS_MAX = 64;
const CONNECT_MILLIS = 10_000;
/** How long nothing may move on a connection, before it is given up and the call made again. */
const SILENCE_MILLIS = 60_000;

/** @throws SensorError where the package is not installed */
export async function openS3Output(context: S3Context): Promise<PacketOutput> {
  const { settings, noteConnection, log, clock, silenceMillis = SILENCE_MILLIS } = context;
  const s3 = await loadS3();
  const client = new s3.S3Client({
    ...(settings.region === '' ? {} : { region: settings.region }),
    ...(settings.endpoint === '' ? {} : { endpoint: settings.endpoint, forcePathStyle: true }),
    requestHandler: {
      ...{ connectionTimeout: CONNECT_MILLIS, socketTimeout: silenceMillis },
      ...(noteConnection === undefined ? {} : watchedAgents(noteConnection)),
    },
  });
  const name = `S3 bucket ${settings.bucket}`;
  const book = createOutputBook();
  const delivery = createDelivery({ name, book, bytesMax: settings.queueBytesMax, log, clock });
  return new S3Output(name, book, settings, clock, {
    delivery,
    begin: (key) => beginUpload(s3, client, settings, key),
  });
}

async function loadS3(): Promise<S3Module> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch {
    throw new SensorError(
      'output.plugins.s3 takes the package @aws-sdk/client-s3, which is not installed; npm install it',
    );
  }
}

class S3Output implements PacketOutput {
  readonly name: string;
  readonly book: ReturnType<typeof createOutputBook>;
  readonly #settings: S3Settings;
  readonly #clock: Clock;
  readonly #ends: { delivery: Delivery; begin: (key: string) => Upload };
  /** By the sensor's name, where the names of objects have it. */
  readonly #objects = new Map<string, OpenObject>();
  #heldBytes = 0;

  constructor(
    name: string,
    book: ReturnType<typeof createOutputBook>,
    settings: S3Settings,
    clock: Clock,
    ends: { delivery: Delivery; begin: (key: string) => Upload },
  ) {
    this.name = name;
    this.book = book;
    this.#settings = settings;
    this.#clock = clock;
    this.#ends = ends;
  }

  take(run: PacketRun, settled?: () => void): void {
    this.book.taken += run.packets;
    if (this.#heldBytes + this.#ends.delivery.bytes > this.#settings.queueBytesMax) {
      this.book.dropped['queue-full'] += run.packets;
      settled?.();
      return;
    }
    const { key, open } = this.#objectFor(run);
    const encoded = open.encoder.encode(run);
    if (encoded === null) {
      this.book.dropped['link-type'] += run.packets;
      settled?.();
      return;
    }
    this.#hold(open, encoded);
    open.packets += run.packets;
    if (settled !== undefined) open.settled.push(settled);
    if (open.bytes >= this.#settings.objectBytes) this.#finish(key, open);
    else {
      while (open.held >= this.#settings.partBytes) this.#cutPart(open);
      open.cancelQuiet();
      open.cancelQuiet = this.#clock.after(this.#settings.quietMillis, () => this.#finish(key, open));
    }
  }

  drained(): Promise<void> | undefined {
    return this.#ends.delivery.drained();
  }

  async close(deadlineMillis: number): Promise<void> {
    for (const [key, open] of this.#objects) this.#finish(key, open);
    await this.#ends.delivery.close(deadlineMillis);
  }

  #objectFor({ origin, linkType }: PacketRun): { key: string; open: OpenObject } {
    const isByName = this.#settings.key.includes('{sensor}');
    const isKnown = this.#objects.has(origin.name) || this.#objects.size < OBJECTS_MAX;
    const key = isByName && isKnown ? origin.name : 'others';
    const known = this.#objects.get(key);
    if (known !== undefined) return { key, open: known };
    const { format, snapLength } = this.#settings;
    const encoder = createRunEncoder(format, snapLength);
    const upload = this.#ends.begin(objectKey(this.#settings.key, this.#clock.now(), key));
    const open: OpenObject = {
      upload,
      encoder,
      linkType: isByName ? linkType : LINKTYPE_ETHERNET,
      pieces: [],
      held: 0,
      bytes: 0,
      packets: 0,
      settled: [],
      cancelQuiet: () => {},
    };
    this.#hold(open, encoder.begin(open.linkType));
    this.#objects.set(key, open);
    return { key, open };
  }

  #hold(open: OpenObject, bytes: Buffer): void {
    open.pieces.push(bytes);
    open.held += bytes.length;
    open.bytes += bytes.length;
    this.#heldBytes += bytes.length;
  }

  /** What is held as one piece of memory, up to the size of a part. */
  #takeHeld(open: OpenObject, most: number): Buffer {
    const all = Buffer.concat(open.pieces);
    const body = all.subarray(0, most);
    const rest = all.subarray(most);
    open.pieces = rest.length === 0 ? [] : [rest];
    open.held = rest.length;
    this.#heldBytes -= body.length;
    return body;
  }

  #cutPart(open: OpenObject): void {
    const body = this.#takeHeld(open, this.#settings.partBytes);
    const number = ++open.upload.parts;
    this.#ends.delivery.push({
      bytes: body.length,
      packets: 0,
      settled: [],
      send: () => open.upload.part(number, body),
    });
  }

  #finish(key: string, open: OpenObject): void {
    open.cancelQuiet();
    if (this.#objects.get(key) === open) this.#objects.delete(key);
    const { upload, packets, settled } = open;
    if (upload.parts > 0) while (open.held > this.#settings.partBytes) this.#cutPart(open);
    const body = this.#takeHeld(open, open.held);
    const isWhole = upload.parts === 0;
    const last = isWhole || body.length === 0 ? 0 : ++upload.parts;
    this.#ends.delivery.push({
      bytes: body.length,
      packets,
      settled,
      async send() {
        if (isWhole) return upload.put(body);
        if (last > 0) await upload.part(last, body);
        await upload.complete();
      },
    });
  }
}

function beginUpload(s3: S3Module, client: S3Client, settings: S3Settings, key: string): Upload {
  const { bucket, acl, sse, kmsKeyId } = settings;
  const object = { Bucket: bucket, Key: key };
  const how = {
    ContentType: 'application/vnd.tcpdump.pcap',
    ...(acl === 'none' ? {} : { ACL: acl }),
    ...(sse === null ? {} : { ServerSideEncryption: sse }),
    ...(kmsKeyId === '' ? {} : { SSEKMSKeyId: kmsKeyId }),
  };
  const etags: string[] = [];
  let uploadId: string | null = null;
  /** An upload that a rule of the bucket, or somebody, has ended cannot be gone on with: its parts are gone. */
  const orLost = (error: Error): never => {
    if (error.name !== 'NoSuchUpload') throw error;
    throw new Undeliverable(`object ${key}: its upload was ended by others (NoSuchUpload)`);
  };
  return {
    parts: 0,
    async put(body) {
      await client.send(new s3.PutObjectCommand({ ...object, ...how, Body: body }));
    },
    async part(number, body) {
      if (etags[number - 1] !== undefined) return;
      uploadId ??= (await client.send(new s3.CreateMultipartUploadCommand({ ...object, ...how }))).UploadId ?? null;
      const part = { ...object, UploadId: uploadId ?? '', PartNumber: number, Body: body };
      etags[number - 1] = (await client.send(new s3.UploadPartCommand(part)).catch(orLost)).ETag ?? '';
    },
    async complete() {
      const Parts = etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
      const command = { ...object, UploadId: uploadId ?? '', MultipartUpload: { Parts } };
      try {
        await client.send(new s3.CompleteMultipartUploadCommand(command));
      } catch (error) {
        // Where an earlier answer was lost, the upload is no more because the object is there.
        if ((error as Error).name !== 'NoSuchUpload') throw error;
        await client.send(new s3.HeadObjectCommand(object)).catch(() => orLost(error as Error));
      }
    },
  };
}

function objectKey(pattern: string, now: number, sensor: string): string {
  const [year, month, day, hour, minute, second] = new Date(now).toISOString().split(/[-T:.]/);
  const words: Readonly<Record<string, string | undefined>> = {
    year,
    month,
    day,
    hour,
    minute,
    second,
    id: randomBytes(4).toString('hex'),
    sensor: sensor.replaceAll(':', '.'),
  };
  return pattern.replace(/\{(\w+)\}/g, (whole, word: string) => words[word] ?? whole);
}
