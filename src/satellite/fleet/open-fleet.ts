/** A fleet with what its sensors are asked for, as it is kept. */
import type { Store } from '../store/store.js';
import { parseConfigurations } from './configurations.js';
import { Fleet } from './fleet.js';

export async function openFleet(store: Store, onNotice: (notice: string) => void): Promise<Fleet> {
  const fleet = new Fleet({ now: Date.now });
  const text = await store.configurations();
  try {
    if (text !== null) fleet.configurations.set(parseConfigurations(JSON.parse(text)));
  } catch (error) {
    onNotice(`sensors are asked for nothing, as what was set cannot be read any more: ${(error as Error).message}`);
  }
  return fleet;
}
