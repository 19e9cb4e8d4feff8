/**
 * The line of a trace, made of the bytes that came: heads and bodies are put into it without a string being made of them.
 *
 * in: `Trace` · out: the bytes of `encodeNdjson` and a newline, where it is made of what can be so taken; most are
 */
import type { Endpoint } from '../pair/exchange.js';
import { rpcOf } from '../trace/rpc.js';
import { sentHeadOf } from '../trace/sent-message.js';
import type { Trace, TraceBody, TraceRequest, TraceResponse } from '../trace/trace.js';
import { Assembly, type Constant, Templates } from './assembly.js';
import {
  beforeBody,
  beforeContent,
  behindContent,
  behindResponse,
  client,
  headers,
  kubernetes,
  streamFacts,
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

/** What stands in each line, in its order. */
const WORDS = {
  traceId: '{"traceId":"',
  spanId: '","spanId":"',
  noParent: '","parentSpanId":null',
  parent: '","parentSpanId":"',
  quote: '"',
  server: ',"kind":"server","startTimeUnixNano":"',
  client: ',"kind":"client","startTimeUnixNano":"',
  duration: '","durationNano":"',
  requestEnd: '","timing":{"requestEndNano":"',
  noResponseStart: '","responseStartNano":null},"network":{"interface":"',
  responseStart: '","responseStartNano":"',
  network: '"},"network":{"interface":"',
  protocol: '","protocol":"',
  clientEnd: '","client":{"address":"',
  port: '","port":',
  serverEnd: '},"server":{"address":"',
  networkEnd: '}}',
  brace: '}',
  behind: ',"client":{"address":"',
  peer: ',"source":"peer"}',
  request: ',"request":{"method":"',
  http: '","scheme":"http","authority":"',
  https: '","scheme":"https","authority":"',
  target: '","target":"',
  path: '","path":"',
  query: '","query":"',
  headers: '","headers":',
  noBody: ',"trailers":[],"body":{"wireBytes":0,"bytes":0,"truncated":false,"encoding":"utf8","content":""}',
  wireBytes: ',"trailers":[],"body":{"wireBytes":',
  bytes: ',"bytes":',
  content: ',"truncated":false,"encoding":"utf8","content":"',
  contentEnd: '"}',
  status: '},"response":{"status":',
  reason: ',"reason":"',
  noResponse: '},"response":null',
  noMarks: '},"marks":[]',
  route: ',"route":"',
  end: '}\n',
  routeEnd: '"}\n',
} as const;

export class NdjsonBytes {
  readonly #assembly = new Assembly();
  readonly #heads = new Templates(({ names }) => [
    ...names.map((name, i) => `${i === 0 ? '[' : '"],'}["${name}","`),
    names.length === 0 ? '[]' : '"]]',
  ]);
  readonly #words = constants(this.#assembly);
  readonly #interface = this.#assembly.field();
  readonly #protocol = this.#assembly.field();
  readonly #method = this.#assembly.field();
  readonly #authority = this.#assembly.field();
  readonly #reason = this.#assembly.field();
  readonly #route = this.#assembly.field();

  /** How many bytes the line has; -1 where it must be made otherwise. */
  encode(trace: Trace): number {
    const assembly = this.#assembly;
    assembly.begin();
    const { request, response } = trace;
    this.#addStart(trace);
    this.#addNetwork(trace);
    this.#addRequest(request);
    this.#addMessage(request);
    this.#addResponse(response);
    this.#addEnd(trace);
    return assembly.finish();
  }

  /** The line that was encoded last. */
  copy(target: Buffer, at: number, bytes: number): void {
    this.#assembly.copy(target, at, bytes);
  }

  #addStart({ traceId, spanId, parentSpanId, kind, startTimeUnixNano, durationNano, timing }: Trace): void {
    const assembly = this.#assembly;
    const words = this.#words;
    assembly.addConstant(words.traceId);
    assembly.addPlain(traceId);
    assembly.addConstant(words.spanId);
    assembly.addPlain(spanId);
    if (parentSpanId === null) assembly.addConstant(words.noParent);
    else {
      assembly.addConstant(words.parent);
      assembly.addPlain(parentSpanId);
      assembly.addConstant(words.quote);
    }
    assembly.addConstant(kind === 'server' ? words.server : words.client);
    assembly.addPlain(startTimeUnixNano.toString());
    assembly.addConstant(words.duration);
    assembly.addInteger(Math.round(durationNano));
    assembly.addConstant(words.requestEnd);
    assembly.addInteger(Math.round(timing.requestEndNano));
    if (timing.responseStartNano === null) assembly.addConstant(words.noResponseStart);
    else {
      assembly.addConstant(words.responseStart);
      assembly.addInteger(Math.round(timing.responseStartNano));
      assembly.addConstant(words.network);
    }
  }

  #addNetwork(trace: Trace): void {
    const assembly = this.#assembly;
    const words = this.#words;
    const { network } = trace;
    assembly.addField(this.#interface, network.interface);
    assembly.addConstant(words.protocol);
    assembly.addField(this.#protocol, network.protocol);
    assembly.addConstant(words.clientEnd);
    this.#addEndpoint(network.client);
    assembly.addConstant(words.serverEnd);
    this.#addEndpoint(network.server);
    const facts = streamFacts(network);
    if (facts === '') assembly.addConstant(words.networkEnd);
    else {
      assembly.addConstant(words.brace);
      assembly.addWords(`${facts}}`);
    }
    const { client: behind } = trace;
    if (behind !== undefined) {
      if (behind.source === 'peer' && behind.port !== null) {
        assembly.addConstant(words.behind);
        assembly.addPlain(behind.address);
        assembly.addConstant(words.port);
        assembly.addInteger(behind.port);
        assembly.addConstant(words.peer);
      } else assembly.addWords(client(behind));
    }
    if (trace.kubernetes !== undefined) assembly.addWords(kubernetes(trace.kubernetes));
  }

  #addEndpoint({ address, port }: Endpoint): void {
    const assembly = this.#assembly;
    assembly.addPlain(address);
    assembly.addConstant(this.#words.port);
    assembly.addInteger(port);
  }

  #addRequest(request: TraceRequest): void {
    const assembly = this.#assembly;
    const words = this.#words;
    assembly.addConstant(words.request);
    assembly.addField(this.#method, request.method);
    assembly.addConstant(request.scheme === 'http' ? words.http : words.https);
    assembly.addField(this.#authority, request.authority);
    assembly.addConstant(words.target);
    assembly.addText(request.target);
    assembly.addConstant(words.path);
    assembly.addText(request.path);
    assembly.addConstant(words.query);
    assembly.addText(request.query);
    assembly.addConstant(words.headers);
  }

  #addResponse(response: TraceResponse | null): void {
    const assembly = this.#assembly;
    const words = this.#words;
    if (response === null) {
      assembly.addConstant(words.noResponse);
      return;
    }
    assembly.addConstant(words.status);
    assembly.addInteger(response.status);
    assembly.addConstant(words.reason);
    assembly.addField(this.#reason, response.reason);
    assembly.addConstant(words.headers);
    this.#addMessage(response);
  }

  #addEnd(trace: Trace): void {
    const assembly = this.#assembly;
    const words = this.#words;
    // Of most traces nothing else is to be said.
    if (trace.response === null || !isPlainEnd(trace)) {
      assembly.addWords(`${behindResponse(trace)}\n`);
      return;
    }
    assembly.addConstant(words.noMarks);
    if (trace.route === undefined) assembly.addConstant(words.end);
    else {
      assembly.addConstant(words.route);
      assembly.addField(this.#route, trace.route);
      assembly.addConstant(words.routeEnd);
    }
  }

  #addMessage(message: TraceRequest | TraceResponse): void {
    const head = sentHeadOf(message);
    if (head === null) this.#assembly.addWords(headers(message.headers));
    else this.#assembly.addHead(head, this.#heads);
    this.#addBody(message);
  }

  #addBody({ trailers, body }: TraceRequest | TraceResponse): void {
    const assembly = this.#assembly;
    const words = this.#words;
    if (trailers.length > 0 || !isPlainBody(body)) {
      assembly.addWords(`${beforeBody(trailers)}{${beforeContent(body, 'utf8')}"`);
      assembly.addContent(body.content);
      assembly.addWords(`"${whyNot(body)}${behindContent(body)}`);
    } else if (body.wireBytes === 0 && body.bytes === 0) assembly.addConstant(words.noBody);
    else {
      assembly.addConstant(words.wireBytes);
      assembly.addInteger(body.wireBytes);
      assembly.addConstant(words.bytes);
      assembly.addInteger(body.bytes);
      assembly.addConstant(words.content);
      assembly.addContent(body.content);
      assembly.addConstant(words.contentEnd);
    }
  }
}

/** Whether nothing is said of it behind its response but its route. */
function isPlainEnd(trace: Trace): boolean {
  const { marks, window, messages, messagesSeen, graphql, adjustedCount, watchedShare, redactions } = trace;
  return (
    marks.length === 0 &&
    window === undefined &&
    messages === undefined &&
    messagesSeen === undefined &&
    graphql === undefined &&
    adjustedCount === undefined &&
    watchedShare === undefined &&
    redactions === undefined &&
    rpcOf(trace) === null
  );
}

function isPlainBody({ truncated, codingError, unlabelledCoding, omitted }: TraceBody): boolean {
  return !truncated && codingError === null && unlabelledCoding === undefined && omitted === undefined;
}

function constants(assembly: Assembly): Readonly<Record<keyof typeof WORDS, Constant>> {
  return Object.fromEntries(
    Object.entries(WORDS).map(([name, words]) => [name, assembly.constant(words)]),
  ) as unknown as Record<keyof typeof WORDS, Constant>;
}
