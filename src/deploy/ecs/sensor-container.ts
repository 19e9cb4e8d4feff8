/**
 * The sensor's container definition: settings → one entry of `containerDefinitions`.
 *
 * `task-definitions/*.json` and `terraform/modules/container-definition` build the same object; a test holds the
 * three together.
 */
import type { JsonObject } from './json-value.js';
import { stringOf } from './json-value.js';

export const SENSOR_CONTAINER_NAME = 'levo-pcap-sensor';
const SENSOR_IMAGE_REPOSITORY = 'pcap-sensor';

/** On the loopback of the task, which the application shares: a port that nothing else is known to use. */
const HEALTH_PORT = 19464;
const HEALTH_CHECK = `fetch('http://127.0.0.1:${HEALTH_PORT}/healthz').then((r) => { process.exitCode = r.ok ? 0 : 1 }, () => { process.exitCode = 1 })`;

export const SENSOR_PROFILES = {
  normal: { cpuUnits: 512, memoryMib: 512, flags: ['--rate-limit', '1000.0', '--trace-export-interval', '10.0'] },
  'low-resource': {
    cpuUnits: 256,
    memoryMib: 200,
    flags: [
      '--rate-limit',
      '100.0',
      '--trace-export-interval',
      '1.0',
      '--stream-timeout-seconds',
      '2.0',
      '--max-http-length',
      '1000000',
      // Well below the container's share, since the kernel's work of handing packets over is not charged to it.
      '--max-cpu',
      '0.1',
    ],
  },
} as const satisfies Record<string, SensorProfile>;

export type SensorProfileName = keyof typeof SENSOR_PROFILES;

interface SensorProfile {
  /** 1024 units are one vCPU. */
  readonly cpuUnits: number;
  /** Hard limit: ECS ends the container above it. */
  readonly memoryMib: number;
  readonly flags: readonly string[];
}

/** CloudWatch log group. `create` needs logs:CreateLogGroup in the task's execution role, or no task starts. */
export interface LogGroup {
  readonly name: string;
  readonly create: boolean;
}

export interface SensorContainerSettings {
  readonly image: string;
  readonly region: string;
  readonly satelliteUrl: string;
  readonly levoEnv: string | undefined;
  readonly organizationId: string | undefined;
  readonly profile: SensorProfileName;
  readonly cpuUnits: number | undefined;
  readonly memoryMib: number | undefined;
  /** Undefined leaves the container without a log driver of its own. */
  readonly logGroup: LogGroup | undefined;
  /** Further `apidump` flags; they follow the profile's, so they win. */
  readonly extraFlags: readonly string[];
}

export function sensorContainer(settings: SensorContainerSettings): JsonObject {
  const profile = SENSOR_PROFILES[settings.profile];
  const tags: string[] = [];
  if (settings.levoEnv !== undefined) {
    tags.push('--levo-env', settings.levoEnv);
  }
  if (settings.organizationId !== undefined) {
    tags.push('--levoai-org-id', settings.organizationId);
  }
  const container: JsonObject = {
    name: SENSOR_CONTAINER_NAME,
    image: settings.image,
    cpu: settings.cpuUnits ?? profile.cpuUnits,
    memory: settings.memoryMib ?? profile.memoryMib,
    portMappings: [],
    // The task must outlive its sensor, whatever happens to it.
    essential: false,
    restartPolicy: { enabled: true, ignoredExitCodes: [2], restartAttemptPeriod: 60 },
    entryPoint: [
      './bin/init',
      'apidump',
      '--satellite-url',
      settings.satelliteUrl,
      ...tags,
      ...profile.flags,
      '--health-port',
      String(HEALTH_PORT),
      ...settings.extraFlags,
    ],
    environment: [{ name: 'LEVO_AWS_REGION', value: settings.region }],
    mountPoints: [],
    volumesFrom: [],
    stopTimeout: 30,
    readonlyRootFilesystem: true,
    healthCheck: {
      command: ['CMD', 'node', '-e', HEALTH_CHECK],
      interval: 30,
      timeout: 5,
      retries: 3,
      startPeriod: 10,
    },
  };
  if (settings.logGroup !== undefined) {
    container.logConfiguration = {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': settings.logGroup.name,
        ...(settings.logGroup.create ? { 'awslogs-create-group': 'true' } : {}),
        'awslogs-region': settings.region,
        'awslogs-stream-prefix': 'ecs-pcap',
      },
    };
  }
  return container;
}

/** By name or by image, so that a sensor which was added by hand under another name is replaced and not doubled. */
export function isSensorContainer(container: JsonObject): boolean {
  if (container.name === SENSOR_CONTAINER_NAME) {
    return true;
  }
  return repositoryName(stringOf(container.image) ?? '') === SENSOR_IMAGE_REPOSITORY;
}

/** `host:5000/levoai/pcap-sensor:1.2@sha256:…` → `pcap-sensor`. */
function repositoryName(image: string): string {
  const withoutDigest = image.split('@', 1)[0] ?? '';
  const lastSegment = withoutDigest.slice(withoutDigest.lastIndexOf('/') + 1);
  return lastSegment.split(':', 1)[0] ?? '';
}
