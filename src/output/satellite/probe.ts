/**
 * Whether the satellite is there, and what it speaks: an export of nothing, over the way exports go.
 *
 * in: satellite settings · out: a verdict a person can act on
 */
import { createConnector } from './connector.js';
import type { Enrolment } from './enrolment.js';
import { adviceOnStatus, type Failure } from './failure-words.js';
import { HttpClient, type HttpReply, PostError } from './http-client.js';
import { commonHeaders, NOT_HERE, OTLP_RETRYABLE, PROTOBUF } from './satellite-sender.js';
import type { SatelliteProtocol, SatelliteSettings } from './settings.js';

export interface ProbeResult {
  readonly protocol: SatelliteProtocol | null;
  /** `null` where all is well. */
  readonly problem: string | null;
  readonly advice: string;
  /** Whether the sensor would keep what it has and try again. */
  readonly isAway: boolean;
  readonly millis: number;
}

const NOTHING: Readonly<Record<SatelliteProtocol, string>> = { otlp: '{"resourceSpans":[]}', levo: '[]' };
const RESPONSE_BYTES_MAX = 4096;

export interface ProbeContext {
  /** Of each of the two attempts that it may take. */
  timeoutMillis: number;
  signal?: AbortSignal;
  now?: () => number;
  /** As `OutputContext.enrolment`. */
  enrolment?: Enrolment | null;
  /** Takes each address before it is connected to. */
  onAddress?: (address: string) => void;
}

/** @throws UsageError if a certificate or key is not usable */
export async function probeSatellite(settings: SatelliteSettings, context: ProbeContext): Promise<ProbeResult> {
  const { timeoutMillis, signal = new AbortController().signal, now = Date.now, onAddress, enrolment = null } = context;
  const { satellite } = settings;
  const bare = new HttpClient({
    connector: await createConnector(satellite, settings.tls),
    timeoutMillis,
    response_bytes_max: RESPONSE_BYTES_MAX,
    now,
    ...(onAddress === undefined ? {} : { onAddress }),
  });
  const client = enrolment?.signing(bare) ?? bare;
  const started = now();
  const result = (protocol: SatelliteProtocol | null, failure: Failure | null, isAway = false): ProbeResult => ({
    protocol,
    problem: failure?.problem ?? null,
    advice: failure?.advice ?? '',
    isAway,
    millis: now() - started,
  });
  const post = (protocol: SatelliteProtocol): Promise<HttpReply> => {
    const url = protocol === 'otlp' ? satellite.otlpTracesUrl : satellite.levoTracesUrl;
    const headers = commonHeaders(settings);
    // A request without resources has no bytes.
    if (protocol === 'otlp' && settings.encoding === 'protobuf')
      return client.post({ url, headers: { ...headers, 'Content-Type': PROTOBUF }, body: Buffer.alloc(0) }, signal);
    return client.post({ url, headers, body: Buffer.from(NOTHING[protocol]) }, signal);
  };
  const wanted: readonly SatelliteProtocol[] = settings.protocol === 'auto' ? ['otlp', 'levo'] : [settings.protocol];
  try {
    let last: Failure | null = null;
    for (const protocol of wanted) {
      const { status, body } = await post(protocol);
      if (status >= 200 && status < 300) return result(protocol, null);
      last = { problem: `it answers ${status}`, advice: adviceOnStatus(status, body.toString('utf8')) };
      if (status === 401 || status === 403) return result(protocol, last);
      if (!NOT_HERE.includes(status)) return result(null, last, OTLP_RETRYABLE.includes(status));
    }
    return result(null, last);
  } catch (error) {
    if (!(error instanceof PostError)) throw error;
    return result(null, { problem: error.message, advice: error.advice }, true);
  } finally {
    client.close();
  }
}
