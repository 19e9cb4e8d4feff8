/**
 * Starts a sensor: its source first, so that packets wait in the kernel while what makes exchanges and traces of them is loaded.
 *
 * in: settings · out: a sensor that runs
 */
import { sensorLimits } from '../limits.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import { readTaskMetadata, type TaskMetadata } from '../task/metadata.js';
import { readSurroundings } from '../task/surroundings.js';
import type { BegunSensor, Explain, SensorRun } from './sensor.js';
import { openSource } from './source.js';

/** @throws SensorError, UsageError where a part of it cannot be opened as told */
export async function startSensor(settings: Settings, log: Logger, explain?: Explain): Promise<SensorRun> {
  const limits = sensorLimits(settings, readSurroundings().memoryLimitBytes);
  // Read while the source is opened; a source that cannot be opened does not wait for the answer.
  const metadata = readMetadata(log);
  const opened = await openSource(settings, limits, log, (time) => begun.onDrops(time));
  const begun: BegunSensor = { settings, log, limits, metadata, opened, onDrops: () => {} };
  const { runSensor } = await import('./sensor.js');
  return runSensor(begun, explain);
}

function readMetadata(log: Logger): Promise<TaskMetadata> {
  return readTaskMetadata(process.env, (url, reason) =>
    log.warn({ url, reason }, 'the task metadata endpoint did not answer; traces lack what it knows'),
  );
}
