/**
 * The three things that `pcap-sensor ecs` does to a target: put the sensor in, take it out, say whether it is in.
 */
import { SensorError } from '../../errors.js';
import type { ChangeContext, ChangeSettings } from './change.js';
import { applyChange, sameDefinition, TAG_RESTORES, TAG_STATE } from './change.js';
import type { EcsApi } from './ecs-api.js';
import { sensorsOf, withoutSensor, withSensor } from './injection.js';
import type { JsonObject } from './json-value.js';
import { isJsonObject, stringOf } from './json-value.js';
import type { Target } from './target.js';
import type { DescribedTaskDefinition } from './task-definition.js';
import { containersOf, familyOf, registrationOf, revisionName, revisionOfArn } from './task-definition.js';

export async function addSensor(
  target: Target,
  sensorFor: (registration: JsonObject) => JsonObject,
  options: ChangeSettings,
  context: ChangeContext,
): Promise<void> {
  const described = await context.api.describeTaskDefinition(target.reference);
  const before = registrationOf(described, { keepTags: !options.noTags });
  const sensor = sensorFor(before);
  const hadSensor = sensorsOf(before).length > 0;
  // An upgrade keeps the way back to the revision that had no sensor.
  const restores = (hadSensor ? serviceTag(target, TAG_RESTORES) : undefined) ?? revisionName(described.taskDefinition);
  await applyChange(
    {
      target,
      from: arnOf(described),
      before,
      after: withSensor(before, sensor),
      existing: undefined,
      tags: [
        { key: TAG_STATE, value: stringOf(sensor.image) ?? 'added' },
        { key: TAG_RESTORES, value: restores },
      ],
      nothingToDo: `${revisionName(described.taskDefinition)} has this sensor already: nothing to do.`,
    },
    options,
    context,
  );
}

export async function removeSensor(target: Target, options: ChangeSettings, context: ChangeContext): Promise<void> {
  const described = await context.api.describeTaskDefinition(target.reference);
  const before = registrationOf(described, { keepTags: !options.noTags });
  const after = withoutSensor(before);
  await applyChange(
    {
      target,
      from: arnOf(described),
      before,
      after,
      existing: await revisionToRestore(target, after, options, context.api),
      tags: [{ key: TAG_STATE, value: 'removed' }],
      nothingToDo: `${revisionName(described.taskDefinition)} has no sensor: nothing to do.`,
    },
    options,
    context,
  );
}

/** The log group that the task's execution role may certainly write to: that of the first container with awslogs. */
export function logGroupInUse(definition: JsonObject): string | undefined {
  for (const container of containersOf(definition)) {
    const logging = container.logConfiguration;
    if (isJsonObject(logging) && logging.logDriver === 'awslogs' && isJsonObject(logging.options)) {
      return stringOf(logging.options['awslogs-group']);
    }
  }
  return undefined;
}

/** The lines are for a person. A script reads the exit code: 0 if the sensor is in, 3 if it is not. */
export async function sensorStatus(target: Target, api: EcsApi): Promise<{ lines: string[]; present: boolean }> {
  const described = await api.describeTaskDefinition(target.reference);
  const sensors = sensorsOf(described.taskDefinition);
  const lines: string[] = [];
  if (target.kind === 'service') {
    const { service } = target;
    lines.push(
      `service   ${service.serviceName} in ${target.cluster}, ${service.runningCount ?? 0} of ${service.desiredCount ?? 0} running`,
    );
    for (const deployment of service.deployments ?? []) {
      lines.push(
        `rollout   ${deployment.status} ${revisionOfArn(deployment.taskDefinition ?? '')} ${deployment.rolloutState ?? ''}`.trimEnd(),
      );
    }
  }
  lines.push(`revision  ${revisionName(described.taskDefinition)}`);
  for (const sensor of sensors) {
    lines.push(
      `sensor    ${stringOf(sensor.name)} ${stringOf(sensor.image)}, ${sensor.cpu ?? 0} CPU units, ${sensor.memory ?? '?'} MiB`,
    );
    const words = [sensor.entryPoint, sensor.command].flatMap((part) => (Array.isArray(part) ? part : []));
    lines.push(`runs      ${words.join(' ')}`);
  }
  if (sensors.length === 0) {
    lines.push('sensor    none');
  }
  const restores = serviceTag(target, TAG_RESTORES);
  if (sensors.length > 0 && restores !== undefined) {
    lines.push(`restores  ${restores}`);
  }
  return { lines, present: sensors.length > 0 };
}

/** The revision from before the sensor, if it still equals the current one without the sensor. */
async function revisionToRestore(
  target: Target,
  after: JsonObject,
  options: ChangeSettings,
  api: EcsApi,
): Promise<string | undefined> {
  const tagged = serviceTag(target, TAG_RESTORES);
  if (tagged === undefined || familyOf(tagged) !== after.family) {
    return undefined;
  }
  let previous: DescribedTaskDefinition;
  try {
    previous = await api.describeTaskDefinition(tagged);
  } catch (error) {
    // It was deregistered and deleted meanwhile: a new revision is registered instead.
    if (error instanceof SensorError) {
      return undefined;
    }
    throw error;
  }
  const same = sameDefinition(registrationOf(previous, { keepTags: !options.noTags }), after);
  return same && previous.taskDefinition.status === 'ACTIVE' ? arnOf(previous) : undefined;
}

function arnOf(described: DescribedTaskDefinition): string {
  return stringOf(described.taskDefinition.taskDefinitionArn) ?? '';
}

function serviceTag(target: Target, key: string): string | undefined {
  return target.kind === 'service' ? target.service.tags?.find((tag) => tag.key === key)?.value : undefined;
}
