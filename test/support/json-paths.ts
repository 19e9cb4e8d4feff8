/**
 * Where two JSON values differ, as paths: for tests that say which members something lost.
 */
import type { JsonValue } from '../../src/deploy/ecs/json-value.js';
import { isJsonObject } from '../../src/deploy/ecs/json-value.js';

/** Paths of `before` that `after` lacks or has otherwise, the outermost of each; lists compare item by item. */
export function lostPaths(before: JsonValue, after: JsonValue | undefined, path = '$'): string[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    return before.flatMap((item, index) => lostPaths(item, after[index], `${path}[${index}]`));
  }
  if (isJsonObject(before) && isJsonObject(after)) {
    return Object.entries(before).flatMap(([name, item]) => lostPaths(item, after[name], `${path}.${name}`));
  }
  return before === after ? [] : [path];
}
