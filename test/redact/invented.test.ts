/**
 * Of a thousand messages made up to get a secret past redaction none does, and of those that only look so nothing is changed.
 * `SEED` gives other values.
 */
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { Random, runSeed } from '../support/random.js';
import type { Invented } from './invented.js';
import { inventedLookAlikes } from './invented-look-alikes.js';
import { inventedSecrets } from './invented-secrets.js';
import { makeTrace } from './make-trace.js';

const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });

/** All that leaves of a message, a part a line. */
function left({ target, headers = [], type, body }: Invented): string {
  const trace = makeTrace({
    ...(target === undefined ? {} : { target }),
    requestHeaders: [
      ...headers.map(([name, value]): [string, string] => [name, value]),
      ...(type === undefined ? [] : [['Content-Type', type] satisfies [string, string]]),
    ],
    ...(body === undefined ? {} : { body: Buffer.from(body as string) }),
  });
  redact(trace);
  const { request } = trace;
  const content = Buffer.from(request.body.content);
  return [request.target, request.query, ...request.headers.flat(), content.toString()].join('\n');
}

/** As someone would read it: with escapes undone, and without the NULs of UTF-16. */
function readings(text: string): string {
  const plain = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return `${text}\n${plain}\n${text.replaceAll('\0', '')}\n${text.replace(/\\n/g, '\n').replace(/\\(["\\/])/g, '$1')}`;
}

describe('messages made up', () => {
  const seed = runSeed();

  it('let no secret through', () => {
    const leaks = inventedSecrets(new Random(seed)).flatMap((message) => {
      const text = readings(left(message));
      const leaked = message.values.filter((value) => text.includes(value));
      return leaked.length === 0 ? [] : [`${message.name}: ${leaked.join(', ')} of ${message.body ?? message.target}`];
    });
    expect(leaks, `SEED=${seed}`).toEqual([]);
  });

  it('keep what is no secret', () => {
    const changed = inventedLookAlikes(new Random(seed)).flatMap((message) => {
      const text = readings(left(message));
      const missed = message.values.filter((value) => !text.includes(value));
      return missed.length === 0 ? [] : [`${message.name}: ${missed.join(', ')} became ${left(message)}`];
    });
    expect(changed, `SEED=${seed}`).toEqual([]);
  });
});
