/** SQS as moto has it: what is deleted, what is given back, what stays invisible. */

import { hostname } from 'node:os';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutEnvelope } from '../../../../src/packets/trigger/sources/sqs.js';
import { type Moto, motoInstalled, startMoto } from '../../../support/moto.js';
import { needs } from '../../../support/needs.js';
import { readPcap } from '../../../support/pcap-records.js';
import { type RunningDaemon, startPcapdaemon } from '../../../support/pcapdaemon.js';

it('unwraps what SNS delivers, and nothing else', () => {
  const envelope = { Type: 'Notification', TopicArn: 'arn:aws:sns:r:1:t', MessageId: 'm', Message: '{"node":"any"}' };
  expect(withoutEnvelope(JSON.stringify(envelope))).toBe('{"node":"any"}');
  const other = JSON.stringify({ ...envelope, Type: 'SubscriptionConfirmation' });
  for (const body of [other, '{"node":"any","tags":"\\"Notification\\""}', 'not json "Notification"', ''])
    expect(withoutEnvelope(body)).toBe(body);
});

describe('a daemon that polls SQS', needs({ moto: motoInstalled }, 'capture'), () => {
  let moto: Moto;
  let sqs: SQSClient;
  let daemon: RunningDaemon;
  const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const queues: Record<string, string> = {};

  async function counts(name = 'capture'): Promise<{ visible: number; invisible: number }> {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queues[name], AttributeNames: [...names] }),
    );
    return { visible: Number(Attributes[names[0]]), invisible: Number(Attributes[names[1]]) };
  }

  async function until(fits: () => Promise<boolean>): Promise<void> {
    while (!(await fits())) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  const empty = () => until(async () => ((one) => one.visible + one.invisible === 0)(await counts()));
  const message = (fields: object) =>
    JSON.stringify({ node: 'any', interface: ['lo'], packets: 2, snap: 200, bpf: 'tcp', ...fields });
  const send = (...bodies: string[]) =>
    sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queues.capture,
        Entries: bodies.map((MessageBody, i) => ({ Id: String(i), MessageBody })),
      }),
    );

  async function answers(count: number): Promise<any[]> {
    const found: Message[] = [];
    while (found.length < count) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queues.answers, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
      );
      for (const { ReceiptHandle } of Messages)
        await sqs.send(new DeleteMessageCommand({ QueueUrl: queues.answers, ReceiptHandle }));
      found.push(...Messages);
    }
    return found.map(({ Body = '' }) => JSON.parse(Body));
  }

  beforeAll(async () => {
    moto = await startMoto(0);
    sqs = new SQSClient({ region: 'us-east-1', endpoint: moto.url, credentials });
    for (const name of ['capture', 'answers']) {
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
      queues[name] = `${moto.url}${new URL(QueueUrl).pathname}`;
    }
    daemon = await startPcapdaemon({
      env: keys,
      toml: `
[general]
writelocal = true
localdir = "OUT"
replyto = ["${queues.answers}"]
[[interface]]
name = "lo"
alias = ["main"]
[sqs]
listen = true
region = "us-east-1"
url = "${queues.capture}"
waitseconds = 1
chunksize = 10`,
    });
    await daemon.said(/waiting for messages/);
  });

  afterAll(async () => {
    await daemon?.kill();
    sqs?.destroy();
    await moto?.stop();
  });

  it('asks the host in its url, with credentials of the environment, and deletes what is done', async () => {
    await send(message({ replyto: queues.answers, id: 'one' }));
    expect(await answers(1)).toMatchObject([{ id: 'one', status: 'captured', packets: 2 }]);
    await empty();
    expect(daemon.files()).toHaveLength(1);
  });

  it('reads each message of a batch by itself (bug 6)', async () => {
    const before = daemon.files();
    await send(
      message({ bpf: `tcp and greater 70`, customer: 'c1', tags: 't1', id: 'first', replyto: queues.answers }),
      message({ bpf: '', id: 'second', replyto: queues.answers, packets: 1 }),
    );
    const found = await answers(2);
    expect(found.find(({ id }) => id === 'first')).toMatchObject({
      customer: 'c1',
      tags: expect.stringContaining('customer:c1,t1,'),
    });
    expect(found.find(({ id }) => id === 'second').tags).toBe(`node:${hostname()},interface:lo,snaplength:200`);
    expect(daemon.files()).toHaveLength(before.length + 2);
    await empty();
  });

  it('deletes what it refuses for good, and takes alias, envelope and forged names for what they are', async () => {
    const envelope = JSON.stringify({
      Type: 'Notification',
      TopicArn: 'arn:aws:sns:r:1:t',
      Message: message({ id: 'sns', replyto: queues.answers }),
    });
    await send(
      'not json',
      message({ interface: ['nope'] }),
      JSON.stringify({ packets: 3, node: 'any' }),
      message({ alias: ['main'] }),
      message({ interface: [], alias: ['main'], id: 'alias', aliasmatched: 'forged', replyto: queues.answers }),
      envelope,
    );
    const found = await answers(2);
    expect(found.map(({ id }) => id).sort()).toEqual(['alias', 'sns']);
    expect(found.find(({ id }) => id === 'alias').tags).toContain('alias:main,');
    await empty();
    for (const reason of [
      /not a JSON object/,
      /unknown interface .*nope/,
      /neither interface nor alias/,
      /interface and alias together/,
    ])
      await daemon.said(reason);
  });

  it('keeps a message until its capture has been delivered', async () => {
    await send(message({ bpf: 'udp port 4', timeout: 2, id: 'slow', replyto: queues.answers }));
    await daemon.said(/interface lo: capturing .*udp port 4/);
    expect(await counts()).toEqual({ visible: 0, invisible: 1 });
    expect(await answers(1)).toMatchObject([{ id: 'slow', status: 'empty' }]);
    await empty();
  });

  it('gives back what is for another node (A4)', async () => {
    await sqs.send(
      new SendMessageCommand({ QueueUrl: queues.capture, MessageBody: message({ node: 'another-node' }) }),
    );
    await until(async () => (await counts()).invisible === 1);
    // Both, one after the other, and again: it comes and goes, and nobody deletes it.
    await until(async () => (await counts()).visible === 1);
    await until(async () => (await counts()).invisible === 1);
    await sqs.send(new PurgeQueueCommand({ QueueUrl: queues.capture }));
    expect(readPcap(daemon.file(daemon.files()[0] ?? '')).linkType).toBe(1);
  });
});
