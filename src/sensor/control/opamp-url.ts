/** Which OpAMP server a sensor calls. in: settings · out: its URL; null for none */
import type { Settings } from '../../options/options.js';

export const OPAMP_PATH = '/v1/opamp';

/** With a key it is the satellite's, unless another one is named. A file ends before anybody could steer it. */
export function opampUrlOf({ read, opampUrl, enrolmentKeyFile, satelliteUrl, output }: Settings): string | null {
  if (read !== null) return null;
  if (opampUrl !== null) return opampUrl;
  if (enrolmentKeyFile === null || satelliteUrl === null || !output.some(({ to }) => to === 'satellite')) return null;
  return `${satelliteUrl}${OPAMP_PATH}`;
}
