/**
 * Brings a service to another revision: updates it, waits until it is steady, and goes back on failure.
 *
 * The deployment that the update started shows whether the service is steady (UpdateService answers with it as PRIMARY):
 * ECS sets its rolloutState to COMPLETED, or to FAILED when its circuit breaker gives up. A deployment that stops being
 * PRIMARY was replaced by someone else's.
 */
import { SensorError } from '../../errors.js';
import type { EcsApi, Service } from './ecs-api.js';
import { revisionOfArn } from './task-definition.js';

/** A deployment counts as gone when it is missing this often in a row: DescribeServices is eventually consistent. */
const MISSING_MAX = 3;

/** The service is on the revision it came from, or on its way back to it. */
export class RolledBackError extends SensorError {}

export interface RolloutSettings {
  readonly cluster: string;
  readonly service: string;
  /** Revision to go to and, when that does not become steady, to return to. */
  readonly to: string;
  readonly back: string;
  readonly timeoutSeconds: number;
  readonly pollSeconds: number;
}

export interface RolloutHooks {
  /** One line on each change of what can be seen of the rollout. */
  progress(line: string): void;
  sleep(seconds: number): Promise<void>;
  /** Seconds on a clock that only goes forward. */
  now(): number;
}

/**
 * Resolves when the service is steady on `to`. On failure the service is set back to `back` before this throws, unless
 * its state cannot be read: then it is left on its way, and the error says so.
 */
export async function rollOut(api: EcsApi, settings: RolloutSettings, hooks: RolloutHooks): Promise<void> {
  const updated = await api.updateService(settings.cluster, settings.service, settings.to).catch((error: Error) => {
    throw new RolledBackError(
      `${error.message}; service ${settings.service} is still on ${revisionOfArn(settings.back)}`,
    );
  });
  const failure = await outcomeOf(api, primaryId(updated), settings, hooks);
  if (failure === undefined) {
    return;
  }
  if (failure.superseded) {
    throw new SensorError(
      `${failure.reason}; service ${settings.service} was left as it is, because someone else is deploying it`,
    );
  }
  hooks.progress(`${failure.reason}: going back to ${revisionOfArn(settings.back)}`);
  try {
    await api.updateService(settings.cluster, settings.service, settings.back);
  } catch (error) {
    throw new SensorError(
      `${failure.reason}, and going back failed as well (${(error as Error).message}): run aws ecs update-service ` +
        `--cluster ${settings.cluster} --service ${settings.service} --task-definition ${revisionOfArn(settings.back)}`,
    );
  }
  throw new RolledBackError(
    `${failure.reason}; service ${settings.service} was set back to ${revisionOfArn(settings.back)}`,
  );
}

interface Failure {
  readonly reason: string;
  readonly superseded: boolean;
}

async function outcomeOf(
  api: EcsApi,
  deploymentId: string | undefined,
  settings: RolloutSettings,
  hooks: RolloutHooks,
): Promise<Failure | undefined> {
  const deadline = hooks.now() + settings.timeoutSeconds;
  let shown = '';
  let missing = 0;
  for (;;) {
    const service = await api.describeService(settings.cluster, settings.service).catch((error: Error) => {
      throw new SensorError(
        `${error.message}; service ${settings.service} is on its way to ${revisionOfArn(settings.to)} with nobody ` +
          'watching: "pcap-sensor ecs status" shows it, "ecs remove" undoes it',
      );
    });
    const deployment = service.deployments?.find((candidate) => candidate.id === deploymentId);
    const line =
      deployment === undefined
        ? 'deployment not listed'
        : `${deployment.rolloutState ?? deployment.status}: ${deployment.runningCount ?? 0} of ` +
          `${deployment.desiredCount ?? 0} running, ${deployment.failedTasks ?? 0} failed`;
    if (line !== shown) {
      hooks.progress(line);
      shown = line;
    }
    if (deployment?.rolloutState === 'FAILED') {
      const why = deployment.rolloutStateReason ?? 'no reason given';
      return { reason: `ECS gave the deployment up (${why})`, superseded: false };
    }
    missing = deployment?.status === 'PRIMARY' ? 0 : missing + 1;
    if (missing >= MISSING_MAX) {
      // The circuit breaker goes back to the revision that the service came from.
      const byEcs = service.taskDefinition === settings.back;
      return byEcs
        ? { reason: 'ECS gave the deployment up and is rolling it back', superseded: false }
        : { reason: 'the deployment was replaced by another', superseded: true };
    }
    if (missing === 0 && deployment?.rolloutState === 'COMPLETED') {
      return undefined;
    }
    if (hooks.now() >= deadline) {
      return {
        reason: `not steady after ${settings.timeoutSeconds} s (${line}${lastEvent(service)})`,
        superseded: false,
      };
    }
    await hooks.sleep(settings.pollSeconds);
  }
}

function primaryId(service: Service): string | undefined {
  return service.deployments?.find((deployment) => deployment.status === 'PRIMARY')?.id;
}

function lastEvent(service: Service): string {
  const message = service.events?.[0]?.message;
  return message === undefined ? '' : `; last event: ${message}`;
}
