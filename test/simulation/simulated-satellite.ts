/**
 * The satellite and the network before it, with everything that can be wrong with them.
 *
 * in: requests as the sensor's HTTP client is given them · out: replies, or the `PostError` that the real client would make
 */
import { gunzipSync } from 'node:zlib';
import { type HttpReply, type HttpRequest, PostError } from '../../src/output/satellite/http-client.js';
import type { Random } from '../support/random.js';
import type { VirtualClock } from './virtual-clock.js';

/** What goes wrong before a request, at the satellite, or with its answer. */
export const FAULTS = [
  'refused',
  'black hole',
  'name gone',
  'name server silent',
  'wrong certificate',
  'silent',
  'silent, taken',
  'reset',
  'reset, taken',
  'slow',
  'answer breaks off',
  'partial success',
  '429',
  '429, Retry-After',
  '503, Retry-After',
  '502',
  '500',
  '413',
  '413 when large',
  'redirect',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Faults after which the traces of a batch may be lost for good, and are counted. */
export const FINAL_FAULTS: readonly Fault[] = ['500', '413', 'redirect', 'partial success'];

export interface SatelliteNature {
  readonly speaks: 'otlp' | 'levo' | 'both';
  readonly takesGzip: boolean;
  readonly attemptTimeoutMillis: number;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** Traces of the request that were stored. */
  taken?: number;
}

/** `ids` are what the simulation knows traces by: the paths of their requests. */
interface Received {
  readonly protocol: 'otlp' | 'levo';
  readonly ids: readonly string[];
  readonly bytes: number;
}

export class SimulatedSatellite {
  fault: Fault | 'none' = 'none';
  /** How often each trace was stored. */
  readonly stored = new Map<string, number>();
  /** How often the sensor had an answer by which each was stored. */
  readonly acknowledged = new Map<string, number>();
  acknowledgements = 0;
  /** Called once, when the next traces have been stored and before the answer is on its way. */
  onStored: (() => void) | null = null;
  /** What was in the last request that arrived. */
  lastIds: readonly string[] = [];
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #nature: SatelliteNature;

  constructor(clock: VirtualClock, random: Random, nature: SatelliteNature) {
    this.#clock = clock;
    this.#random = random;
    this.#nature = nature;
  }

  /** What the sensor's HTTP client is, for one process. */
  client(process: { isDead: boolean }): {
    post(request: HttpRequest, signal: AbortSignal): Promise<HttpReply>;
    close(): void;
  } {
    return {
      post: (request, signal) => this.#post(request, signal, process),
      close: () => {},
    };
  }

  #post(request: HttpRequest, signal: AbortSignal, process: { isDead: boolean }): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      let maybeReceived = false;
      let hasEnded = false;
      let answer: (() => void) | null = null;
      const end = (pass: () => void): void => {
        if (hasEnded) return;
        hasEnded = true;
        cancelTimeout();
        signal.removeEventListener('abort', onAbort);
        if (!process.isDead) pass();
      };
      const fail = (message: string): void =>
        end(() => reject(new PostError({ problem: message, advice: '' }, maybeReceived)));
      const onAbort = (): void => fail('the sensor is stopping');
      if (signal.aborted) return reject(new PostError({ problem: 'the sensor is stopping', advice: '' }, false));
      const millis = this.#nature.attemptTimeoutMillis;
      const onTimeout = (): void => (answer === null ? fail(`no answer within ${millis} ms`) : answer());
      const cancelTimeout = this.#clock.after(millis, onTimeout, process);
      signal.addEventListener('abort', onAbort);

      const { fault } = this;
      const [connectMillis, answerMillis] = [this.#random.between(0, 40), this.#random.between(0, 60)];
      const failing = CONNECT_FAILURES[fault];
      if (failing !== undefined) {
        if (failing !== '') this.#clock.after(connectMillis, () => fail(failing), process);
        return;
      }
      this.#clock.after(connectMillis, () => {
        // What the kernel was handed may arrive after the process has gone.
        if (signal.aborted || (process.isDead && this.#random.chance(0.5))) return;
        maybeReceived = true;
        const received = read(request);
        this.lastIds = received.ids;
        const { status, headers = {}, body = '{}', taken = 0 } = this.#answer(request, received, fault);
        const stored = received.ids.slice(0, taken);
        for (const id of stored) this.stored.set(id, (this.stored.get(id) ?? 0) + 1);
        if (stored.length > 0) this.#tellStored();
        const reply = (content: string): void =>
          end(() => {
            for (const id of stored) this.acknowledged.set(id, (this.acknowledged.get(id) ?? 0) + 1);
            this.acknowledgements += stored.length;
            resolve({ status, headers, body: Buffer.from(content) });
          });
        if (fault === 'silent' || fault === 'silent, taken') return;
        if (fault === 'reset' || fault === 'reset, taken')
          this.#clock.after(answerMillis, () => fail('socket hang up'), process);
        else if (fault === 'answer breaks off')
          this.#clock.after(answerMillis, () => {
            answer = () => reply('{"partialSu');
            this.#clock.after(answerMillis, answer, process);
          });
        else if (fault === 'slow') this.#clock.after(this.#random.between(0, 2 * millis), () => reply(body), process);
        else this.#clock.after(answerMillis, () => reply(body), process);
      });
    });
  }

  #tellStored(): void {
    const { onStored } = this;
    this.onStored = null;
    onStored?.();
  }

  #answer(request: HttpRequest, received: Received, fault: Fault | 'none'): Answer {
    const { speaks, takesGzip } = this.#nature;
    if (fault in STATUSES) return STATUSES[fault as keyof typeof STATUSES];
    if (fault === 'silent' || fault === 'reset') return { status: 0 };
    if (fault === '413 when large' && received.ids.length > 3) return { status: 413 };
    if (speaks !== 'both' && speaks !== received.protocol) return { status: 404 };
    if (!takesGzip && request.headers['Content-Encoding'] === 'gzip') return { status: 415 };
    const all = received.ids.length;
    if (fault !== 'partial success' || received.protocol === 'levo') return { status: 200, taken: all };
    const rejected = this.#random.between(1, all);
    const body = JSON.stringify({ partialSuccess: { rejectedSpans: String(rejected), errorMessage: 'too old' } });
    return { status: 200, taken: all - rejected, body };
  }
}

/** What the client says where no connection comes about; empty where it waits until its time is up. */
const CONNECT_FAILURES: Partial<Record<Fault | 'none', string>> = {
  refused: 'connect ECONNREFUSED 10.9.0.9:4318',
  'name gone': 'getaddrinfo ENOTFOUND satellite',
  'wrong certificate': 'self-signed certificate',
  'black hole': '',
  'name server silent': '',
};

const STATUSES = {
  '429': { status: 429 },
  '429, Retry-After': { status: 429, headers: { 'retry-after': '7' } },
  '503, Retry-After': { status: 503, headers: { 'retry-after': '30' } },
  '502': { status: 502 },
  '500': { status: 500 },
  '413': { status: 413 },
  redirect: { status: 307, headers: { location: 'http://elsewhere/' } },
} satisfies Partial<Record<Fault, Answer>>;

function read({ url, headers, body }: HttpRequest): Received {
  const text = (headers['Content-Encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
  const value = JSON.parse(text);
  if (url.endsWith('/1.0/ebpf/traces'))
    return { protocol: 'levo', bytes: body.length, ids: value.map((entry: any) => entry.path) };
  const spans: any[] = value.resourceSpans.flatMap((one: any) => one.scopeSpans.flatMap((scope: any) => scope.spans));
  const ids = spans.map((span) => span.attributes.find(({ key }: any) => key === 'url.path').value.stringValue);
  return { protocol: 'otlp', bytes: body.length, ids };
}
