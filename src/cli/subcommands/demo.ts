/**
 * `demo`, what `npm start` runs: a satellite, a sample API, the sensor capturing loopback, and real traffic through
 * it. Every trace is printed as the satellite receives it, and then what became of every exchange.
 */
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { SensorError } from '../../errors.js';
import { createLogger } from '../../log.js';
import { DEMO_OPTIONS } from '../../options/options.js';
import { type FlagValues, resolveSensorSettings, resolveSettings } from '../../options/settings.js';
import { hasPage } from '../../satellite/page/files.js';
import { startSatellite } from '../../satellite/satellite.js';
import { findSqlite } from '../../satellite/store/sqlite.js';
import { startSensor } from '../../sensor/start.js';
import { startSampleApi, visitSampleApi } from './demo-api.js';
import { onInterrupt } from './signals.js';
import { summaryText } from './summary.js';

const VISITS = 3;
/** So that a person sees them one after the other, and waits for none. */
const VISIT_PAUSE_MILLIS = 50;
/** Where they go on until somebody ends them. */
const QUIET_PAUSE_MILLIS = 1000;
/** The demo's sensor drops the status page by a rule, to show what a rule does. */
const EXCLUDED_PATH = '^/status$';

/** In memory, and all of what a demo sends. */
const KEPT = { directory: null, retention: { millis: 86_400_000, bytes: 64 << 20 } };

export async function demo(flags: FlagValues): Promise<number> {
  const { keepRunning, logFormat, logLevel } = resolveSettings(DEMO_OPTIONS, flags, process.env);
  const interrupt = new AbortController();
  onInterrupt(() => interrupt.abort());
  process.stdout.on('error', () => process.exit(0));
  const print = (line: string) => void process.stdout.write(`${line}\n`);

  // The image of the sensor has none of what the page takes.
  const isKept = findSqlite() !== null && hasPage();
  const satellite = await startSatellite({
    host: '127.0.0.1',
    port: 0,
    traces_max: 1000,
    ...(isKept ? { store: KEPT } : {}),
    onLines: (lines) => void process.stdout.write(lines),
  });
  const api = await startSampleApi();
  const settings = resolveSensorSettings(
    {
      'satellite-url': [satellite.url],
      interfaces: [loopbackName()],
      filter: [`tcp port ${api.port}`],
      'path-exclusions': [EXCLUDED_PATH],
      'levo-env': ['demo'],
      'service-name': ['bookshop'],
      'trace-export-interval': ['0.5'],
      // Nobody should wait for the packages that OTLP takes to be loaded.
      'satellite-protocol': ['levo'],
      // That its own rule drops something is no news here.
      'log-level': [logLevel === 'info' ? 'error' : logLevel],
      'log-format': [logFormat],
    },
    {},
  );
  // There is no demo without the right to capture; the error says what is missing and how to grant it.
  const run = await startSensor(settings, createLogger(settings));
  await run.ready;
  print(`sample API at http://127.0.0.1:${api.port}, satellite at ${satellite.url}, sensor on ${settings.interfaces}`);
  if (isKept)
    print(
      `the satellite's page, while this runs: ${satellite.url}/${keepRunning ? '' : ' (npm start -- --keep-running goes on)'}`,
    );
  print(`as the satellite receives them, without ${EXCLUDED_PATH}, which a rule drops:\n`);

  for (let visit = 0; (keepRunning || visit < VISITS) && !interrupt.signal.aborted; visit++) {
    await visitSampleApi(api.port);
    await delay(keepRunning ? QUIET_PAUSE_MILLIS : VISIT_PAUSE_MILLIS, undefined, { signal: interrupt.signal }).catch(
      () => {},
    );
  }
  run.stop('the demo is over');
  const summary = await run.done;
  await api.close();
  const { received } = satellite;
  await satellite.close();
  print(`\n${summaryText(summary)}`);
  if (received === 0) throw new SensorError('the satellite received nothing; try again with --log-level debug');
  return 0;
}

function loopbackName(): string {
  const found = Object.entries(networkInterfaces()).find(([, addresses]) => addresses?.some((one) => one.internal));
  if (found === undefined) throw new SensorError('there is no loopback interface that is up; try: ip link set lo up');
  return found[0];
}
