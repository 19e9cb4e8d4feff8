/**
 * Senders known by their signatures: a request is taken if a sensor that knows a key has signed it, and what is answered to it is signed.
 *
 * in: requests, their bodies; the file of keys, which is looked at again while the satellite runs · out: nothing, or a refusal
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EnrolmentKey } from '../../enrolment/keys.js';
import { REQUEST_HEADER } from '../../enrolment/signature.js';
import { REFUSALS, type RefusalReason, type Verified, Verifier } from '../../enrolment/verifier.js';
import { Refused, signAnswersOf } from '../api/reply.js';

export interface GuardSettings {
  /** @throws where they cannot be read */
  readonly readKeys: () => readonly EnrolmentKey[];
  readonly now: () => number;
  readonly onNotice: (notice: string) => void;
}

/** A request whose token was looked at. */
export interface Checked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly organisation: string;
}

/** How often the keys are read again, so that one can take the place of another while traces come. */
const READ_MILLIS = 2000;

export class Guard {
  readonly #settings: GuardSettings;
  readonly #verifier: Verifier;
  readonly #refused: Record<RefusalReason, number> = {
    unsigned: 0,
    'unknown key': 0,
    forged: 0,
    clock: 0,
    replayed: 0,
    foreign: 0,
  };
  readonly #timer: NodeJS.Timeout;
  #ids: string;
  #trouble = '';

  /** @throws where there are no keys */
  constructor(settings: GuardSettings) {
    this.#settings = settings;
    const keys = settings.readKeys();
    this.#verifier = new Verifier(keys, settings.now);
    this.#ids = idsOf(keys);
    this.#timer = setInterval(() => this.#readKeys(), READ_MILLIS).unref();
  }

  /** Requests refused, by reason. */
  get refused(): Readonly<Record<RefusalReason, number>> {
    return this.#refused;
  }

  get verifier(): Verifier {
    return this.#verifier;
  }

  isSigned({ headers }: IncomingMessage): boolean {
    return headers[REQUEST_HEADER] !== undefined;
  }

  /** Before the body is read. @throws Refused where no body could make it right */
  checkHead({ headers }: IncomingMessage): void {
    const header = headers[REQUEST_HEADER];
    if (header === undefined) throw this.#refusal('unsigned');
    if (!this.#verifier.isPlausible(header)) throw this.#refusal('unknown key');
  }

  /**
   * What is answered to it from now on is signed. `organisation`: that of its token; `anyTime`: see `Verifier.verify`.
   *
   * @throws Refused
   */
  check({ request, response, organisation }: Checked, body: Uint8Array, anyTime = false): Verified {
    const { method = '', url = '' } = request;
    const verdict = this.#verifier.verify(request.headers[REQUEST_HEADER], { method, path: url, body }, anyTime);
    if (verdict.by !== null) signAnswersOf(response, verdict.by);
    if (verdict.kind === 'refused') throw this.#refusal(verdict.why);
    if (verdict.by.organisation !== null && verdict.by.organisation !== organisation) throw this.#refusal('foreign');
    return verdict.by;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #refusal(why: RefusalReason): Refused {
    this.#refused[why]++;
    return new Refused(401, REFUSALS[why]);
  }

  #readKeys(): void {
    const { readKeys, onNotice } = this.#settings;
    try {
      const keys = readKeys();
      this.#trouble = '';
      if (idsOf(keys) === this.#ids) return;
      this.#ids = idsOf(keys);
      this.#verifier.use(keys);
      onNotice(`the keys of enrolment have changed: ${COUNT[keys.length - 1] ?? `${keys.length} count`} from now on`);
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#trouble) onNotice(`--enrolment-key-file ${message}: the keys before count`);
      this.#trouble = message;
    }
  }
}

const COUNT = ['one counts', 'two count'];

const idsOf = (keys: readonly EnrolmentKey[]): string =>
  JSON.stringify(keys.map(({ id, organisation }) => [id, organisation]));
