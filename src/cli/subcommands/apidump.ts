/**
 * `apidump`: captures, and sends traces until the file ends or a signal comes.
 */
import { createLogger, writesText } from '../../log.js';
import type { Settings } from '../../options/options.js';
import { type FlagValues, mistypedVariables, resolveSensorSettings } from '../../options/settings.js';
import { describeOutput } from '../../output/registry.js';
import { startSensor } from '../../sensor/sensor.js';
import { onInterrupt } from './signals.js';
import { summaryText } from './summary.js';

export async function apidump(flags: FlagValues): Promise<number> {
  const settings = resolveSensorSettings(flags, process.env);
  const log = createLogger(settings);
  for (const { name, meant } of mistypedVariables(process.env)) {
    log.warn(`no option reads the environment variable ${name}; did you mean ${meant}?`);
  }
  const stopping = new Promise<string>((resolve) => {
    onInterrupt(resolve);
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      // The reader of the traces (`head`) has what it wanted.
      if (error.code !== 'EPIPE') log.error({ err: error }, 'standard output failed');
      resolve('standard output closed');
    });
  });
  const run = await startSensor(settings, log);
  void stopping.then((reason) => run.stop(reason));
  void run.ready.then(() => log.info(started(settings)));
  const summary = await run.done;
  if (!writesText(settings)) log.info({ ...summary }, 'summary');
  else if (log.isLevelEnabled('info')) process.stderr.write(summaryText(summary));
  return 0;
}

function started(settings: Settings): string {
  const from = settings.read === null ? 'capturing on' : 'reading';
  const what = settings.read ?? (settings.interfaces.join(', ') || 'every interface that is up');
  const to = settings.output.map((target) => describeOutput(target, settings));
  return `${from} ${what}, traces go to ${to.join(', ')}`;
}
