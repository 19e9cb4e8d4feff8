/**
 * What the clients of AWS have in common: how they are loaded, and whom they say they are.
 */
import { SensorError } from '../../errors.js';
import type { AwsKeys } from './configuration/settings.js';

/** Loads an optional package. @throws SensorError that names it where it is missing */
export async function loadOptional<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SensorError(
      `${what}: the package ${name} is not installed, which it takes; npm install ${name}, or take the image whose tag ends in -packets (${message.split('\n', 1)[0]})`,
    );
  }
}

/** Credentials for a client; without keys it looks for them itself, along the default chain. */
export function credentialsOf(keys: AwsKeys | null): { credentials: AwsKeys } | Record<string, never> {
  return keys === null ? {} : { credentials: keys };
}
