/**
 * Enrolment and control, where they are asked for; nothing of either is loaded where they are not.
 *
 * in: settings, what the sensor is made of · out: what signs for it; what steers it
 */
import type { PacketSource } from '../capture/packet-source.js';
import type { Counters } from '../counters.js';
import type { SensorCapability } from '../enrolment/opamp/custom.js';
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import type { Enrolment } from '../output/satellite/enrolment.js';
import type { Policy } from '../policy/policy.js';
import type { TaskMetadata } from '../task/metadata.js';
import type { ActiveResponse } from './active-response.js';
import { opampUrlOf } from './control/opamp-url.js';
import type { Identification } from './control/open-enrolment.js';
import type { SteeringContext } from './control/steering.js';
import type { OpenedSource } from './source.js';

export interface Identified {
  /** Null where nobody is to be told who the sensor is. */
  readonly identification: Identification | null;
  /** Signs what goes to the satellite; null where nothing is signed. */
  readonly enrolment: Enrolment | null;
}

/** @throws UsageError where what is kept of it cannot be used */
export async function identify(settings: Settings, log: Logger): Promise<Identified> {
  const { enrolmentKeyFile, satelliteUrl } = settings;
  const isControlled = opampUrlOf(settings) !== null;
  if (enrolmentKeyFile === null && !isControlled) return { identification: null, enrolment: null };
  const { openIdentification } = await import('./control/open-enrolment.js');
  const identification = await openIdentification(settings, isControlled ? settings.stateDir : null, log);
  return { identification, enrolment: satelliteUrl === null ? null : identification.enrolmentAt(satelliteUrl) };
}

export interface ControlledContext {
  readonly settings: Settings;
  readonly identification: Identification | null;
  readonly opened: OpenedSource;
  readonly steered: Omit<SteeringContext, 'source'>;
  readonly policy: Policy;
  readonly response: Pick<ActiveResponse, 'capability'>;
  readonly task: TaskMetadata;
  readonly counters: Counters;
  readonly limits: Limits;
  readonly log: Logger;
  readonly isCapturing: () => boolean;
}

export interface Controlled {
  /** Goes by other settings of its own. @throws UsageError, SyntaxError; then all is as it was */
  reload(own: Settings): void;
  close(deadlineMillis: number): Promise<void>;
}

/** Null where nobody is called. @throws SensorError, UsageError where it cannot be opened as told */
export async function openControlled(context: ControlledContext): Promise<Controlled | null> {
  const { settings, identification, opened, steered, isCapturing, policy, response, ...rest } = context;
  const url = opampUrlOf(settings);
  if (url === null || identification === null) return null;
  const { openControlBy } = await import('./control/open-control.js');
  const { healthOf } = await import('./control/health.js');
  const { Steering } = await import('./control/steering.js');
  const steering = new Steering(settings, { ...steered, source: opened });
  const startTime = Date.now();
  const shared = settings.enrolmentKeyFile === null ? null : await openSharedBudget(steering, policy, rest);
  const divided =
    settings.enrolmentKeyFile === null || settings.keepDuplicates
      ? null
      : await openSharedDivision(steering, policy, { ...rest, isLocal: opened.isLocal });
  const capabilities = [shared?.capability, divided?.capability, response.capability].filter((one) => one != null);
  const control = await openControlBy(url, {
    ...{ ...rest, settings, identification, steering, capabilities, onConnect: opened.noteConnection },
    health: () =>
      healthOf({
        ...{ counters: rest.counters, startTime, now: Date.now() },
        isCapturing: isCapturing(),
        isPaused: steering.isPaused,
        packetsDropped: droppedBy(opened.source),
      }),
  });
  return {
    reload: (own) => steering.reload(own),
    async close(deadlineMillis) {
      shared?.close();
      divided?.close();
      await control.close(deadlineMillis);
      await identification.close();
    },
  };
}

/** A sensor that is enrolled may have a part of a budget. */
async function openSharedBudget(
  steering: { readonly rateLimit: number },
  policy: Policy,
  context: Pick<ControlledContext, 'counters' | 'limits' | 'log'>,
): Promise<{ capability: SensorCapability; close(): void }> {
  const { SharedBudget } = await import('./shared-budget.js');
  const now = (): number => performance.now();
  const shared = new SharedBudget({ ...context, policy, ownPerMinute: () => steering.rateLimit, now });
  const timer = setInterval(() => shared.tick(), 1000);
  return { capability: shared.capability, close: () => clearInterval(timer) };
}

/** What one that is enrolled sees may be seen by others. */
async function openSharedDivision(
  steering: { readonly keeping: string },
  policy: Policy,
  context: Pick<ControlledContext, 'counters' | 'limits' | 'log'> & { readonly isLocal: (address: string) => boolean },
): Promise<{ capability: SensorCapability; close(): void }> {
  const { SharedDivision } = await import('./shared-division.js');
  const now = (): number => performance.now();
  const divided = new SharedDivision({ ...context, policy, keeping: () => steering.keeping, now });
  const timer = setInterval(() => divided.tick(), 500);
  return { capability: divided.capability, close: () => clearInterval(timer) };
}

function droppedBy(source: PacketSource): number {
  return source.statistics().reduce((sum, { dropped }) => sum + (dropped ?? 0), 0);
}
