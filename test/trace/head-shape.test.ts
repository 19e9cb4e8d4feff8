import { describe, expect, it } from 'vitest';
import { FieldList } from '../../src/http/h2/field-list.js';
import { HeaderList } from '../../src/http/header-list.js';
import { HeadShapes } from '../../src/trace/head-shape.js';

/** A head of lines `name: value`. */
function listOf(lines: readonly string[]): HeaderList {
  let text = 'GET / HTTP/1.1\r\n';
  const spans: number[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    spans.push(text.length, text.length + colon, text.length + colon + 2, text.length + line.length);
    text += `${line}\r\n`;
  }
  return new HeaderList(text, spans, true);
}

describe('the shape of a head', () => {
  it('is the same for the same names in the same order, whatever their values', () => {
    const shapes = new HeadShapes();
    const one = shapes.of(listOf(['Host: a', 'X-Forwarded-For: b']));
    expect(one).toMatchObject({ lowercase: ['host', 'x-forwarded-for'], contentType: -1, mayNameClient: true });
    expect(shapes.of(listOf(['Host: other', 'X-Forwarded-For: ']))).toBe(one);
    expect(shapes.of(listOf(['Host: a', 'X-Forwarded-Fox: b']))).not.toBe(one);
    expect(shapes.of(listOf(['X-Forwarded-For: b', 'Host: a']))).not.toBe(one);
    expect(shapes.of(listOf(['host: a', 'x-forwarded-for: b']))?.names).toEqual(['host', 'x-forwarded-for']);
  });

  it('says where the media type is, and whether names come again', () => {
    const shapes = new HeadShapes();
    expect(shapes.of(listOf(['A: 1', 'Content-Type: x']))).toMatchObject({ contentType: 1, hasRepeats: false });
    expect(shapes.of(listOf(['A: 1', 'a: 2']))).toMatchObject({ contentType: -1, hasRepeats: true });
    expect(shapes.of(listOf([]))).toMatchObject({ names: [], mayNameClient: false });
  });

  it('is none of what is better looked at pair by pair', () => {
    const shapes = new HeadShapes();
    expect(shapes.of(listOf(['Content-Type: a', 'content-type: b']))).toBeNull();
    expect(shapes.of(listOf(['Not a name: a']))).toBeNull();
    expect(shapes.of(listOf([`${'x'.repeat(65)}: a`]))).toBeNull();
    expect(shapes.of(listOf(Array.from({ length: 65 }, (_, i) => `h${i}: a`)))).toBeNull();
    expect(shapes.of(new FieldList(['a', '1'], 2))).toBeNull();
  });
});
