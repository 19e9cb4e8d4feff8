/**
 * Batches to the satellite, in the protocol it speaks.
 *
 * in: a `Batch` · out: its `Outcome`
 *
 * Which answers are worth another attempt: for OTLP those its specification lists (429, 502, 503, 504) and every failure of
 * the connection, for spans may arrive twice (their ids tell). The levo endpoint does not deduplicate: only what it
 * certainly did not take is sent again, which is a connection that never came about, and 429 and 503, by which it refuses before
 * it reads.
 */
import { promisify } from 'node:util';
import { gunzip, gzip, constants as zlib } from 'node:zlib';
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { Batch, SatelliteProtocol } from '../relay/batch.js';
import type { Outcome } from '../relay/outcome.js';
import { type HttpClient, type HttpReply, PostError } from './http-client.js';
import { levoFromOtlp } from './levo-from-otlp.js';
import { readPartialSuccess } from './otlp/partial-success.js';
import { parseRetryAfter } from './retry-after.js';
import type { RelaySettings } from './settings.js';
import { splitBatch } from './split-batch.js';

export interface Sender {
  /** The protocol in use; null while `auto` has had no answer yet. */
  readonly protocol: SatelliteProtocol | null;
  send(batch: Batch, signal: AbortSignal): Promise<Outcome>;
  /** A batch as it is best kept: compressed, where the satellite takes it so. */
  pack(batch: Batch): Promise<Batch>;
  /** The halves of a batch that is too large, packed, and its bytes unpacked; null where it has none. */
  halve(batch: Batch): Promise<{ halves: Batch[]; bytes: number } | null>;
  close(): void;
}

export interface SenderOptions {
  settings: RelaySettings;
  client: HttpClient;
  clock: Clock;
  log: Log;
  onProtocol: (protocol: SatelliteProtocol) => void;
}

const compress = promisify(gzip);
const uncompress = promisify(gunzip);

export function createSender({ settings, client, clock, log, onProtocol }: SenderOptions): Sender {
  let protocol: SatelliteProtocol | null = settings.protocol === 'auto' ? null : settings.protocol;
  let gzipWanted = settings.compression === 'gzip';
  let gzipTaken = false;

  const choose = (chosen: SatelliteProtocol, why: string): void => {
    if (protocol === chosen) return;
    protocol = chosen;
    log.info({ protocol: chosen, satellite: settings.satellite.base }, `satellite protocol ${chosen}: ${why}`);
    onProtocol(chosen);
  };

  const pack = async (batch: Batch): Promise<Batch> => {
    if (batch.protocol !== 'otlp' || batch.coding === 'gzip' || !gzipWanted || protocol === 'levo') return batch;
    // The fastest level: JSON shrinks to a seventh even so, and the sensor's CPU belongs to the application.
    return { ...batch, coding: 'gzip', payload: await compress(batch.payload, { level: zlib.Z_BEST_SPEED }) };
  };

  const plain = async (batch: Batch): Promise<Batch> =>
    batch.coding === 'identity' ? batch : { ...batch, coding: 'identity', payload: await uncompress(batch.payload) };

  const post = (url: string, batch: Batch, signal: AbortSignal): Promise<HttpReply> => {
    const headers: Record<string, string> = { ...commonHeaders(settings) };
    if (batch.coding === 'gzip') headers['Content-Encoding'] = 'gzip';
    return client.post(url, headers, batch.payload, signal);
  };

  const sendOtlp = async (batch: Batch, signal: AbortSignal): Promise<Outcome | 'not here'> => {
    let reply: HttpReply;
    try {
      reply = await post(settings.satellite.otlpTracesUrl, batch, signal);
      if (batch.coding === 'gzip' && !gzipTaken && (reply.status === 400 || reply.status === 415)) {
        const refusedWith = reply.status;
        reply = await post(settings.satellite.otlpTracesUrl, await plain(batch), signal);
        if (isSuccess(reply.status)) {
          gzipWanted = false;
          log.info({ status: refusedWith }, 'the satellite does not take gzip: sending uncompressed from now on');
        }
      } else if (batch.coding === 'gzip' && isSuccess(reply.status)) gzipTaken = true;
    } catch (error) {
      return connectionFailure(error);
    }
    if (protocol === null && (reply.status === 404 || reply.status === 405 || reply.status === 501)) return 'not here';
    if (isSuccess(reply.status)) {
      choose('otlp', 'it took traces on /v1/traces');
      return { kind: 'delivered', ...readPartialSuccess(reply.body, batch.count) };
    }
    return refusal(reply, [429, 502, 503, 504]);
  };

  const sendLevo = async (batch: Batch, signal: AbortSignal): Promise<Outcome> => {
    const entries = batch.protocol === 'levo' ? batch : levoFromOtlp(await plain(batch), settings);
    try {
      const reply = await post(settings.satellite.levoTracesUrl, entries, signal);
      if (!isSuccess(reply.status)) return refusal(reply, [429, 503]);
      choose('levo', 'no OTLP on /v1/traces, but it took traces on /1.0/ebpf/traces');
      return { kind: 'delivered', rejected: 0, reason: '' };
    } catch (error) {
      if (error instanceof PostError && error.maybeReceived)
        return {
          kind: 'refused',
          reason: 'connection lost; it may have arrived, and is not sent twice',
          body: error.message,
        };
      return connectionFailure(error);
    }
  };

  const refusal = (reply: HttpReply, retryable: readonly number[]): Outcome => {
    const reason = `status ${reply.status}`;
    if (retryable.includes(reply.status)) {
      const asked = parseRetryAfter(reply.headers['retry-after'], clock.now());
      const retryAfterMillis = asked === null ? null : Math.min(asked, settings.timing.retryAfterMaxMillis);
      return { kind: 'retryable', retryAfterMillis, reason };
    }
    if (reply.status === TOO_LARGE) return { kind: 'too large', reason, body: reply.body.toString('utf8') };
    if (reply.status >= 300 && reply.status < 400)
      return {
        kind: 'refused',
        reason: `${reason}, a redirect; redirects are not followed, give the satellite's own address`,
        body: `Location: ${reply.headers.location ?? 'none'}`,
      };
    return { kind: 'refused', reason, body: reply.body.toString('utf8') };
  };

  return {
    get protocol() {
      return protocol;
    },
    async send(batch, signal) {
      if (protocol === 'levo' || batch.protocol === 'levo') return sendLevo(batch, signal);
      const outcome = await sendOtlp(batch, signal);
      if (outcome !== 'not here') return outcome;
      return sendLevo(batch, signal);
    },
    pack,
    async halve(batch) {
      if (batch.count < 2) return null;
      const unpacked = await plain(batch);
      const halves = splitBatch(unpacked);
      return halves === null ? null : { halves: await Promise.all(halves.map(pack)), bytes: unpacked.payload.length };
    },
    close: () => client.close(),
  };
}

/** 413 Content Too Large (RFC 9110 §15.5.14). */
const TOO_LARGE = 413;

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

function connectionFailure(error: unknown): Outcome {
  if (error instanceof PostError) return { kind: 'retryable', retryAfterMillis: null, reason: error.message };
  throw error;
}

/** Of every request to the satellite. */
export function commonHeaders(settings: RelaySettings): Record<string, string> {
  return {
    ...settings.headers,
    'Content-Type': 'application/json',
    'User-Agent': `pcap-sensor/${settings.sensorVersion}`,
    ...(settings.organizationId === '' ? {} : { 'x-levo-organization-id': settings.organizationId }),
    ...(settings.workspaceId === '' ? {} : { 'x-levo-workspace-id': settings.workspaceId }),
  };
}
