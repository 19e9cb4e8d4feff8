/**
 * What is signed, and how: requests of a sensor, and the satellite's answers to them.
 *
 * in: a request or an answer, a key · out: the header that signs it, or what such a header says
 *
 *     X-Sensor-Signature: v=1, key=ID, instance=UUID, time=MILLIS, nonce=TEXT, mac=TEXT
 *     X-Satellite-Signature: v=1, time=MILLIS, mac=TEXT
 *
 * The MAC is HMAC-SHA-256 (RFC 2104) over lines that end in a line feed, none of which can hold one:
 *
 *     request                                         answer
 *     pcap-sensor request 1                           pcap-sensor answer 1
 *     method                                          the request's nonce
 *     path and query, as sent                         status
 *     instance                                        time
 *     time, milliseconds since 1970                   SHA-256 of the body, in hex
 *     nonce
 *     SHA-256 of the body as sent, in hex
 *
 * The first lines differ, so that neither can be taken for the other; and an answer belongs to one request alone.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export const REQUEST_HEADER = 'x-sensor-signature';
export const ANSWER_HEADER = 'x-satellite-signature';

export interface SignedRequest {
  readonly method: string;
  /** With the query, as it stands in the request line. */
  readonly path: string;
  readonly body: Uint8Array;
}

export interface RequestSignature {
  readonly keyId: string;
  /** The instance's UUID, in lower case. */
  readonly instance: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly nonce: string;
  readonly mac: string;
}

export interface SignedAnswer {
  /** Of the request that it answers. */
  readonly nonce: string;
  readonly status: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly body: Uint8Array;
}

export interface AnswerSignature {
  readonly time: number;
  readonly mac: string;
}

/** Longer ones are not looked at. */
const HEADER_LENGTH_MAX = 512;
/** Of 16 random bytes, in base64url. */
const NONCE = '[A-Za-z0-9_-]{22}';
/** Of 32 bytes, in base64url. */
const MAC = '[A-Za-z0-9_-]{43}';
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const REQUEST_FORM = new RegExp(
  `^v=1, key=([A-Za-z0-9_-]{12}), instance=(${UUID}), time=(\\d{1,15}), nonce=(${NONCE}), mac=(${MAC})$`,
);
const ANSWER_FORM = new RegExp(`^v=1, time=(\\d{1,15}), mac=(${MAC})$`);

export type Unsigned = Omit<RequestSignature, 'mac'>;

/** The value of `X-Sensor-Signature`. */
export function signRequest(key: Uint8Array, request: SignedRequest, by: Unsigned): string {
  const mac = requestMac(key, request, by).toString('base64url');
  return `v=1, key=${by.keyId}, instance=${by.instance}, time=${by.time}, nonce=${by.nonce}, mac=${mac}`;
}

/** The value of `X-Satellite-Signature`. */
export function signAnswer(key: Uint8Array, answer: SignedAnswer): string {
  return `v=1, time=${answer.time}, mac=${answerMac(key, answer).toString('base64url')}`;
}

/** What the header says; null where it is none. */
export function parseRequestSignature(header: string | readonly string[] | undefined): RequestSignature | null {
  const [, keyId = '', instance = '', time = '', nonce = '', mac = ''] = matched(header, REQUEST_FORM);
  return mac === '' ? null : { keyId, instance, time: Number(time), nonce, mac };
}

/** What the header says; null where it is none. */
export function parseAnswerSignature(header: string | readonly string[] | undefined): AnswerSignature | null {
  const [, time = '', mac = ''] = matched(header, ANSWER_FORM);
  return mac === '' ? null : { time: Number(time), mac };
}

function matched(header: string | readonly string[] | undefined, form: RegExp): readonly string[] {
  return typeof header === 'string' && header.length <= HEADER_LENGTH_MAX ? (form.exec(header) ?? []) : [];
}

/** Takes as long whatever is wrong with the MAC. */
export function isRequestSigned(key: Uint8Array, request: SignedRequest, signature: RequestSignature): boolean {
  return isSame(requestMac(key, request, signature), signature.mac);
}

/** Takes as long whatever is wrong with the MAC. */
export function isAnswerSigned(key: Uint8Array, answer: SignedAnswer, { mac }: AnswerSignature): boolean {
  return isSame(answerMac(key, answer), mac);
}

/** 43 characters have two bits more than 32 bytes: one text alone is taken, so that nobody makes a second one of it. */
function isSame(expected: Buffer, given: string): boolean {
  return timingSafeEqual(Buffer.from(expected.toString('base64url')), Buffer.from(given));
}

function requestMac(key: Uint8Array, request: SignedRequest, by: Unsigned): Buffer {
  const { method, path, body } = request;
  return macOf(key, ['pcap-sensor request 1', method, path, by.instance, by.time, by.nonce, digestOf(body)]);
}

function answerMac(key: Uint8Array, { nonce, status, time, body }: SignedAnswer): Buffer {
  return macOf(key, ['pcap-sensor answer 1', nonce, status, time, digestOf(body)]);
}

function macOf(key: Uint8Array, lines: readonly (string | number)[]): Buffer {
  return createHmac('sha256', key)
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest();
}

function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
