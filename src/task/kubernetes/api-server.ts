/**
 * The API server, as a pod of the cluster reaches it
 * (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/).
 *
 * in: the variables and files that every pod gets · out: the answers to GET, whole or line by line
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { UsageError } from '../../errors.js';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const ANSWER_BYTES_MAX = 64 << 20;
/** etcd keeps no object that is larger than 1.5 MiB. */
const LINE_BYTES_MAX = 4 << 20;
/** Nothing may come for as long as a watch lives. */
const CONNECT_MILLIS = 10_000;

export interface ApiServer {
  readonly origin: string;
  readonly ca: string;
  /** Read for each request: the file is written anew before the token in it expires. */
  token(): string;
}

export class ApiError extends Error {
  /** 0 where there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** @throws UsageError outside of a pod that has a service account */
export function inClusterApiServer(environment: NodeJS.ProcessEnv, directory = SERVICE_ACCOUNT): ApiServer {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (host === '')
    throw new UsageError(
      '--pod-metadata takes a pod of Kubernetes, and KUBERNETES_SERVICE_HOST is not set; leave it out elsewhere',
    );
  const read = (name: string) => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (error) {
      throw new UsageError(
        `--pod-metadata takes a service account, and ${join(directory, name)} cannot be read ` +
          `(${(error as NodeJS.ErrnoException).code}); let the pod mount its token (automountServiceAccountToken)`,
      );
    }
  };
  read('token');
  return {
    origin: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: read('ca.crt'),
    token: () => read('token').trim(),
  };
}

/** @throws ApiError */
export async function getJson(server: ApiServer, path: string, signal: AbortSignal): Promise<unknown> {
  const response = await get(server, path, signal);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    if (length > ANSWER_BYTES_MAX) throw new ApiError(0, `the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  return parsed(Buffer.concat(chunks).toString('utf8'));
}

/** Each line of an answer that goes on. @throws ApiError */
export async function* getLines(server: ApiServer, path: string, signal: AbortSignal): AsyncGenerator<unknown> {
  const response = await get(server, path, signal);
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    let rest = chunk as Buffer;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...pieces, rest.subarray(0, end)]).toString('utf8');
      pieces = [];
      length = 0;
      rest = rest.subarray(end + 1);
      if (line.trim() !== '') yield parsed(line);
    }
    length += rest.length;
    if (length > LINE_BYTES_MAX) throw new ApiError(0, `a line is longer than ${LINE_BYTES_MAX} bytes`);
    if (rest.length > 0) pieces.push(rest);
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new ApiError(0, 'the answer is not JSON');
  }
}

function get(server: ApiServer, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(error instanceof ApiError ? error : new ApiError(0, error.message));
    const request = httpsRequest(`${server.origin}${path}`, {
      ca: server.ca,
      headers: { authorization: `Bearer ${server.token()}`, accept: 'application/json' },
      signal,
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${CONNECT_MILLIS} ms`)), CONNECT_MILLIS);
    request.on('response', (response) => {
      clearTimeout(timer);
      if (response.statusCode === 200) return resolve(response);
      response.resume();
      reject(new ApiError(response.statusCode ?? 0, `status ${response.statusCode}`));
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      fail(error);
    });
    request.end();
  });
}
