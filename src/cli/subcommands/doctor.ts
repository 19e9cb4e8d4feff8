/**
 * `doctor`: checks whether the sensor may capture, sees traffic, reaches its satellite and can write its files, and says what to do.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { captureRemedy } from '../../capture/permission.js';
import { SensorError } from '../../errors.js';
import { createLogger } from '../../log.js';
import { DOCTOR_OPTIONS, type Settings } from '../../options/options.js';
import { DOCTOR } from '../../options/sensor-verbs.js';
import { type FlagValues, resolveSensor, resolveSettings } from '../../options/settings.js';
import { examineFile } from '../../output/file/examine-file.js';
import { examineOutput } from '../../output/registry.js';
import { DEFAULT_TIMING } from '../../output/relay/settings.js';
import { type ProbeResult, probeSatellite } from '../../output/satellite/probe.js';
import { satelliteSettings } from '../../output/satellite/settings.js';
import { identify } from '../../sensor/controlled.js';
import { type Diagnosis, diagnose } from '../../sensor/diagnosis.js';
import { startSensor } from '../../sensor/start.js';
import { readTaskMetadata } from '../../task/metadata.js';
import { readSurroundings } from '../../task/surroundings.js';
import { SENSOR_VERSION } from '../../version.js';
import {
  capabilityFinding,
  excludedFindings,
  exitCodeOf,
  type Finding,
  limitFindings,
  protocolFindings,
  reportText,
  satelliteFinding,
  trafficFinding,
  unreadFinding,
  unreadFlowsFinding,
} from './doctor-report.js';
import { onInterrupt } from './signals.js';

/** The doctor is not enrolled, and not steered. */
const NOBODY = { enrolmentKeyFile: null, opampUrl: null } as const;

export async function doctor(flags: FlagValues): Promise<number> {
  const { seconds: given, ...sensorFlags } = flags;
  const { seconds } = resolveSettings(
    { seconds: DOCTOR_OPTIONS.seconds },
    given === undefined ? {} : { seconds: given },
    process.env,
  );
  const { settings: resolved, notes } = resolveSensor(sensorFlags, process.env, DOCTOR);
  // Traces go nowhere: the question is whether there are any. A sensor that runs already has the health port.
  const settings = { ...resolved, output: [], write: [], count: null, healthPort: null };
  const interrupt = new AbortController();
  onInterrupt(() => interrupt.abort());

  const surroundings = readSurroundings();
  const findings: Finding[] = [
    capabilityFinding(surroundings.canCapture, captureRemedy(process.execPath, process.getuid?.() === 0)),
    ...limitFindings(surroundings),
  ];
  const task = await readTaskMetadata(process.env);
  if (task.family !== '')
    findings.push({ verdict: 'ok', what: 'task', found: `ECS, family ${task.family}`, advice: '' });

  const probing: Promise<ProbeResult | null> =
    settings.satelliteUrl === null
      ? Promise.resolve(null)
      : probeSatellite(satelliteSettings(settings, task, SENSOR_VERSION), {
          timeoutMillis: DEFAULT_TIMING.attemptTimeoutMillis,
          ...(await identify({ ...settings, opampUrl: null, stateDir: null }, createLogger(settings))),
        });
  // It may fail while traffic is looked at; what it throws is thrown below.
  probing.catch(() => {});

  try {
    const run = await startSensor({ ...settings, ...NOBODY }, createLogger(settings));
    await run.ready;
    process.stderr.write(`looking at the traffic for ${seconds} s\n`);
    await delay(seconds * 1000, undefined, { signal: interrupt.signal }).catch(() => {});
    run.stop('the doctor has seen enough');
    const { counters, interfaces, tlsNames, unread, unreadFlows } = await run.done;
    const names = interfaces.map(({ name }) => name);
    findings.push({ verdict: 'ok', what: 'interfaces', found: names.join(', ') || 'none', advice: '' });
    const diagnosis: Diagnosis | null = diagnose({
      counters,
      interfaces: names,
      filter: settings.filter,
      tlsNames,
      unread,
      exporting: false,
    });
    if (unread.length > 0) findings.push(unreadFinding(unread));
    if (unreadFlows.length > 0) findings.push(unreadFlowsFinding(unreadFlows));
    findings.push(...protocolFindings(counters));
    findings.push(trafficFinding(diagnosis, counters.exchanges_seen, seconds), ...excludedFindings(counters));
  } catch (error) {
    if (!(error instanceof SensorError)) throw error;
    findings.push({ verdict: 'fail', what: 'capture', found: error.message, advice: '' });
  }
  for (const { message } of notes) findings.push({ verdict: 'warn', what: 'options', found: message, advice: '' });
  if (settings.satelliteUrl !== null || resolved.output.some(({ to }) => to === 'satellite'))
    findings.push(satelliteFinding(settings.satelliteUrl, await probing));
  findings.push(...(await examineOutputs(resolved)));
  process.stdout.write(reportText(findings));
  return exitCodeOf(findings);
}

/** What is to be written, and where it would be. */
async function examineOutputs(settings: Settings): Promise<Finding[]> {
  const { output, write, outputReplace: replace, read } = settings;
  const found = await Promise.all([
    ...output.map((target) => examineOutput(target, settings)),
    ...write.map(({ to, ...target }) =>
      to === 'pcap' && 'file' in target && target.file !== null
        ? examineFile({ option: `--write ${target.file}`, path: target.file, appends: false, replace, read })
        : null,
    ),
  ]);
  return found.filter((one) => one !== null);
}
