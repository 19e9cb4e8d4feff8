/**
 * `ecs cf-fragment`, `ecs tf-fragment`, `kube inject`: print the sensor as text to paste, or a manifest with it put in. They ask
 * nobody, and change nothing.
 */
import { readFileSync } from 'node:fs';
import { sensorContainer } from '../../deploy/ecs/sensor-container.js';
import { cloudFormationContainer, hclExpression } from '../../deploy/fragments.js';
import { injectSensor, SIDECAR_PROFILES, sidecarContainer } from '../../deploy/kubernetes/inject.js';
import { UsageError } from '../../errors.js';
import { SENSOR_CONTAINER_OPTIONS } from '../../options/ecs-options.js';
import { CF_FRAGMENT_OPTIONS, KUBE_INJECT_OPTIONS, TF_FRAGMENT_OPTIONS } from '../../options/fragment-options.js';
import type { SettingsOf } from '../../options/option-row.js';
import { type FlagValues, fromEnvironment, resolveSettings } from '../../options/settings.js';
import { SENSOR_VERSION } from '../../version.js';
import { extraFlags, refuseElsewhere } from './ecs.js';

export async function cfFragment(flags: FlagValues): Promise<number> {
  refuseElsewhere(flags, CF_FRAGMENT_OPTIONS);
  const settings = resolveSettings(CF_FRAGMENT_OPTIONS, flags, process.env);
  const region = settings.region ?? PSEUDO_PARAMETER;
  const container = cloudFormationContainer(containerOf(settings, flags, region));
  const fragment = settings.region === null ? substituted(container) : container;
  if (settings.json) return print(JSON.stringify(fragment, null, 2));
  const { stringify } = await import('yaml');
  return print(stringify([fragment], { lineWidth: 0 }).trimEnd());
}

export async function tfFragment(flags: FlagValues): Promise<number> {
  refuseElsewhere(flags, TF_FRAGMENT_OPTIONS);
  const settings = resolveSettings(TF_FRAGMENT_OPTIONS, flags, process.env);
  const text = hclExpression(containerOf(settings, flags, settings.region ?? PSEUDO_PARAMETER));
  if (settings.region !== null) return print(text);
  process.stderr.write('it takes the region from: data "aws_region" "current" {}\n');
  return print(text.replaceAll(JSON.stringify(PSEUDO_PARAMETER), 'data.aws_region.current.name'));
}

export async function kubeInject(given: FlagValues): Promise<number> {
  // A dash alone is no value to the parser of words.
  const flags = given.file?.[0] === '' && process.argv.includes('-') ? { ...given, file: ['-'] } : given;
  refuseElsewhere(flags, KUBE_INJECT_OPTIONS);
  const settings = resolveSettings(KUBE_INJECT_OPTIONS, flags, process.env);
  const { file } = settings;
  if (file === null) throw new UsageError('--file is required; give a manifest, or - for standard input');
  const { args, ...resources } = SIDECAR_PROFILES[settings.size];
  const sensor = [
    ...['--satellite-url', satelliteUrlOf(settings)],
    ...(settings.levoEnv === null ? [] : ['--levo-env', settings.levoEnv]),
    ...(settings.levoaiOrgId === null ? [] : ['--levoai-org-id', settings.levoaiOrgId]),
    ...args,
    ...extraFlags({ ...fromEnvironment(SENSOR_CONTAINER_OPTIONS, process.env), ...flags }),
  ];
  const container = sidecarContainer({ image: imageOf(settings), args: sensor, ...resources });
  const { text, lines } = injectSensor(
    readManifest(file),
    file === '-' ? 'standard input' : JSON.stringify(file),
    container,
  );
  for (const line of lines) process.stderr.write(`${line}\n`);
  return print(text.trimEnd());
}

function containerOf(settings: SettingsOf<typeof TF_FRAGMENT_OPTIONS>, flags: FlagValues, region: string) {
  const { levoEnv, levoaiOrgId, cpu, memory, logGroup } = settings;
  return sensorContainer({
    image: imageOf(settings),
    region,
    satelliteUrl: satelliteUrlOf(settings),
    levoEnv: levoEnv ?? undefined,
    organizationId: levoaiOrgId ?? undefined,
    profile: settings.size,
    cpuUnits: cpu ?? undefined,
    memoryMib: memory ?? undefined,
    logGroup: logGroup === null ? undefined : { name: logGroup, create: true },
    extraFlags: extraFlags({ ...fromEnvironment(SENSOR_CONTAINER_OPTIONS, process.env), ...flags }),
  });
}

function satelliteUrlOf({ satelliteUrl }: { readonly satelliteUrl: string | null }): string {
  if (satelliteUrl === null) throw new UsageError('--satellite-url is required; give it such as http://satellite:9999');
  return satelliteUrl;
}

function imageOf({ image }: { readonly image: string | null }): string {
  return image ?? `levoai/pcap-sensor:${SENSOR_VERSION}`;
}

/** The region of the stack, in CloudFormation's words. */
const PSEUDO_PARAMETER = 'AWS::Region';

/** The same with references in the place of its name. */
function substituted<T>(value: T): T {
  const walk = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(walk);
    if (typeof one === 'object' && one !== null)
      return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, walk(inner)]));
    return one === PSEUDO_PARAMETER ? { Ref: one } : one;
  };
  return walk(value) as T;
}

function readManifest(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `--file ${JSON.stringify(file)} cannot be read (${code}); give a manifest, or - for standard input`,
    );
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
