/**
 * The ECS task's description of itself, as OpenTelemetry resource attributes.
 *
 * in: the task metadata endpoint v4 (`ECS_CONTAINER_METADATA_URI_V4`,
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html) · out: `cloud.*`, `aws.ecs.*`,
 * `container.*` (https://opentelemetry.io/docs/specs/semconv/resource/cloud-provider/aws/ecs/)
 *
 * Outside ECS there is none, and no delay. Inside, an endpoint that does not answer in time costs the attributes, not the
 * start.
 */
import { get } from 'node:http';

export interface TaskMetadata {
  readonly attributes: Record<string, string>;
  /** The task definition's family, which is the service's name unless an option gives another. Empty outside ECS. */
  readonly family: string;
}

export const NO_TASK: TaskMetadata = { attributes: {}, family: '' };

const TIMEOUT_MILLIS = 1000;
const RESPONSE_BYTES_MAX = 1 << 20;

export type MetadataFailure = (url: string, reason: string) => void;

/** Never rejects: what could not be read is reported to `onFailure` and left out. */
export async function readTaskMetadata(
  environment: NodeJS.ProcessEnv,
  onFailure: MetadataFailure = () => {},
  timeoutMillis = TIMEOUT_MILLIS,
): Promise<TaskMetadata> {
  const base = environment.ECS_CONTAINER_METADATA_URI_V4?.replace(/\/+$/, '');
  if (base === undefined || base === '') return NO_TASK;
  const read = async (url: string): Promise<Json> => {
    try {
      return await getJson(url, timeoutMillis);
    } catch (error) {
      onFailure(url, (error as Error).message);
      return {};
    }
  };
  const [container, task] = await Promise.all([read(base), read(`${base}/task`)]);
  return describeTask(container, task);
}

type Json = Record<string, unknown>;

function describeTask(container: Json, task: Json): TaskMetadata {
  const attributes: Record<string, string> = { 'cloud.provider': 'aws', 'cloud.platform': 'aws_ecs' };
  const set = (key: string, value: unknown): void => {
    if (typeof value === 'string' && value !== '') attributes[key] = value;
  };
  const taskArn = text(task.TaskARN);
  const [, , , region, account] = taskArn.split(':');
  set('cloud.region', region);
  set('cloud.account.id', account);
  set('cloud.availability_zone', task.AvailabilityZone);
  const cluster = text(task.Cluster);
  // Fargate gives the cluster's name or its ARN, depending on the platform version.
  set(
    'aws.ecs.cluster.arn',
    cluster.startsWith('arn:') || taskArn === ''
      ? cluster
      : `${taskArn.slice(0, taskArn.lastIndexOf(':'))}:cluster/${cluster}`,
  );
  set('aws.ecs.task.arn', taskArn);
  set('aws.ecs.task.id', taskArn.slice(taskArn.lastIndexOf('/') + 1));
  set('aws.ecs.task.family', task.Family);
  set('aws.ecs.task.revision', task.Revision);
  set('aws.ecs.launchtype', text(task.LaunchType).toLowerCase());
  set('aws.ecs.container.arn', container.ContainerARN);
  set('container.id', container.DockerId);
  set('container.name', container.DockerName ?? container.Name);
  set('container.image.name', container.Image);
  set('cloud.resource_id', container.ContainerARN);
  return { attributes, family: text(task.Family) };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function getJson(url: string, timeoutMillis: number): Promise<Json> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(timeoutMillis) }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > RESPONSE_BYTES_MAX) request.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', (error) => request.destroy(error));
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`));
        try {
          const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
          if (typeof value !== 'object' || value === null) throw new Error('not an object');
          resolve(value as Json);
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('error', (error) =>
      reject(error.name === 'AbortError' ? new Error(`no answer within ${timeoutMillis} ms`) : error),
    );
  });
}
