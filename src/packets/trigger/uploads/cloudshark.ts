/**
 * Captures to CloudShark (https://support.qacafe.com/cloudshark/api/upload): POST /api/v1/TOKEN/upload, a form with the file
 * and its tags.
 *
 * The token is part of the path. It is in no error and no log line; where TLS is not verified the start says so.
 */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { CloudSharkSettings } from '../configuration/settings.js';
import { type CaptureFile, UploadError, type Uploader } from './uploader.js';

/** Bytes read of an answer. */
const ANSWER_BYTES_MAX = 1 << 16;
const CONNECT_MILLIS = 10_000;

export function createCloudSharkUploader(settings: CloudSharkSettings): Uploader {
  const { host, scheme, port, token, timeoutSeconds, ca, isVerified } = settings;
  // As pcapdaemon has it: both ports are left out, whatever the scheme.
  const origin = `${scheme}://${host}${port === 80 || port === 443 ? '' : `:${port}`}`;
  const agent = new Agent({
    connect: { timeout: CONNECT_MILLIS, rejectUnauthorized: isVerified, ...(ca === null ? {} : { ca }) },
    headersTimeout: timeoutSeconds * 1000,
    bodyTimeout: timeoutSeconds * 1000,
  });
  const fail = (reason: string, isFinal: boolean) => new UploadError(`cloudshark ${origin}: ${reason}`, isFinal);
  return {
    name: 'cloudshark',
    async upload(file, content, signal) {
      const { boundary, parts } = formOf(file, content);
      const limit =
        timeoutSeconds === 0 ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
      let status: number;
      let answer: unknown;
      try {
        const response = await request(`${origin}/api/v1/${encodeURIComponent(token)}/upload`, {
          method: 'POST',
          dispatcher: agent,
          signal: limit,
          headers: {
            'content-type': `multipart/form-data; boundary=${boundary}`,
            'content-length': String(parts.reduce((sum, part) => sum + part.length, 0)),
          },
          body: Readable.from(parts),
        });
        status = response.statusCode;
        answer = await jsonOf(response.body);
      } catch (error) {
        throw fail(reasonOf(error).replaceAll(token, '…'), false);
      }
      if (status === 200) return whereOf(origin, answer);
      // A server that is overloaded or being restarted takes it another time.
      throw fail(
        `${status} ${exceptionsOf(answer)}`.trim().replaceAll(token, '…'),
        status < 500 && status !== 408 && status !== 429,
      );
    },
    close: () => agent.close(),
  };
}

function formOf(file: CaptureFile, content: readonly Buffer[]): { boundary: string; parts: readonly Buffer[] } {
  const boundary = randomBytes(24).toString('hex');
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const tags = `\r\n--${boundary}\r\nContent-Disposition: form-data; name="additional_tags"\r\n\r\n${file.tags}\r\n--${boundary}--\r\n`;
  return { boundary, parts: [Buffer.from(head), ...content, Buffer.from(tags)] };
}

async function jsonOf(body: AsyncIterable<Buffer>): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes <= ANSWER_BYTES_MAX) pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch {
    return null;
  }
}

function whereOf(origin: string, answer: unknown): string {
  const { id } = (answer ?? {}) as { id?: unknown };
  return typeof id === 'string' ? `${origin}/captures/${id}` : origin;
}

function exceptionsOf(answer: unknown): string {
  const { exceptions } = (answer ?? {}) as { exceptions?: unknown };
  return Array.isArray(exceptions) ? exceptions.map(String).join('; ').slice(0, 200) : '';
}

function reasonOf(error: unknown): string {
  const { message, cause, code } = error as Error & { code?: string };
  return cause instanceof Error ? cause.message : message || String(code);
}
