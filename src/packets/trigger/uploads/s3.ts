/**
 * Captures to S3, or what speaks like it: one PutObject each, path style, tags as metadata, encrypted where asked for.
 *
 * Where it may go was decided when the message was admitted; see `admission.ts`.
 */
import { Readable } from 'node:stream';
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { credentialsOf, loadOptional } from '../aws.js';
import type { AwsKeys } from '../configuration/settings.js';
import { type S3Place, UploadError, type Uploader } from './uploader.js';

/** Clients kept: one for each endpoint and region that messages name. */
const CLIENTS_MAX = 16;
const CONNECT_MILLIS = 10_000;
/** How long nothing may move on a connection: an upload that hangs would hold its memory, and its place, for ever. */
const SILENCE_MILLIS = 60_000;
/** What another attempt does not mend: what the request names is not there. Keys that are refused may have been rotated. */
const FINAL_STATUS = new Set([404, 405, 411, 412, 413]);

/** @throws SensorError where the client is not installed */
export async function createS3Uploader(keys: AwsKeys | null, silenceMillis = SILENCE_MILLIS): Promise<Uploader> {
  const library = await loadOptional('@aws-sdk/client-s3', '[s3] upload = true', () => import('@aws-sdk/client-s3'));
  const clients = new Map<string, S3Client>();
  const clientOf = (place: S3Place): S3Client => {
    const key = `${place.endpoint ?? ''} ${place.region}`;
    const known = clients.get(key);
    if (known !== undefined) return known;
    if (clients.size >= CLIENTS_MAX) {
      for (const old of clients.values()) old.destroy();
      clients.clear();
    }
    const client = new library.S3Client({
      region: place.region,
      forcePathStyle: true,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: CONNECT_MILLIS, socketTimeout: silenceMillis },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      // What goes wrong is said by whoever uploads.
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      ...(place.endpoint === null ? {} : { endpoint: withScheme(place.endpoint) }),
      ...credentialsOf(keys),
    });
    clients.set(key, client);
    return client;
  };
  return {
    name: 's3',
    async upload(file, content, signal) {
      const place = file.s3;
      if (place === null) throw new UploadError('s3: this capture has no place there', true);
      const key = objectKey(place.folder, file.name);
      const input: PutObjectCommandInput = {
        Bucket: place.bucket,
        Key: key,
        Body: Readable.from(content),
        ContentLength: file.bytes,
        ContentType: 'application/octet-stream',
        Metadata: { tags: metadataText(file.tags) },
        ACL: place.acl as NonNullable<PutObjectCommandInput['ACL']>,
        ...(place.encryption ? { ServerSideEncryption: 'AES256' as const } : {}),
      };
      try {
        await clientOf(place).send(new library.PutObjectCommand(input), { abortSignal: signal });
      } catch (error) {
        const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
        const status = $metadata?.httpStatusCode ?? 0;
        throw new UploadError(`s3://${place.bucket}/${key}: ${name}: ${message}`, FINAL_STATUS.has(status));
      }
      return `s3://${place.bucket}/${key}`;
    },
    async close() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

/** pcapdaemon asks for "/folder/file", of which its client makes this. */
export function objectKey(folder: string, name: string): string {
  return [...folder.split('/'), name].filter((part) => part !== '').join('/');
}

function withScheme(endpoint: string): string {
  return endpoint.includes('://') ? endpoint : `https://${endpoint}`;
}

/** Metadata travels in a header: other characters than those of ASCII are encoded as RFC 2047 has it, which S3 decodes. */
function metadataText(tags: string): string {
  const text = tags.replaceAll(/[\r\n]/g, ' ');
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
}
