/**
 * Puts the sensor into a task definition and takes it out: RegisterTaskDefinition input → the same input with the sensor's
 * container or without it. Nothing else is touched, and the input is not modified.
 */
import { SensorError } from '../../errors.js';
import type { JsonObject, JsonValue } from './json-value.js';
import { canonical, objectsOf, stringOf } from './json-value.js';
import { isSensorContainer } from './sensor-container.js';
import { containersOf } from './task-definition.js';
import { assertFits } from './task-size.js';

/** The service quota "containers per task definition". */
const CONTAINERS_MAX = 10;

export function sensorsOf(definition: JsonObject): JsonObject[] {
  return containersOf(definition).filter(isSensorContainer);
}

/**
 * Puts `sensor` where the first sensor was, or last, and takes out any other. An equal sensor is left as it is, including
 * the defaults that ECS filled in, so that applying twice changes nothing.
 */
export function withSensor(definition: JsonObject, sensor: JsonObject): JsonObject {
  assertSharedNetwork(definition);
  const containers = containersOf(definition);
  const present = containers.filter(isSensorContainer);
  if (present.length === 1 && present[0] !== undefined && sameContainer(present[0], sensor)) {
    return definition;
  }
  const at = containers.findIndex(isSensorContainer);
  const others = containers.filter((container) => !isSensorContainer(container));
  if (others.length >= CONTAINERS_MAX) {
    throw new SensorError(
      `task definition ${nameOf(definition)} already has ${others.length} containers, and ECS allows ${CONTAINERS_MAX}: ` +
        'there is no room for the sensor',
    );
  }
  const position = at < 0 ? others.length : at;
  const result = { ...definition, containerDefinitions: others.toSpliced(position, 0, sensor) };
  assertFits(result);
  return result;
}

/** Takes every sensor container out, and the `dependsOn` entries that name one. */
export function withoutSensor(definition: JsonObject): JsonObject {
  const names = new Set(sensorsOf(definition).map((container) => stringOf(container.name)));
  if (names.size === 0) {
    return definition;
  }
  const others = containersOf(definition).filter((container) => !isSensorContainer(container));
  if (others.length === 0) {
    throw new SensorError(
      `task definition ${nameOf(definition)} holds nothing but the sensor: delete its service instead`,
    );
  }
  for (const container of others) {
    const borrowed = objectsOf(container.volumesFrom).find((from) => names.has(stringOf(from.sourceContainer)));
    if (borrowed !== undefined) {
      throw new SensorError(
        `container ${stringOf(container.name)} mounts volumes of ${stringOf(borrowed.sourceContainer)} (volumesFrom): ` +
          'take that out of the task definition first',
      );
    }
  }
  return { ...definition, containerDefinitions: others.map((container) => withoutDependencyOn(names, container)) };
}

/** Whether two are equal but for the order of members and of environment variables, and for what ECS writes as empty. */
export function sameContainer(a: JsonObject, b: JsonObject): boolean {
  return JSON.stringify(comparable(a)) === JSON.stringify(comparable(b));
}

function comparable(container: JsonObject): JsonValue {
  return canonical({ ...container, environment: byName(container.environment), secrets: byName(container.secrets) });
}

function byName(entries: JsonValue | undefined): JsonObject[] {
  return objectsOf(entries).toSorted((a, b) => (stringOf(a.name) ?? '').localeCompare(stringOf(b.name) ?? ''));
}

function withoutDependencyOn(names: ReadonlySet<string | undefined>, container: JsonObject): JsonObject {
  const dependencies = objectsOf(container.dependsOn);
  const kept = dependencies.filter((dependency) => !names.has(stringOf(dependency.containerName)));
  return kept.length === dependencies.length ? container : { ...container, dependsOn: kept };
}

/** The sensor sees the task's traffic because it shares the task's network namespace; elsewhere it would see nothing. */
function assertSharedNetwork(definition: JsonObject): void {
  const platform = definition.runtimePlatform;
  const system =
    typeof platform === 'object' && platform !== null && !Array.isArray(platform)
      ? stringOf(platform.operatingSystemFamily)
      : undefined;
  if (system?.startsWith('WINDOWS')) {
    throw new SensorError(`task definition ${nameOf(definition)} runs on ${system}: the sensor needs Linux`);
  }
  const compatibilities = Array.isArray(definition.requiresCompatibilities) ? definition.requiresCompatibilities : [];
  const mode = stringOf(definition.networkMode) ?? (compatibilities.includes('FARGATE') ? 'awsvpc' : 'bridge');
  if (mode !== 'awsvpc' && mode !== 'host') {
    throw new SensorError(
      `task definition ${nameOf(definition)} has network mode ${mode}: its containers do not share a network ` +
        'namespace, so a sidecar would see no traffic; use awsvpc (or host)',
    );
  }
}

function nameOf(definition: JsonObject): string {
  return stringOf(definition.family) ?? '(unnamed)';
}
