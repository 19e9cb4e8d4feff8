/** How many messages lost bytes and unread ones may hide. */
import { describe, expect, it } from 'vitest';
import { HiddenMessages } from '../../../src/http/h1/hidden-messages.js';
import { MessageKind } from '../../../src/http/h1/parsed-head.js';
import { StretchSide } from '../../../src/http/h1/stretch.js';

/** Texts of segments, and numbers of bytes lost between them. */
function hidden(kind: MessageKind, ...parts: readonly (string | number)[]): HiddenMessages {
  const side = new StretchSide(0, true);
  for (const part of parts) {
    if (typeof part === 'string') {
      side.pieces.push({ place: side.position, bytes: Buffer.from(part, 'latin1'), acknowledges: 0, time: 0 });
    }
    side.position += typeof part === 'string' ? part.length : part;
  }
  return new HiddenMessages(side, kind);
}

const { request, response } = MessageKind;
const GET = 'GET / HTTP/1.1\r\nHost:\r\n\r\n';

describe('requests that are hidden', () => {
  it('are in lost bytes as many as find room there', () => {
    expect(hidden(request, 24).within(0, 24)).toBe(0);
    expect(hidden(request, 25).within(0, 25)).toBe(1);
    expect(hidden(request, 74).within(0, 74)).toBe(2);
  });

  it('may begin in lost bytes and go on behind them', () => {
    expect(hidden(request, 1, '\r\n\r\n').within(0, 5)).toBe(1);
    expect(hidden(request, 26, '\r\n\r\n').within(0, 30)).toBe(2);
    expect(hidden(request, 26).beginning(0, 26)).toBe(2);
  });

  it('may begin in front of lost bytes, with a line that has not got to its version', () => {
    expect(hidden(request, '{"a":1}', 24).within(0, 31)).toBe(0);
    expect(hidden(request, '{"a":1}G', 24).within(0, 32)).toBe(1);
    expect(hidden(request, '{"a":1}GET / HTT', 15).within(0, 31)).toBe(0);
    expect(hidden(request, '{"a":1}GET / HTT', 16).within(0, 32)).toBe(1);
  });

  it('show their version in captured bytes, in pieces too', () => {
    expect(hidden(request, 'no more than a body').within(0, 19)).toBe(0);
    expect(hidden(request, `body${GET}`, GET).within(0, 54)).toBe(2);
    expect(hidden(request, 'GET / HTT', 'P/1.1\r\nHost: a\r\n\r\n').within(0, 27)).toBe(1);
  });

  it('are none where a segment begins with what is known to be none', () => {
    const one = hidden(request, 42, GET);
    expect(one.within(0, 67)).toBe(3);
    one.none.add(42);
    // Its text is the body of a request whose head was lost.
    expect(one.within(0, 67)).toBe(0);
    const longer = hidden(request, 43, GET);
    longer.none.add(43);
    expect(longer.within(0, 68)).toBe(1);
  });
});

describe('responses that are hidden', () => {
  it('are in lost bytes as many as find room there', () => {
    expect(hidden(response, 16).within(0, 16)).toBe(0);
    expect(hidden(response, 34).within(0, 34)).toBe(2);
  });

  it('show their version in captured bytes', () => {
    expect(hidden(response, 'body HTTP/1.1 200 OK\r\n\r\n').within(0, 24)).toBe(1);
  });
});

describe('lost bytes', () => {
  it('are what a range begins with', () => {
    expect(hidden(request, 'body', 9, 'body').isLost(4, 13, 4)).toBe(true);
    expect(hidden(request, 'body', 4, 'body').isLost(4, 8, 4)).toBe(false);
    expect(hidden(request, 'body', 9, 'body').isLost(0, 13, 4)).toBe(false);
  });
});
