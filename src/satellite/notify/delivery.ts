/**
 * Brings events to their receiver: one request at a time, again where that may help, within bounds.
 *
 * in: events · out: requests; a notice where something is given up
 */
import { randomBytes } from 'node:crypto';
import { parseRetryAfter } from '../../output/satellite/retry-after.js';
import type { NotifyEvent } from './event.js';
import { encodeMessage, headersOf, MESSAGE_EVENTS_MAX, type NotifyForm } from './message.js';

export interface Receiver {
  readonly url: string;
  readonly form: NotifyForm;
  readonly secret: string | null;
}

export interface DeliverySettings extends Receiver {
  /** First wait before a second attempt; each further one is twice as long. */
  readonly retryMillis?: number;
  readonly onNotice: (notice: string) => void;
  /** What need not be told again: it arrived, or was given up. */
  readonly onSettled: (events: readonly NotifyEvent[]) => void;
}

const WAITING_MAX = 1000;
const ATTEMPT_MILLIS = 10_000;
const CLOSE_MILLIS = 2000;
const RETRY_MILLIS = 1000;
const RETRY_MILLIS_MAX = 5 * 60_000;
/** With the waits between them about an hour, so that a receiver may be away for that long. */
const ATTEMPTS_MAX = 20;

type Outcome = { readonly is: 'taken' } | { readonly is: 'refused' | 'failed'; why: string; waitMillis: number | null };

export class Delivery {
  readonly #settings: DeliverySettings;
  readonly #origin: string;
  readonly #stop = new AbortController();
  readonly #end = new AbortController();
  /** Its own address, which a message names. */
  satellite = '';
  #waiting: NotifyEvent[] = [];
  #lost = 0;
  #running: Promise<void> | null = null;

  constructor(settings: DeliverySettings) {
    this.#settings = settings;
    this.#origin = new URL(settings.url).origin;
  }

  /** Takes events; the oldest that wait go where there is no room. */
  add(events: readonly NotifyEvent[]): void {
    if (events.length === 0 || this.#stop.signal.aborted) return;
    this.#waiting.push(...events);
    const excess = this.#waiting.splice(0, Math.max(0, this.#waiting.length - WAITING_MAX));
    if (excess.length > 0) {
      this.#lost += excess.length;
      this.#settings.onSettled(excess);
    }
    this.#running ??= this.#run();
  }

  /** What is on its way may arrive, so that it is known to have; nothing else is begun. */
  async close(): Promise<void> {
    this.#stop.abort();
    const timer = setTimeout(() => this.#end.abort(), CLOSE_MILLIS);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      const events = this.#waiting.splice(0, MESSAGE_EVENTS_MAX);
      const lost = this.#lost;
      this.#lost = 0;
      const why = await this.#deliver(events, lost);
      if (this.#stop.signal.aborted && why !== null) return;
      if (why !== null) {
        this.#settings.onNotice(`${events.length} events were not taken by --notify ${this.#origin}: ${why}`);
        this.#lost += lost + events.length;
      }
      this.#settings.onSettled(events);
    }
    this.#running = null;
  }

  /** Resolves to why it was given up, or null. */
  async #deliver(events: readonly NotifyEvent[], lost: number): Promise<string | null> {
    const { form, retryMillis = RETRY_MILLIS } = this.#settings;
    const message = encodeMessage(form, `msg_${randomBytes(16).toString('hex')}`, events, this.satellite, lost);
    for (let attempt = 1; ; attempt++) {
      const { url, secret } = this.#settings;
      const outcome = await post(url, headersOf(message, secret, Date.now()), message.body, this.#end.signal);
      if (outcome.is === 'taken') return null;
      if (outcome.is === 'refused' || attempt === ATTEMPTS_MAX || this.#stop.signal.aborted) return outcome.why;
      if (attempt === 1) this.#settings.onNotice(`--notify ${this.#origin} ${outcome.why}; it is tried again`);
      const wait = Math.min(outcome.waitMillis ?? retryMillis * 2 ** (attempt - 1), RETRY_MILLIS_MAX);
      await pause(wait * (0.75 + Math.random() / 2), this.#stop.signal);
    }
  }
}

async function post(url: string, headers: Record<string, string>, body: string, stop: AbortSignal): Promise<Outcome> {
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(ATTEMPT_MILLIS)]);
    // A redirect is an answer like any other: what is told goes to whom the option names alone.
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    await response.body?.cancel();
    const { status } = response;
    if (response.ok) return { is: 'taken' };
    const why = `answered ${status}`;
    const isPassing = status >= 500 || status === 408 || status === 425 || status === 429;
    if (!isPassing) return { is: 'refused', why: `it ${why}; check the URL`, waitMillis: null };
    const waitMillis = parseRetryAfter(response.headers.get('retry-after') ?? undefined, Date.now());
    return { is: 'failed', why, waitMillis };
  } catch (error) {
    return { is: 'failed', why: inWords(error as Error), waitMillis: null };
  }
}

function inWords({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `did not answer within ${ATTEMPT_MILLIS / 1000} s`;
  const { code } = (cause ?? {}) as { code?: string };
  return `cannot be reached: ${code ?? message}`;
}

/** Resolves after so long, or at once where it is stopped. */
function pause(millis: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, millis);
    stop.addEventListener('abort', end);
  });
}
