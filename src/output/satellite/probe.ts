/**
 * Whether the satellite is there, and what it speaks: an export of nothing, over the way exports go.
 *
 * in: satellite settings · out: a verdict a person can act on
 */
import { createConnector } from './connector.js';
import { HttpClient, type HttpReply, PostError } from './http-client.js';
import { commonHeaders } from './satellite-sender.js';
import type { SatelliteProtocol, SatelliteSettings } from './settings.js';

export interface ProbeResult {
  readonly protocol: SatelliteProtocol | null;
  /** `null` where all is well. */
  readonly problem: string | null;
  readonly advice: string;
  readonly millis: number;
}

const NOTHING: Readonly<Record<SatelliteProtocol, string>> = { otlp: '{"resourceSpans":[]}', levo: '[]' };
const RESPONSE_BYTES_MAX = 4096;

/** @throws UsageError if a certificate or key is not usable */
export async function probeSatellite(settings: SatelliteSettings, now: () => number = Date.now): Promise<ProbeResult> {
  const { satellite, timing } = settings;
  const client = new HttpClient({
    connector: await createConnector(satellite, settings.tls),
    timeoutMillis: timing.attemptTimeoutMillis,
    response_bytes_max: RESPONSE_BYTES_MAX,
    now,
  });
  const started = now();
  const result = (protocol: SatelliteProtocol | null, problem: string | null, advice = ''): ProbeResult => ({
    protocol,
    problem,
    advice,
    millis: now() - started,
  });
  const post = (protocol: SatelliteProtocol): Promise<HttpReply> => {
    const url = protocol === 'otlp' ? satellite.otlpTracesUrl : satellite.levoTracesUrl;
    const request = { url, headers: commonHeaders(settings), body: Buffer.from(NOTHING[protocol]) };
    return client.post(request, new AbortController().signal);
  };
  const wanted: readonly SatelliteProtocol[] = settings.protocol === 'auto' ? ['otlp', 'levo'] : [settings.protocol];
  try {
    let last = '';
    for (const protocol of wanted) {
      const { status } = await post(protocol);
      if (status >= 200 && status < 300) return result(protocol, null);
      if (status === 401 || status === 403)
        return result(protocol, `it answers ${status}`, 'check --satellite-header and --levoai-org-id');
      if (status >= 300 && status < 400)
        return result(null, `it redirects (${status})`, 'redirects are not followed; give its own address');
      if (status !== 404 && status !== 405 && status !== 501)
        return result(
          null,
          `it answers ${status} to an empty export`,
          'see its log; the sensor would retry 429, 502, 503, 504',
        );
      last = `it answers ${status} on ${protocol === 'otlp' ? satellite.otlpTracesUrl : satellite.levoTracesUrl}`;
    }
    return result(
      null,
      last,
      'check the port and the path: OTLP/HTTP is on 4318 by convention, Levo’s satellite on 9999',
    );
  } catch (error) {
    if (!(error instanceof PostError)) throw error;
    return result(null, error.message, 'check the address, and that the security group lets the task connect to it');
  } finally {
    client.close();
  }
}
