/**
 * `doctor`: checks whether the sensor may capture, sees traffic and reaches its satellite, and says what to do.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SensorError } from '../../errors.js';
import { createLogger } from '../../log.js';
import { DOCTOR_OPTIONS } from '../../options/options.js';
import { type FlagValues, resolveSensorSettings, resolveSettings } from '../../options/settings.js';
import { type ProbeResult, probeSatellite } from '../../output/satellite/probe.js';
import { satelliteSettings } from '../../output/satellite/settings.js';
import { type Diagnosis, diagnose } from '../../sensor/diagnosis.js';
import { startSensor } from '../../sensor/sensor.js';
import { readTaskMetadata } from '../../task/metadata.js';
import { readSurroundings } from '../../task/surroundings.js';
import { SENSOR_VERSION } from '../../version.js';
import {
  capabilityFinding,
  exitCodeOf,
  type Finding,
  limitFindings,
  reportText,
  satelliteFinding,
  trafficFinding,
} from './doctor-report.js';
import { onInterrupt } from './signals.js';

export async function doctor(flags: FlagValues): Promise<number> {
  const { seconds: given, ...sensorFlags } = flags;
  const { seconds } = resolveSettings(
    { seconds: DOCTOR_OPTIONS.seconds },
    given === undefined ? {} : { seconds: given },
    process.env,
  );
  const resolved = resolveSensorSettings({ 'log-level': ['error'], ...sensorFlags, output: ['ndjson'] }, process.env);
  // Traces go nowhere: the question is whether there are any.
  const settings = { ...resolved, output: [] };
  const interrupt = new AbortController();
  onInterrupt(() => interrupt.abort());

  const surroundings = readSurroundings();
  const findings: Finding[] = [
    capabilityFinding(surroundings.canCapture, process.execPath),
    ...limitFindings(surroundings),
  ];
  const task = await readTaskMetadata(process.env);
  if (task.family !== '')
    findings.push({ verdict: 'ok', what: 'task', found: `ECS, family ${task.family}`, advice: '' });

  const probing: Promise<ProbeResult | null> =
    settings.satelliteUrl === null
      ? Promise.resolve(null)
      : probeSatellite(satelliteSettings(settings, task, SENSOR_VERSION));
  // It may fail while traffic is looked at; what it throws is thrown below.
  probing.catch(() => {});

  try {
    const run = await startSensor(settings, createLogger(settings));
    await run.ready;
    process.stderr.write(`looking at the traffic for ${seconds} s\n`);
    await delay(seconds * 1000, undefined, { signal: interrupt.signal }).catch(() => {});
    run.stop('the doctor has seen enough');
    const { counters, interfaces, tlsNames } = await run.done;
    const names = interfaces.map(({ name }) => name);
    findings.push({ verdict: 'ok', what: 'interfaces', found: names.join(', ') || 'none', advice: '' });
    const diagnosis: Diagnosis | null = diagnose({
      counters,
      interfaces: names,
      filter: settings.filter,
      tlsNames,
      exporting: false,
    });
    findings.push(trafficFinding(diagnosis, counters.exchanges_seen, seconds));
  } catch (error) {
    if (!(error instanceof SensorError)) throw error;
    findings.push({ verdict: 'fail', what: 'capture', found: error.message, advice: '' });
  }
  findings.push(satelliteFinding(settings.satelliteUrl, await probing));
  process.stdout.write(reportText(findings));
  return exitCodeOf(findings);
}
