// Accepts traces for a satellite that is away, with a spool, until it is killed. argv: URL, directory, name of the run.
// Prints how many traces are on disk each time that number has grown.
import { createCounters } from '../../dist/counters.js';
import { DEFAULT_LIMITS } from '../../dist/limits.js';
import { systemClock } from '../../dist/output/clock.js';
import { openSatelliteRelay } from '../../dist/output/satellite/satellite-relay.js';
import { parseSatelliteUrl } from '../../dist/output/satellite/satellite-url.js';

const [, , url, directory, run] = process.argv;
const silent = () => {};
const counters = createCounters();
const settings = {
  satellite: parseSatelliteUrl(url),
  protocol: 'otlp',
  compression: 'gzip',
  exportIntervalMillis: 10,
  environment: '',
  organizationId: '',
  workspaceId: '',
  serviceName: 'shop',
  headers: {},
  resource: {},
  sensorVersion: '0.1.0',
  tls: { ca: null, clientCertificate: null, clientKey: null },
  spool: { directory, bytesMax: 1 << 28 },
  timing: { attemptTimeoutMillis: 1000, backoffInitialMillis: 10, backoffMaxMillis: 20, retryAfterMaxMillis: 20 },
};
const relay = await openSatelliteRelay(settings, {
  counters,
  limits: { ...DEFAULT_LIMITS, batch_traces_max: 7, spool_segment_bytes_max: 20_000 },
  log: { debug: silent, info: silent, warn: silent, error: silent },
  clock: systemClock,
});

const body = {
  wireBytes: 2000,
  bytes: 2000,
  truncated: false,
  content: Buffer.alloc(2000, 'body '),
  codingError: null,
};
const endpoint = { address: '127.0.0.1', port: 1 };
let accepted = 0;
let reported = 0;
setInterval(() => {
  for (let i = 0; i < 10; i++) {
    relay.accept({
      traceId: accepted.toString(16).padStart(32, 'a'),
      spanId: accepted.toString(16).padStart(16, 'b'),
      parentSpanId: null,
      kind: 'server',
      startTimeUnixNano: 1n,
      durationNano: 1,
      timing: { requestEndNano: 0, responseStartNano: null },
      network: { interface: 'lo', protocol: '1.1', client: endpoint, server: endpoint },
      request: {
        method: 'GET',
        scheme: 'http',
        authority: 'h',
        target: '/',
        path: `/${run}/${accepted++}`,
        query: '',
        headers: [],
        trailers: [],
        body,
      },
      response: null,
      marks: [],
    });
  }
  if (counters.spool_traces === reported) return;
  reported = counters.spool_traces;
  process.stdout.write(`${reported - counters.recovered_traces}\n`);
}, 1);
