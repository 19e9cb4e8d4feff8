/**
 * The ECS and EC2 calls that `pcap-sensor ecs` makes, and no others: `docs/iam-policy.json` grants exactly these.
 *
 * Task definitions pass through as raw JSON. The SDK's JSON 1.1 codec (de)serialises the members its model knows and
 * drops the rest, so the body of DescribeTaskDefinition is read before the codec sees it, and the body of
 * RegisterTaskDefinition is written after; credentials, endpoint, signing and retries stay the SDK's.
 */
import type { Service } from '@aws-sdk/client-ecs';
import { SensorError } from '../../errors.js';
import { explainAwsError } from './aws-failure.js';
import type { JsonObject } from './json-value.js';
import { isJsonObject, objectsOf } from './json-value.js';
import type { DescribedTaskDefinition } from './task-definition.js';

export type { Service };

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface ClusterSummary {
  readonly name: string;
  readonly runningTasks: number;
  readonly services: number;
}

/** A call that fails throws a SensorError: one line with the call, what AWS answered and the way round it. */
export interface EcsApi {
  listClusters(): Promise<ClusterSummary[]>;
  /** Names, active families only. */
  listFamilies(): Promise<string[]>;
  /** `reference` is a family, `family:revision` or an ARN. */
  describeTaskDefinition(reference: string): Promise<DescribedTaskDefinition>;
  /** Returns the task definition as registered. */
  registerTaskDefinition(registration: JsonObject): Promise<JsonObject>;
  /** Names. */
  listServices(cluster: string): Promise<string[]>;
  describeService(cluster: string, service: string): Promise<Service>;
  updateService(cluster: string, service: string, taskDefinition: string): Promise<Service>;
  tagResource(arn: string, tags: readonly Tag[]): Promise<void>;
  close(): void;
}

export interface AwsAccess {
  /** Undefined: the SDK's own chain decides (AWS_PROFILE, else environment, else "default", else the metadata endpoint). */
  readonly profile: string | undefined;
  readonly region: string;
}

/** Calls are retried this often on throttling and 5xx before they fail. */
const ATTEMPTS_MAX = 5;
/** Pages of one listing that are read at most; 100 entries a page. */
const PAGES_MAX = 100;
const DESCRIBE_CLUSTERS_MAX = 100;

export async function ecsApi(access: AwsAccess): Promise<EcsApi> {
  return new SdkEcsApi(await loadSdk(() => import('@aws-sdk/client-ecs')), access);
}

type EcsSdk = typeof import('@aws-sdk/client-ecs');

class SdkEcsApi implements EcsApi {
  readonly #sdk: EcsSdk;
  readonly #client: InstanceType<EcsSdk['ECSClient']>;
  readonly #region: string;

  constructor(sdk: EcsSdk, { profile, region }: AwsAccess) {
    this.#sdk = sdk;
    this.#region = region;
    this.#client = new sdk.ECSClient({
      region,
      maxAttempts: ATTEMPTS_MAX,
      ...(profile === undefined ? {} : { profile }),
    });
  }

  async listClusters(): Promise<ClusterSummary[]> {
    const arns = await named('ecs:ListClusters', () =>
      pages(
        (nextToken) => this.#client.send(new this.#sdk.ListClustersCommand({ nextToken })),
        (page) => page.clusterArns,
      ),
    );
    const clusters: ClusterSummary[] = [];
    for (let at = 0; at < arns.length; at += DESCRIBE_CLUSTERS_MAX) {
      const batch = arns.slice(at, at + DESCRIBE_CLUSTERS_MAX);
      const described = await named('ecs:DescribeClusters', () =>
        this.#client.send(new this.#sdk.DescribeClustersCommand({ clusters: batch })),
      );
      for (const cluster of described.clusters ?? []) {
        if (cluster.status === 'ACTIVE' && cluster.clusterName !== undefined) {
          clusters.push({
            name: cluster.clusterName,
            runningTasks: cluster.runningTasksCount ?? 0,
            services: cluster.activeServicesCount ?? 0,
          });
        }
      }
    }
    return clusters;
  }

  listFamilies(): Promise<string[]> {
    return named('ecs:ListTaskDefinitionFamilies', () =>
      pages(
        (nextToken) =>
          this.#client.send(new this.#sdk.ListTaskDefinitionFamiliesCommand({ status: 'ACTIVE', nextToken })),
        (page) => page.families,
      ),
    );
  }

  describeTaskDefinition(reference: string): Promise<DescribedTaskDefinition> {
    return named('ecs:DescribeTaskDefinition', async () => {
      const command = new this.#sdk.DescribeTaskDefinitionCommand({ taskDefinition: reference, include: ['TAGS'] });
      const body = readRawBody(command);
      await this.#client.send(command);
      const answer = body();
      if (!isJsonObject(answer.taskDefinition)) {
        throw new SensorError(`ecs:DescribeTaskDefinition of ${reference} answered without a task definition`);
      }
      return { taskDefinition: answer.taskDefinition, tags: objectsOf(answer.tags) };
    });
  }

  registerTaskDefinition(registration: JsonObject): Promise<JsonObject> {
    return named('ecs:RegisterTaskDefinition', async () => {
      const command = new this.#sdk.RegisterTaskDefinitionCommand({
        family: undefined,
        containerDefinitions: undefined,
      });
      writeRawBody(command, registration);
      const body = readRawBody(command);
      await this.#client.send(command);
      const answer = body();
      if (!isJsonObject(answer.taskDefinition)) {
        throw new SensorError('ecs:RegisterTaskDefinition answered without a task definition');
      }
      return answer.taskDefinition;
    });
  }

  async listServices(cluster: string): Promise<string[]> {
    const arns = await named('ecs:ListServices', () =>
      pages(
        (nextToken) => this.#client.send(new this.#sdk.ListServicesCommand({ cluster, nextToken, maxResults: 100 })),
        (page) => page.serviceArns,
      ),
    );
    return arns.map((arn) => arn.slice(arn.lastIndexOf('/') + 1));
  }

  async describeService(cluster: string, service: string): Promise<Service> {
    const answer = await named('ecs:DescribeServices', () =>
      this.#client.send(new this.#sdk.DescribeServicesCommand({ cluster, services: [service], include: ['TAGS'] })),
    );
    const found = answer.services?.find((candidate) => candidate.status === 'ACTIVE');
    if (found === undefined) {
      throw new SensorError(
        `no active service ${service} in cluster ${cluster} (${this.#region}): ` +
          'check --service, --cluster and --region',
      );
    }
    return found;
  }

  async updateService(cluster: string, service: string, taskDefinition: string): Promise<Service> {
    const answer = await named('ecs:UpdateService', () =>
      this.#client.send(new this.#sdk.UpdateServiceCommand({ cluster, service, taskDefinition })),
    );
    if (answer.service === undefined) {
      throw new SensorError(`ecs:UpdateService of ${service} answered without the service`);
    }
    return answer.service;
  }

  async tagResource(arn: string, tags: readonly Tag[]): Promise<void> {
    await named('ecs:TagResource', () =>
      this.#client.send(new this.#sdk.TagResourceCommand({ resourceArn: arn, tags: tags.map((tag) => ({ ...tag })) })),
    );
  }

  close(): void {
    this.#client.destroy();
  }
}

/** Region names the account may use. Needs a region to ask: `us-east-1` answers for the `aws` partition. */
export async function listRegions(profile: string | undefined): Promise<string[]> {
  const sdk = await loadSdk(() => import('@aws-sdk/client-ec2'));
  const client = new sdk.EC2Client({
    region: 'us-east-1',
    maxAttempts: ATTEMPTS_MAX,
    ...(profile === undefined ? {} : { profile }),
  });
  try {
    const answer = await named('ec2:DescribeRegions', () => client.send(new sdk.DescribeRegionsCommand({})));
    return (answer.Regions ?? []).flatMap((region) => region.RegionName ?? []).toSorted();
  } finally {
    client.destroy();
  }
}

/** The AWS SDK is an optional dependency: the sidecar image leaves it out. */
async function loadSdk<Sdk>(load: () => Promise<Sdk>): Promise<Sdk> {
  // The SDK warns about the end of life of the Node.js it runs on, which the user of this command did not choose here.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') {
      throw new SensorError(
        '"pcap-sensor ecs" needs the AWS SDK, which this installation leaves out (the sidecar image does): ' +
          'run it from a full installation, npm install without --omit=optional',
      );
    }
    throw error;
  }
}

async function named<Answer>(action: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    throw explainAwsError(action, error);
  }
}

async function pages<Page extends { nextToken?: string | undefined }>(
  fetchPage: (nextToken: string | undefined) => Promise<Page>,
  entriesOf: (page: Page) => string[] | undefined,
): Promise<string[]> {
  const entries: string[] = [];
  let nextToken: string | undefined;
  for (let read = 0; read < PAGES_MAX; read += 1) {
    const page = await fetchPage(nextToken);
    entries.push(...(entriesOf(page) ?? []));
    nextToken = page.nextToken;
    if (nextToken === undefined) {
      break;
    }
  }
  return entries;
}

/** The part of an SDK command's middleware stack that is used here; the SDK's own type is generic over each command. */
interface CommandWithStack {
  readonly middlewareStack: {
    // biome-ignore lint/suspicious/noExplicitAny: the SDK types handlers per command; these two work on any of them
    add(middleware: (next: any) => (args: any) => Promise<any>, options: any): void;
  };
}

/** Keeps the response body of `command`; the function returned parses it once the command has been sent. */
function readRawBody(command: CommandWithStack): () => JsonObject {
  let text = '{}';
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const chunks: Uint8Array[] = [];
      for await (const chunk of result.response.body) {
        chunks.push(chunk);
      }
      const bytes = Buffer.concat(chunks);
      text = bytes.toString('utf8');
      result.response.body = new Uint8Array(bytes);
      return result;
    },
    // Low priority in the last step: next to the wire, before the deserialiser takes the stream.
    { step: 'deserialize', priority: 'low', name: 'keepRawBody' },
  );
  return () => JSON.parse(text) as JsonObject;
}

/** Sends `body` in place of what the serialiser made, before its length is taken and it is signed. */
function writeRawBody(command: CommandWithStack, body: JsonObject): void {
  command.middlewareStack.add(
    (next) => (args) => {
      args.request.body = JSON.stringify(body);
      return next(args);
    },
    { step: 'build', priority: 'high', name: 'sendRawBody' },
  );
}
