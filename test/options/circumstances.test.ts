/** Options that were given where they do nothing, and what is said of them. */
import { expect, it } from 'vitest';
import { idleOptions } from '../../src/options/circumstances.js';
import { SENSOR_OPTIONS } from '../../src/options/options.js';
import { type FlagValues, resolveSensorSettings } from '../../src/options/settings.js';

const KEY = { FLEET_KEY: 'a-key-that-nobody-guesses' };
const TO_SATELLITE = { 'satellite-url': ['https://satellite.example'], 'enrolment-key-file': ['env:FLEET_KEY'] };
const TO_OTHER = { 'opamp-url': ['https://opamp.example'], 'opamp-unsigned': ['true'] };

it.each<[string, FlagValues, string[]]>([
  ['a rule', { output: ['text'], 'active-response-rule': ['client=10.0.0.7'] }, []],
  ['a satellite that signs', TO_SATELLITE, []],
  ['nobody', { output: ['text'] }, ['active-response']],
  ['a satellite that signs nothing', { 'satellite-url': ['https://satellite.example'] }, ['active-response']],
  ['a server that need not sign', { output: ['text'], ...TO_OTHER }, ['active-response']],
])('active response where resets are asked for by %s', (_, flags, idle) => {
  process.env.FLEET_KEY = KEY.FLEET_KEY;
  const settings = resolveSensorSettings({ ...flags, 'active-response': ['on'] }, KEY);
  expect(idleOptions(['active-response'], SENSOR_OPTIONS, settings).map(({ name }) => name)).toEqual(idle);
  delete process.env.FLEET_KEY;
});
