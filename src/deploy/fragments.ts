/**
 * The sensor's container as text to paste into a CloudFormation template or a Terraform configuration.
 *
 * in: a container definition · out: YAML or JSON by CloudFormation's names, or an expression of HCL · pure
 */
import type { JsonObject, JsonValue } from './ecs/json-value.js';
import { isJsonObject } from './ecs/json-value.js';

/** Maps whose keys are not CloudFormation's. */
const LITERAL = new Set(['options', 'dockerLabels', 'labels']);

/** As AWS::ECS::TaskDefinition ContainerDefinition has it. */
export function cloudFormationContainer(container: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(container).map(([name, value]) => [
      name.charAt(0).toUpperCase() + name.slice(1),
      LITERAL.has(name) ? value : cloudFormationValue(value),
    ]),
  );
}

function cloudFormationValue(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(cloudFormationValue);
  return isJsonObject(value) ? cloudFormationContainer(value) : value;
}

/** An object of HCL, for a list that `jsonencode` is given. */
export function hclExpression(value: JsonValue, indent = ''): string {
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((one) => typeof one === 'string' || typeof one === 'number'))
      return `[\n${value.map((one) => `${deeper}${hclExpression(one)},\n`).join('')}${indent}]`;
    return `[${value.map((one) => hclExpression(one, indent)).join(', ')}]`;
  }
  if (isJsonObject(value)) {
    const entries = Object.entries(value);
    const width = Math.max(0, ...entries.map(([name]) => keyOf(name).length));
    const lines = entries.map(
      ([name, one]) => `${deeper}${keyOf(name).padEnd(width)} = ${hclExpression(one, deeper)}\n`,
    );
    return entries.length === 0 ? '{}' : `{\n${lines.join('')}${indent}}`;
  }
  // What begins a template in HCL is doubled to stand for itself.
  return typeof value === 'string'
    ? JSON.stringify(value).replaceAll(/[$%]\{/g, (begin) => begin.charAt(0) + begin)
    : String(value);
}

function keyOf(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) && !name.includes('-') ? name : JSON.stringify(name);
}
