import { describe, expect, it } from 'vitest';
import { parseTraceparent, traceContextOf } from '../../src/pair/trace-context.js';
import { createTraceIds } from '../../src/pair/trace-ids.js';
import { makeExchange } from '../policy/make-exchange.js';

const T = '0af7651916cd43dd8448eb211c80319c';
const P = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  it.each([
    [`00-${T}-${P}-01`, 1],
    [`00-${T}-${P}-00`, 0],
    [`00-${T}-${P}-ff`, 255],
    [`01-${T}-${P}-01`, 1],
    [`cc-${T}-${P}-03-what-the-future-brings`, 3],
    [`cc-${T}-${P}-03-`, 3],
  ])('%s', (value, flags) => {
    expect(parseTraceparent(value)).toEqual({ traceId: T, parentId: P, flags });
  });

  it.each([
    ['empty', ''],
    ['version ff', `ff-${T}-${P}-01`],
    ['zero trace id', `00-${'0'.repeat(32)}-${P}-01`],
    ['zero parent id', `00-${T}-${'0'.repeat(16)}-01`],
    ['uppercase', `00-${T.toUpperCase()}-${P}-01`],
    ['short trace id', `00-${T.slice(1)}-${P}-01`],
    ['long trace id', `00-${T}0-${P}-01`],
    ['version 00 with more', `00-${T}-${P}-01-more`],
    ['version 00 with a dash', `00-${T}-${P}-01-`],
    ['later version without dash before more', `cc-${T}-${P}-01.more`],
    ['one-digit flags', `00-${T}-${P}-1`],
    ['flags not hex', `00-${T}-${P}-0x`],
    ['no version', `${T}-${P}-01`],
    ['space inside', `00-${T}-${P} -01`],
    ['space before', ` 00-${T}-${P}-01`],
    ['newline after', `00-${T}-${P}-01\n`],
    ['underscore', `00_${T}_${P}_01`],
  ])('%s is invalid', (_, value) => {
    expect(parseTraceparent(value)).toBeNull();
  });
});

describe('traceContextOf', () => {
  const of = (...values: string[]) =>
    traceContextOf(makeExchange({ headers: values.map((value) => ['TraceParent', value]) }).request.headers);

  it('takes trace, parent and the sampled flag from the header', () => {
    expect(of(`00-${T}-${P}-01`)).toEqual({ traceId: T, parentSpanId: P, sampled: true });
    expect(of(`00-${T}-${P}-02`)).toEqual({ traceId: T, parentSpanId: P, sampled: false });
  });

  it('is null without a header, with an invalid one and with two', () => {
    expect(of()).toBeNull();
    expect(of('nonsense')).toBeNull();
    expect(of(`00-${T}-${P}-01`, `00-${T}-${P}-01`)).toBeNull();
  });
});

describe('createTraceIds', () => {
  it('draws each byte once and skips ids of zeros', () => {
    let fills = 0;
    const ids = createTraceIds((bytes) => {
      fills++;
      bytes.fill(0, 0, 32);
      for (let i = 32; i < bytes.length; i++) bytes[i] = i & 0xff;
    });
    expect(ids.traceId()).toBe('202122232425262728292a2b2c2d2e2f');
    expect(ids.spanId()).toBe('3031323334353637');
    for (let i = 0; i < 2000; i++) expect(ids.spanId()).toMatch(/^[0-9a-f]{16}$/);
    expect(fills).toBe(2);
  });
});
