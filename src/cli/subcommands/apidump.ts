/**
 * `apidump`: captures, and sends traces until the file ends or a signal comes; `watch`: the same, to show them.
 */
import { hasLosses, withoutZeros } from '../../counters.js';
import { createLogger, type LogSettings, writesText } from '../../log.js';
import type { Settings } from '../../options/options.js';
import { APIDUMP, type SensorVerb, WATCH } from '../../options/sensor-verbs.js';
import { type FlagValues, resolveSensor } from '../../options/settings.js';
import { unknownVariables } from '../../options/variables.js';
import { describeOutput } from '../../output/registry.js';
import { startSensor } from '../../sensor/start.js';
import { OPTION_TABLES } from '../commands.js';
import { createReload } from './reload.js';
import { startCommand } from './run-command.js';
import { onInterrupt } from './signals.js';
import { lossText, nothingReadText, summaryText } from './summary.js';

export function apidump(flags: FlagValues): Promise<number> {
  return runSensor(flags, APIDUMP);
}

export function watch(flags: FlagValues): Promise<number> {
  return runSensor(flags, WATCH);
}

export async function runSensor(flags: FlagValues, verb: SensorVerb): Promise<number> {
  const resolve = () => resolveSensor(flags, process.env, verb);
  const resolved = resolve();
  const { settings, notes } = resolved;
  const logSettings = logSettingsOf(settings);
  const log = createLogger(logSettings);
  for (const { level, message } of notes) log[level](message);
  const unknown = unknownVariables(process.env, OPTION_TABLES).map(({ name }) => name);
  if (unknown.length > 0)
    log.warn(`no option reads ${unknown.join(', ')}; docs/options.md has the variables there are`);
  const starting = startSensor(settings, log);
  const stopping = new Promise<string>((resolve) => {
    onInterrupt(
      resolve,
      () =>
        void starting.then(
          ({ hurry }) => hurry(),
          () => {},
        ),
      // A sensor with a file of settings reads it again.
      settings.config === null ? undefined : ['SIGINT', 'SIGTERM'],
    );
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      // The reader of the traces (`head`) has what it wanted.
      if (error.code !== 'EPIPE') log.error({ err: error }, 'standard output failed');
      resolve('standard output closed');
    });
  });
  // It came with its terminal, and may outlive it.
  process.stderr.on('error', () => {});
  if (settings.config !== null) {
    const reloading = starting.then((run) => createReload(resolved, { resolve, run, log }));
    process.on('SIGHUP', () => {
      void reloading.then(
        (reload) => reload(),
        () => {},
      );
    });
  }
  const run = await starting;
  await run.ready;
  log.info(started(settings));
  const { command } = settings;
  const commandCode = command === null ? null : runCommand(command, stopping, run.stop);
  if (commandCode === null) void stopping.then((reason) => run.stop(reason));
  const summary = await run.done;
  const nothingRead = settings.read === null ? null : nothingReadText(summary, settings.read, settings.filter);
  if (nothingRead !== null) log.warn(nothingRead);
  // A reader that has gone had what it wanted.
  const isLossy = hasLosses(summary.counters) && !summary.isUnread;
  if (isLossy) log.warn(lossText(summary.counters, settings.spoolDir !== null));
  // What collects lines of JSON gets the books as one; a person gets lines to read, unless JSON was asked for.
  if (!writesText(logSettings)) log.info({ ...summary, counters: withoutZeros(summary.counters) }, 'summary');
  if (logSettings.logFormat !== 'json' && log.isLevelEnabled('info')) process.stderr.write(summaryText(summary));
  return (await commandCode) ?? (isLossy ? 1 : 0);
}

/** Runs the command until it ends, and then `stop`s; resolves to its exit code. */
async function runCommand(command: string, stopping: Promise<string>, stop: (reason: string) => void): Promise<number> {
  const running = startCommand(command, process.env);
  // A terminal's interrupt reaches the command by itself.
  void stopping.then((reason) => {
    if (reason !== 'SIGINT' || !process.stdin.isTTY) running.kill('SIGTERM');
  });
  const code = await running.ended;
  stop(`the command ended with ${code}`);
  return code;
}

/** A person reads files and what is said of them, at a terminal or behind a pipe; what runs live may be anybody's to collect. */
function logSettingsOf({ logLevel, logFormat, read }: Settings): LogSettings {
  return { logLevel, logFormat: logFormat === 'auto' && read !== null ? 'text' : logFormat };
}

function started(settings: Settings): string {
  const from = settings.read === null ? 'capturing on' : 'reading';
  const what = settings.read ?? (settings.interfaces.join(', ') || everyInterface(settings));
  const packets = settings.write.flatMap((target) => (target.to === 'pcap' ? [`packets to ${target.file}`] : []));
  const to = [...settings.output.map((target) => describeOutput(target, settings)), ...packets];
  return `${from} ${what}, traces go to ${to.join(', ')}`;
}

function everyInterface({ interfaceInclude, interfaceExclude }: Settings): string {
  const wanted = interfaceInclude.length === 0 ? '' : ` and matches ${interfaceInclude.join(' or ')}`;
  const unwanted = interfaceExclude.length === 0 ? '' : `, but for those that match ${interfaceExclude.join(', ')}`;
  return `every interface that is or comes up${wanted}${unwanted}`;
}
