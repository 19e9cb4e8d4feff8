/**
 * JSON against the model of ECS that the AWS SDK ships (the schemas in @aws-sdk/client-ecs): members that do not
 * exist, members of the wrong type, members that are missing.
 */
import { NormalizedSchema } from '@smithy/core/schema';
import type { JsonValue } from '../../src/task/ecs/json-value.js';
import { isJsonObject } from '../../src/task/ecs/json-value.js';

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
