/** The version of this sensor, as `package.json` has it. */
import { readFileSync } from 'node:fs';

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

export const SENSOR_VERSION = (manifest as { version: string }).version;
