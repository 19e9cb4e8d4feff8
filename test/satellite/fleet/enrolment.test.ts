/** A satellite with keys on loopback, and sensors that have them or not. */
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Identity } from '../../../src/enrolment/identity.js';
import { type EnrolmentKey, keyOf } from '../../../src/enrolment/keys.js';
import { REQUEST_HEADER } from '../../../src/enrolment/signature.js';
import { createConnector } from '../../../src/output/satellite/connector.js';
import { type Client, Enrolment } from '../../../src/output/satellite/enrolment.js';
import { HttpClient, PostError } from '../../../src/output/satellite/http-client.js';
import { parseSatelliteUrl } from '../../../src/output/satellite/satellite-url.js';
import { NO_TLS_SETTINGS } from '../../../src/output/satellite/settings.js';
import { type Satellite, startSatellite } from '../../../src/satellite/satellite.js';
import { newInstance } from '../../../src/sensor/control/state-directory.js';

const FIRST = keyOf('first-key-of-the-fleet');
const SECOND = keyOf('second-key-of-the-fleet');
const ABORT = new AbortController().signal;
const NOTHING = { headers: { 'Content-Type': 'application/json' }, body: Buffer.from('{"resourceSpans":[]}') };

const notices = new EventEmitter();
const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function satelliteWith(keys: { list: readonly EnrolmentKey[] } | null): Promise<Satellite> {
  const satellite = await startSatellite({
    host: '127.0.0.1',
    port: 0,
    traces_max: 10_000,
    readKeys: keys === null ? null : () => keys.list,
    onNotice: (notice) => notices.emit(notice),
  });
  opened.push(() => satellite.close());
  return satellite;
}

function oneTrace(): Buffer {
  const span = {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'GET',
    kind: 2,
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000000001000000',
    attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
  };
  return Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
}

interface SensorSettings {
  readonly keys?: () => readonly EnrolmentKey[];
  readonly skew?: number;
  readonly isOptional?: boolean;
  readonly said?: string[];
}

async function sensorTo(
  url: string,
  { keys = () => [FIRST], skew = 0, isOptional = false, said = [] }: SensorSettings = {},
) {
  const bare = new HttpClient({
    connector: await createConnector(parseSatelliteUrl(url), NO_TLS_SETTINGS),
    timeoutMillis: 5000,
    response_bytes_max: 65_536,
    now: Date.now,
  });
  const note = (_: object, message: string): void => void said.push(message);
  const enrolment = new Enrolment(url, {
    instance: newInstance(),
    now: () => Date.now() + skew,
    randomBytes,
    readKeys: keys,
    isOptional,
    log: { debug: note, info: note, warn: note, error: note },
  });
  const client: Client = enrolment.signing(bare);
  opened.push(() => client.close());
  return { client, enrolment, post: () => client.post({ url: `${url}/v1/traces`, ...NOTHING }, ABORT) };
}

describe('a satellite with a key', () => {
  it('takes what a sensor that has it sends, once that has enrolled', async () => {
    const { url } = await satelliteWith({ list: [FIRST] });
    const { post, enrolment } = await sensorTo(url);
    expect((await post()).status).toBe(200);
    expect(enrolment.isEnrolled).toBe(true);
  });

  it('takes it from one whose clock is wrong by an hour', async () => {
    const { url } = await satelliteWith({ list: [FIRST] });
    for (const skew of [3_600_000, -3_600_000]) expect((await (await sensorTo(url, { skew })).post()).status).toBe(200);
  });

  it('refuses what is not signed, on each path that takes traces', async () => {
    const { url } = await satelliteWith({ list: [FIRST] });
    for (const path of [
      '/v1/traces',
      '/1.0/ebpf/traces',
      `/1.0/packets/${'a'.repeat(32)}/${'b'.repeat(16)}`,
      '/v1/enrolment',
    ]) {
      const response = await fetch(`${url}${path}`, { method: 'POST', ...NOTHING });
      expect(response.status, path).toBe(401);
      expect(await response.text()).toContain('--enrolment-key-file');
      expect(response.headers.get('x-satellite-signature')).toBeNull();
    }
  });

  it('takes what is signed with the key of an organisation with a token of that one alone', async () => {
    const grants = ['acme', 'globex'].map((organisation) => ({
      ...{ organisation, role: 'ingest' as const },
      token: `token-of-${organisation}`,
    }));
    const keys = [{ ...FIRST, organisation: 'acme' }, SECOND];
    const { url, close } = await startSatellite({
      ...{ host: '127.0.0.1', port: 0, traces_max: 10, readKeys: () => keys, grants },
      store: { directory: null, retention: { millis: 1e12, bytes: 1e12 } },
    });
    opened.push(close);
    const status = async (key: EnrolmentKey, organisation: string) => {
      const identity = new Identity([key], { instance: newInstance(), now: () => Date.now() + 1500, randomBytes });
      const { header } = identity.sign({ method: 'POST', path: '/v1/traces', body: NOTHING.body });
      const headers = {
        ...NOTHING.headers,
        [REQUEST_HEADER]: header,
        Authorization: `Bearer token-of-${organisation}`,
      };
      const response = await fetch(`${url}/v1/traces`, { method: 'POST', ...NOTHING, headers });
      return `${response.status} ${response.status === 200 ? '' : await response.text()}`;
    };
    expect(await status(FIRST, 'acme')).toBe('200 ');
    expect(await status(FIRST, 'globex')).toMatch(/^401 .*the key of another organisation/);
    for (const organisation of ['acme', 'globex']) expect(await status(SECOND, organisation)).toBe('200 ');
  });

  it('refuses what is signed and sent again, or sent with another body or to another path', async () => {
    const { url } = await satelliteWith({ list: [FIRST] });
    const identity = new Identity([FIRST], { instance: newInstance(), now: () => Date.now() + 1500, randomBytes });
    const { header } = identity.sign({ method: 'POST', path: '/v1/traces', body: NOTHING.body });
    const send = async (path: string, body: Buffer) =>
      (
        await fetch(`${url}${path}`, {
          method: 'POST',
          headers: { ...NOTHING.headers, [REQUEST_HEADER]: header },
          body,
        })
      ).status;
    expect(await send('/v1/traces', Buffer.from('{"resourceSpans":[ ]}'))).toBe(401);
    expect(await send('/v1/traces?x', NOTHING.body)).toBe(401);
    expect(await send('/v1/traces', NOTHING.body)).toBe(200);
    expect(await send('/v1/traces', NOTHING.body)).toBe(401);
  });

  it('gets nothing from a sensor that has another key, which says so', async () => {
    const satellite = await satelliteWith({ list: [FIRST] });
    const { post } = await sensorTo(satellite.url, { keys: () => [SECOND] });
    await expect(post()).rejects.toThrow("it refuses the sensor's key with status 401");
  });

  it('goes over to another key while traces come: none is refused, lost or taken twice', async () => {
    const keys = { list: [FIRST] };
    const satellite = await satelliteWith(keys);
    const own = { list: [FIRST] };
    const sensors = await Promise.all(
      Array.from({ length: 4 }, () => sensorTo(satellite.url, { keys: () => own.list })),
    );
    let isOver = false;
    let sent = 0;
    const busy = sensors.map(async ({ client }) => {
      while (!isOver) {
        const reply = await client.post({ url: `${satellite.url}/v1/traces`, ...NOTHING, body: oneTrace() }, ABORT);
        expect(reply.status).toBe(200);
        sent++;
      }
    });
    // As an operator does it: the satellite takes both keys, the sensors sign with the new one, the old one goes.
    keys.list = [SECOND, FIRST];
    await once(notices, 'the keys of enrolment have changed: two count from now on');
    own.list = [SECOND, FIRST];
    keys.list = [SECOND];
    await once(notices, 'the keys of enrolment have changed: one counts from now on');
    const atOnce = sent;
    while (sent < atOnce + 40) await sensors[0]?.post();
    isOver = true;
    await Promise.all(busy);
    expect(satellite.received).toBe(sent);
    const late = await sensorTo(satellite.url, { keys: () => [FIRST] });
    await expect(late.post()).rejects.toThrow("it refuses the sensor's key");
  });
});

describe('a sensor with a key', () => {
  it('sends nothing to a satellite that does not know it, whatever that answers', async () => {
    const bodies: string[] = [];
    const server = createServer((request: IncomingMessage, response) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.end('{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { post } = await sensorTo(url);
    await expect(post()).rejects.toThrow('its answer (status 200) is not signed with a key of --enrolment-key-file');
    await expect(post()).rejects.toBeInstanceOf(PostError);
    expect(bodies).toEqual(['{"step":"hello"}', '{"step":"hello"}']);
  });

  it('says what to do where the satellite knows nothing of enrolment', async () => {
    const { url } = await satelliteWith(null);
    const { post } = await sensorTo(url);
    await expect(post()).rejects.toMatchObject({
      message: 'it knows nothing of enrolment (status 404)',
      advice: expect.stringContaining('start the satellite with --enrolment-key-file'),
    });
  });

  it('has its answers believed though another request has failed meanwhile', async () => {
    const { url } = await satelliteWith({ list: [FIRST] });
    const { post, client, enrolment } = await sensorTo(url);
    await post();
    const away = client.post({ url: 'http://127.0.0.1:1/v1/traces', ...NOTHING }, ABORT);
    await expect(away).rejects.toThrow(PostError);
    expect(enrolment).toMatchObject({ isEnrolled: false, returnsSigned: true });
  });

  it('sends unsigned where the key is one that everybody is given', async () => {
    const { url } = await satelliteWith(null);
    const said: string[] = [];
    const { post, enrolment } = await sensorTo(url, { isOptional: true, said });
    expect((await post()).status).toBe(200);
    expect(enrolment).toMatchObject({ isEnrolled: false, isPlain: true, returnsSigned: false });
    expect(said).toEqual([
      'the satellite knows nothing of enrolment: traces are sent to it unsigned, and it does not steer',
    ]);
  });
});
