/**
 * ECS task definitions: what DescribeTaskDefinition returned → what RegisterTaskDefinition takes.
 *
 * Nothing is lost in the copy: every member is carried over except those that only ECS may write (API reference,
 * TaskDefinition against RegisterTaskDefinitionRequest). A member that ECS gains later is carried as well; a list of
 * members to keep would lose it silently.
 */
import type { JsonObject } from './json-value.js';
import { objectsOf, stringOf } from './json-value.js';

/** Members of TaskDefinition that RegisterTaskDefinition does not accept. */
const SERVICE_WRITTEN = new Set([
  'taskDefinitionArn',
  'revision',
  'status',
  'requiresAttributes',
  'compatibilities',
  'registeredAt',
  'registeredBy',
  'deregisteredAt',
  'deleteRequestedAt',
]);

/** Tags with this prefix belong to AWS and are refused when a client sends them. */
const AWS_TAG_PREFIX = 'aws:';

export interface DescribedTaskDefinition {
  readonly taskDefinition: JsonObject;
  /** `{key, value}` objects, as `include: ['TAGS']` returns them beside the task definition. */
  readonly tags: readonly JsonObject[];
}

export interface RegistrationSettings {
  /** False leaves the tags out: the caller may lack the permission to tag what it registers. */
  readonly keepTags: boolean;
}

/** The RegisterTaskDefinition input that would register `described` again, unchanged. */
export function registrationOf(described: DescribedTaskDefinition, settings: RegistrationSettings): JsonObject {
  const registration: JsonObject = {};
  for (const [name, value] of Object.entries(described.taskDefinition)) {
    if (!SERVICE_WRITTEN.has(name)) {
      registration[name] = value;
    }
  }
  const tags = described.tags.filter((tag) => !stringOf(tag.key)?.toLowerCase().startsWith(AWS_TAG_PREFIX));
  // RegisterTaskDefinition rejects an empty list of tags.
  if (settings.keepTags && tags.length > 0) {
    registration.tags = [...tags];
  }
  return registration;
}

export function containersOf(definition: JsonObject): JsonObject[] {
  return objectsOf(definition.containerDefinitions);
}

/** `family:revision`, the short form the other ECS calls accept. */
export function revisionName(taskDefinition: JsonObject): string {
  return revisionOfArn(stringOf(taskDefinition.taskDefinitionArn) ?? '');
}

/** `arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:7` → `shop:7`; a short form is returned as it is. */
export function revisionOfArn(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** The part before the revision number. */
export function familyOf(reference: string): string {
  const name = revisionOfArn(reference);
  const colon = name.lastIndexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}
