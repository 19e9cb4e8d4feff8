/**
 * Finds the task definition to change: flags, else questions → profile, region, service or family, and the revision that
 * is current there.
 */
import { SensorError, UsageError } from '../../errors.js';
import type { AwsAccess, EcsApi, Service } from './ecs-api.js';
import type { Prompter } from './prompter.js';
import { familyOf } from './task-definition.js';

export interface TargetSettings {
  readonly profile: string | undefined;
  readonly region: string | undefined;
  readonly cluster: string | undefined;
  readonly service: string | undefined;
  readonly family: string | undefined;
}

/** A service and its current revision, or a family and its latest. */
export type Target =
  | { readonly kind: 'service'; readonly cluster: string; readonly service: Service; readonly reference: string }
  | { readonly kind: 'family'; readonly reference: string };

/** This machine's AWS set-up, read from ~/.aws and the environment. */
export interface LocalAwsConfig {
  readonly profiles: readonly string[];
  /** Whether credentials are in the environment, so that no profile is needed. */
  readonly hasCredentials: boolean;
  regionOf(profile: string | undefined): string | undefined;
}

export async function resolveAccess(
  settings: TargetSettings,
  prompter: Prompter,
  local: LocalAwsConfig,
  listRegions: (profile: string | undefined) => Promise<string[]>,
): Promise<AwsAccess> {
  let profile = settings.profile;
  if (profile === undefined && prompter.interactive && !local.hasCredentials && local.profiles.length > 1) {
    const choices = local.profiles.map((value) => ({ value }));
    profile = await prompter.choose('--profile', 'AWS profile', choices);
  }
  const known = settings.region ?? local.regionOf(profile);
  if (known !== undefined) {
    return { profile, region: known };
  }
  // Without a terminal there is nobody to choose, so the choices are not looked up.
  const choices = prompter.interactive ? (await listRegions(profile)).map((value) => ({ value })) : [];
  return { profile, region: await prompter.choose('--region', 'AWS region', choices) };
}

export async function resolveTarget(settings: TargetSettings, prompter: Prompter, api: EcsApi): Promise<Target> {
  if (settings.cluster !== undefined && settings.service === undefined && settings.family !== undefined) {
    throw new UsageError('--cluster goes with --service: give --service as well, or --family alone');
  }
  if (settings.service === undefined && settings.family !== undefined) {
    return { kind: 'family', reference: settings.family };
  }
  if (settings.service === undefined && settings.cluster === undefined) {
    const kind = await prompter.choose('--service NAME or --family NAME', 'Add the sensor to', [
      { value: 'service', description: 'new revision, rolled out' },
      { value: 'family', description: 'new revision of a task definition, for you to deploy' },
    ]);
    if (kind === 'family') {
      const families = await api.listFamilies();
      return { kind: 'family', reference: await chooseFrom(prompter, '--family', 'Task definition', families) };
    }
  }
  const cluster = settings.cluster ?? (await chooseCluster(prompter, api));
  const name =
    settings.service ??
    (await chooseFrom(prompter, '--service', `Service in ${cluster}`, await api.listServices(cluster)));
  const service = await api.describeService(cluster, name);
  const reference = service.taskDefinition;
  if (reference === undefined) {
    throw new SensorError(`service ${name} has no task definition of its own (it runs task sets): use --family`);
  }
  if (settings.family !== undefined && settings.family !== familyOf(reference)) {
    throw new UsageError(
      `service ${name} runs task definition ${familyOf(reference)}, not ${settings.family}: leave --family out`,
    );
  }
  return { kind: 'service', cluster, service, reference };
}

async function chooseCluster(prompter: Prompter, api: EcsApi): Promise<string> {
  const clusters = await api.listClusters();
  if (clusters.length === 0) {
    throw new SensorError('there is no active ECS cluster in this region: check --region and --profile');
  }
  return prompter.choose(
    '--cluster',
    'Cluster',
    clusters.map(({ name, services, runningTasks }) => ({
      value: name,
      description: `${services} services, ${runningTasks} tasks running`,
    })),
  );
}

function chooseFrom(prompter: Prompter, option: string, message: string, values: readonly string[]): Promise<string> {
  if (values.length === 0) {
    throw new SensorError(`${message}: there is none to choose from; check --region, --profile and --cluster`);
  }
  return prompter.choose(
    option,
    message,
    values.toSorted().map((value) => ({ value })),
  );
}
