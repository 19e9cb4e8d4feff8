/** Which names of members may say what another one is, or hold what another one names. */
import { NAMING, VALUING } from './name-table.js';

/** Of each length, the first letters of names that say what another member is, or hold what another names. */
const ROLE_STARTS = new Uint8Array(32 * 32);
for (const name of [...NAMING, ...VALUING]) ROLE_STARTS[name.length * 32 + (name.charCodeAt(0) & 31)] = 1;

/** Whether a short name may have a role. One with marks in it is longer than its letters. */
export function mayHaveRole(bytes: Buffer, start: number, length: number): boolean {
  const first = (bytes[start] as number) & 31;
  for (let letters = length; letters > 0 && letters > length - 4; letters--)
    if ((ROLE_STARTS[letters * 32 + first] as number) === 1) return true;
  return false;
}
