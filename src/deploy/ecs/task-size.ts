/**
 * Whether the sensor fits into a task: the task's CPU and memory, and what its containers take.
 *
 * ECS accepts "256" (units), "0.25 vCPU", "512" (MiB), "0.5 GB" for a whole task (RegisterTaskDefinition, `cpu` and
 * `memory`) and refuses a definition whose containers together reserve more.
 */
import { SensorError } from '../../errors.js';
import type { JsonObject, JsonValue } from './json-value.js';
import { numberOf, stringOf } from './json-value.js';
import { containersOf } from './task-definition.js';

/** CPU units of the task, or undefined where the task sets no size (EC2 launch type). */
export function taskCpuUnits(definition: JsonObject): number | undefined {
  return sizeOf(definition.cpu, /^([\d.]+)\s*vcpu$/i);
}

/** MiB of the task, or undefined where the task sets no size (EC2 launch type). */
export function taskMemoryMib(definition: JsonObject): number | undefined {
  return sizeOf(definition.memory, /^([\d.]+)\s*gb$/i);
}

/** Throws if ECS would refuse the definition for its size; the error names what there is and what is asked for. */
export function assertFits(definition: JsonObject): void {
  const family = stringOf(definition.family) ?? 'task';
  const containers = containersOf(definition);
  const cpu = taskCpuUnits(definition);
  const cpuTaken = sum(containers, (container) => numberOf(container.cpu) ?? 0);
  if (cpu !== undefined && cpuTaken > cpu) {
    throw new SensorError(
      `task definition ${family} has ${cpu} CPU units but with the sensor its containers ask for ${cpuTaken}: ` +
        'give the sensor less with --cpu, or the task more',
    );
  }
  const memory = taskMemoryMib(definition);
  const memoryTaken = sum(
    containers,
    (container) => numberOf(container.memoryReservation) ?? numberOf(container.memory) ?? 0,
  );
  if (memory !== undefined && memoryTaken > memory) {
    throw new SensorError(
      `task definition ${family} has ${memory} MiB but with the sensor its containers reserve ${memoryTaken}: ` +
        'give the sensor less with --memory, or the task more',
    );
  }
}

function sizeOf(value: JsonValue | undefined, inThousands: RegExp): number | undefined {
  const text = stringOf(value)?.trim() ?? '';
  const scaled = inThousands.exec(text)?.[1];
  if (scaled !== undefined) {
    return Math.round(Number(scaled) * 1024);
  }
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function sum(containers: readonly JsonObject[], amount: (container: JsonObject) => number): number {
  return containers.reduce((total, container) => total + amount(container), 0);
}
