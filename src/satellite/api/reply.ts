/** Answers, all with the headers that keep a browser from making anything of what strangers sent. */
import type { ServerResponse } from 'node:http';
import { ANSWER_HEADER } from '../../enrolment/signature.js';
import type { Verified } from '../../enrolment/verifier.js';

/** Nothing that is read here may be run, framed, kept or read by another site; and there is no CORS. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};

/** What a request is refused with. */
export class Refused extends Error {
  readonly status: number;
  readonly more: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.more = more;
  }
}

export function replyJson(response: ServerResponse, code: number, body: unknown): void {
  reply(response, code, 'application/json', JSON.stringify(body));
}

/** Whose request a response answers, where that was signed. */
const SIGNERS = new WeakMap<ServerResponse, Verified>();

/** What `reply` answers is signed. */
export function signAnswersOf(response: ServerResponse, by: Verified): void {
  SIGNERS.set(response, by);
}

export function reply(response: ServerResponse, code: number, type: string, body: string | Uint8Array): void {
  // The rest of a refused request's body is not read, so the connection cannot carry another request.
  if (code >= 400) response.setHeader('Connection', 'close');
  if (code === 503) response.setHeader('Retry-After', '1');
  const signer = SIGNERS.get(response);
  if (signer !== undefined)
    response.setHeader(ANSWER_HEADER, signer.sign(code, typeof body === 'string' ? Buffer.from(body) : body));
  response.writeHead(code, { ...SAFE_HEADERS, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
