/**
 * Batches to the satellite, in the protocol it speaks.
 *
 * in: a `Batch` · out: its `Outcome`
 *
 * Which answers are worth another attempt: for OTLP those its specification lists (429, 502, 503, 504) and every failure of
 * the connection, because spans may arrive twice and are recognised by their ids. The levo endpoint does not deduplicate:
 * only what it certainly did not take is sent again, which is a connection that never came about, and 429 and 503, by which
 * it refuses before it reads.
 */
import { promisify } from 'node:util';
import { gunzip, gzip, constants as zlib } from 'node:zlib';
import type { Counters } from '../../counters.js';
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import type { Batch, BatchEncoder } from '../relay/batch.js';
import type { Outcome, Receiver, Sender } from '../relay/sender.js';
import { bareBatch } from './bare-batch.js';
import type { SatelliteEncoders } from './encoders.js';
import { adviceOnStatus } from './failure-words.js';
import { type HttpClient, type HttpReply, PostError } from './http-client.js';
import { levoFromOtlp } from './levo-from-otlp.js';
import { readPartialSuccess } from './otlp/partial-success.js';
import { statusMessageOf } from './otlp/protobuf-batch.js';
import { protobufToJson } from './otlp/protobuf-to-json.js';
import { parseRetryAfter } from './retry-after.js';
import type { SatelliteProtocol, SatelliteSettings } from './settings.js';
import { splitBatch } from './split-batch.js';

export interface SatelliteSenderContext {
  encoders: SatelliteEncoders;
  client: Pick<HttpClient, 'post' | 'close'>;
  clock: Pick<Clock, 'now'>;
  log: Log;
  counters: Pick<Counters, 'export_encoding_refused'>;
  /** zlib's in a thread of its own, if absent. */
  gzip?: Gzip;
}

export interface Gzip {
  compress(bytes: Buffer): Promise<Buffer>;
  uncompress(bytes: Buffer): Promise<Buffer>;
}

const compressInThread = promisify(gzip);
const THREADED_GZIP: Gzip = {
  // The fastest level: JSON shrinks to a seventh even so, and the sensor's CPU belongs to the application.
  compress: (bytes) => compressInThread(bytes, { level: zlib.Z_BEST_SPEED }),
  uncompress: promisify(gunzip),
};

/** Content-Type of OTLP in protobuf ("OTLP/HTTP Request" of the OTLP specification). */
export const PROTOBUF = 'application/x-protobuf';
/** By these a satellite says that it cannot read what it was sent: it may be able to read it otherwise. */
const UNREADABLE: readonly number[] = [400, 415];
/** 413 Content Too Large (RFC 9110 §15.5.14). */
const TOO_LARGE = 413;
/** "OTLP/HTTP Response", "Retryable Response Codes" of the OTLP specification. */
export const OTLP_RETRYABLE: readonly number[] = [429, 502, 503, 504];
const LEVO_RETRYABLE: readonly number[] = [429, 503];
/** By these an endpoint says that OTLP is not spoken here. */
export const NOT_HERE: readonly number[] = [404, 405, 501];

export class SatelliteSender implements Sender {
  readonly receiver: Receiver;
  readonly #settings: SatelliteSettings;
  readonly #context: SatelliteSenderContext;
  readonly #gzip: Gzip;
  #protocol: SatelliteProtocol | null;
  #isGzipWanted: boolean;
  #isGzipTaken = false;
  #isProtobufWanted: boolean;
  #isProtobufTaken = false;

  constructor(settings: SatelliteSettings, context: SatelliteSenderContext) {
    this.receiver = { kind: 'satellite', option: '--satellite-url', address: settings.satellite.base };
    this.#settings = settings;
    this.#context = context;
    this.#gzip = context.gzip ?? THREADED_GZIP;
    this.#protocol = settings.protocol === 'auto' ? null : settings.protocol;
    this.#isGzipWanted = settings.compression === 'gzip';
    this.#isProtobufWanted = settings.encoding !== 'json';
  }

  get protocol(): SatelliteProtocol | null {
    return this.#protocol;
  }

  get encoder(): BatchEncoder {
    const { otlp, protobuf, levo } = this.#context.encoders;
    if (this.#protocol === 'levo' || otlp === null) return levo;
    return this.#isProtobufWanted && protobuf !== null ? protobuf : otlp;
  }

  mayRepeat(batch: Batch): boolean {
    return this.#protocol !== 'levo' && batch.protocol !== 'levo';
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    if (this.#protocol === 'levo' || batch.protocol === 'levo') return this.#sendLevo(batch, signal);
    const outcome = await this.#sendOtlp(batch, signal);
    return outcome === 'not here' ? this.#sendLevo(batch, signal) : outcome;
  }

  async pack(batch: Batch): Promise<Batch> {
    const isPlainOtlp = batch.protocol !== 'levo' && batch.coding === 'identity';
    if (!isPlainOtlp || !this.#isGzipWanted || this.#protocol === 'levo') return batch;
    return { ...batch, coding: 'gzip', payload: await this.#gzip.compress(batch.payload) };
  }

  async halve(batch: Batch): Promise<{ halves: Batch[]; bytes: number } | null> {
    const unpacked = await this.#unpacked(batch);
    const bare = bareBatch(unpacked);
    const halves = bare === null ? splitBatch(unpacked) : [bare];
    if (halves === null) return null;
    return { halves: await Promise.all(halves.map((half) => this.pack(half))), bytes: unpacked.payload.length };
  }

  close(): void {
    this.#context.client.close();
  }

  async #sendOtlp(batch: Batch, signal: AbortSignal): Promise<Outcome | 'not here'> {
    let sent = batch;
    let reply: HttpReply;
    try {
      // What was spooled before the satellite refused protobuf.
      const known = this.#isProtobufWanted ? null : await this.#asJson(batch);
      sent = known ?? batch;
      reply = await this.#postOtlp(sent, signal);
      const json = this.#mayPreferJson(sent, reply) ? await this.#asJson(sent) : null;
      if (json !== null) {
        const second = await this.#postOtlp(json, signal);
        if (isSuccess(second.status)) this.#giveUpProtobuf(reply.status);
        if (isSuccess(second.status) || second.status === TOO_LARGE) [sent, reply] = [json, second];
      }
    } catch (error) {
      return connectionFailure(error);
    }
    if (this.#protocol === null && NOT_HERE.includes(reply.status)) return 'not here';
    const isProtobuf = sent.protocol === 'otlp-protobuf';
    if (!isSuccess(reply.status)) return this.#refusal(reply, OTLP_RETRYABLE, isProtobuf);
    if (isProtobuf) this.#isProtobufTaken = true;
    this.#choose('otlp', 'it took traces on /v1/traces');
    return { kind: 'delivered', ...readPartialSuccess(reply.body, batch.count, isProtobuf && !isJson(reply)) };
  }

  /** Whether a satellite may have refused a batch for being protobuf: one that has taken some has another reason. */
  #mayPreferJson({ protocol }: Batch, { status }: HttpReply): boolean {
    return (
      this.#settings.encoding === 'auto' &&
      !this.#isProtobufTaken &&
      protocol === 'otlp-protobuf' &&
      UNREADABLE.includes(status)
    );
  }

  #giveUpProtobuf(status: number): void {
    if (!this.#isProtobufWanted) return;
    this.#isProtobufWanted = false;
    this.#context.counters.export_encoding_refused++;
    this.#context.log.info({ status }, 'the satellite does not take protobuf: OTLP goes to it as JSON from now on');
  }

  /** A batch of protobuf as JSON, packed; null where it is none. */
  async #asJson(batch: Batch): Promise<Batch | null> {
    if (batch.protocol !== 'otlp-protobuf') return null;
    const json = protobufToJson(await this.#unpacked(batch));
    return json === null ? null : this.pack(json);
  }

  /** Once more uncompressed where the satellite may have refused the compression. */
  async #postOtlp(batch: Batch, signal: AbortSignal): Promise<HttpReply> {
    const url = this.#settings.satellite.otlpTracesUrl;
    const reply = await this.#post(url, batch, signal);
    if (batch.coding !== 'gzip') return reply;
    if (isSuccess(reply.status)) this.#isGzipTaken = true;
    if (this.#isGzipTaken || !UNREADABLE.includes(reply.status)) return reply;
    const second = await this.#post(url, await this.#unpacked(batch), signal);
    // Others may have been compressed before the first was refused.
    if (isSuccess(second.status) && this.#isGzipWanted) {
      this.#isGzipWanted = false;
      this.#context.log.info(
        { status: reply.status },
        'the satellite does not take gzip: sending uncompressed from now on',
      );
    }
    return second;
  }

  async #sendLevo(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    const { levo } = this.#context.encoders;
    const json = (await this.#asJson(batch)) ?? batch;
    const entries = json.protocol === 'levo' ? json : levoFromOtlp(await this.#unpacked(json), levo);
    try {
      const reply = await this.#post(this.#settings.satellite.levoTracesUrl, entries, signal);
      if (!isSuccess(reply.status)) return this.#refusal(reply, LEVO_RETRYABLE, false);
      this.#choose('levo', 'no OTLP on /v1/traces, but it took traces on /1.0/ebpf/traces');
      return { kind: 'delivered', rejected: 0, reason: '' };
    } catch (error) {
      if (error instanceof PostError && error.maybeReceived)
        return {
          kind: 'refused',
          reason: 'connection lost; it may have arrived, and is not sent twice',
          advice: error.advice,
          body: error.message,
        };
      return connectionFailure(error);
    }
  }

  #choose(protocol: SatelliteProtocol, why: string): void {
    if (this.#protocol === protocol) return;
    this.#protocol = protocol;
    const satellite = this.#settings.satellite.base;
    this.#context.log.info({ protocol, satellite }, `satellite protocol ${protocol}: ${why}`);
  }

  #post(url: string, batch: Batch, signal: AbortSignal): Promise<HttpReply> {
    const headers: Record<string, string> = { ...commonHeaders(this.#settings) };
    if (batch.coding === 'gzip') headers['Content-Encoding'] = 'gzip';
    if (batch.protocol === 'otlp-protobuf') headers['Content-Type'] = PROTOBUF;
    return this.#context.client.post({ url, headers, body: batch.payload }, signal);
  }

  async #unpacked(batch: Batch): Promise<Batch> {
    if (batch.coding === 'identity') return batch;
    return { ...batch, coding: 'identity', payload: await this.#gzip.uncompress(batch.payload) };
  }

  #refusal(reply: HttpReply, retryable: readonly number[], isProtobuf: boolean): Outcome {
    const { status, headers } = reply;
    const body = isProtobuf && !isJson(reply) ? statusMessageOf(reply.body) : reply.body.toString('utf8');
    const reason = `status ${status}`;
    if (retryable.includes(status)) {
      const asked = parseRetryAfter(headers['retry-after'], this.#context.clock.now());
      const retryAfterMillis = asked === null ? null : Math.min(asked, this.#settings.timing.retryAfterMaxMillis);
      return { kind: 'retryable', retryAfterMillis, reason };
    }
    if (status === TOO_LARGE) return { kind: 'too large', reason, body };
    if (status >= 300 && status < 400)
      return {
        kind: 'refused',
        reason: `${reason}, a redirect; redirects are not followed, give the satellite's own address`,
        body: `Location: ${headers.location ?? 'none'}`,
      };
    return { kind: 'refused', reason, advice: adviceOnStatus(status, body), body };
  }
}

/** Whether an answer is JSON, whatever was asked in. */
const isJson = ({ headers }: HttpReply): boolean => /json/i.test(String(headers['content-type'] ?? ''));

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

function connectionFailure(error: unknown): Outcome {
  if (error instanceof PostError)
    return {
      kind: 'retryable',
      retryAfterMillis: null,
      ...{ reason: error.message, advice: error.advice },
      isUnanswered: true,
    };
  throw error;
}

/** The headers of every request to the satellite. */
export function commonHeaders(settings: SatelliteSettings): Record<string, string> {
  return {
    ...settings.headers,
    'Content-Type': 'application/json',
    'User-Agent': `pcap-sensor/${settings.sensorVersion}`,
    ...(settings.organizationId === '' ? {} : { 'x-levo-organization-id': settings.organizationId }),
    ...(settings.workspaceId === '' ? {} : { 'x-levo-workspace-id': settings.workspaceId }),
  };
}
