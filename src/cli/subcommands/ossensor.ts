/**
 * `ossensor`: the sensor as Darktrace's osSensor would be started, by its variables. The image does so by itself where it is
 * given such variables and no words.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { interfaceNames } from '../../capture/interfaces.js';
import { SensorError, UsageError } from '../../errors.js';
import { createLogger, type Logger } from '../../log.js';
import {
  chooseDevices,
  defaultRouteInterfaces,
  generatedFile,
  OSSENSOR_VARIABLES,
  type OsSensorSettings,
  osSensorSettings,
  variablesOfFile,
} from '../../options/ossensor.js';
import { APIDUMP } from '../../options/sensor-verbs.js';
import type { Environment } from '../../options/settings.js';
import { compileRe2 } from '../../re2.js';
import { runSensor } from './apidump.js';

const FILE_BYTES_MAX = 65_536;

export async function ossensor(): Promise<number> {
  const { env } = process;
  const path = (env.OSSENSOR_CONFIG_PATH ?? '').trim() || OSSENSOR_VARIABLES.OSSENSOR_CONFIG_PATH.default;
  const file = readConfigFile(path);
  const settings = osSensorSettings(env, file ?? {});
  // Its first lines are basic information, which every level shows.
  const log = createLogger({ logLevel: 'info', logFormat: env.LEVO_LOG_FORMAT === 'json' ? 'json' : 'auto' });
  for (const warning of settings.warnings) log.warn(warning);
  const devices = await waitForDevices(settings, log);
  if (file === null) writeConfigFile(path, generatedFile(settings, env, devices), log);
  const { any, exclude, include } = settings.devices;
  const interfaces: Record<string, readonly string[]> = any
    ? { 'interface-include': include, 'interface-exclude': [...exclude, '^lo$'] }
    : { interfaces: devices };
  const { filter, ...others } = settings.options;
  const defaults = { ...others, ...(filter?.[0] === '' ? {} : { filter }), ...interfaces } as Record<string, string[]>;
  log.info(
    `started by the variables of osSensor: traces go to ${env.LEVO_SATELLITE_URL || defaults['satellite-url']?.[0]}, captured on ` +
      `${devices.join(', ')}${any ? ' and what comes up later' : ''}`,
  );
  // Where its file has the key, and not its environment.
  env.VSENSOR_HMAC_KEY = settings.key;
  try {
    return await runSensor({}, { ...APIDUMP, defaults });
  } catch (error) {
    // Nobody gave that flag.
    if (error instanceof SensorError && /^--filter\b/.test(error.message) && (env.LEVO_FILTER ?? '') === '')
      throw new SensorError(error.message.replace(/^--filter/, 'BPF'), error.exitCode);
    throw error;
  }
}

/** The interfaces that are wanted, once there is one. */
async function waitForDevices(
  { devices, waitSeconds, waitAttempts }: OsSensorSettings,
  log: Logger,
): Promise<string[]> {
  const matches = (pattern: string, name: string) => compileRe2(pattern, 'u').test(name);
  for (let attempt = 1; ; attempt++) {
    const existing = interfaceNames();
    const found = chooseDevices(devices, existing, defaultRouteInterfaces(routes()), matches);
    if (found.length > 0) return found;
    const choice = devices.named.length === 0 ? '' : `, OSSENSOR_NETWORK_DEVICE ${devices.named.join(', ')}`;
    const lists = `NETWORK_DEVICE_EXCLUDELIST, NETWORK_DEVICE_INCLUDELIST${choice}`;
    const said = `no interface is left to capture on of ${existing.join(', ')} by ${lists}`;
    if (attempt >= waitAttempts)
      throw new SensorError(`${said}; change the lists, or wait longer by INTERFACE_WAIT_ATTEMPTS ${waitAttempts}`);
    log.info(`${said}; looking again in ${waitSeconds} s`);
    await setTimeout(waitSeconds * 1000);
  }
}

function routes(): string {
  try {
    return readFileSync('/proc/self/net/route', 'latin1');
  } catch {
    return '';
  }
}

/** What the file says; null where there is none of somebody's own. */
function readConfigFile(path: string): Environment | null {
  let text: string;
  try {
    if (statSync(path).size > FILE_BYTES_MAX)
      throw new UsageError(
        `OSSENSOR_CONFIG_PATH ${JSON.stringify(path)} is larger than ${FILE_BYTES_MAX} bytes; give a file of osSensor`,
      );
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new UsageError(`OSSENSOR_CONFIG_PATH ${JSON.stringify(path)} cannot be read (${code}); give a readable file`);
  }
  return text.trim() === '' ? null : variablesOfFile(text);
}

/** Nothing needs the file, so that a root that is read-only is no failure. */
function writeConfigFile(path: string, text: string, log: Logger): void {
  try {
    // It holds the key.
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    if ((process.env.OSSENSOR_CONFIG_PATH ?? '') === '') return;
    log.warn(
      `OSSENSOR_CONFIG_PATH ${JSON.stringify(path)} could not be written (${(error as NodeJS.ErrnoException).code}); the sensor runs without it`,
    );
  }
}
