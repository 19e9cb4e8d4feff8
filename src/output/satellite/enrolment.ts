/**
 * Requests to a satellite that knows a key: enrolled before anything else is sent, each signed, each answer verified.
 *
 * in: an `HttpClient`, the sensor's identity · out: the same client, which signs; see `enrolment/identity.ts` for what is said
 *
 * All clients of one satellite share an `Enrolment`, and with it the time and the key that it goes by. What a satellite answers that
 * does not know the key is not believed, whatever it says: the request counts as unanswered, and goes out again.
 */

import { Identity, type IdentityContext } from '../../enrolment/identity.js';
import type { EnrolmentKey } from '../../enrolment/keys.js';
import { ANSWER_HEADER, REQUEST_HEADER } from '../../enrolment/signature.js';
import type { Log } from '../log.js';
import { type HttpClient, type HttpReply, type HttpRequest, PostError } from './http-client.js';
import { NOT_HERE } from './satellite-sender.js';

export type Client = Pick<HttpClient, 'post' | 'close'>;

export interface EnrolmentSettings extends IdentityContext {
  /** Reads the keys again, as they may have been changed. @throws Error where they cannot be read */
  readonly readKeys: () => readonly EnrolmentKey[];
  /** Whether what is sent goes out unsigned where the satellite knows nothing of enrolment. */
  readonly isOptional: boolean;
  readonly log: Log;
}

type Headers = HttpRequest['headers'];

const ENROLMENT_PATH = '/v1/enrolment';

/** What a satellite refuses by that does not know the key, or to which the time is wrong. */
const REFUSED: readonly number[] = [401, 403];

export class Enrolment {
  readonly #settings: EnrolmentSettings;
  readonly #identity: Identity;
  /** The satellite's, which enrolment is asked of. */
  readonly #url: string;
  #joining: Promise<void> | null = null;
  #isPlain = false;
  /** The last that was said of keys that cannot be read. */
  #keyTrouble = '';

  /** @param base origin and base path of the satellite, without a trailing slash */
  constructor(base: string, settings: EnrolmentSettings) {
    this.#settings = settings;
    this.#identity = new Identity(settings.readKeys(), settings);
    this.#url = `${base}${ENROLMENT_PATH}`;
  }

  get instance(): string {
    return this.#identity.instance;
  }

  get isEnrolled(): boolean {
    return this.#identity.isEnrolled;
  }

  /**
   * Whether what its clients return was signed: all is that is believed. `isEnrolled` says nothing of an answer, as the failure of another
   * request may have ended it meanwhile.
   */
  get returnsSigned(): boolean {
    return !this.#isPlain;
  }

  /** Whether the satellite was found to know nothing of enrolment, and is sent to all the same. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  /** The client, signing. It throws what the client throws, and where an answer is not believed. */
  signing(client: Client): Client {
    return {
      post: (request, signal) => this.#post(client, request, signal),
      close: () => client.close(),
    };
  }

  async #post(client: Client, request: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    // Twice more: where the satellite has said the time, and where it has lost the first of two keys.
    for (let attempt = 0; ; attempt++) {
      if (!this.#identity.isEnrolled && !this.#isPlain) await this.#join(client, request.headers, signal);
      if (this.#isPlain) return client.post(request, signal);
      const { reply, isBelieved } = await this.#exchange(client, request, signal).catch((error: unknown) => {
        // One that was refused by its head may see a reset instead of the answer; enrolment has a short body, and is answered.
        this.#identity.noteEnrolled(false);
        throw error;
      });
      const isRefused = REFUSED.includes(reply.status);
      if (isBelieved && !isRefused) return reply;
      if (!isBelieved) this.#identity.noteEnrolled(false);
      if (isRefused && attempt < 2) {
        if (!isBelieved) this.#readKeys();
        continue;
      }
      if (isBelieved) return reply;
      throw notBelieved(reply);
    }
  }

  async #exchange(
    client: Client,
    request: HttpRequest,
    signal: AbortSignal,
  ): Promise<{ reply: HttpReply; isBelieved: boolean }> {
    const { pathname, search } = new URL(request.url);
    const signed = this.#identity.sign({ method: 'POST', path: `${pathname}${search}`, body: request.body });
    const headers = { ...request.headers, [REQUEST_HEADER]: signed.header };
    const reply = await client.post({ ...request, headers }, signal);
    const { status, body } = reply;
    return { reply, isBelieved: this.#identity.verify(signed, { status, header: reply.headers[ANSWER_HEADER], body }) };
  }

  /** One at a time, whoever asks. */
  async #join(client: Client, given: Headers, signal: AbortSignal): Promise<void> {
    this.#joining ??= this.#enrol(client, given, signal).finally(() => {
      this.#joining = null;
    });
    return this.#joining;
  }

  /** @throws PostError */
  async #enrol(client: Client, given: Headers, signal: AbortSignal): Promise<void> {
    this.#readKeys();
    this.#identity.beginEnrolment();
    const { log, isOptional } = this.#settings;
    for (;;) {
      const hello = await this.#exchange(client, this.#request(given, { step: 'hello' }), signal);
      const { status } = hello.reply;
      if (hello.isBelieved && status === 200) {
        const join = { step: 'join', challenge: challengeOf(hello.reply.body) };
        const joined = await this.#exchange(client, this.#request(given, join), signal);
        if (!joined.isBelieved || joined.reply.status !== 200) throw notBelieved(joined.reply);
        this.#identity.noteEnrolled(true);
        log.info({ instance: this.instance, satellite: this.#url }, 'enrolled at the satellite');
        return;
      }
      if (REFUSED.includes(status) && this.#identity.tryNextKey()) continue;
      const isUnknown = NOT_HERE.includes(status) || (status < 500 && !REFUSED.includes(status));
      if (!isOptional || !isUnknown || hello.isBelieved) throw notBelieved(hello.reply);
      this.#isPlain = true;
      log.warn(
        { satellite: this.#url, status },
        'the satellite knows nothing of enrolment: traces are sent to it unsigned, and it does not steer',
      );
      return;
    }
  }

  #request(given: Headers, content: object): HttpRequest {
    // What a proxy or the satellite takes besides, such as a token.
    const { 'Content-Encoding': _, ...headers } = given;
    return {
      url: this.#url,
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: Buffer.from(JSON.stringify(content)),
    };
  }

  #readKeys(): void {
    try {
      this.#identity.use(this.#settings.readKeys());
      this.#keyTrouble = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#keyTrouble)
        this.#settings.log.warn({ reason: message }, 'the keys of enrolment cannot be read again: those before count');
      this.#keyTrouble = message;
    }
  }
}

function challengeOf(body: Buffer): string {
  try {
    const { challenge } = JSON.parse(body.toString('utf8')) as { challenge?: unknown };
    return typeof challenge === 'string' ? challenge : '';
  } catch {
    return '';
  }
}

function notBelieved({ status }: HttpReply): PostError {
  if (REFUSED.includes(status))
    return new PostError(
      {
        problem: `it refuses the sensor's key with status ${status}`,
        advice: 'give --enrolment-key-file a key that the satellite has in its own',
      },
      false,
    );
  const isAway = NOT_HERE.includes(status);
  return new PostError(
    {
      problem: isAway
        ? `it knows nothing of enrolment (status ${status})`
        : `its answer (status ${status}) is not signed with a key of --enrolment-key-file`,
      advice: isAway
        ? 'start the satellite with --enrolment-key-file, or leave it out at the sensor'
        : 'nothing is sent to a satellite that does not know the key; check the URL, and what is between',
    },
    // Where the body is that of a trace, it may have been taken all the same.
    status >= 200 && status < 300,
  );
}
