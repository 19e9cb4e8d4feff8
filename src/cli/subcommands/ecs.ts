/**
 * `ecs add`, `ecs remove`, `ecs status`: put the sensor into a running ECS service, take it out, and say whether it is in.
 */
import { setTimeout } from 'node:timers/promises';
import type { ChangeContext } from '../../deploy/ecs/change.js';
import { type EcsApi, ecsApi, listRegions } from '../../deploy/ecs/ecs-api.js';
import { localAwsConfig } from '../../deploy/ecs/local-aws-config.js';
import { type Prompter, refusingPrompter, terminalPrompter } from '../../deploy/ecs/prompter.js';
import { addSensor, logGroupInUse, removeSensor, sensorStatus } from '../../deploy/ecs/sensor-change.js';
import { sensorContainer } from '../../deploy/ecs/sensor-container.js';
import { resolveAccess, resolveTarget, type Target } from '../../deploy/ecs/target.js';
import { SensorError, UsageError } from '../../errors.js';
import {
  ECS_ADD_OPTIONS,
  ECS_REMOVE_OPTIONS,
  ECS_STATUS_OPTIONS,
  SENSOR_CONTAINER_OPTIONS,
} from '../../options/ecs-options.js';
import type { OptionTable, SettingsOf } from '../../options/option-row.js';
import { SENSOR_OPTIONS } from '../../options/options.js';
import { type FlagValues, fromEnvironment, resolveSettings } from '../../options/settings.js';
import { printableJson } from '../../printable.js';
import { SENSOR_VERSION } from '../../version.js';
import { onInterrupt } from './signals.js';

const EXIT_ABSENT = 3;

/** @throws UsageError for an option of the sensor that means something where it is typed alone */
export function refuseElsewhere(flags: FlagValues, table: OptionTable): void {
  for (const name of Object.keys(flags)) {
    if (Object.hasOwn(SENSOR_OPTIONS, name) && !Object.hasOwn(table, name)) {
      throw new UsageError(
        `--${name} has no place in a container that runs elsewhere; leave it out, or edit the task definition`,
      );
    }
  }
}

export async function ecsAdd(flags: FlagValues): Promise<number> {
  refuseElsewhere(flags, ECS_ADD_OPTIONS);
  const settings = resolveSettings(ECS_ADD_OPTIONS, flags, process.env);
  return withTarget(settings, async ({ target, api, prompter, region }) => {
    const ask = (option: string, message: string) => prompter.ask(option, message);
    const satelliteUrl = settings.satelliteUrl ?? (await ask('--satellite-url', 'Satellite URL'));
    const levoEnv =
      settings.levoEnv ?? (prompter.interactive ? await ask('--levo-env', 'Environment, such as staging') : undefined);
    const organizationId =
      settings.levoaiOrgId ?? (prompter.interactive ? await ask('--levoai-org-id', 'Organisation id') : undefined);
    // The answers pass the same checks as the flags.
    resolveSettings(SENSOR_CONTAINER_OPTIONS, { 'satellite-url': [satelliteUrl] }, {});
    await addSensor(
      target,
      (registration) => {
        const inUse = logGroupInUse(registration);
        return sensorContainer({
          image: settings.image ?? `levoai/pcap-sensor:${SENSOR_VERSION}`,
          region,
          satelliteUrl,
          levoEnv,
          organizationId,
          profile: settings.size,
          cpuUnits: settings.cpu ?? undefined,
          memoryMib: settings.memory ?? undefined,
          logGroup:
            settings.logGroup === null
              ? inUse === undefined
                ? undefined
                : { name: inUse, create: false }
              : { name: settings.logGroup, create: true },
          extraFlags: extraFlags({ ...fromEnvironment(SENSOR_CONTAINER_OPTIONS, process.env), ...flags }),
        });
      },
      settings,
      changeContext(api, prompter),
    );
    return 0;
  });
}

export async function ecsRemove(flags: FlagValues): Promise<number> {
  const settings = resolveSettings(ECS_REMOVE_OPTIONS, flags, process.env);
  return withTarget(settings, async ({ target, api, prompter }) => {
    await removeSensor(target, settings, changeContext(api, prompter));
    return 0;
  });
}

export async function ecsStatus(flags: FlagValues): Promise<number> {
  const settings = resolveSettings(ECS_STATUS_OPTIONS, flags, process.env);
  return withTarget(settings, async ({ target, api }) => {
    const { lines, present } = await sensorStatus(target, api);
    process.stdout.write(`${printableJson(lines.join('\n'))}\n`);
    return present ? 0 : EXIT_ABSENT;
  });
}

interface Reached {
  readonly target: Target;
  readonly api: EcsApi;
  readonly prompter: Prompter;
  readonly region: string;
}

async function withTarget(
  settings: SettingsOf<typeof ECS_STATUS_OPTIONS>,
  act: (reached: Reached) => Promise<number>,
): Promise<number> {
  const options = {
    profile: settings.profile ?? undefined,
    region: settings.region ?? undefined,
    cluster: settings.cluster ?? undefined,
    service: settings.service ?? undefined,
    family: settings.family ?? undefined,
  };
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  const prompter = isTerminal ? await terminalPrompter() : refusingPrompter();
  const access = await resolveAccess(options, prompter, await localAwsConfig(process.env), listRegions);
  const api = await ecsApi(access);
  try {
    const target = await resolveTarget(options, prompter, api);
    return await act({ target, api, prompter, region: access.region });
  } finally {
    api.close();
  }
}

function changeContext(api: EcsApi, prompter: Prompter): ChangeContext {
  return {
    api,
    prompter,
    print: (line) => void process.stdout.write(`${printableJson(line)}\n`),
    hooks: {
      progress: (line) => void process.stderr.write(`${printableJson(line)}\n`),
      sleep: interruptibleSleep(),
      now: () => performance.now() / 1000,
    },
  };
}

/** Waiting ends at the first Ctrl-C; the rollout itself is up to ECS and goes on. */
function interruptibleSleep(): (seconds: number) => Promise<void> {
  const stop = new AbortController();
  let isListening = false;
  return async (seconds) => {
    if (!isListening) {
      isListening = true;
      onInterrupt(() => stop.abort());
    }
    try {
      await setTimeout(seconds * 1000, undefined, { signal: stop.signal });
    } catch {
      throw new SensorError(
        'interrupted: no longer waiting, the rollout goes on; "pcap-sensor ecs status" shows it, "ecs remove" undoes it',
        130,
      );
    }
  };
}

/** The sensor's options as flags and variables gave them, for its command line, without those that have a place of their own there. */
export function extraFlags(flags: FlagValues): string[] {
  const placed = new Set(['satellite-url', 'levo-env', 'levoai-org-id']);
  return Object.entries(flags).flatMap(([name, texts]) => {
    const row = SENSOR_CONTAINER_OPTIONS[name as keyof typeof SENSOR_CONTAINER_OPTIONS];
    if (row === undefined || placed.has(name)) return [];
    if (row.arity === 'switch') return texts.at(-1) === 'true' ? [`--${name}`] : [];
    const given = row.arity === 'many' ? texts : texts.slice(-1);
    return given.flatMap((value) => (value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value]));
  });
}
