/**
 * JSON against the model of ECS that the AWS SDK ships (the schemas in @aws-sdk/client-ecs): members that do not
 * exist, members of the wrong type, members that are missing; and JSON that has every member there is.
 */
import { NormalizedSchema } from '@smithy/core/schema';
import type { JsonObject, JsonValue } from '../../src/deploy/ecs/json-value.js';
import { isJsonObject } from '../../src/deploy/ecs/json-value.js';

/** A static structure: [3, namespace, name, traits, member names, member schemas, number of required members first]. */
const REQUIRED_COUNT = 6;
const MEMBER_NAMES = 4;

/** One line for each disagreement, with its path; empty when `value` fits. */
export function disagreements(value: JsonValue | undefined, schema: unknown, path = '$'): string[] {
  const shape = NormalizedSchema.of(schema as Parameters<typeof NormalizedSchema.of>[0]);
  if (shape.isListSchema()) {
    return Array.isArray(value)
      ? value.flatMap((item, index) => disagreements(item, shape.getValueSchema(), `${path}[${index}]`))
      : [`${path} is not a list`];
  }
  if (shape.isMapSchema()) {
    return isJsonObject(value)
      ? Object.entries(value).flatMap(([key, item]) => disagreements(item, shape.getValueSchema(), `${path}.${key}`))
      : [`${path} is not a map`];
  }
  if (shape.isStructSchema()) {
    if (!isJsonObject(value)) {
      return [`${path} is not an object`];
    }
    const members = shape.getMemberSchemas();
    const structure = shape.getSchema() as unknown as readonly unknown[];
    const required = (structure[MEMBER_NAMES] as string[]).slice(0, (structure[REQUIRED_COUNT] as number) ?? 0);
    return [
      ...required.filter((name) => !(name in value)).map((name) => `${path}.${name} is missing`),
      ...Object.entries(value).flatMap(([name, item]) => {
        const member = members[name];
        return member === undefined
          ? [`${path}.${name} does not exist`]
          : disagreements(item, member, `${path}.${name}`);
      }),
    ];
  }
  const expected = shape.isStringSchema() ? 'string' : shape.isBooleanSchema() ? 'boolean' : 'number';
  if (!shape.isStringSchema() && !shape.isBooleanSchema() && !shape.isNumericSchema()) {
    return [`${path}: this test does not know ${shape.getName()}`];
  }
  return typeof value === expected ? [] : [`${path} is not a ${expected}`];
}

/** Names of a structure's members. */
export const membersOf = (schema: unknown): string[] =>
  Object.keys(NormalizedSchema.of(schema as Parameters<typeof NormalizedSchema.of>[0]).getMemberSchemas());

/**
 * A value of `schema` in which every member is present, at every depth. Each text and number names its place, so that none
 * can be taken for another; texts are no values of their enumerations.
 */
export function everyMember(schema: unknown, path = '$'): JsonValue {
  const shape = NormalizedSchema.of(schema as Parameters<typeof NormalizedSchema.of>[0]);
  if (shape.isListSchema()) {
    return [0, 1].map((index) => everyMember(shape.getValueSchema(), `${path}[${index}]`));
  }
  if (shape.isMapSchema()) {
    return { [`key of ${path}`]: everyMember(shape.getValueSchema(), `${path}{}`) };
  }
  if (shape.isStructSchema()) {
    const members: JsonObject = {};
    for (const [name, member] of Object.entries(shape.getMemberSchemas())) {
      members[name] = everyMember(member, `${path}.${name}`);
    }
    return members;
  }
  if (shape.isBooleanSchema()) {
    return true;
  }
  if (shape.isNumericSchema() || shape.isTimestampSchema()) {
    return path.length;
  }
  if (shape.isStringSchema()) {
    return path;
  }
  throw new Error(`${path}: everyMember does not know ${shape.getName()}`);
}
