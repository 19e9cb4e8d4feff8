/**
 * The line of a trace, made of the bytes that came: heads and bodies are put into it without a string being made of them.
 *
 * in: `Trace` · out: the bytes of `encodeNdjson` and a newline, where it is made of what can be so taken; most are
 */
import { sentHeadOf } from '../trace/sent-message.js';
import type { Trace, TraceBody, TraceRequest, TraceResponse } from '../trace/trace.js';
import { Assembly, Templates } from './assembly.js';
import {
  beforeBody,
  beforeContent,
  beforeRequestHeaders,
  beforeResponseHeaders,
  behindContent,
  behindResponse,
  headers,
  whyNot,
} from './ndjson.js';

/** Null where the processor has no vectors. */
export function openNdjsonBytes(): NdjsonBytes | null {
  try {
    return new NdjsonBytes();
  } catch {
    return null;
  }
}

export class NdjsonBytes {
  readonly #assembly = new Assembly();
  readonly #heads = new Templates(({ names }) => [
    ...names.map((name, i) => `${i === 0 ? '[' : '"],'}["${name}","`),
    names.length === 0 ? '[]' : '"]]',
  ]);

  /** How many bytes the line has; -1 where it must be made otherwise. */
  encode(trace: Trace): number {
    const assembly = this.#assembly;
    assembly.begin();
    const { request, response } = trace;
    assembly.addWords(beforeRequestHeaders(trace));
    this.#addMessage(request);
    assembly.addWords(beforeResponseHeaders(response));
    if (response !== null) this.#addMessage(response);
    assembly.addWords(`${behindResponse(trace)}\n`);
    return assembly.finish();
  }

  /** The line that was encoded last. */
  copy(target: Buffer, at: number, bytes: number): void {
    this.#assembly.copy(target, at, bytes);
  }

  #addMessage(message: TraceRequest | TraceResponse): void {
    const head = sentHeadOf(message);
    if (head === null) this.#assembly.addWords(headers(message.headers));
    else this.#assembly.addHead(head, this.#heads);
    this.#addBody(`${beforeBody(message.trailers)}{`, message.body);
  }

  #addBody(before: string, body: TraceBody): void {
    this.#assembly.addWords(`${before}${beforeContent(body, 'utf8')}"`);
    this.#assembly.addContent(body.content);
    this.#assembly.addWords(`"${whyNot(body)}${behindContent(body)}`);
  }
}
