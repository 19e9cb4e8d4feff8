/**
 * Every command of the README and the documents, word for word, with the real programs or the nearest substitute: docker
 * is podman, AWS is moto, Kubernetes an API server with controllers and no nodes. NOT_RUN lists the commands that are not
 * run here, with the reason. scripts/check-readme runs them all.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeSecurityGroupsCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
} from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { captureFile, conversation } from '../support/capture-file.js';
import { commandPlaces, documented, snippetsIn } from '../support/documented-commands.js';
import { controlPlaneBuilt, startControlPlane } from '../support/kubernetes-control-plane.js';
import { motoInstalled, startMoto } from '../support/moto.js';
import { networkName, run } from '../support/namespace.js';
import { type Need, type Needs, needs } from '../support/needs.js';
import { podman, podmanReady, runContainer, sensorImage, startContainer } from '../support/podman.js';
import { richTaskDefinition } from '../support/rich-task-definition.js';
import { atTerminal, type Terminal, type TerminalOptions } from '../support/terminal.js';
import { terraformPlugins } from '../support/terraform-plugins.js';
import { builtCopy, freshClone } from '../support/working-copy.js';

/** Captures in a network namespace of its own; all take git, for a clone. */
const capturing = (...more: Need[]) => needs('namespaces', 'ip', 'curl', 'git', ...more);
/** What takes minutes is for scripts/check-readme. */
const slow = { 'scripts/check-readme': process.env.DOCUMENTED_COMMANDS === 'all' };
const moto = { moto: motoInstalled };
const image = { PCAP_SENSOR_IMAGE: podmanReady };
const plugins = terraformPlugins();
const terraform = {
  terraform: spawnSync('terraform', ['version']).status === 0,
  'terraform-provider-aws': plugins !== null,
  ...moto,
};
const MINUTES = 60_000;

const NOT_RUN: Readonly<Record<string, string>> = {
  'scripts/npm-tarball': 'compiles RE2 for each release of Node.js; .ci/full builds it, and tests what it builds',
  'npm test': 'this is what it runs',
  'docker build --tag levoai/pcap-sensor:0.1.0 .': 'the build of docs/install.md#Docker[1], without its argument',
  'docker stop': 'names the verb; the test of the image stops a container',
  'scripts/node-matrix': 'runs the tests on three versions of Node.js; .ci/full does',
  'docs/install.md#Docker[2]': 'needs a base image to pull; scripts/image builds the same from what is installed',
  'docs/install.md#Docker[3]':
    'needs BuildKit and base images to pull; scripts/image builds the same Dockerfile for both platforms',
};

/** Registered when the file is read, so that the last test knows of skipped ones as well. */
const covered = new Set<string>();

/** A test that runs the commands at `places`. */
function scenario(
  name: string,
  takes: Needs,
  places: readonly string[],
  follow: (...commands: string[]) => Promise<void>,
) {
  for (const place of places) covered.add(place);
  test(name, { ...takes, timeout: 15 * MINUTES }, () => follow(...places.map((place) => documented(place))));
}

let copy: string;
beforeAll(() => {
  if (!needs('git').skip) copy = builtCopy();
});
afterAll(() => copy !== undefined && rmSync(copy, { recursive: true, force: true }));

/** A namespace with loopback and what the documentation's names stand for there; removed when the test is over. */
function namespace(): string {
  const name = networkName('');
  mkdirSync(`/etc/netns/${name}`, { recursive: true });
  writeFileSync(`/etc/netns/${name}/hosts`, '127.0.0.1 localhost satellite.example\n');
  run('ip', 'netns', 'add', name);
  run('ip', '-n', name, 'link', 'set', 'lo', 'up');
  onTestFinished(() => {
    run('ip', 'netns', 'delete', name);
    rmSync(`/etc/netns/${name}`, { recursive: true });
  });
  return name;
}

const succeed = async (terminal: Terminal, code = 0) => {
  const { code: actual, output } = await terminal.ended;
  expect(actual, output).toBe(code);
  return output;
};

/** Ctrl-C, and the books at the end: all that was seen is exported. */
async function interruptAndCount(terminal: Terminal): Promise<void> {
  terminal.interrupt();
  const output = await succeed(terminal);
  const summary = output.split('\n').find((line) => line.includes('"msg":"summary"')) ?? '{}';
  const { counters } = JSON.parse(summary) as { counters?: Record<string, number> };
  expect(counters?.exchanges_seen, output).toBeGreaterThan(0);
  expect(counters?.exchanges_exported, output).toBe(counters?.exchanges_seen);
}

describe('from a checkout', () => {
  scenario(
    'a satellite, the sensor, its traces, the doctor',
    capturing(),
    ['README.md#Use it[0]', 'README.md#Use it[1]', 'curl http://127.0.0.1:9999/traces', 'README.md#Use it[2]'],
    async (satellite = '', apidump = '', curl = '', doctor = '') => {
      const where = { cwd: copy, namespace: namespace() };
      const receiving = atTerminal(satellite, where);
      await receiving.until('satellite at');
      const app = atTerminal(`node -e "${APPLICATION}"`, where);
      await app.until('listening');
      const sensing = atTerminal(apidump, where);
      await sensing.until('capturing on');
      await succeed(atTerminal('curl --silent http://127.0.0.1:8080/things', where));
      await receiving.until('/things');
      expect(await succeed(atTerminal(curl, where))).toContain('/things');
      await interruptAndCount(sensing);

      const examined = atTerminal(doctor, where);
      const asking = atTerminal('while sleep 0.2; do curl --silent http://127.0.0.1:8080/; done', where);
      expect(await succeed(examined)).toMatch(/satellite/);
      asking.interrupt();
      receiving.interrupt();
      await succeed(receiving);
    },
  );

  scenario('watching loopback', capturing(), ['README.md#Watch the traffic[0]'], async (watch = '') => {
    const where = { cwd: copy, namespace: namespace() };
    const app = atTerminal(`node -e "${APPLICATION}"`, where);
    await app.until('listening');
    const watching = atTerminal(watch, where);
    await watching.until('capturing on');
    await succeed(atTerminal('curl --silent http://127.0.0.1:8080/things', where));
    await watching.until(/GET 127\.0\.0\.1:8080\/things 200/);
    await interruptAndCount(watching);
  });

  scenario('watching a capture file', needs('git'), ['README.md#Watch the traffic[1]'], async (watch = '') => {
    writeFileSync(
      join(copy, 'capture.pcap'),
      captureFile(
        conversation([
          ['client', 'GET /things HTTP/1.1\r\nHost: shop.example\r\n\r\n'],
          ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
        ]),
      ),
    );
    expect(await succeed(atTerminal(watch, { cwd: copy }))).toContain('shop.example/things 200');
    expect(JSON.parse(readFileSync(join(copy, 'capture.har'), 'utf8')).log.entries).toHaveLength(1);
  });

  scenario('a capture file', needs('git'), ['README.md#Use it[3]'], async (apidump = '') => {
    const seen = conversation([
      ['client', 'GET /things HTTP/1.1\r\nHost: shop.example\r\n\r\n'],
      ['server', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ]);
    writeFileSync(join(copy, 'capture.pcap'), captureFile(seen));
    expect(await succeed(atTerminal(apidump, { cwd: copy }))).toContain('"target":"/things"');
  });

  scenario('the capability', capturing('setcap', 'setpriv'), ['README.md#See it work[1]'], async (setcap = '') => {
    const tools = mkdtempSync(join(tmpdir(), 'pcap-sensor-node-'));
    onTestFinished(() => rmSync(tools, { recursive: true }));
    // It gets a Node.js of its own, and a sudo that root does not need.
    execFileSync('cp', [process.execPath, join(tools, 'node')]);
    writeFileSync(join(tools, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    const where = { cwd: copy, env: { PATH: `${tools}:${process.env.PATH}` } };
    await succeed(atTerminal(setcap, where));
    expect(await succeed(atTerminal(`getcap ${tools}/node`, where))).toContain('cap_net_raw=ep');
  });

  scenario('what setting up takes', needs('git'), ['bin/setup --list'], async (list = '') => {
    expect(await succeed(atTerminal(list, { cwd: copy }))).toContain('run libpcap ');
  });

  scenario(
    'the container to paste',
    needs('git'),
    ['README.md#ECS[0]', 'docs/install.md#ECS task definition[0]'],
    async (...commands) => {
      for (const command of commands) {
        const printed = await succeed(atTerminal(command, { cwd: copy }));
        expect(printed).toMatch(/- Name: levo-pcap-sensor$/m);
        expect(printed).toMatch(/^ +name +=.*"levo-pcap-sensor"$/m);
        expect(printed).not.toContain('INSERT');
      }
    },
  );

  scenario(
    'the help of the other commands',
    needs('git'),
    ['bin/pcap-sensor satellite --help', 'bin/pcap-sensor demo --help'],
    async (...helps) => {
      for (const help of helps) expect(await succeed(atTerminal(help, { cwd: copy }))).toContain('--');
    },
  );
});

/** What the sensor sees. */
const APPLICATION =
  "require('node:http').createServer((q, r) => r.end('ok')).listen(8080, '127.0.0.1', () => console.log('listening'))";

describe('Docker', () => {
  /** podman under the other name, with the runtime and limits that work in a container. */
  function docker(): TerminalOptions {
    const tools = mkdtempSync(join(tmpdir(), 'pcap-sensor-docker-'));
    onTestFinished(() => rmSync(tools, { recursive: true }));
    writeFileSync(join(tools, 'docker'), '#!/bin/sh\nexec podman "$@"\n', { mode: 0o755 });
    writeFileSync(join(tools, 'hosts'), '127.0.0.1 satellite.example\n');
    const limits = 'default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]';
    const settings = `[engine]\nruntime = "runc"\n[containers]\nbase_hosts_file = "${join(tools, 'hosts')}"\n${limits}\n`;
    writeFileSync(join(tools, 'containers.conf'), settings);
    const env = {
      PATH: `${tools}:${process.env.PATH}`,
      CONTAINERS_CONF: join(tools, 'containers.conf'),
      BUILDAH_ISOLATION: 'chroot',
    };
    return { cwd: copy, env };
  }

  scenario(
    'the image beside an application',
    needs('git', 'buildah', image),
    ['README.md#Docker[0]', 'docs/install.md#Docker[0]'],
    async (...commands) => {
      const image = /levoai\/pcap-sensor:\S+/.exec(commands[0] ?? '')?.[0] ?? '';
      await podman('tag', sensorImage, `docker.io/${image}`);
      onTestFinished(async () => void (await podman('untag', sensorImage, `docker.io/${image}`)));
      const app = await startContainer(
        ...['--name', 'my-app', '--network', 'none'],
        ...['--entrypoint', 'node', sensorImage, '-e', APPLICATION],
      );
      onTestFinished(app.remove);
      const receiving = await startContainer(
        '--network',
        'container:my-app',
        sensorImage,
        'satellite',
        '--port',
        '9999',
      );
      onTestFinished(receiving.remove);
      const ask = (url: string) =>
        podman('exec', 'my-app', 'node', '-e', `fetch('${url}').then((r) => r.text()).then(console.log)`);
      for (const [index, command] of commands.entries()) {
        const sensing = atTerminal(command, docker());
        await sensing.until('capturing on');
        await ask(`http://127.0.0.1:8080/things/${index}`);
        await interruptAndCount(sensing);
        expect((await ask('http://127.0.0.1:9999/traces')).stdout).toContain(`/things/${index}`);
      }
    },
  );

  scenario(
    'an image that does not run as root',
    needs('git', 'buildah', image, slow),
    ['docs/install.md#Docker[1]'],
    async (build = '') => {
      // What the Dockerfile names, in place of what cannot be pulled; npm's certificates as the machine has them.
      const standIns = [
        ['localhost/pcap-sensor-build:bookworm', 'docker.io/library/node:24-bookworm'],
        ['localhost/pcap-sensor-base:bookworm', 'docker.io/library/debian:bookworm-slim'],
      ] as const;
      const context = mkdtempSync(join(tmpdir(), 'pcap-sensor-stand-in-'));
      onTestFinished(() => rmSync(context, { recursive: true }));
      const certificates = process.env.NODE_EXTRA_CA_CERTS;
      writeFileSync(join(context, 'ca.pem'), certificates === undefined ? '' : readFileSync(certificates));
      for (const [from, to] of standIns) {
        const lines = [`FROM ${from}`, 'COPY ca.pem /ca.pem', 'ENV NODE_EXTRA_CA_CERTS=/ca.pem'];
        writeFileSync(join(context, 'Dockerfile'), lines.join('\n'));
        run('buildah', 'bud', '--isolation', 'chroot', '--pull-never', '--tag', to, context);
        onTestFinished(async () => void (await podman('rmi', '--force', to)));
      }
      await succeed(atTerminal(build, docker()));
      onTestFinished(async () => void (await podman('rmi', '--force', 'pcap-sensor:nonroot')));
      const who = ['--network', 'none', '--entrypoint', 'sh', 'pcap-sensor:nonroot', '-c', 'id -un; getcap node'];
      expect((await runContainer(...who)).stdout).toMatch(/^sensor$/m);
      const start = [
        '--network',
        'none',
        '--cap-drop',
        'ALL',
        '--cap-add',
        'NET_RAW',
        'pcap-sensor:nonroot',
        'apidump',
      ];
      const sensing = await startContainer(...start, '--satellite-url', 'http://127.0.0.1:9999');
      onTestFinished(sensing.remove);
      await expect.poll(sensing.logs, { timeout: MINUTES }).toContain('capturing on');
    },
  );

  scenario(
    'the image for both platforms',
    needs('git', 'buildah', image, slow),
    ['scripts/image', 'PLATFORM=linux/arm64 scripts/image'],
    async (...builds) => {
      for (const build of builds) await succeed(atTerminal(build, { cwd: copy }));
    },
  );
});

describe('AWS', () => {
  /** moto with a service to put the sensor into, and what it takes to be found. */
  async function startAws(): Promise<{ env: Record<string, string>; client: ECSClient }> {
    const moto = await startMoto(2);
    onTestFinished(moto.stop);
    const access = {
      region: 'us-west-2',
      endpoint: moto.url,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const client = new ECSClient(access);
    const ec2 = new EC2Client(access);
    onTestFinished(() => {
      client.destroy();
      ec2.destroy();
    });
    const subnets = await ec2.send(new DescribeSubnetsCommand({}));
    const groups = await ec2.send(new DescribeSecurityGroupsCommand({}));
    await client.send(new CreateClusterCommand({ clusterName: 'main' }));
    const input = richTaskDefinition as unknown as RegisterTaskDefinitionCommandInput;
    await client.send(new RegisterTaskDefinitionCommand(input));
    const network = {
      subnets: [subnets.Subnets?.[0]?.SubnetId ?? ''],
      securityGroups: [groups.SecurityGroups?.[0]?.GroupId ?? ''],
    };
    await client.send(
      new CreateServiceCommand({
        cluster: 'main',
        serviceName: 'web',
        taskDefinition: 'shop',
        desiredCount: 2,
        launchType: 'FARGATE',
        networkConfiguration: { awsvpcConfiguration: network },
      }),
    );
    const env = {
      AWS_ENDPOINT_URL: moto.url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-west-2',
      AWS_DEFAULT_REGION: 'us-west-2',
      AWS_CONFIG_FILE: '/nonexistent',
    };
    return { env, client };
  }

  const revisionOf = async (client: ECSClient) => {
    const answer = await client.send(new DescribeServicesCommand({ cluster: 'main', services: ['web'] }));
    return answer.services?.[0]?.taskDefinition?.split('/').at(-1);
  };

  scenario(
    'ecs add at a terminal, status and remove',
    needs('git', 'script', moto),
    [
      'docs/install.md#ECS from the command line[1]',
      'docs/install.md#ECS from the command line[0]',
      'bin/pcap-sensor ecs add',
      'docs/install.md#ECS from the command line[2]',
    ],
    async (dryRun = '', add = '', _same = '', statusAndRemove = '') => {
      const { env, client } = await startAws();
      const planned = await succeed(atTerminal(dryRun, { cwd: copy, env }));
      expect(planned).toContain('+      "name": "levo-pcap-sensor",');
      expect(await revisionOf(client)).toBe('shop:1');

      const adding = atTerminal(add, {
        cwd: copy,
        env: { ...env, TERM: 'xterm', NO_COLOR: '1' },
        pseudoTerminal: true,
      });
      for (const [question, typed] of ANSWERS) {
        await adding.until(question);
        adding.type(typed);
      }
      await succeed(adding);
      expect(await revisionOf(client)).toBe('shop:2');

      const removed = await succeed(atTerminal(statusAndRemove, { cwd: copy, env }));
      expect(removed).toMatch(/^sensor {4}levo-pcap-sensor/m);
      expect(await revisionOf(client)).toBe('shop:1');
    },
  );
  const ANSWERS = [
    ['Add the sensor to', '\r'],
    ['Cluster', '\r'],
    ['Service in main', '\r'],
    ['Satellite URL', 'http://satellite.example:9999\r'],
    ['Environment', 'staging\r'],
    ['Organisation', 'org\r'],
    ['Register a new revision', 'y\r'],
  ] as const;

  scenario(
    'a whole task',
    needs('git', 'aws', moto),
    ['docs/install.md#ECS task definition[1]'],
    async (register = '') => {
      const { env } = await startAws();
      const answer = JSON.parse(await succeed(atTerminal(register, { cwd: copy, env }))) as {
        taskDefinition: { status: string; containerDefinitions: object[] };
      };
      const task = JSON.parse(readFileSync(join(copy, 'task-definitions/example-task.json'), 'utf8')) as {
        containerDefinitions: object[];
      };
      expect(answer.taskDefinition.status).toBe('ACTIVE');
      expect(answer.taskDefinition.containerDefinitions).toMatchObject(task.containerDefinitions);
    },
  );

  /** terraform finds its provider where a mirror would be. */
  function terraformSettings(directory: string): Record<string, string> {
    const file = join(directory, 'terraform.rc');
    writeFileSync(file, `provider_installation {\n  filesystem_mirror {\n    path = "${plugins}"\n  }\n}\n`);
    return { TF_CLI_CONFIG_FILE: file, CHECKPOINT_DISABLE: '1', TF_CLI_ARGS: '-no-color' };
  }
  const yes = (terminal: Terminal, times: number) => terminal.type('yes\n'.repeat(times));

  const OTHERS = 'docs/install.md#A task definition somebody else owns';
  scenario(
    'Terraform for a task definition somebody else owns',
    needs('git', terraform),
    [`${OTHERS}[0]`, `${OTHERS}[1]`, 'terraform destroy'],
    async (apply = '', letGo = '', destroy = '') => {
      const { env, client } = await startAws();
      const where = { cwd: copy, env: { ...env, ...terraformSettings(copy) } };
      const variables = join(copy, 'terraform/terraform.tfvars');
      writeFileSync(variables, `${documented(`${OTHERS}[0]`, 'hcl')}\n`);
      const applying = atTerminal(apply, where);
      yes(applying, 1);
      expect(await succeed(applying)).toContain('Apply complete! Resources: 1 added');
      expect(await revisionOf(client)).toBe('shop:1');
      expect(await succeed(atTerminal(apply, where))).toContain('No changes.');
      const destroying = atTerminal(destroy, { ...where, cwd: join(copy, 'terraform') });
      yes(destroying, 1);
      expect(await succeed(destroying)).toContain('Destroy complete! Resources: 1 destroyed');

      writeFileSync(variables, `${documented(`${OTHERS}[0]`, 'hcl')}\n${documented(`${OTHERS}[1]`, 'hcl')}\n`);
      const moving = atTerminal(apply, where);
      yes(moving, 1);
      await succeed(moving);
      expect(await revisionOf(client)).toBe('shop:3');
      const lettingGo = atTerminal(letGo, where);
      await lettingGo.until('Enter a value:');
      yes(lettingGo, 1);
      await lettingGo.until('Do you really want to destroy all resources?');
      yes(lettingGo, 1);
      expect(await succeed(lettingGo)).toContain('Destroy complete!');
    },
  );

  test("Terraform for a task definition of one's own", {
    ...needs('git', terraform),
    timeout: 15 * MINUTES,
  }, async () => {
    const { env } = await startAws();
    writeFileSync(join(copy, 'main.tf'), documented('docs/install.md#A task definition you own[0]', 'hcl'));
    const where = { cwd: copy, env: { ...env, ...terraformSettings(copy) } };
    await succeed(atTerminal('terraform init', where));
    const applying = atTerminal('terraform apply', where);
    yes(applying, 1);
    expect(await succeed(applying)).toContain('Apply complete! Resources: 1 added');
  });
});

describe('Kubernetes', () => {
  scenario(
    'the DaemonSet',
    needs('git', 'etcd', 'kubectl', { 'kubernetes-control-plane': controlPlaneBuilt }),
    ['README.md#Kubernetes[0]', 'docs/install.md#Kubernetes[0]'],
    async (apply = '', applyAndWatch = '') => {
      const plane = await startControlPlane();
      onTestFinished(plane.stop);
      const where = { cwd: copy, env: { KUBECONFIG: plane.kubeconfig } };
      const manifest = join(copy, 'kubernetes/daemonset.yaml');
      const filledIn = readFileSync(manifest, 'utf8').replaceAll(
        /"< INSERT [^"]*>"/g,
        '"http://satellite.example:9999"',
      );
      writeFileSync(manifest, filledIn);
      expect(await succeed(atTerminal(apply, where))).toContain('daemonset.apps/pcap-sensor created');

      // One node, whose kubelet is this test: the controller makes its pod, and waits until that is ready.
      const node = {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'node-1', labels: { 'kubernetes.io/os': 'linux' } },
      };
      writeFileSync(join(copy, 'node.json'), JSON.stringify(node));
      await plane.kubectl('create', '--filename', join(copy, 'node.json'));
      const watching = atTerminal(applyAndWatch, where);
      await watching.until('daemonset.apps/pcap-sensor unchanged');
      const pods = () => plane.kubectl('--namespace', 'pcap-sensor', 'get', 'pods', '--output', 'name');
      await expect.poll(pods, { timeout: MINUTES }).toMatch(/^pod\//);
      const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
      const patch = ['--subresource', 'status', '--patch', JSON.stringify(ready)];
      await plane.kubectl('--namespace', 'pcap-sensor', 'patch', (await pods()).trim(), ...patch);
      expect(await succeed(watching)).toContain('successfully rolled out');
    },
  );
});

// That they run; their figures need a quiet machine.
describe('benchmarks', () => {
  for (const place of commandPlaces.filter((command) => command.startsWith('npm run bench:'))) {
    scenario(
      place,
      needs('git', slow),
      [place],
      async (bench = '') => void (await succeed(atTerminal(bench, { cwd: copy }))),
    );
  }
});

describe('in a fresh clone', () => {
  const takes = capturing(slow);
  const clone = () => {
    const directory = freshClone();
    onTestFinished(() => rmSync(directory, { recursive: true }));
    return directory;
  };

  scenario(
    'npm start',
    takes,
    ['README.md#See it work[0]', 'npm start -- --keep-running'],
    async (start = '', keep = '') => {
      const where = { cwd: clone() };
      expect(await succeed(atTerminal(start, where))).toMatch(/exchanges seen +21/);
      const keeping = atTerminal(keep, where);
      for (let visits = 0; visits < 4; visits += 1) await keeping.until(' POST ');
      keeping.interrupt();
      expect((await keeping.ended).output).toMatch(/exchanges seen/);
    },
  );

  scenario(
    'from source',
    takes,
    ['README.md#From source[0]', 'docs/install.md#From source[0]'],
    async (fromSource = '', same = '') => {
      expect(same).toBe(fromSource);
      const directory = clone();
      const satellite = createServer((_request, response) => response.writeHead(200).end('{}'));
      await new Promise<void>((resolve) => satellite.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void satellite.close());
      const sensing = atTerminal(fromSource, { cwd: directory });
      await sensing.until('capturing on');
      expect(existsSync(join(directory, 'node_modules/vitest'))).toBe(false);
      sensing.interrupt();
      await succeed(sensing);
    },
  );

  scenario(
    'a release',
    takes,
    ['scripts/release --set-version 0.1.0', 'scripts/release'],
    async (setVersion = '', release = '') => {
      const directory = clone();
      await succeed(atTerminal(setVersion, { cwd: directory }));
      const commit =
        'git init --quiet && git add --all && git -c user.name=a -c user.email=a@b.c commit --quiet --message all';
      await succeed(atTerminal(commit, { cwd: directory }));
      expect(await succeed(atTerminal(release, { cwd: directory }))).toMatch(
        /^[0-9a-f]{64} {2}pcap-sensor-0\.1\.0\.tgz$/m,
      );
      expect(spawnSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(directory, 'release/0.1.0') }).status).toBe(
        0,
      );
    },
  );
});

describe('not run', () => {
  test('the check sees blocks, and spans that are commands', () => {
    const markdown =
      '# A\n```sh\none \\\n  two\n```\nRun `npm x` or `A=1 scripts/y`, not `npm`, for `bin/z` or `x.ts`.\n```sh\nthree\n```';
    expect(snippetsIn('f.md', markdown).map(({ place, text }) => [place, text])).toStrictEqual([
      ['f.md#A[0]', 'one \\\n  two'],
      ['npm x', 'npm x'],
      ['A=1 scripts/y', 'A=1 scripts/y'],
      ['f.md#A[1]', 'three'],
    ]);
  });

  test('every other documented command is', () => {
    expect([...covered, ...Object.keys(NOT_RUN)].toSorted()).toStrictEqual([...commandPlaces].toSorted());
  });
});
