/**
 * Captures of the OISF suricata-verify project, with what tshark saw in them: one HTTP/1 exchange a line.
 *
 * The captures stand beside the repository, not in it; without them this suite says that it was skipped. A capture
 * that disagrees stands in `exceptions.ts` with the reason, or fails.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { needs } from '../support/needs.js';
import { readCapture, tracesOf } from '../support/read-capture.js';
import { sharedConformance } from '../support/shared-conformance.js';
import { comparable, type Expected } from './comparable.js';
import { EXCEPTIONS } from './exceptions.js';

const folder = sharedConformance('suricata-verify');
const captures = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => /\.pcap(ng)?$/.test(name))
      .sort()
  : [];

describe('conformance with tshark', () => {
  if (captures.length === 0) {
    it(`has captures at ${folder}`, needs({ 'captures of suricata-verify': false }), () => {});
    return;
  }

  it.each(captures)('%s', async (name) => {
    const expected = readFileSync(`${folder}/${name.replace(/\.pcap(ng)?$/, '.ndjson')}`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Expected);
    const { exchanges, warning } = await readCapture(`${folder}/${name}`);
    // The expectations are of HTTP/1; what follows an upgrade to HTTP/2 is compared in `http2.test.ts`.
    const traces = (await tracesOf(exchanges)).filter(({ network }) => network.protocol !== '2');
    const actual = comparable(traces, expected);
    const exception = EXCEPTIONS[name];
    if (exception === undefined) {
      expect(warning).toBeNull();
      expect(actual).toEqual(comparable(expected, expected));
    } else {
      expect(exception.reason.length).toBeGreaterThan(20);
      // An exception that has come to agree is not one any more.
      expect(actual).toEqual(exception.actual);
    }
  });

  it('has at most one exception in twenty captures', () => {
    expect(Object.keys(EXCEPTIONS).length).toBeLessThanOrEqual(captures.length / 20);
  });
});
