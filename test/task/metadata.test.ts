import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { NO_TASK, readTaskMetadata } from '../../src/task/metadata.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function endpoint(answers: Record<string, unknown>): Promise<string> {
  server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    if (answer === 'silence') return;
    response.writeHead(answer === undefined ? 404 : 200);
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// As AWS documents them for Fargate.
const CONTAINER = {
  DockerId: 'ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66',
  Name: 'sensor',
  DockerName: 'ecs-app-7-sensor-cca48e8dcadd97805600',
  Image: '111122223333.dkr.ecr.us-west-2.amazonaws.com/sensor:latest',
  ContainerARN: 'arn:aws:ecs:us-west-2:111122223333:container/05966557-f16c-49cb-9352-24b3a0dcd0e1',
};
const TASK = {
  Cluster: 'default',
  TaskARN: 'arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c',
  Family: 'checkout',
  Revision: '26',
  LaunchType: 'FARGATE',
  AvailabilityZone: 'us-west-2a',
};

it('reads the task and the container', async () => {
  const base = await endpoint({ '/v4/abc': CONTAINER, '/v4/abc/task': TASK });
  expect(await readTaskMetadata({ ECS_CONTAINER_METADATA_URI_V4: `${base}/v4/abc` })).toEqual({
    family: 'checkout',
    attributes: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_ecs',
      'cloud.region': 'us-west-2',
      'cloud.account.id': '111122223333',
      'cloud.availability_zone': 'us-west-2a',
      'cloud.resource_id': CONTAINER.ContainerARN,
      'aws.ecs.cluster.arn': 'arn:aws:ecs:us-west-2:111122223333:cluster/default',
      'aws.ecs.task.arn': TASK.TaskARN,
      'aws.ecs.task.id': '158d1c8083dd49d6b527399fd6414f5c',
      'aws.ecs.task.family': 'checkout',
      'aws.ecs.task.revision': '26',
      'aws.ecs.launchtype': 'fargate',
      'aws.ecs.container.arn': CONTAINER.ContainerARN,
      'container.id': CONTAINER.DockerId,
      'container.name': CONTAINER.DockerName,
      'container.image.name': CONTAINER.Image,
    },
  });
});

it('keeps a cluster that is an ARN', async () => {
  const Cluster = 'arn:aws:ecs:us-west-2:111122223333:cluster/other';
  const base = await endpoint({ '/': CONTAINER, '/task': { ...TASK, Cluster } });
  const { attributes } = await readTaskMetadata({ ECS_CONTAINER_METADATA_URI_V4: base });
  expect(attributes['aws.ecs.cluster.arn']).toBe(Cluster);
});

it('is nothing outside ECS', async () => {
  expect(await readTaskMetadata({})).toBe(NO_TASK);
});

it.each([
  ['a missing page', { '/': CONTAINER }, 'status 404'],
  ['broken JSON', { '/': CONTAINER, '/task': '{' }, 'JSON'],
  ['an answer that is no object', { '/': CONTAINER, '/task': 'null' }, 'not an object'],
  ['silence', { '/': CONTAINER, '/task': 'silence' }, 'no answer within 100 ms'],
])('does without what %s costs', async (_what, answers, reason) => {
  const base = await endpoint(answers);
  const failures: string[] = [];
  const { attributes, family } = await readTaskMetadata(
    { ECS_CONTAINER_METADATA_URI_V4: base },
    (url, why) => failures.push(`${url} ${why}`),
    100,
  );
  expect(attributes['container.id']).toBe(CONTAINER.DockerId);
  expect(family).toBe('');
  expect(failures).toEqual([expect.stringMatching(new RegExp(`/task .*${reason}`))]);
});
