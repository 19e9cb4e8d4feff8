/**
 * What the sensor is to its satellite, by its options: loaded where there is a key, or a server that is called.
 *
 * in: settings · out: an `Identification`
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from '../../log.js';
import { FOREIGN_KEY_VARIABLE, readSensorKeys, variableOf } from '../../options/control-options.js';
import type { Settings } from '../../options/options.js';
import { Enrolment } from '../../output/satellite/enrolment.js';
import { newInstance, openStateDirectory, type StateDirectory } from './state-directory.js';

export interface Identification {
  readonly instance: string;
  readonly state: StateDirectory | null;
  /** What the satellite of `base` is sent to by; the same one for each base; null without a key. */
  enrolmentAt(base: string): Enrolment | null;
  close(): Promise<void>;
}

/** @throws UsageError where the directory cannot be used */
export async function openIdentification(
  { enrolmentKeyFile: source }: Settings,
  stateDir: string | null,
  log: Logger,
): Promise<Identification> {
  const state = stateDir === null ? null : await openStateDirectory(stateDir);
  const instance = state?.instance ?? newInstance();
  const enrolments = new Map<string, Enrolment>();
  return {
    instance,
    state,
    enrolmentAt(base) {
      if (source === null) return null;
      let enrolment = enrolments.get(base);
      if (enrolment === undefined) {
        enrolment = new Enrolment(base, {
          instance,
          now: Date.now,
          randomBytes,
          readKeys: () => readSensorKeys(source, process.env),
          // osSensor takes a key whatever it sends to.
          isOptional: variableOf(source) === FOREIGN_KEY_VARIABLE,
          log,
        });
        enrolments.set(base, enrolment);
      }
      return enrolment;
    },
    close: async () => state?.close(),
  };
}
