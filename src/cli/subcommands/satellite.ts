/**
 * `satellite`: a local receiver that prints a line for each trace and serves those it holds as `GET /traces`.
 */
import { createLogger } from '../../log.js';
import { SATELLITE_OPTIONS } from '../../options/options.js';
import { type FlagValues, resolveSettings } from '../../options/settings.js';
import { startSatellite } from '../../satellite/satellite.js';
import { formatSatelliteTrace } from '../../satellite/satellite-trace.js';
import { interrupted } from './signals.js';

export async function satellite(flags: FlagValues): Promise<number> {
  const settings = resolveSettings(SATELLITE_OPTIONS, flags, process.env);
  const log = createLogger(settings);
  const ending = interrupted();
  const running = await startSatellite({
    host: settings.host,
    port: settings.port,
    traces_max: settings.tracesMax,
    onTrace: (trace) => void process.stdout.write(`${formatSatelliteTrace(trace)}\n`),
  });
  process.stdout.on('error', () => process.exit(0));
  log.info(`satellite at ${running.url}; the traces it holds are at ${running.url}/traces`);
  log.info(`${await ending}: closing`);
  await running.close();
  return 0;
}
