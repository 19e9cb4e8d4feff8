/**
 * SIGHUP: the configuration file is read again. What a running sensor can take over it takes over; what it cannot is said;
 * a file that is wrong by now changes nothing.
 */
import type { Logger } from '../../log.js';
import { changesBetween, withChanges } from '../../options/changes.js';
import type { ResolvedSensor } from '../../options/settings.js';
import type { SensorRun } from '../../sensor/sensor.js';

export interface ReloadContext {
  /** Reads everything again. @throws UsageError where something is wrong */
  readonly resolve: () => ResolvedSensor;
  readonly run: Pick<SensorRun, 'reload'>;
  readonly log: Logger;
}

/** Returns what is to be done at each SIGHUP; `started` is what the sensor started with. */
export function createReload(started: ResolvedSensor, { resolve, run, log }: ReloadContext): () => void {
  const file = JSON.stringify(started.settings.config);
  let before = started;
  return () => {
    try {
      if (started.settings.config === '-') throw new Error('--config - is standard input, which cannot be read again');
      const after = resolve();
      const changes = changesBetween(before, after);
      const now = withChanges(
        before,
        after,
        changes.filter(({ reloads }) => reloads),
      );
      run.reload(now.settings);
      for (const { name, before: is, after: wanted, reloads } of changes)
        if (!reloads)
          log.warn(`SIGHUP: --${name} cannot change while the sensor runs: it stays ${is}; restart it for ${wanted}`);
      const known = new Set(before.notes.map(({ message }) => message));
      for (const { level, message } of after.notes) if (!known.has(message)) log[level](message);
      const said = changes.flatMap(({ name, before: was, after: is, reloads }) =>
        reloads ? [`--${name} was ${was} and is ${is}`] : [],
      );
      log.info(`SIGHUP: --config ${file} is read again: ${said.join('; ') || 'nothing changes'}`);
      before = now;
      // Last, so that what is less from now on is said too.
      log.level = now.settings.logLevel;
    } catch (error) {
      // Whatever is wrong with a file is no reason to stop sensing.
      log.error(`SIGHUP: the settings stay as they were: ${(error as Error).message}`);
    }
  };
}
