/**
 * What differs between two readings of the same options: what a sensor that runs can take over, and what it cannot.
 *
 * in: settings before and after · out: a `Change` for each option that differs · pure
 */
import { isDeepStrictEqual } from 'node:util';
import { type OptionTable, settingName } from './option-row.js';
import { SENSOR_OPTIONS, type Settings } from './options.js';
import type { ResolvedSensor } from './settings.js';

export interface Change {
  /** The option, without dashes. */
  readonly name: string;
  /** Its values, as a message may show them. */
  readonly before: string;
  readonly after: string;
  /** Whether it takes a new value while the sensor runs. */
  readonly reloads: boolean;
}

export function changesBetween(before: ResolvedSensor, after: ResolvedSensor): Change[] {
  return Object.entries(SENSOR_OPTIONS as OptionTable).flatMap(([name, { reloads = false }]) => {
    const key = settingName(name) as keyof Settings;
    if (isDeepStrictEqual(before.settings[key], after.settings[key])) return [];
    return [{ name, before: before.shown(name), after: after.shown(name), reloads }];
  });
}

/** What is in force once `taken` have been taken over. */
export function withChanges(before: ResolvedSensor, after: ResolvedSensor, taken: readonly Change[]): ResolvedSensor {
  const names = new Set(taken.map(({ name }) => name));
  const keys = [...names].map((name) => settingName(name) as keyof Settings);
  return {
    settings: Object.freeze({
      ...before.settings,
      ...Object.fromEntries(keys.map((key) => [key, after.settings[key]])),
    }),
    notes: after.notes,
    shown: (name) => (names.has(name) ? after : before).shown(name),
  };
}
