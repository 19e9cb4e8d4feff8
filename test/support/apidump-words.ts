/**
 * The words of a container's command line against the option table: each flag must exist and each value must be one
 * that `apidump` takes, or a placeholder where a person is to fill one in.
 */

import type { JsonObject } from '../../src/deploy/ecs/json-value.js';
import { objectsOf, stringOf } from '../../src/deploy/ecs/json-value.js';
import { SENSOR_OPTIONS } from '../../src/options/options.js';
import { type FlagValues, resolveSensorSettings } from '../../src/options/settings.js';

const PLACEHOLDER = /^< INSERT .*>$/;

/** Stand-ins for what a person fills in. */
const FILLED_IN: Record<string, string> = {
  'satellite-url': 'http://satellite:9999',
  'levo-env': 'staging',
  'levoai-org-id': '3f0c7c3a-6f6e-4c5e-9a51-0c9d6d1f3b11',
  LEVO_AWS_REGION: 'us-west-2',
};

/** Flags after the program's words; throws on a word that is neither a flag nor the value of one. */
export function flagsOf(words: readonly string[]): FlagValues {
  const flags: Record<string, string[]> = {};
  const add = (name: string, given: string) => {
    flags[name] = [...(flags[name] ?? []), given];
  };
  for (let at = 0; at < words.length; at += 1) {
    const name = /^--([a-z-]+)$/.exec(words[at] ?? '')?.[1];
    if (name === undefined) {
      throw new Error(`${words[at]} is no flag`);
    }
    const row = SENSOR_OPTIONS[name as keyof typeof SENSOR_OPTIONS];
    if (row?.arity === 'switch') {
      add(name, 'true');
      continue;
    }
    at += 1;
    const given = words[at] ?? '';
    add(name, PLACEHOLDER.test(given) ? (FILLED_IN[name] ?? given) : given);
  }
  return flags;
}

/** Throws the sensor's own UsageError when it would refuse to start with this container's words and environment. */
export function startSettings(container: JsonObject): ReturnType<typeof resolveSensorSettings> {
  const words = [container.entryPoint, container.command, container.args].flatMap((part) =>
    Array.isArray(part) ? part.map(String) : [],
  );
  const apidump = words.indexOf('apidump');
  if (apidump < 0) {
    throw new Error(`no apidump in ${JSON.stringify(words)}`);
  }
  const environment = Object.fromEntries(
    objectsOf(container.environment).map((entry) => {
      const name = stringOf(entry.name) ?? '';
      const given = stringOf(entry.value) ?? '';
      return [name, PLACEHOLDER.test(given) ? (FILLED_IN[name] ?? given) : given];
    }),
  );
  return resolveSensorSettings(flagsOf(words.slice(apidump + 1)), environment);
}
