/**
 * The bodies of requests that send traces, within a bound that all of them share: so many bytes of bodies at once.
 *
 * in: a request · out: its body is given to a `Receive`; what that says, or a status and what is wrong
 */
import type { IncomingMessage } from 'node:http';
import { type BodyKind, type Refusal, TOO_LARGE } from './read-body.js';

export interface IngestBounds {
  /** Bytes of one body, as sent. */
  readonly request_bytes_max: number;
  /** Bytes as sent of all bodies that are being received or wait for their turn. */
  readonly bodies_bytes_max: number;
}

/** What became of a request's traces. */
export interface Receipt {
  /** Those that are traces, held or not. */
  readonly received: number;
  /** Entries that are no trace, or that there was no way to keep. */
  readonly rejected: number;
  /** What is wrong with the first of them; empty if there is none. */
  readonly reason: string;
  /** A line for each of those received, where they are wanted. */
  readonly lines?: string;
}

/** Takes a body, which is its own from then on, and unpacks one at a time. Rejects only where it has ended. */
export type Receive = (body: Buffer, kind: BodyKind) => Promise<Receipt | Refusal>;

/**
 * The rest of a refused body is read but not kept, as a sender that is still writing would see a reset instead of the
 * answer. At so many times the size that a body may have it is cut off.
 */
const DRAIN_FACTOR = 4;

export class Ingest {
  readonly #bounds: IngestBounds;
  #bodyBytes = 0;

  constructor(bounds: IngestBounds) {
    this.#bounds = bounds;
  }

  /** What became of the body. Rejects where the sender has gone. */
  async take(request: IncomingMessage, protocol: 'otlp' | 'levo', receive: Receive): Promise<Receipt | Refusal> {
    const type = mediaTypeOf(request);
    const isProtobuf = type === 'application/x-protobuf' && protocol === 'otlp';
    if (!isProtobuf && type !== 'application/json')
      return {
        status: 415,
        reason: `Content-Type ${type || 'missing'} is not application/json${protocol === 'otlp' ? ' or application/x-protobuf' : ''}`,
      };
    const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
    if (encoding !== 'identity' && encoding !== 'gzip')
      return { status: 400, reason: `Content-Encoding ${encoding} is not gzip` };
    const held = { bytes: 0 };
    try {
      const body = await this.#readBody(request, held);
      if (!Buffer.isBuffer(body)) return body;
      // From here on the sender waits for its turn, and being quiet is right.
      request.socket.setTimeout(0);
      return await receive(body, { protocol, isPacked: encoding === 'gzip', isProtobuf });
    } finally {
      this.#bodyBytes -= held.bytes;
    }
  }

  /** A body as it is, which is no traces; a `Refusal` where it is too large. */
  async takeBytes(request: IncomingMessage): Promise<Buffer | Refusal> {
    const held = { bytes: 0 };
    try {
      return await this.#readBody(request, held);
    } finally {
      this.#bodyBytes -= held.bytes;
    }
  }

  async #readBody(request: IncomingMessage, held: { bytes: number }): Promise<Buffer | Refusal> {
    const { request_bytes_max, bodies_bytes_max } = this.#bounds;
    const chunks: Buffer[] = [];
    let length = 0;
    let refusal: Refusal | null = null;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > DRAIN_FACTOR * request_bytes_max) break;
      if (length > request_bytes_max) refusal = { status: 413, reason: TOO_LARGE };
      else if (this.#bodyBytes + chunk.length > bodies_bytes_max)
        refusal ??= { status: 503, reason: 'busy with other requests; try again' };
      if (refusal === null) {
        this.#bodyBytes += chunk.length;
        held.bytes += chunk.length;
        chunks.push(chunk);
      } else if (held.bytes > 0) {
        chunks.length = 0;
        this.#bodyBytes -= held.bytes;
        held.bytes = 0;
      }
    }
    return refusal ?? Buffer.concat(chunks, length);
  }
}

/** Gives a body to a `Receive` when the one before is done. */
export function inTurn(receive: Receive): Receive {
  let turn: Promise<unknown> = Promise.resolve();
  return (body, kind) => {
    const received = turn.then(() => receive(body, kind));
    turn = received.catch(() => {});
    return received;
  };
}

export function mediaTypeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
