/**
 * The satellite's side of signatures: whether a request is one of a sensor that knows a key, and new.
 *
 * in: a request's header, the request, the time · out: a `Verdict`
 *
 * First the MAC, then the time, then the nonce: without a key nobody learns anything, fills the memory of nonces or has one refused
 * that is not taken yet. A request that is only too early or late is refused with a signed answer, which has the satellite's time:
 * a sensor whose clock is wrong goes by that from then on.
 */
import { timingSafeEqual } from 'node:crypto';
import { type EnrolmentKey, instanceKey } from './keys.js';
import { Nonces } from './nonces.js';
import {
  isRequestSigned,
  parseRequestSignature,
  type RequestSignature,
  type SignedRequest,
  signAnswer,
} from './signature.js';

/** How far a request's time may be from the satellite's, either way. */
export const CLOCK_WINDOW_MILLIS = 60_000;
/** Nonces remembered: those of two minutes at 1,000 requests a second. */
export const NONCES_MAX = 131_072;
/** Instances whose keys are remembered, so that they are not derived for each request. */
const INSTANCE_KEYS_MAX = 4096;

export interface Verified {
  readonly instance: string;
  readonly keyId: string;
  /** Whose key it is; null where that is not said. */
  readonly organisation: string | null;
  /** Signs the answer: the value of `X-Satellite-Signature`. */
  sign(status: number, body: Uint8Array): string;
}

export type Verdict =
  | { readonly kind: 'signed'; readonly by: Verified }
  /** `by` is there where the MAC is right, so that the answer can be signed. */
  | { readonly kind: 'refused'; readonly why: RefusalReason; readonly by: Verified | null };

export type RefusalReason = 'unsigned' | 'unknown key' | 'forged' | 'clock' | 'replayed' | 'foreign';

/** What a refusal says to a person. */
export const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  unsigned: 'requests take a signature here: give the sensor --enrolment-key-file with a key of this satellite',
  'unknown key': 'signed with a key that this satellite does not have; give both the same key',
  forged: 'the signature does not fit the request: it was changed on its way, or the path was',
  clock: 'its time is too far from the time here; the answer says what time it is',
  replayed: 'it was taken before',
  foreign: 'signed with the key of another organisation than the token is of; give the sensor both of one',
};

export class Verifier {
  readonly #now: () => number;
  readonly #nonces: Nonces;
  #keys: readonly EnrolmentKey[];
  readonly #derived = new Map<string, Buffer>();

  /** @param now milliseconds since 1970 */
  constructor(keys: readonly EnrolmentKey[], now: () => number, noncesMax = NONCES_MAX) {
    this.#keys = keys;
    this.#now = now;
    // What was taken before a restart is not known: that nothing of then is taken makes up for it.
    this.#nonces = new Nonces(noncesMax, now());
  }

  /** Nonces remembered. */
  get noncesHeld(): number {
    return this.#nonces.size;
  }

  /** Other keys count from now on, and no others. */
  use(keys: readonly EnrolmentKey[]): void {
    this.#keys = keys;
    this.#derived.clear();
  }

  /** Whether it is worth reading the body of a request with this header. */
  isPlausible(header: string | readonly string[] | undefined): boolean {
    const signature = parseRequestSignature(header);
    return signature !== null && this.#keys.some(({ id }) => id === signature.keyId);
  }

  /** `anyTime`: whether the time is not looked at, nor the nonce, as in the first step of enrolment, which gives the time. */
  verify(header: string | readonly string[] | undefined, request: SignedRequest, anyTime = false): Verdict {
    const signature = parseRequestSignature(header);
    if (signature === null) return { kind: 'refused', why: 'unsigned', by: null };
    const key = this.#keyOf(signature);
    if (key === null) return { kind: 'refused', why: 'unknown key', by: null };
    if (!isRequestSigned(key, request, signature)) return { kind: 'refused', why: 'forged', by: null };
    const { instance, keyId, nonce, time } = signature;
    const by: Verified = {
      ...{ instance, keyId, organisation: this.#keys.find(({ id }) => id === keyId)?.organisation ?? null },
      sign: (status, body) => signAnswer(key, { nonce, status, time: this.#now(), body }),
    };
    if (anyTime) return { kind: 'signed', by };
    const now = this.#now();
    this.#nonces.forget(now - CLOCK_WINDOW_MILLIS);
    if (Math.abs(time - now) > CLOCK_WINDOW_MILLIS || this.#nonces.isBeyond(time))
      return { kind: 'refused', why: 'clock', by };
    if (!this.#nonces.add(`${instance} ${nonce}`, time)) return { kind: 'refused', why: 'replayed', by: null };
    return { kind: 'signed', by };
  }

  /** A challenge to an instance, which only the satellite can make; it is not remembered. */
  challenge(instance: string): string {
    return this.#challengeAt(instance, this.#now());
  }

  /** Whether a challenge was made for the instance, not long ago. */
  isAnswered(instance: string, challenge: string): boolean {
    const [time = ''] = challenge.split('.');
    if (!/^\d{1,15}$/.test(time) || Math.abs(Number(time) - this.#now()) > CLOCK_WINDOW_MILLIS) return false;
    const given = Buffer.from(challenge);
    return this.#keys.some((_, index) => {
      const expected = Buffer.from(this.#challengeAt(instance, Number(time), index));
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  }

  #challengeAt(instance: string, time: number, index = 0): string {
    const key = this.#keys[index];
    // Signed as an answer to a nonce that no request can have.
    const mac =
      key === undefined
        ? ''
        : signAnswer(instanceKey(key, instance), { nonce: 'challenge', status: 0, time, body: NOTHING });
    return `${time}.${mac.slice(mac.lastIndexOf('=') + 1)}`;
  }

  #keyOf({ keyId, instance }: RequestSignature): Buffer | null {
    const key = this.#keys.find(({ id }) => id === keyId);
    if (key === undefined) return null;
    const name = `${keyId} ${instance}`;
    let derived = this.#derived.get(name);
    if (derived === undefined) {
      derived = instanceKey(key, instance);
      if (this.#derived.size >= INSTANCE_KEYS_MAX) this.#derived.clear();
      this.#derived.set(name, derived);
    }
    return derived;
  }
}

const NOTHING = new Uint8Array();
