/** A fleet with what its sensors are asked for, as it is kept: also where another satellite of the same store was told so. */
import type { ServerCapability } from '../../enrolment/opamp/custom.js';
import type { Store } from '../store/store.js';
import { parseConfigurations } from './configurations.js';
import { Fleet } from './fleet.js';

export async function openFleet(
  store: Store,
  capabilities: readonly ServerCapability[],
  onNotice: (notice: string) => void,
): Promise<Fleet> {
  let known: string | null = null;
  const read = async (): Promise<void> => {
    const text = await store.configurations();
    if (text === known) return;
    known = text;
    try {
      fleet.configurations.set(text === null ? [] : parseConfigurations(JSON.parse(text)));
    } catch (error) {
      onNotice(`sensors are asked for nothing new, as what was set cannot be read: ${(error as Error).message}`);
    }
  };
  const fleet = new Fleet({ now: Date.now, capabilities, refresh: () => void read().catch(() => {}) });
  await read();
  return fleet;
}
