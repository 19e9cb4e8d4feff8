/**
 * A message of a trace whose headers are still as they were sent: pairs of them are made when somebody asks. Most traces go to an
 * output that writes the head's own bytes, and never have any.
 */
import type { HeaderList } from '../http/header-list.js';
import type { HeaderPair } from '../pair/exchange.js';
import type { HeadShape } from './head-shape.js';
import { headerOf, type TraceBody, type TraceRequest, type TraceResponse } from './trace.js';

/** A head as it was sent, but for the values that redaction has replaced. */
export class SentHead {
  readonly list: HeaderList;
  readonly shape: HeadShape;
  #replaced: Map<number, string> | null = null;
  /** Whether those are what is replaced in every head that shares its list. */
  #isAlike = true;
  #pairs: HeaderPair[] | null = null;

  constructor(list: HeaderList, shape: HeadShape) {
    this.list = list;
    this.shape = shape;
  }

  /** Whether nobody has asked for pairs, which may be changed. */
  get isSent(): boolean {
    return this.#pairs === null;
  }

  get pairs(): HeaderPair[] {
    this.#pairs ??= this.#makePairs();
    return this.#pairs;
  }

  set pairs(pairs: HeaderPair[]) {
    this.#pairs = pairs;
  }

  /** The value of the header at a place. */
  value(at: number): string {
    return this.#replaced?.get(at) ?? this.list.valueAt(at);
  }

  /** By the place of a header, what its value was replaced by; null where none was. */
  get replaced(): ReadonlyMap<number, string> | null {
    return this.#replaced;
  }

  replace(at: number, value: string): void {
    this.#replaced ??= new Map();
    this.#replaced.set(at, value);
    this.#isAlike = false;
  }

  /** Replaces what was replaced in another head with the same list. Nothing else is replaced then. */
  replaceAlike(replaced: Map<number, string> | null): void {
    this.#replaced = replaced;
    this.#isAlike = true;
  }

  /** The same object for heads that are the same, replaced values included; null where no others are known to be. */
  get identity(): object | null {
    if (!this.list.isShared || !this.#isAlike) return null;
    return this.#replaced ?? this.list;
  }

  #makePairs(): HeaderPair[] {
    const pairs = this.list.pairs();
    if (this.#replaced !== null) for (const [at, value] of this.#replaced) (pairs[at] as HeaderPair)[1] = value;
    return pairs;
  }
}

/** What both kinds have beside their heads. */
type SentContent = Pick<TraceRequest, 'trailers' | 'body'>;

class SentMessage {
  readonly head: SentHead;
  trailers: HeaderPair[];
  body: TraceBody;

  constructor(head: SentHead, { trailers, body }: SentContent) {
    this.head = head;
    this.trailers = trailers;
    this.body = body;
  }

  get headers(): HeaderPair[] {
    return this.head.pairs;
  }

  set headers(pairs: HeaderPair[]) {
    this.head.pairs = pairs;
  }
}

export class SentRequest extends SentMessage implements TraceRequest {
  method: string;
  scheme: 'http' | 'https';
  authority: string;
  target: string;
  path: string;
  query: string;

  constructor(head: SentHead, content: SentContent, fields: Omit<TraceRequest, 'headers' | keyof SentContent>) {
    super(head, content);
    this.method = fields.method;
    this.scheme = fields.scheme;
    this.authority = fields.authority;
    this.target = fields.target;
    this.path = fields.path;
    this.query = fields.query;
  }
}

export class SentResponse extends SentMessage implements TraceResponse {
  status: number;
  reason: string;

  constructor(head: SentHead, content: SentContent, { status, reason }: Pick<TraceResponse, 'status' | 'reason'>) {
    super(head, content);
    this.status = status;
    this.reason = reason;
  }
}

/** The head of a message, if its headers are as they were sent; null where they are pairs. */
export function sentHeadOf(message: TraceRequest | TraceResponse): SentHead | null {
  return message instanceof SentMessage && message.head.isSent ? message.head : null;
}

/** The value of its first header `Content-Type`. */
export function contentTypeOf(message: TraceRequest | TraceResponse): string | undefined {
  const head = sentHeadOf(message);
  if (head === null) return headerOf(message.headers, 'content-type');
  const at = head.shape.contentType;
  return at < 0 ? undefined : head.value(at);
}

/** A copy with another body, and headers of its own. */
export function withBody<T extends TraceRequest | TraceResponse>(message: T, body: TraceBody): T {
  const { head: _, ...fields } = message as T & { head?: SentHead };
  return { ...fields, headers: message.headers, body } as unknown as T;
}

/** The message without anything but data, as another thread takes it. */
export function asData<T extends TraceRequest | TraceResponse>(message: T): T {
  return message instanceof SentMessage ? withBody(message, message.body) : message;
}
