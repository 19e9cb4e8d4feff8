/**
 * The sensor's side of signatures: who it is, and whether the satellite is one that knows a key.
 *
 * in: requests to be signed, answers to them, a clock, random bytes · out: headers, verdicts
 *
 * Enrolment takes two requests, `POST /v1/enrolment` each, with JSON:
 *
 *     sensor                                     satellite
 *     {"step":"hello"} ─────────────────────▸    knows the key? then it signs what it answers:
 *     signed? then it knows the key, too ◂────   {"challenge":"…"}, and its time, by which the sensor goes from now on
 *     {"step":"join","challenge":"…"} ──────▸    the sensor is there now, and was not recorded: it is listed
 *     enrolled ◂──────────────────────────────   {}
 *
 * Nothing else is sent before that. `hello` may have any time, since the sensor's clock may be wrong; what comes after it may not.
 */
import { type EnrolmentKey, instanceKey } from './keys.js';
import { isAnswerSigned, parseAnswerSignature, type SignedRequest, signRequest } from './signature.js';

export interface IdentityContext {
  /** A UUID version 7, in lower case. */
  readonly instance: string;
  /** Milliseconds since 1970, as the sensor's clock has it, right or wrong. */
  now(): number;
  randomBytes(count: number): Buffer;
}

export interface OutgoingSignature {
  readonly header: string;
  readonly nonce: string;
  readonly key: Buffer;
}

export interface ReceivedAnswer {
  readonly status: number;
  readonly header: string | readonly string[] | undefined;
  readonly body: Uint8Array;
}

const NONCE_BYTES = 16;

export class Identity {
  readonly instance: string;
  readonly #context: IdentityContext;
  #keys: readonly EnrolmentKey[];
  #current = 0;
  /** The satellite's clock less the sensor's, in milliseconds. */
  #offset = 0;
  #isEnrolled = false;

  constructor(keys: readonly EnrolmentKey[], context: IdentityContext) {
    this.#keys = keys;
    this.#context = context;
    this.instance = context.instance;
  }

  get isEnrolled(): boolean {
    return this.#isEnrolled;
  }

  /** The satellite's clock less the sensor's, in milliseconds. */
  get clockOffset(): number {
    return this.#offset;
  }

  noteEnrolled(isEnrolled: boolean): void {
    this.#isEnrolled = isEnrolled;
  }

  /** Other keys count from now on, the first of them first; nothing changes where they are the same. */
  use(keys: readonly EnrolmentKey[]): void {
    const ids = (some: readonly EnrolmentKey[]): string => some.map(({ id }) => id).join();
    if (ids(keys) === ids(this.#keys)) return;
    const current = this.#keys[this.#current]?.id;
    this.#keys = keys;
    const index = keys.findIndex(({ id }) => id === current);
    this.#current = Math.max(0, index);
    if (index < 0) this.#isEnrolled = false;
  }

  /** Enrolment begins, with the first of the keys. */
  beginEnrolment(): void {
    this.#isEnrolled = false;
    this.#current = 0;
  }

  /** The satellite does not know this key: the next one is tried. False where each has had its turn. */
  tryNextKey(): boolean {
    this.#isEnrolled = false;
    this.#current = (this.#current + 1) % this.#keys.length;
    return this.#current !== 0;
  }

  sign(request: SignedRequest): OutgoingSignature {
    const { instance, now, randomBytes } = this.#context;
    const by = this.#keys[this.#current] as EnrolmentKey;
    const key = instanceKey(by, instance);
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    const time = Math.max(0, Math.round(now() + this.#offset));
    return { header: signRequest(key, request, { keyId: by.id, instance, time, nonce }), nonce, key };
  }

  /**
   * Whether the answer to what was signed is one of a satellite that knows the key. If it is, the sensor goes by the satellite's
   * time from now on.
   */
  verify({ nonce, key }: OutgoingSignature, { status, header, body }: ReceivedAnswer): boolean {
    const signature = parseAnswerSignature(header);
    if (signature === null) return false;
    if (!isAnswerSigned(key, { nonce, status, time: signature.time, body }, signature)) return false;
    this.#offset = signature.time - this.#context.now();
    return true;
  }
}

/**
 * A UUID version 7 (RFC 9562 §5.7): milliseconds since 1970, then what is random.
 *
 * @param random 10 bytes
 */
export function uuidVersion7(millis: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(millis % 2 ** 48, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** 16 bytes of a UUID, as OpAMP's `instance_uid` has it. */
export function uuidBytes(uuid: string): Uint8Array {
  return Uint8Array.from(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
}

/** The other way round. */
export function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
