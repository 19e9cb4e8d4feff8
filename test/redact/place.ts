/** Puts a text where a table says that it stands in a trace, and takes it out again. */
import { expect } from 'vitest';
import type { HeaderPair } from '../../src/pair/exchange.js';
import type { Trace } from '../../src/trace/trace.js';
import { CONTENT_TYPES } from './corpus.js';
import { makeTrace, type TraceParts } from './make-trace.js';

/** Puts `text` in its place. */
function partsFor(place: string, text: string): TraceParts {
  const colon = text.indexOf(': ');
  const header: HeaderPair = [text.slice(0, colon), text.slice(colon + 2)];
  if (place === 'header') return { requestHeaders: [header] };
  if (place === 'trailer') return { requestTrailers: [header] };
  if (place === 'response') return { responseHeaders: [header] };
  if (place === 'target') return { target: text };
  const type = CONTENT_TYPES[place];
  if (type === undefined) throw new Error(`no such place: ${place}`);
  return { body: Buffer.from(text), requestHeaders: type === '' ? [] : [['Content-Type', type]] };
}

/** What leaves of a text in its place. */
export function redactedIn(place: string, text: string, using: (trace: Trace) => void): string {
  const trace = makeTrace(partsFor(place, text));
  using(trace);
  const { request, response } = trace;
  const header = request.headers[0] ?? request.trailers[0] ?? response?.headers[0];
  if (place === 'target') {
    // All the ways the URL is told must agree.
    if (!request.target.startsWith('http')) {
      const query = request.query === '' && !text.includes('?') ? '' : `?${request.query}`;
      expect(request.path + query).toBe(request.target);
    }
    return request.target;
  }
  return place in CONTENT_TYPES ? Buffer.from(request.body.content).toString() : (header as HeaderPair).join(': ');
}
