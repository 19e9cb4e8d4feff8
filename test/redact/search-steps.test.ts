/** What a message begins again and again is looked at so often as its length allows; then it leaves without the text. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { SearchSteps, Step } from '../../src/redact/search-steps.js';
import { makeTrace } from './make-trace.js';

const redact = createRedactor({ defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true });

function redacted(parts: Parameters<typeof makeTrace>[0]) {
  const trace = makeTrace(parts);
  redact(trace);
  return { trace, body: Buffer.from(trace.request.body.content).toString(), rules: trace.redactions ?? [] };
}

const json: [string, string][] = [['Content-Type', 'application/json']];
/** A name and a value without end, again encoded, each few bytes. */
const HOSTILE = '=%3D'.repeat(3000);
const LOGIN = '{"user":"ann","password":"hunter2"}';

describe('steps of a search', () => {
  it('are as many as the bytes of a message allow, of a short one as many as of a KiB', () => {
    const steps = new SearchSteps();
    const perByte = DEFAULT_LIMITS.redaction_steps_per_byte_max;
    for (const [texts, bytes] of [
      [[], 1024],
      [[100], 1024],
      [[1000, 1000], 2000],
      [[100, 1024, 876], 2000],
    ] as const) {
      steps.begin();
      for (const text of texts) steps.add(text);
      expect(steps.take(1, bytes * perByte)).toBe(true);
      expect(steps.areSpent).toBe(false);
      expect(steps.take(1)).toBe(false);
      expect(steps.areSpent).toBe(true);
    }
  });

  it('are not those of what is bounded by other means', () => {
    const steps = new SearchSteps();
    steps.begin();
    expect(steps.uncounted(() => steps.take(Step.document, 1e5))).toBe(true);
    expect(steps.areSpent).toBe(false);
  });

  it('end with the whole text replaced, and JSON stays JSON', () => {
    const text = redacted({ body: Buffer.from(HOSTILE) });
    expect(text.body).toBe('REDACTED');
    expect(text.rules).toEqual([{ where: 'request.body', rule: 'bound:work' }]);
    expect(redacted({ body: Buffer.from(`{"a":"${HOSTILE}"}`), requestHeaders: json }).body).toBe('"REDACTED"');
  });

  it('are counted for all headers of a message together', () => {
    const requestHeaders = Array.from({ length: 60 }, (_, i): [string, string] => [
      `X-Note-${i}`,
      HOSTILE.slice(0, 60),
    ]);
    const { trace, rules } = redacted({ requestHeaders });
    expect(trace.request.headers.at(-1)?.[1]).toBe('REDACTED');
    expect(rules).toContainEqual({ where: 'request.header.x-note-59', rule: 'bound:work' });
  });

  it('are those of the next message anew', () => {
    redacted({ body: Buffer.from(HOSTILE) });
    expect(redacted({ body: Buffer.from(LOGIN), requestHeaders: json }).body).toBe(
      '{"user":"ann","password":"REDACTED"}',
    );
  });

  it.each([
    'INFO login user=ann password=hunter2 token=abc123\n',
    'DB_PASSWORD=hunter2secret\n',
    '{"id":1,"token":"abc"}\n',
    'https://a.example/?next=https%3A%2F%2Fb%3Ftoken%3Dabc123 ',
  ])('are enough for a text of %j', (line) => {
    const { body, rules } = redacted({ body: Buffer.from(line.repeat(1000)) });
    expect(rules.map(({ rule }) => rule)).not.toContain('bound:work');
    expect(body).not.toMatch(/hunter2|abc123|"abc"/);
    expect(body.split('REDACTED').length).toBeGreaterThan(1000);
  });

  it('are enough for a megabyte of records with a secret in each', () => {
    const { body, rules } = redacted({ body: Buffer.from(`[${`${LOGIN},`.repeat(30_000)}0]`), requestHeaders: json });
    expect(rules).toEqual([{ where: 'request.body.password', rule: 'name:password' }]);
    expect(body).not.toContain('hunter2');
    expect(body).toContain('"user":"ann"');
  });

  const rows = (row: (i: number) => string, separator: string): string =>
    Array.from({ length: 400 }, (_, i) => row(i)).join(separator);
  const secret = (i: number): string => ((i * 2_654_435_761) >>> 0).toString(36);
  const words = (text: string, separator = ' '): string => {
    const all = text.split(' ');
    return rows((i) => all[i % all.length] as string, separator);
  };
  const DENSE: Readonly<Record<string, readonly [type: string, text: string]>> = {
    'a form of an array': ['application/x-www-form-urlencoded', rows((i) => `filter%5B${i % 9}%5D=of%20all`, '&')],
    'a form that was encoded twice': [
      'application/x-www-form-urlencoded',
      rows((i) => `a%255B${i}%255D=${secret(i)}`, '&'),
    ],
    'a form of tokens': ['application/x-www-form-urlencoded', rows((i) => `token=${secret(i)}${secret(i + 1)}`, '&')],
    'a log with counts of tokens': [
      'text/plain',
      rows((i) => `msg="token count" tokens=${i} key=have pass=true`, '\n'),
    ],
    'a log of credentials': ['text/plain', rows((i) => `Authorization: Bearer ${secret(i)}${secret(i + 1)}`, '\n')],
    'an environment': ['text/plain', rows((i) => `DB_${i}_PASSWORD=${secret(i)}`, '\n')],
    'sentences with passwords': [
      'application/json',
      `{"a":"${rows((i) => `password: ${secret(i)}, pin=${1000 + i}`, ' ')}"}`,
    ],
    'documents in strings': [
      'application/json',
      JSON.stringify(Array.from({ length: 400 }, (_, i) => `{"id":${i},"k":"of"}`)),
    ],
    'short strings': ['application/json', JSON.stringify(Array.from({ length: 400 }, (_, i) => 'abcdef'[i % 6]))],
    'short pins': ['application/json', `[${rows((i) => `{"pin":"${1000 + i}"}`, ',')}]`],
    Vietnamese: ['text/plain', words('mật khẩu của bạn là một để ở')],
    French: ['text/plain', words('é où ça à être même naïve forêt Noël ô')],
    Japanese: ['text/plain', words('パスワード を 入力 してください 。 鍵', '')],
    Russian: ['text/plain', words('и в на пароль это мы с ключ токен слово')],
  };
  it.each(Object.keys(DENSE))('are enough for %s', (name) => {
    const [type, text] = DENSE[name] as readonly [string, string];
    const settings = { defaults: true, headers: [], queries: [], fields: [], patterns: [], bodies: true };
    for (const search of [redact, createRedactor({ ...settings, pii: true })]) {
      const trace = makeTrace({ body: Buffer.from(text), requestHeaders: [['Content-Type', type]] });
      search(trace);
      expect(trace.redactions?.filter(({ rule }) => rule.startsWith('bound:')) ?? []).toEqual([]);
    }
  });
});
