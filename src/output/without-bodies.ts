/**
 * A trace without its bodies, for an output that has no room for them: the exchange is reported all the same.
 *
 * in: `Trace` · out: a copy, whose bodies are truncated to nothing, with the mark `shed`; other outputs keep theirs
 */
import { MARK_ROWS } from '../pair/exchange.js';
import { withBody } from '../trace/sent-message.js';
import type { Trace, TraceBody } from '../trace/trace.js';
import { withoutMessages } from '../trace/trace-builder.js';

const NO_CONTENT = new Uint8Array(0);

export function withoutBodies(trace: Trace): Trace {
  const { request, response, marks } = trace;
  const { name } = MARK_ROWS.shed;
  return {
    ...trace,
    request: withBody(request, without(request.body)),
    response: response === null ? null : withBody(response, without(response.body)),
    marks: marks.includes(name) ? marks : [...marks, name],
    ...(trace.messages === undefined ? {} : { messages: withoutMessages(trace.messages) }),
  };
}

function without(body: TraceBody): TraceBody {
  return body.content.length === 0 ? body : { ...body, content: NO_CONTENT, truncated: true };
}
