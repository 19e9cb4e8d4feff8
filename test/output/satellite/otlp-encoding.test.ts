/** What OTLP is written as: protobuf, and JSON for a satellite that takes no protobuf. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SatelliteSettings } from '../../../src/output/satellite/settings.js';
import {
  type Answer,
  type ReceivedRequest,
  type RelayUnderTest,
  type ScriptedSatellite,
  startRelay,
  startScriptedSatellite,
} from '../../support/relay.js';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

let satellite: ScriptedSatellite | undefined;
let under: RelayUnderTest | undefined;

afterEach(async () => {
  await under?.relay.close(0);
  await satellite?.close();
  under = undefined;
  satellite = undefined;
});

async function start(
  answers: (request: ReceivedRequest, index: number) => Answer,
  settings: Partial<SatelliteSettings> = {},
): Promise<RelayUnderTest> {
  satellite = await startScriptedSatellite(answers);
  under = await startRelay(satellite.url, { encoding: 'auto', ...settings }, { batch_traces_max: 1 });
  return under;
}

async function send(...paths: string[]): Promise<void> {
  for (const path of paths) {
    under?.accept(path);
    await under?.relay.flush();
  }
}

const isProtobuf = ({ headers }: ReceivedRequest): boolean => headers['content-type'] === PROTOBUF;
const asked = (): string[] =>
  satellite?.requests.map(({ url, headers }) =>
    [url === '/v1/traces' ? '' : url, headers['content-type'], headers['content-encoding'] ?? ''].join(' ').trim(),
  ) ?? [];
const messages = (): string[] => under?.lines.map(({ message }) => message) ?? [];

describe('OTLP', () => {
  it('is protobuf, packed, where the satellite takes it', async () => {
    await start(() => undefined);
    await send('/1', '/2');
    expect(satellite?.paths).toEqual(['/1', '/2']);
    expect(asked()).toEqual([`${PROTOBUF} gzip`, `${PROTOBUF} gzip`]);
    expect(under?.books()).toEqual([2, 2, 0, 0]);
    expect(under?.counters.export_encoding_refused).toBe(0);
  });

  it.each([415, 400])('is JSON from then on where protobuf is answered %i, counted and said once', async (status) => {
    await start((request) => (isProtobuf(request) ? { status } : undefined), { compression: 'none' });
    await send('/1', '/2');
    expect(satellite?.paths).toEqual(['/1', '/2']);
    expect(asked()).toEqual([PROTOBUF, JSON_TYPE, JSON_TYPE]);
    expect(under?.books()).toEqual([2, 2, 0, 0]);
    expect(under?.counters.export_encoding_refused).toBe(1);
    expect(messages().filter((message) => message.includes('protobuf'))).toEqual([
      'the satellite does not take protobuf: OTLP goes to it as JSON from now on',
    ]);
  });

  it('is plain JSON where neither protobuf nor gzip is taken', async () => {
    await start((request) =>
      isProtobuf(request) || request.headers['content-encoding'] === 'gzip' ? { status: 415 } : undefined,
    );
    await send('/1', '/2');
    expect(satellite?.paths).toEqual(['/1', '/2']);
    expect(asked()).toEqual([`${PROTOBUF} gzip`, PROTOBUF, `${JSON_TYPE} gzip`, JSON_TYPE, JSON_TYPE]);
  });

  it('stays protobuf where it was taken before, and a batch is refused for another reason', async () => {
    await start((_request, index) => (index === 1 ? { status: 400, body: 'no' } : undefined));
    await send('/1', '/2', '/3');
    expect(satellite?.paths).toEqual(['/1', '/3']);
    expect(asked()).toEqual(Array(3).fill(`${PROTOBUF} gzip`));
    expect(under?.books()).toEqual([3, 2, 1, 0]);
  });

  it('is refused as it was sent where JSON fares no better', async () => {
    await start(() => ({ status: 400, headers: { 'Content-Type': 'text/plain' }, body: 'who are you?' }), {
      compression: 'none',
    });
    await send('/1');
    expect(under?.books()).toEqual([1, 0, 1, 0]);
    expect(under?.counters.export_encoding_refused).toBe(0);
    expect(JSON.stringify(under?.lines)).toContain('who are you?');
  });

  it.each(['protobuf', 'json'] as const)('is %s and nothing else where that is asked for', async (encoding) => {
    await start(() => ({ status: 415 }), { encoding, compression: 'none' });
    await send('/1');
    expect(asked()).toEqual([encoding === 'json' ? JSON_TYPE : PROTOBUF]);
    expect(under?.books()).toEqual([1, 0, 1, 0]);
  });

  it('becomes levo where the satellite speaks that, what was queued as protobuf too', async () => {
    await start(({ url }) => (url === '/v1/traces' ? { status: 404 } : undefined), { compression: 'none' });
    under?.accept('/1');
    under?.accept('/2');
    await under?.relay.flush();
    await send('/3');
    expect(satellite?.paths).toEqual(['/1', '/2', '/3']);
    expect(asked()[0]).toBe(PROTOBUF);
    expect(asked().slice(1)).toEqual(Array(3).fill(`/1.0/ebpf/traces ${JSON_TYPE}`));
  });

  it('leaves the spool as JSON where that is asked for now', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'otlp-encoding-'));
    const spool = { directory, bytesMax: 1 << 20 };
    try {
      await start(() => ({ status: 503 }), { spool });
      under?.accept('/1');
      await under?.relay.close(0);
      await satellite?.close();
      await start(() => undefined, { spool, encoding: 'json' });
      await under?.relay.flush();
      expect(satellite?.paths).toEqual(['/1']);
      expect(asked()).toEqual([`${JSON_TYPE} gzip`]);
    } finally {
      await under?.relay.close(0);
      rmSync(directory, { recursive: true });
    }
  });

  it('is halved where it is too large', async () => {
    satellite = await startScriptedSatellite(({ body }) =>
      JSON.parse(body).resourceSpans[0].scopeSpans[0].spans.length > 1 ? { status: 413 } : undefined,
    );
    under = await startRelay(satellite.url, { encoding: 'protobuf' }, { batch_traces_max: 3 });
    for (const path of ['/1', '/2', '/3']) under.accept(path);
    await under.relay.flush();
    expect(satellite.paths).toEqual(['/1', '/2', '/3']);
    expect(asked().every((one) => one.startsWith(PROTOBUF))).toBe(true);
  });
});
