import { afterEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  pathsOf,
  type ReceivedRequest,
  type RelayUnderTest,
  type ScriptedSatellite,
  startRelay,
  startScriptedSatellite,
} from '../../support/relay.js';

let satellite: ScriptedSatellite | undefined;
let under: RelayUnderTest | undefined;

afterEach(async () => {
  await under?.relay.close(0);
  await satellite?.close();
  under = undefined;
  satellite = undefined;
});

async function script(answers: (request: ReceivedRequest, index: number) => Answer): Promise<string> {
  satellite = await startScriptedSatellite(answers);
  return satellite.url;
}

/** Answers in turn; the last one for ever. */
const inTurn =
  (...answers: Answer[]) =>
  (_request: ReceivedRequest, index: number): Answer =>
    answers[Math.min(index, answers.length - 1)];

const warnings = (): string[] => under!.lines.filter((line) => line.level === 'warn').map((line) => line.message);

describe('a batch', () => {
  it('goes out compressed, tagged and whole', async () => {
    under = await startRelay(await script(() => undefined), {
      workspaceId: 'w-1',
      headers: { authorization: 'Bearer t' },
    });
    under.accept('/1');
    under.accept('/2');
    await under.relay.flush();
    expect(satellite?.paths).toEqual(['/1', '/2']);
    expect(satellite?.requests.map((request) => [request.url, request.headers])).toEqual([
      [
        '/v1/traces',
        expect.objectContaining({
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'user-agent': 'pcap-sensor/0.1.0',
          'x-levo-organization-id': 'org-1',
          'x-levo-workspace-id': 'w-1',
          authorization: 'Bearer t',
        }),
      ],
    ]);
    expect(under.books()).toEqual([2, 2, 0, 0]);
    expect(under.counters).toMatchObject({ batches_exported: 1, queue_traces: 0, queue_bytes: 0 });
  });

  it('closes at so many traces', async () => {
    under = await startRelay(await script(() => undefined), {}, { batch_traces_max: 3 });
    for (let i = 0; i < 7; i++) under.accept(`/${i}`);
    await under.relay.flush();
    expect(
      satellite?.requests.map((request) => JSON.parse(request.body).resourceSpans[0].scopeSpans[0].spans.length),
    ).toEqual([3, 3, 1]);
    expect(satellite?.paths).toEqual(['/0', '/1', '/2', '/3', '/4', '/5', '/6']);
  });

  it('closes at so many bytes, and one too large goes alone', async () => {
    under = await startRelay(await script(() => undefined), {}, { batch_bytes_max: 12_000 });
    for (const [path, bytes] of [
      ['/a', 3000],
      ['/b', 3000],
      ['/big', 50_000],
      ['/c', 0],
    ] as const)
      under.accept(path, bytes);
    await under.relay.flush();
    expect(
      satellite?.requests.map((request) => JSON.parse(request.body).resourceSpans[0].scopeSpans[0].spans.length),
    ).toEqual([2, 1, 1]);
    for (const request of satellite?.requests ?? [])
      if (!request.body.includes('/big')) expect(request.body.length).toBeLessThanOrEqual(12_000);
  });

  it('closes at the export interval', async () => {
    under = await startRelay(await script(() => undefined), { exportIntervalMillis: 20 });
    under.accept('/1');
    while (under.counters.batches_exported === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(satellite?.paths).toEqual(['/1']);
  });
});

describe('delivery', () => {
  it.each([429, 502, 503, 504])('tries again after %i, with growing full jitter', async (status) => {
    under = await startRelay(await script(inTurn({ status }, { status }, { status }, undefined)));
    under.accept('/1');
    await under.relay.flush();
    expect(under.clock.slept).toEqual([500, 1000, 2000]);
    expect(satellite?.paths).toEqual(['/1']);
    expect(under.books()).toEqual([1, 1, 0, 0]);
    expect(under.counters.export_retries).toBe(3);
    expect(under.relay.status).toMatchObject({ reachable: true, protocol: 'otlp' });
  });

  it('does not let the wait grow beyond its cap', async () => {
    under = await startRelay(await script((_request, index) => (index < 9 ? { status: 503 } : undefined)));
    under.accept('/1');
    await under.relay.flush();
    expect(under.clock.slept).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000]);
  });

  it.each([
    ['7', 7500],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5500],
    ['99999999', 600_500],
    ['soon', 500],
  ])('obeys Retry-After: %s', async (value, slept) => {
    under = await startRelay(await script(inTurn({ status: 503, headers: { 'Retry-After': value } }, undefined)));
    under.accept('/1');
    await under.relay.flush();
    expect(under.clock.slept).toEqual([slept]);
  });

  it.each([400, 401, 403, 422, 500])('gives up a batch answered %i, and logs why once', async (status) => {
    under = await startRelay(
      await script(() => ({ status, body: `no: ${status}` })),
      { protocol: 'otlp', compression: 'none' },
      { batch_traces_max: 1 },
    );
    for (let i = 0; i < 3; i++) under.accept(`/${i}`);
    await under.relay.flush();
    expect(satellite?.requests.length).toBe(3);
    expect(under.books()).toEqual([3, 0, 3, 0]);
    expect(under.counters.batches_refused).toBe(3);
    expect(under.lines.filter((line) => line.level === 'warn').map((line) => line.fields)).toEqual([
      { reason: `status ${status}`, traces: 1, body: `no: ${status}` },
    ]);
  });

  it.each(['otlp', 'levo'] as const)(
    'sends what is too large (413) in halves, down to one trace: %s',
    async (protocol) => {
      under = await startRelay(
        await script((request) => {
          const paths = pathsOf(request);
          return paths.length > 2 || paths.includes('/5') ? { status: 413, body: 'too much' } : undefined;
        }),
        { protocol },
      );
      for (let i = 0; i < 11; i++) under.accept(`/${i}`, i);
      await under.relay.flush();
      expect(satellite?.paths).toEqual(['/0', '/1', '/2', '/3', '/4', '/6', '/7', '/8', '/9', '/10']);
      expect(under.books()).toEqual([11, 10, 1, 0]);
      expect(under.counters).toMatchObject({ batches_refused: 1, export_retries: 0, queue_traces: 0, queue_bytes: 0 });
      // The one that is always too large was sent once more without its body.
      expect(under.counters.export_traces_bared).toBe(1);
      expect(under.counters.batches_split).toBe(satellite!.requests.length - under.counters.batches_exported - 2);
      expect(under.lines.filter((line) => line.level === 'warn').map((line) => line.fields)).toEqual([
        { reason: 'status 413', traces: 1, body: 'too much' },
      ]);
      for (const request of satellite!.requests) JSON.parse(request.body);
    },
  );

  it.each(['otlp', 'levo'] as const)(
    'sends one trace that is too large again without its body: %s',
    async (protocol) => {
      under = await startRelay(
        await script(({ body }) => (body.length > 20_000 ? { status: 413 } : undefined)),
        { protocol },
        { batch_bytes_max: 1000 },
      );
      under.accept('/large', 30_000);
      under.accept('/small', 10);
      await under.relay.flush();
      expect(satellite?.paths).toEqual(['/large', '/small']);
      expect(under.books()).toEqual([2, 2, 0, 0]);
      expect(under.counters).toMatchObject({ export_traces_bared: 1, batches_split: 0, batches_refused: 0 });
      const [, bare = { body: '' }] = satellite!.requests;
      expect(bare.body).toContain(
        protocol === 'otlp' ? '"http.response.body.truncated"' : '"body":"","truncated":true',
      );
      if (protocol === 'otlp') expect(bare.body).toContain('{"stringValue":"shed"}');
    },
  );

  it('makes batches that the satellite takes, once it has called one too large', async () => {
    const bytesMax = 20_000;
    under = await startRelay(
      await script(({ body }) => (body.length > bytesMax ? { status: 413 } : undefined)),
      {},
      { batch_bytes_max: 100_000 },
    );
    const send = (): void => {
      for (let i = 0; i < 50; i++) under!.accept(`/${i}`, 1000);
    };
    send();
    await under.relay.flush();
    const split = under.counters.batches_split;
    expect(split).toBeGreaterThan(2);
    send();
    await under.relay.flush();
    expect(under.books()).toEqual([100, 100, 0, 0]);
    expect(under.counters.batches_split).toBe(split);
  });

  it('keeps the rest of a halved batch while the satellite is away', async () => {
    let away = false;
    under = await startRelay(
      await script((request) => {
        if (away) return { status: 503 };
        if (pathsOf(request).length > 2) return { status: 413 };
        away = true;
        return undefined;
      }),
    );
    for (let i = 0; i < 8; i++) under.accept(`/${i}`);
    void under.relay.flush();
    while (under.counters.export_retries < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(under.books()).toEqual([8, 2, 0, 6]);
    expect(under.counters.queue_traces).toBe(6);
    await under.relay.close(0);
    expect(under.books()).toEqual([8, 2, 6, 0]);
    expect(under.counters).toMatchObject({ queue_traces: 0, queue_bytes: 0 });
  });

  it('does not follow a redirect', async () => {
    under = await startRelay(await script(() => ({ status: 307, headers: { Location: 'http://127.0.0.1:1/' } })));
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 0, 1, 0]);
    expect(warnings()).toEqual([expect.stringContaining('redirects are not followed')]);
  });

  it('counts what a partial success rejects', async () => {
    const body = JSON.stringify({ partialSuccess: { rejectedSpans: '2', errorMessage: 'too old' } });
    under = await startRelay(await script(() => ({ status: 200, body })));
    for (let i = 0; i < 5; i++) under.accept(`/${i}`);
    await under.relay.flush();
    expect(under.books()).toEqual([5, 3, 2, 0]);
    expect(under.counters.export_traces_rejected).toBe(2);
    expect(under.lines.find((line) => line.level === 'warn')?.fields).toEqual({
      rejected: 2,
      of: 5,
      reason: 'too old',
    });
  });

  it('takes a success whose body breaks off for a success', async () => {
    under = await startRelay(
      await script(() => (_request, response) => {
        response.writeHead(200, { 'Content-Length': '1000' });
        response.write('{', () => response.destroy());
      }),
    );
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });

  it('reads no more of an answer than its cap', async () => {
    under = await startRelay(await script(() => ({ status: 400, body: 'x'.repeat(5_000_000) })), {
      compression: 'none',
    });
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 0, 1, 0]);
    expect(under.lines.find((line) => line.level === 'warn')?.fields.body.length).toBe(500);
  });

  it('sends again after a reset before the answer', async () => {
    under = await startRelay(await script(inTurn((_request, response) => response.destroy(), undefined)));
    under.accept('/1');
    await under.relay.flush();
    expect(satellite?.paths).toEqual(['/1']);
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });

  it('sends again when no answer comes in time', async () => {
    under = await startRelay(await script(inTurn(() => {}, undefined)), {
      timing: { attemptTimeoutMillis: 50, backoffInitialMillis: 1000, backoffMaxMillis: 1000, retryAfterMaxMillis: 1 },
    });
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
    expect(warnings()[0]).toContain('no answer within 50 ms');
  });

  it('says nothing about a success whose body is no answer', async () => {
    under = await startRelay(await script(() => ({ status: 200, body: '<html>partialSuccess</html>' })));
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });

  it('logs no secret, whatever goes wrong', async () => {
    const url = await script((_request, index) => [{ status: 503 }, { status: 401, body: 'who?' }, undefined][index]);
    under = await startRelay(url, { headers: { authorization: 'Bearer hunter2' } }, { batch_traces_max: 1 });
    for (let i = 0; i < 3; i++) under.accept(`/${i}`);
    await under.relay.flush();
    expect(satellite?.requests[0]?.headers.authorization).toBe('Bearer hunter2');
    expect(under.lines.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(under.lines)).not.toContain('hunter2');
  });

  it('does without gzip where it is refused', async () => {
    under = await startRelay(
      await script((request) => (request.headers['content-encoding'] === 'gzip' ? { status: 415 } : undefined)),
      {},
      { batch_traces_max: 1 },
    );
    under.accept('/1');
    await under.relay.flush();
    under.accept('/2');
    await under.relay.flush();
    expect(satellite?.requests.map((request) => request.headers['content-encoding'])).toEqual([
      'gzip',
      undefined,
      undefined,
    ]);
    expect(under.books()).toEqual([2, 2, 0, 0]);
  });
});

it('passes on the address it connects to', async () => {
  const told: string[] = [];
  const url = (await script(() => undefined)).replace('127.0.0.1', 'localhost');
  under = await startRelay(url, {}, {}, { onAddress: (address) => told.push(address) });
  for (const path of ['/1', '/2']) {
    under.accept(path);
    await under.relay.flush();
  }
  // The connection is kept: by its name first, by its other end then.
  expect(told.length).toBeGreaterThanOrEqual(2);
  expect(told.at(-1)).toBe('127.0.0.1');
});

describe('the queue', () => {
  it('lets all who wait for room wait for one promise, which ends with the sending', async () => {
    under = await startRelay(await script(() => () => {}), {}, { queue_bytes_max: 200_000, batch_bytes_max: 20_000 });
    for (let i = 0; i < 10; i++) under.accept(`/${i}`, 12_000);
    const waiting = under.relay.drained();
    expect(waiting).toBeDefined();
    for (let i = 0; i < 20; i++) expect(under.relay.drained()).toBe(waiting);
    under.relay.hurry();
    await waiting;
  });

  it('gives up the oldest and counts them exactly', async () => {
    let away = true;
    const url = await script(() => (away ? { status: 503 } : undefined));
    under = await startRelay(url, { compression: 'none' }, { batch_traces_max: 1, queue_bytes_max: 60_000 });
    for (let i = 0; i < 20; i++) {
      under.accept(`/${i}`, 10_000);
      await new Promise((resolve) => setImmediate(resolve));
      expect(under.counters.queue_bytes).toBeLessThanOrEqual(60_000);
    }
    const [, , undeliverable, inFlight] = under.books();
    expect(undeliverable + inFlight).toBe(20);
    away = false;
    await under.relay.flush();
    const [, exported] = under.books();
    expect(under.books()).toEqual([20, exported, 20 - exported, 0]);
    expect(exported).toBeGreaterThanOrEqual(4);
    // The newest are kept, in order.
    expect(satellite?.paths.at(-1)).toBe('/19');
    expect(under.counters.batches_evicted).toBe(20 - exported);
  });

  it('delivers exchanges with bodies larger than itself, and with several at once', async () => {
    under = await startRelay(await script(() => undefined), { compression: 'none' }, { queue_bytes_max: 400_000 });
    for (const [path, bytes] of [
      ['/larger', 900_000],
      ['/two', 150_000],
      ['/three', 150_000],
    ] as const) {
      under.accept(path, bytes);
      await under.relay.flush();
    }
    for (let i = 0; i < 4; i++) under.accept(`/${i}`, 120_000);
    expect(under.counters.queue_bytes).toBeLessThanOrEqual(400_000);
    await under.relay.flush();
    expect(satellite?.paths.toSorted()).toEqual(['/0', '/1', '/2', '/3', '/larger', '/three', '/two']);
    expect(under.books()).toEqual([7, 7, 0, 0]);
  });
});

describe('stopping', () => {
  it('sends what is held', async () => {
    under = await startRelay(await script(() => undefined));
    under.accept('/1');
    await under.relay.close(5000);
    expect(satellite?.paths).toEqual(['/1']);
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });

  it('counts what it could not send by the deadline', async () => {
    under = await startRelay(await script(() => () => {}));
    under.accept('/1');
    under.accept('/2');
    await under.relay.close(50);
    expect(under.books()).toEqual([2, 0, 2, 0]);
    expect(under.counters.queue_traces).toBe(0);
  });
});

describe('the protocol', () => {
  it.each([404, 405, 501])('is levo where /v1/traces answers %i, said once', async (status) => {
    under = await startRelay(
      await script((request) => (request.url === '/v1/traces' ? { status } : undefined)),
      {},
      { batch_traces_max: 2 },
    );
    for (let i = 0; i < 5; i++) under.accept(`/${i}`);
    await under.relay.flush();
    under.accept('/5');
    await under.relay.flush();
    expect(satellite?.paths).toEqual(['/0', '/1', '/2', '/3', '/4', '/5']);
    expect(satellite?.requests.filter((request) => request.url === '/v1/traces').length).toBe(1);
    expect(satellite?.requests.slice(1).every((request) => request.headers['content-encoding'] === undefined)).toBe(
      true,
    );
    expect(under.lines.filter((line) => line.level === 'info').map((line) => line.message)).toEqual([
      'satellite protocol levo: no OTLP on /v1/traces, but it took traces on /1.0/ebpf/traces',
    ]);
    expect(under.books()).toEqual([6, 6, 0, 0]);
  });

  it('encodes a trace the same whether it was queued as OTLP first or not', async () => {
    const auto = await startRelay(
      await script((request) => (request.url === '/v1/traces' ? { status: 404 } : undefined)),
    );
    auto.accept('/1', 10);
    await auto.relay.flush();
    auto.accept('/1', 10);
    await auto.relay.flush();
    await auto.relay.close(0);
    expect(satellite?.requests[2]?.body).toBe(satellite?.requests[1]?.body);
  });

  it('levo does not send twice what may have arrived', async () => {
    under = await startRelay(await script(inTurn((_request, response) => response.destroy(), undefined)), {
      protocol: 'levo',
    });
    under.accept('/1');
    await under.relay.flush();
    expect(satellite?.requests.length).toBe(1);
    expect(under.books()).toEqual([1, 0, 1, 0]);
    expect(warnings()[0]).toContain('not sent twice');
  });

  it.each([429, 503])('levo sends again what was refused with %i', async (status) => {
    under = await startRelay(await script(inTurn({ status }, undefined)), { protocol: 'levo' });
    under.accept('/1');
    await under.relay.flush();
    expect(under.books()).toEqual([1, 1, 0, 0]);
  });

  it.each(['otlp', 'levo'] as const)('%s sends again what met no connection', async (protocol) => {
    const placeholder = await startScriptedSatellite();
    await placeholder.close();
    under = await startRelay(placeholder.url, { protocol });
    under.accept('/1');
    void under.relay.flush();
    while (under.counters.export_retries < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(under.books()).toEqual([1, 0, 0, 1]);
    expect(under.relay.status.lastFailure).toContain('connection refused');
    expect(warnings().length).toBe(1);
  });
});
