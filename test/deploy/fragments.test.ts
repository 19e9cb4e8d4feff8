/** What is printed to paste: containers for CloudFormation and Terraform, manifests with the sensor in their pods. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { runCommand } from '../support/command.js';
import { needs } from '../support/needs.js';

const folder = mkdtempSync(join(tmpdir(), 'fragments-'));
afterAll(() => rmSync(folder, { recursive: true }));
const URL_FLAG = ['--satellite-url', 'http://satellite:9999'];
const HOSTILE = `^/\${a}%{b}"'\\d: # $(HOME)`;
const terraformInstalled = spawnSync('terraform', ['version']).status === 0;

async function printed(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(words);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe('ecs cf-fragment', () => {
  it('names properties as CloudFormation does, and texts as they were given', async () => {
    const words = [
      'ecs',
      'cf-fragment',
      ...URL_FLAG,
      '--levo-env',
      'staging',
      '--log-group',
      '/x',
      '--path-exclusions',
      HOSTILE,
    ];
    const [container] = parse(await printed(...words));
    expect(container).toMatchObject({
      Name: 'levo-pcap-sensor',
      Essential: false,
      Environment: [{ Name: 'LEVO_AWS_REGION', Value: { Ref: 'AWS::Region' } }],
      RestartPolicy: { Enabled: true, IgnoredExitCodes: [2] },
      LogConfiguration: {
        LogDriver: 'awslogs',
        Options: { 'awslogs-group': '/x', 'awslogs-region': { Ref: 'AWS::Region' } },
      },
    });
    expect(container.EntryPoint).toEqual(
      expect.arrayContaining(['--levo-env', 'staging', '--path-exclusions', HOSTILE]),
    );
    const json = JSON.parse(await printed(...words, '--json', '--region', 'us-west-2'));
    expect(json.LogConfiguration.Options['awslogs-region']).toBe('us-west-2');
  });

  it('is told what it lacks, and what has no place there', async () => {
    expect(await runCommand(['ecs', 'cf-fragment'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--satellite-url is required'),
    });
    expect(await runCommand(['ecs', 'cf-fragment', '--read', 'x'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--read has no place'),
    });
    expect(await runCommand(['ecs', 'tf-fragment', ...URL_FLAG])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/name\s+= "LEVO_AWS_REGION"\n\s+value = data\.aws_region\.current\.name\n/),
      stderr: 'it takes the region from: data "aws_region" "current" {}\n',
    });
    expect(await runCommand(['ecs', 'tf-fragment', ...URL_FLAG, '--region', 'oregon'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--region "oregon" is no region of AWS; give one such as us-west-2'),
    });
  });
});

it(
  'ecs tf-fragment is an expression that Terraform reads back as it was meant',
  needs({ terraform: terraformInstalled }),
  async () => {
    const words = ['--region', 'us-west-2', ...URL_FLAG, '--path-exclusions', HOSTILE];
    const text = await printed('ecs', 'tf-fragment', ...words);
    writeFileSync(join(folder, 'main.tf'), `output "container" {\n  value = jsonencode(${text.trimEnd()})\n}\n`);
    const terraform = (...args: string[]) => spawnSync('terraform', args, { cwd: folder, encoding: 'utf8' });
    const applied = terraform('apply', '-auto-approve', '-no-color');
    expect(applied.status, applied.stderr).toBe(0);
    const container = JSON.parse(JSON.parse(terraform('output', '-json', 'container').stdout));
    expect(container).toMatchObject({ name: 'levo-pcap-sensor', cpu: 512, essential: false, portMappings: [] });
    expect(container.entryPoint).toEqual(expect.arrayContaining(['--path-exclusions', HOSTILE]));
  },
);

describe('kube inject', () => {
  const MANIFEST = `# The shop.
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: app # the application
          image: shop/cart:1
---
apiVersion: v1
kind: Service
metadata: {name: cart}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: job, image: x}]}}}}}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{name: a}, {name: old, image: 'levoai/pcap-sensor:0.0.1'}]}}
  - {apiVersion: v1, kind: Pod, metadata: {name: node}, spec: {hostNetwork: true, containers: [{name: a}]}}
`;
  const file = join(folder, 'shop.yaml');

  it('puts the sensor into each pod, once, and leaves the rest as it was written', async () => {
    writeFileSync(file, MANIFEST);
    const { code, stdout, stderr } = await runCommand([
      'kube',
      'inject',
      file,
      ...URL_FLAG,
      '--path-exclusions',
      HOSTILE,
    ]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: [
        'Deployment shop/cart: levo-pcap-sensor added',
        'CronJob nightly: levo-pcap-sensor added',
        'Pod one: levo-pcap-sensor replaced',
        'Pod node: left as it is, since it has the network of its node; kubernetes/daemonset.yaml captures there',
        '',
      ].join('\n'),
    });
    expect(stdout).toContain('# The shop.');
    expect(stdout).toContain('name: app # the application');
    const [deployment, service, cronJob, list] = parseAllDocuments(stdout).map((document) => document.toJS());
    const [app, sensor] = deployment.spec.template.spec.containers;
    expect(app).toEqual({ name: 'app', image: 'shop/cart:1' });
    expect(sensor.args).toEqual(
      expect.arrayContaining(['apidump', '--path-exclusions', HOSTILE.replace('$(', '$$$$(')]),
    );
    expect(sensor.securityContext).toEqual({
      runAsUser: 0,
      runAsNonRoot: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
    });
    expect(service).toEqual({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'cart' } });
    // One that Kubernetes ends when the job has.
    const job = cronJob.spec.jobTemplate.spec.template.spec;
    expect(job.containers).toHaveLength(1);
    expect(job.initContainers).toEqual([
      expect.objectContaining({ name: 'levo-pcap-sensor', restartPolicy: 'Always' }),
    ]);
    expect(list.items[0].spec.containers.map(({ name }: { name: string }) => name)).toEqual(['a', 'levo-pcap-sensor']);
    expect(list.items[1].spec.containers).toHaveLength(1);
  });

  it('comes to the same when it is done again, from standard input too', async () => {
    const once = await printed('kube', 'inject', file, ...URL_FLAG);
    const { stdout, stderr } = await runCommand(['kube', 'inject', '-', ...URL_FLAG], { stdin: once });
    expect(stdout).toBe(once);
    expect(stderr).toContain('Deployment shop/cart: levo-pcap-sensor replaced');
    expect(await printed('kube', 'inject', '-f', file, ...URL_FLAG)).toBe(once);
    expect((await runCommand(['kube', 'inject', '-f', '-', ...URL_FLAG], { stdin: once })).stdout).toBe(once);
  });

  it.each([
    ['kind: Service\n', 'has no pod in it'],
    ['', 'has no pod in it'],
    ['a: [b\n', 'is no YAML'],
    ['just text\n', 'has no pod in it'],
  ])('refuses %j', async (text, says) => {
    writeFileSync(join(folder, 'wrong.yaml'), text);
    const { code, stderr } = await runCommand(['kube', 'inject', join(folder, 'wrong.yaml'), ...URL_FLAG]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) });
  });

  it('refuses a file that is not there, and none', async () => {
    expect(await runCommand(['kube', 'inject', '/nowhere', ...URL_FLAG])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT'),
    });
    expect(await runCommand(['kube', 'inject', ...URL_FLAG])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--file is required'),
    });
  });
});
