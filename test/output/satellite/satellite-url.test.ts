import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.js';
import { parseSatelliteUrl } from '../../../src/output/satellite/satellite-url.js';

describe('parseSatelliteUrl', () => {
  it.each([
    ['http://satellite:9999', 'http://satellite:9999', 'satellite', 9999, false],
    ['https://collector.example.com', 'https://collector.example.com', 'collector.example.com', 443, true],
    ['https://h.example/otlp/', 'https://h.example/otlp', 'h.example', 443, true],
    ['http://h.example:4318/v1/traces', 'http://h.example:4318', 'h.example', 4318, false],
    ['http://h.example:4318/base/v1/traces/', 'http://h.example:4318/base', 'h.example', 4318, false],
    ['http://h.example:9999/1.0/ebpf/traces', 'http://h.example:9999', 'h.example', 9999, false],
    ['satellite', 'http://satellite', 'satellite', 80, false],
    ['my_satellite:9999', 'http://my_satellite:9999', 'my_satellite', 9999, false],
    ['localhost:9999/base', 'http://localhost:9999/base', 'localhost', 9999, false],
    [' 192.0.2.7:9999 ', 'http://192.0.2.7:9999', '192.0.2.7', 9999, false],
    ['[2001:db8::1]:9999', 'http://[2001:db8::1]:9999', '2001:db8::1', 9999, false],
    ['HTTPS://H.Example:443', 'https://h.example', 'h.example', 443, true],
  ])('%s', (value, base, host, port, tls) => {
    expect(parseSatelliteUrl(value)).toEqual({
      base,
      host,
      port,
      tls,
      otlpTracesUrl: `${base}/v1/traces`,
      levoTracesUrl: `${base}/1.0/ebpf/traces`,
    });
  });

  it.each([
    ['', /--satellite-url "": empty/],
    ['< INSERT SATELLITE URL HERE >', /placeholder/],
    ['http://h:4317', /4317 .* 4318$/],
    ['h:4317', /4318$/],
    ['grpc://h:4318', /scheme grpc/],
    ['ftp://h', /scheme ftp/],
    ['http://', /not a URL/],
    ['http://h:99999', /not a URL/],
    ['2001:db8::1', /not a URL; .*brackets/],
    ['http://a b', /not a URL/],
    ['http://h:0', /port 0/],
    ['http://h/?x=1', /query/],
    ['http://h/#x', /fragment/],
  ])('refuses %j', (value, message) => {
    expect(() => parseSatelliteUrl(value)).toThrow(UsageError);
    expect(() => parseSatelliteUrl(value)).toThrow(message);
  });

  it.each(['http://user:secret@h', 'user:secret@h:9999', 'ftp://user:secret@h'])(
    'refuses credentials without printing them: %s',
    (value) => {
      let message = '';
      try {
        parseSatelliteUrl(value);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toContain('--satellite-url');
      expect(message).not.toContain('secret');
    },
  );
});
