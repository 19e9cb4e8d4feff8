/**
 * One change of a task definition, from plan to steady: shown as a diff, agreed to, registered, tagged, rolled out.
 */
import { SensorError } from '../../errors.js';
import type { EcsApi, Tag } from './ecs-api.js';
import type { JsonObject } from './json-value.js';
import { canonical, stringOf } from './json-value.js';
import { lineDiff } from './line-diff.js';
import type { Prompter } from './prompter.js';
import { Cancelled } from './prompter.js';
import type { RolloutHooks } from './rollout.js';
import { RolledBackError, rollOut } from './rollout.js';
import type { Target } from './target.js';
import { revisionOfArn } from './task-definition.js';

/** On the service: what was done, and the revision that `remove` goes back to. TagResource is the only write. */
export const TAG_STATE = 'levo:pcap-sensor';
export const TAG_RESTORES = 'levo:pcap-sensor-restores';

const POLL_SECONDS = 5;

export interface ChangeSettings {
  readonly dryRun: boolean;
  /** With `dryRun`: print the RegisterTaskDefinition input instead of the diff. */
  readonly json: boolean;
  readonly yes: boolean;
  readonly registerOnly: boolean;
  readonly noTags: boolean;
  readonly timeoutSeconds: number;
}

export interface ChangeContext {
  readonly api: EcsApi;
  readonly prompter: Prompter;
  /** Results: standard output. */
  print(line: string): void;
  readonly hooks: RolloutHooks;
}

export interface Change {
  readonly target: Target;
  /** ARN of the revision that is current. */
  readonly from: string;
  readonly before: JsonObject;
  readonly after: JsonObject;
  /** ARN of a revision that equals `after` already, so that none need be registered. */
  readonly existing: string | undefined;
  /** What the service is tagged with. */
  readonly tags: readonly Tag[];
  readonly nothingToDo: string;
}

export async function applyChange(change: Change, settings: ChangeSettings, context: ChangeContext): Promise<void> {
  const { print } = context;
  if (sameDefinition(change.before, change.after)) {
    print(change.nothingToDo);
    return;
  }
  assertRollable(change.target, settings);
  if (settings.dryRun && settings.json) {
    print(JSON.stringify(change.after, null, 2));
    return;
  }
  const from = revisionOfArn(change.from);
  const to = change.existing === undefined ? `${stringOf(change.after.family)}:(new)` : revisionOfArn(change.existing);
  print(`--- ${from}`);
  print(`+++ ${to}`);
  for (const line of lineDiff(JSON.stringify(change.before, null, 2), JSON.stringify(change.after, null, 2))) {
    print(line);
  }
  const service = change.target.kind === 'service' && !settings.registerOnly ? change.target.service : undefined;
  print('');
  const steps = [
    ...(change.existing === undefined ? [`register a new revision of ${stringOf(change.after.family)}`] : []),
    ...(service === undefined ? [] : [`set service ${service.serviceName} to it and wait until it is steady`]),
  ].join(', ');
  if (steps === '') {
    print(`Revision ${to} is there already: deploy it.`);
    return;
  }
  if (settings.dryRun) {
    print(`Would ${steps}. Nothing was changed (--dry-run).`);
    return;
  }
  if (!settings.yes && !(await context.prompter.confirm('--yes', `${capital(steps)}?`))) {
    throw new Cancelled();
  }

  const revision = change.existing ?? (await register(change.after, context));
  if (service === undefined || change.target.kind !== 'service') {
    print(`No service was changed: deploy ${revisionOfArn(revision)} the way this task is deployed.`);
    return;
  }
  const serviceArn = stringOf(service.serviceArn);
  if (!settings.noTags && serviceArn !== undefined) {
    await context.api.tagResource(serviceArn, change.tags);
  }
  try {
    await rollOut(
      context.api,
      {
        cluster: change.target.cluster,
        service: service.serviceName ?? '',
        to: revision,
        back: change.from,
        timeoutSeconds: settings.timeoutSeconds,
        pollSeconds: POLL_SECONDS,
      },
      context.hooks,
    );
  } catch (error) {
    if (error instanceof RolledBackError && !settings.noTags && serviceArn !== undefined) {
      // The caller must see the failure of the rollout, not that of a tag after it.
      await context.api.tagResource(serviceArn, [{ key: TAG_STATE, value: 'rolled back' }]).catch(() => undefined);
    }
    throw error;
  }
  print(`Service ${service.serviceName} is steady on ${revisionOfArn(revision)}.`);
}

export function sameDefinition(a: JsonObject, b: JsonObject): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

async function register(registration: JsonObject, context: ChangeContext): Promise<string> {
  const registered = await context.api.registerTaskDefinition(registration);
  const arn = stringOf(registered.taskDefinitionArn);
  if (arn === undefined) {
    throw new SensorError('ecs:RegisterTaskDefinition answered without an ARN');
  }
  context.print(`Registered ${revisionOfArn(arn)}.`);
  return arn;
}

/** UpdateService moves a service to another revision only if ECS itself deploys it. */
function assertRollable(target: Target, settings: ChangeSettings): void {
  if (target.kind !== 'service' || settings.registerOnly) {
    return;
  }
  const controller = target.service.deploymentController?.type ?? 'ECS';
  if (controller !== 'ECS') {
    throw new SensorError(
      `service ${target.service.serviceName} is deployed by ${controller}, not by ECS: use --register-only and deploy ` +
        'the new revision the way this service is deployed',
    );
  }
  const inFlight = target.service.deployments?.filter((deployment) => deployment.status !== 'INACTIVE') ?? [];
  if (inFlight.length > 1) {
    throw new SensorError(
      `service ${target.service.serviceName} is in the middle of another deployment: wait until it is steady`,
    );
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
