/** What may be on the wire to hurt a sensor, one row each. */
import { BODIES } from './bodies.js';
import { FLOODS } from './floods.js';
import { MESSAGES } from './messages.js';
import { PROTOCOLS } from './protocols.js';
import type { Attack } from './speak.js';

export const ATTACKS: readonly Attack[] = [
  { name: 'nothing', run: async () => {} },
  ...BODIES,
  ...MESSAGES,
  ...PROTOCOLS,
  ...FLOODS,
];
