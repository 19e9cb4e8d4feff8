/**
 * `packetstreamer sensor`: captures packets and streams them to a receiver; `packetstreamer receiver`: takes the streams of
 * sensors and writes their packets. Packets are raw: nothing in them is redacted.
 */
import { UsageError } from '../../errors.js';
import { createLogger, type Logger } from '../../log.js';
import { type ListenAddress, listenAddress } from '../../options/option-values.js';
import { PACKETSTREAMER_OPTIONS } from '../../options/packetstreamer-options.js';
import { type FlagValues, resolveSettings } from '../../options/settings.js';
import { systemClock } from '../../output/clock.js';
import { planCapture } from '../../packets/stream/capture-plan.js';
import type { StreamConfig, StreamRole } from '../../packets/stream/config.js';
import { readStreamConfigFile } from '../../packets/stream/config-file.js';
import { startReceiver } from '../../packets/stream/receiver.js';
import { startStreamSensor } from '../../packets/stream/sensor.js';
import { receiverFields, receiverMetrics, sensorFields, sensorMetrics } from '../../packets/stream/stream-metrics.js';
import { startHealthServer } from '../../task/health-server.js';
import { onInterrupt } from './signals.js';

/** How long what waits may take to be sent or written at the end. */
const CLOSE_MILLIS = 5000;
const REPORT_MILLIS = 60_000;

interface Running {
  readonly done: Promise<void>;
  readonly isReady: () => boolean;
  readonly metrics: () => string;
  readonly fields: () => object;
  close(deadlineMillis: number): Promise<void>;
}

export function packetstreamerSensor(flags: FlagValues): Promise<number> {
  return run(flags, 'sensor', async (config, context) => {
    const sensor = await startStreamSensor(config, context);
    return {
      done: sensor.done,
      isReady: () => true,
      metrics: () => sensorMetrics(sensor),
      fields: () => sensorFields(sensor),
      close: (deadline) => sensor.close(deadline),
    };
  });
}

export function packetstreamerReceiver(flags: FlagValues): Promise<number> {
  return run(flags, 'receiver', async (config, context) => {
    const receiver = await startReceiver(config, context);
    return {
      done: new Promise(() => {}),
      isReady: () => true,
      metrics: () => receiverMetrics(receiver),
      fields: () => receiverFields(receiver),
      close: (deadline) => receiver.close(deadline),
    };
  });
}

type Context = Parameters<typeof startReceiver>[1];

async function run(
  flags: FlagValues,
  role: StreamRole,
  start: (config: StreamConfig, context: Context) => Promise<Running>,
): Promise<number> {
  const { config: path } = resolveSettings(PACKETSTREAMER_OPTIONS, flags, process.env);
  if (path === null) throw new UsageError('Configuration file not provided; give --config FILE');
  const config = readStreamConfigFile(path, role);
  const { values } = config;
  const health = healthAddress(values.health);
  const log = createLogger({
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    logFile: values.logFilename || null,
  });
  process.stderr.on('error', () => {});
  for (const note of config.notes) log.warn(note);
  const stopping = new Promise<string>((resolve) => onInterrupt(resolve));
  let gone: (reason: string) => void = () => {};
  const reading = new Promise<string>((resolve) => {
    gone = resolve;
  });
  const running = await start(config, {
    log,
    clock: systemClock,
    onGone: () => gone('whoever read standard output has gone'),
  });
  const served =
    health === null
      ? null
      : await startHealthServer({
          address: health,
          publicHosts: [],
          isReady: running.isReady,
          metrics: async () => running.metrics(),
        });
  log.info(startLine(config, role));
  const cancel = systemClock.every(REPORT_MILLIS, () => log.info(running.fields(), 'so far'));
  const reason = await Promise.race([stopping, reading, running.done.then(() => 'the capture ended')]);
  cancel();
  log.info(`${reason}: ending`);
  await running.close(CLOSE_MILLIS);
  await served?.close();
  return report(log, running.fields());
}

function report(log: Logger, fields: object): number {
  log.info(fields, 'in all');
  return 0;
}

function healthAddress(text: string): ListenAddress | null {
  return text === '' ? null : listenAddress.parse(text);
}

function startLine({ values, has }: StreamConfig, role: StreamRole): string {
  const to = [
    ...(has('output.server') ? [`${values['output.server.address']} port ${values['output.server.port']}`] : []),
    ...(values['output.file.path'] === null ? [] : [values['output.file.path']]),
    ...(has('output.plugins.s3') ? [`S3 bucket ${values['output.plugins.s3.bucket']}`] : []),
    ...(has('output.plugins.kafka') ? [`Kafka topic ${values['output.plugins.kafka.topic']}`] : []),
  ];
  const what = 'raw packets, with everything that is in them: nothing is redacted';
  if (role === 'receiver')
    return `receiving on port ${values['input.port']}${securedBy(values)}, to ${to.join(', ')}: ${what}`;
  return `streaming from ${capturedFrom(values)} to ${to.join(', ')}${has('output.server') ? securedBy(values) : ''}: ${what}`;
}

/** Said, since on a machine of its own a trial has packets of loopback alone. */
function capturedFrom(values: StreamConfig['values']): string {
  const { names, skipsLoopback } = planCapture(values).interfaces;
  if (names.length > 0) return names.join(', ');
  return skipsLoopback ? 'all interfaces but loopback (which loopback: true takes)' : 'all interfaces';
}

function securedBy(values: StreamConfig['values']): string {
  const tls = values['tls.enable']
    ? (values['tls.ca'] ?? values['tls.clientCA']) === null
      ? 'TLS, not verified'
      : 'verified TLS'
    : 'in clear';
  return ` (${tls}, ${values['auth.enable'] ? 'with a key' : 'without a key'})`;
}
