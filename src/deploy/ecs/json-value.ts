/**
 * JSON as it came over the wire. A task definition stays in this form from DescribeTaskDefinition to
 * RegisterTaskDefinition: a typed model would drop every member it does not know.
 */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

export interface JsonObject {
  [member: string]: JsonValue;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of an array member; an absent member, or anything that is not an object, counts as none. */
export function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

export function stringOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/**
 * The same value with object members sorted and with what ECS treats as absent (null, empty arrays, empty objects)
 * left out, so that what was registered compares equal to what is described afterwards.
 */
export function canonical(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    return value.map(canonical);
  }
  if (!isJsonObject(value)) {
    return value;
  }
  const members: [string, JsonValue][] = [];
  for (const [name, member] of Object.entries(value)) {
    const kept = canonical(member);
    const empty = kept === null || (typeof kept === 'object' && Object.keys(kept).length === 0);
    if (!empty) {
      members.push([name, kept]);
    }
  }
  members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(members);
}
