/**
 * Capture files of exchanges to the satellite, one after the other, each tried a few times: they are worth less than traces, and
 * there is no second chance for what memory does not hold.
 *
 * in: a pcap file, and whose it is · out: `POST /1.0/packets/TRACEID/SPANID`, or an error in words
 */
import type { Limits } from '../../limits.js';
import type { Clock } from '../clock.js';
import { createConnector } from './connector.js';
import type { Enrolment } from './enrolment.js';
import { HttpClient, type HttpReply, PostError } from './http-client.js';
import { commonHeaders, NOT_HERE, OTLP_RETRYABLE } from './satellite-sender.js';
import type { SatelliteSettings } from './settings.js';

export interface PacketsPost {
  /** Rejects with what is wrong, in words, when it has been given up. */
  send(traceId: string, spanId: string, file: Buffer): Promise<void>;
  /** Waits for what is under way, at most so long. */
  close(deadlineMillis: number): Promise<void>;
}

export interface PacketsPostContext {
  readonly limits: Pick<Limits, 'response_bytes_max'>;
  readonly clock: Clock;
  readonly onAddress: (address: string) => void;
  /** As `OutputContext.enrolment`. */
  readonly enrolment?: Enrolment | null;
}

const ATTEMPTS = 4;
const FIRST_WAIT_MILLIS = 500;

/** @throws UsageError if a certificate or key is not usable */
export async function openPacketsPost(
  settings: SatelliteSettings,
  { limits, clock, onAddress, enrolment = null }: PacketsPostContext,
): Promise<PacketsPost> {
  const bare = new HttpClient({
    connector: await createConnector(settings.satellite, settings.tls),
    timeoutMillis: settings.timing.attemptTimeoutMillis,
    response_bytes_max: limits.response_bytes_max,
    now: clock.now,
    onAddress,
  });
  const client = enrolment?.signing(bare) ?? bare;
  const headers = { ...commonHeaders(settings), 'Content-Type': 'application/vnd.tcpdump.pcap' };
  const stopping = new AbortController();
  let turn: Promise<unknown> = Promise.resolve();
  /** Why none is sent any more. */
  let refused: string | null = null;

  async function attempt(url: string, body: Buffer): Promise<string | null> {
    let reply: HttpReply;
    try {
      reply = await client.post({ url, headers, body }, stopping.signal);
    } catch (error) {
      if (error instanceof PostError) return error.message;
      throw error;
    }
    const { status } = reply;
    if (status >= 200 && status < 300) return null;
    const words = `status ${status}: ${reply.body.toString('utf8', 0, 200)}`;
    if (OTLP_RETRYABLE.includes(status)) return words;
    if (NOT_HERE.includes(status)) refused = 'this satellite takes no packets; leave --packets-to-satellite out';
    throw new Error(refused ?? words);
  }

  async function deliver(url: string, body: Buffer): Promise<void> {
    for (let left = ATTEMPTS, wait = FIRST_WAIT_MILLIS; ; wait *= 2) {
      if (refused !== null) throw new Error(refused);
      const problem = await attempt(url, body);
      if (problem === null) return;
      if (--left === 0 || stopping.signal.aborted) throw new Error(problem);
      await clock.sleep(wait * (0.5 + clock.random()), stopping.signal);
    }
  }

  return {
    send(traceId, spanId, file) {
      const sent = turn.then(() => deliver(`${settings.satellite.base}/1.0/packets/${traceId}/${spanId}`, file));
      turn = sent.catch(() => {});
      return sent;
    },
    async close(deadlineMillis) {
      const cancel = clock.after(deadlineMillis, () => stopping.abort());
      await turn;
      cancel();
      client.close();
    },
  };
}
