import { describe, expect, it } from 'vitest';
import { encodeNdjson } from '../../src/output/ndjson.js';
import { sampleTrace, traceBody } from '../support/trace.js';

describe('encodeNdjson', () => {
  it('encodes a trace in the contract’s order', () => {
    expect(encodeNdjson(sampleTrace({ parentSpanId: '00f067aa0ba902b7', marks: ['midstream', 'gap'] }))).toBe(
      '{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"00f067aa0ba902b7",' +
        '"kind":"server","startTimeUnixNano":"1752000000123456789","durationNano":"1500000",' +
        '"timing":{"requestEndNano":"1000","responseStartNano":"1200000"},' +
        '"network":{"interface":"lo","protocol":"1.1","client":{"address":"192.0.2.7","port":40000},' +
        '"server":{"address":"10.0.0.5","port":8080}},' +
        '"request":{"method":"GET","scheme":"http","authority":"api.example:8080","target":"/items?limit=2",' +
        '"path":"/items","query":"limit=2","headers":[["Host","api.example:8080"],["Accept","application/json"],' +
        '["Accept","text/plain"],["User-Agent","curl/7.88.1"]],"trailers":[],' +
        '"body":{"wireBytes":0,"bytes":0,"truncated":false,"encoding":"utf8","content":""}},' +
        '"response":{"status":200,"reason":"OK","headers":[["Content-Type","application/json"],["Content-Length","8"]],' +
        '"trailers":[],"body":{"wireBytes":8,"bytes":8,"truncated":false,"encoding":"utf8","content":"{\\"a\\":1}\\n"}},' +
        '"marks":["midstream","gap"]}',
    );
  });

  it('says null for a response that never came', () => {
    const line = encodeNdjson(
      sampleTrace({ response: null, timing: { requestEndNano: 5, responseStartNano: null }, marks: ['no-response'] }),
    );
    expect(JSON.parse(line)).toMatchObject({
      response: null,
      parentSpanId: null,
      timing: { requestEndNano: '5', responseStartNano: null },
      marks: ['no-response'],
    });
  });

  it('names the stream of HTTP/2, and why one side gave it up', () => {
    const { network } = sampleTrace();
    const line = (more: object) => encodeNdjson(sampleTrace({ network: { ...network, protocol: '2', ...more } }));
    expect(line({ streamId: 7 })).toContain('"server":{"address":"10.0.0.5","port":8080},"streamId":7},"request"');
    expect(line({ streamId: 7, streamError: 'CANCEL' })).toContain(',"streamId":7,"streamError":"CANCEL"},"request"');
  });

  it('says what it is as a call', () => {
    const request = { path: '/a.B/C', headers: [['content-type', 'application/grpc']] as [string, string][] };
    const encode = (trailers: [string, string][]) => encodeNdjson(sampleTrace({ request, response: { trailers } }));
    expect(encode([['grpc-status', '5']])).toMatch(
      /"marks":\[\],"rpc":{"system":"grpc","service":"a.B","method":"C","status":"NOT_FOUND"}}$/,
    );
    expect(encode([])).toContain('"status":null}');
  });

  it('stays one line of valid JSON whatever the strings hold', () => {
    const strange = 'a"b\\c\nd\u0000\u2028\ud800';
    const line = encodeNdjson(
      sampleTrace({ request: { target: strange, headers: [['X', strange]], body: traceBody('a\r\nb') } }),
    );
    expect(line).not.toContain('\n');
    expect(JSON.parse(line).request).toMatchObject({ headers: [['X', strange]], body: { content: 'a\r\nb' } });
  });

  it('rounds times that are not whole nanoseconds', () => {
    expect(JSON.parse(encodeNdjson(sampleTrace({ durationNano: 12.5 }))).durationNano).toBe('13');
    expect(JSON.parse(encodeNdjson(sampleTrace({ durationNano: 1e21 - 1e15 }))).durationNano).toMatch(/^\d+$/);
  });

  const bodyOf = (body: ReturnType<typeof traceBody>) =>
    JSON.parse(encodeNdjson(sampleTrace({ response: { body } }))).response.body;

  it.each([
    ['valid UTF-8', Buffer.from('é😀'), false, 'utf8', 'é😀'],
    ['not UTF-8', Buffer.from([0xff, 0x00]), false, 'base64', '/wA='],
    ['cut in a four-byte character', Buffer.from('a😀').subarray(0, 4), true, 'utf8', 'a'],
    ['cut in a two-byte character', Buffer.from('aé').subarray(0, 2), true, 'utf8', 'a'],
    ['cut, but not UTF-8 before the cut either', Buffer.from([0xff, 0x61, 0xc3]), true, 'base64', '/2HD'],
    ['whole, ending in half a character', Buffer.from('aé').subarray(0, 2), false, 'base64', 'YcM='],
    ['a lone lead byte', Buffer.from([0xc3]), true, 'base64', 'ww=='],
    ['not a Buffer', new Uint8Array([0x61, 0x62, 0x63]).subarray(1), false, 'utf8', 'bc'],
  ])('encodes a body that is %s', (_what, content, truncated, encoding, expected) => {
    expect(bodyOf(traceBody(content, { truncated }))).toMatchObject({ encoding, content: expected, truncated });
  });

  it('names a coding error only where there is one', () => {
    expect(bodyOf(traceBody('x'))).not.toHaveProperty('codingError');
    expect(bodyOf(traceBody('x', { codingError: 'gzip: bad header' })).codingError).toBe('gzip: bad header');
  });
});
