/**
 * An ECS that keeps what it is given byte for byte, including members unknown to every SDK, and that can be made to deny an
 * action or to fail a deployment. JSON 1.1 protocol: POST / with `X-Amz-Target: …V20141113.<Operation>`.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { JsonObject, JsonValue } from '../../src/deploy/ecs/json-value.js';
import { isJsonObject, objectsOf, stringOf } from '../../src/deploy/ecs/json-value.js';

type RolloutPlan = 'completes' | 'fails' | 'hangs' | 'is replaced';

export interface FakeEcs {
  readonly url: string;
  /** Operation names in order of arrival, denied ones included. */
  readonly calls: string[];
  /** By `family:revision`. */
  readonly revisions: Map<string, JsonObject>;
  readonly revisionTags: Map<string, JsonObject[]>;
  readonly serviceTags: Map<string, string>;
  serviceRevision: string;
  controller: string;
  /** Actions answered with AccessDeniedException. `iam:PassRole` is refused by RegisterTaskDefinition. */
  readonly denied: Set<string>;
  rollout: RolloutPlan;
  stop(): Promise<void>;
}

const ARN = 'arn:aws:ecs:eu-west-1:123456789012:';

const REGIONS =
  '<DescribeRegionsResponse><regionInfo><item><regionName>eu-west-1</regionName></item>' +
  '<item><regionName>us-west-2</regionName></item></regionInfo></DescribeRegionsResponse>';
const REGIONS_DENIED =
  '<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this ' +
  'operation.</Message></Error></Errors></Response>';

export async function startFakeEcs(taskDefinition: JsonObject, tags: JsonObject[]): Promise<FakeEcs> {
  const family = stringOf(taskDefinition.family) ?? '';
  const revisions = new Map<string, JsonObject>();
  const revisionTags = new Map<string, JsonObject[]>();
  const deployments: JsonObject[] = [];

  const fake: Omit<FakeEcs, 'url' | 'stop'> = {
    calls: [],
    revisions,
    revisionTags,
    serviceTags: new Map([['team', 'shop']]),
    serviceRevision: '',
    controller: 'ECS',
    denied: new Set(),
    rollout: 'completes',
  };
  fake.serviceRevision = stringOf(store(taskDefinition, tags).taskDefinitionArn) ?? '';
  deploy(fake.serviceRevision, 'COMPLETED');

  function store(registration: JsonObject, withTags: JsonObject[]): JsonObject {
    const revision = revisions.size + 1;
    const stored: JsonObject = {
      ...registration,
      taskDefinitionArn: `${ARN}task-definition/${family}:${revision}`,
      revision,
      status: 'ACTIVE',
      requiresAttributes: [{ name: 'ecs.capability.execution-role-awslogs' }],
      compatibilities: ['EC2', 'FARGATE'],
      registeredAt: 1_700_000_000.123,
      registeredBy: 'arn:aws:iam::123456789012:user/someone',
    };
    delete stored.tags;
    revisions.set(`${family}:${revision}`, stored);
    revisionTags.set(`${family}:${revision}`, withTags);
    return stored;
  }

  function find(reference: string): string | undefined {
    const short = reference.slice(reference.lastIndexOf('/') + 1);
    return short.includes(':') ? short : [...revisions.keys()].at(-1);
  }

  function deploy(revision: string, rolloutState: string): void {
    for (const deployment of deployments) {
      deployment.status = 'ACTIVE';
    }
    deployments.unshift({
      id: `ecs-svc/${deployments.length + 1}`,
      status: 'PRIMARY',
      taskDefinition: revision,
      desiredCount: 2,
      runningCount: rolloutState === 'COMPLETED' ? 2 : 0,
      failedTasks: 0,
      rolloutState,
    });
    if (rolloutState === 'COMPLETED') {
      deployments.length = 1;
    }
  }

  /** Each DescribeServices moves the newest deployment one step on. */
  function advance(): void {
    const [newest] = deployments;
    if (newest?.rolloutState !== 'IN_PROGRESS') {
      return;
    }
    if (fake.rollout === 'completes') {
      newest.rolloutState = 'COMPLETED';
      newest.runningCount = 2;
      deployments.length = 1;
    } else if (fake.rollout === 'fails') {
      newest.rolloutState = 'FAILED';
      newest.rolloutStateReason = 'tasks failed to start';
      newest.failedTasks = 3;
    } else if (fake.rollout === 'is replaced') {
      deploy(`${ARN}task-definition/other:1`, 'COMPLETED');
      fake.serviceRevision = `${ARN}task-definition/other:1`;
    }
  }

  const serviceView = (): JsonObject => ({
    serviceArn: `${ARN}service/main/web`,
    serviceName: 'web',
    clusterArn: `${ARN}cluster/main`,
    status: 'ACTIVE',
    desiredCount: 2,
    runningCount: 2,
    taskDefinition: fake.serviceRevision,
    deploymentController: { type: fake.controller },
    deployments: deployments.map((deployment) => ({ ...deployment })),
    tags: [...fake.serviceTags].map(([key, value]) => ({ key, value })),
    events: [{ id: '1', message: '(service web) was unable to place a task', createdAt: 1_700_000_000 }],
  });

  const operations: Record<string, (input: JsonObject) => JsonObject | undefined> = {
    ListClusters: () => ({ clusterArns: [`${ARN}cluster/main`] }),
    DescribeClusters: () => ({
      clusters: [{ clusterName: 'main', status: 'ACTIVE', runningTasksCount: 2, activeServicesCount: 1 }],
    }),
    ListTaskDefinitionFamilies: () => ({ families: [family] }),
    ListServices: () => ({ serviceArns: [`${ARN}service/main/web`] }),
    DescribeServices: (input) => {
      const wanted = Array.isArray(input.services) ? input.services : [];
      const view = serviceView();
      advance();
      return wanted.includes('web')
        ? { services: [view], failures: [] }
        : { services: [], failures: [{ reason: 'MISSING' }] };
    },
    DescribeTaskDefinition: (input) => {
      const name = find(stringOf(input.taskDefinition) ?? '');
      const found = name === undefined ? undefined : revisions.get(name);
      return found === undefined || name === undefined
        ? undefined
        : { taskDefinition: found, tags: revisionTags.get(name) ?? [] };
    },
    RegisterTaskDefinition: (input) => ({
      taskDefinition: store(input, objectsOf(input.tags)),
      tags: input.tags ?? [],
    }),
    UpdateService: (input) => {
      const name = find(stringOf(input.taskDefinition) ?? '');
      fake.serviceRevision = stringOf(revisions.get(name ?? '')?.taskDefinitionArn) ?? '';
      const isFirst = fake.calls.filter((call) => call === 'UpdateService').length === 1;
      deploy(fake.serviceRevision, isFirst ? 'IN_PROGRESS' : 'COMPLETED');
      return { service: serviceView() };
    },
    TagResource: (input) => {
      for (const tag of objectsOf(input.tags)) {
        fake.serviceTags.set(stringOf(tag.key) ?? '', stringOf(tag.value) ?? '');
      }
      return {};
    },
  };

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(fake, {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    if (text.startsWith('Action=DescribeRegions')) {
      // EC2 speaks the query protocol: form in, XML out.
      const denied = fake.denied.has('ec2:DescribeRegions');
      response.writeHead(denied ? 403 : 200, { 'content-type': 'text/xml' });
      response.end(denied ? REGIONS_DENIED : REGIONS);
      return;
    }
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const input: JsonValue = JSON.parse(text);
    const send = (status: number, body: JsonObject) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    fake.calls.push(operation);
    const refused = [`ecs:${operation}`, ...(operation === 'RegisterTaskDefinition' ? ['iam:PassRole'] : [])].find(
      (action) => fake.denied.has(action),
    );
    if (refused !== undefined) {
      const message = `User: arn:aws:iam::123456789012:user/someone is not authorized to perform: ${refused} on resource: *`;
      send(400, { __type: refused === 'iam:PassRole' ? 'ClientException' : 'AccessDeniedException', message });
      return;
    }
    const output = isJsonObject(input) ? operations[operation]?.(input) : undefined;
    if (output === undefined) {
      send(400, { __type: 'ClientException', message: 'Unable to describe task definition.' });
      return;
    }
    send(200, output);
  }
}
