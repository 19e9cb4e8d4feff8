/**
 * `pcap-sensor ecs` as a process: in a script's pipe, and at a terminal with someone who presses Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { COMMAND, runCommand, withoutOptions } from '../support/command.js';
import { type FakeEcs, startFakeEcs } from '../support/fake-ecs.js';
import { needs } from '../support/needs.js';
import { futureTaskDefinition, richTags } from '../support/rich-task-definition.js';

let ecs: FakeEcs;
let environment: Record<string, string>;

beforeEach(async () => {
  ecs = await startFakeEcs(futureTaskDefinition, richTags);
  environment = {
    AWS_ENDPOINT_URL: ecs.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  };
});
afterEach(() => ecs.stop());

const web = ['--region', 'eu-west-1', '--cluster', 'main', '--service', 'web'];
const satellite = ['--satellite-url', 'http://satellite:9999', '--levo-env', 'staging'];
const run = (...words: string[]) => runCommand(['ecs', ...words], { env: environment });
const writes = () => ecs.calls.filter((call) => /^(Register|Update|Tag)/.test(call));

test('add, status, add again, remove, status', async () => {
  const added = await run('add', ...web, ...satellite, '--rate-limit', '50.0', '--host-exclusions', 'a,b', '--yes');
  expect(added).toMatchObject({ code: 0 });
  expect(added.stdout).toContain('+      "name": "levo-pcap-sensor",');
  expect(added.stdout.trimEnd().split('\n').at(-1)).toBe('Service web is steady on shop:2.');
  const status = await run('status', ...web);
  expect(status).toMatchObject({ code: 0, stderr: '' });
  expect(status.stdout).toMatch(/runs +\.\/bin\/init apidump .*--rate-limit 50\.0 --host-exclusions a,b$/m);
  // The application's own log group, which its role may certainly write to.
  expect(JSON.stringify(ecs.revisions.get('shop:2'))).toContain(
    '"awslogs-group":"/ecs/shop","awslogs-region":"eu-west-1","awslogs-stream-prefix":"ecs-pcap"',
  );
  const calls = writes().length;
  const again = await run('add', ...web, ...satellite, '--rate-limit', '50.0', '--host-exclusions', 'a,b', '--yes');
  expect(again).toMatchObject({ code: 0, stdout: 'shop:2 has this sensor already: nothing to do.\n' });
  expect(writes()).toHaveLength(calls);
  expect(await run('remove', ...web, '--yes')).toMatchObject({ code: 0 });
  expect((await run('status', ...web)).code).toBe(3);
});

test.each<[string, string[], RegExp]>([
  ['no action', ['ecs'], /"ecs" needs a command behind it; give one of add, remove, cf-fragment, tf-fragment, status/],
  ['a mistyped action', ['ecs', 'ad'], /"ecs ad" is no command; did you mean add\?/],
  ['no region', ['ecs', 'status'], /no terminal to ask at: give --region/],
  [
    'no service',
    ['ecs', 'status', '--region', 'eu-west-1'],
    /no terminal to ask at: give --service NAME or --family NAME/,
  ],
  ['no satellite', ['ecs', 'add', ...web], /no terminal to ask at: give --satellite-url/],
  ['no --yes', ['ecs', 'add', ...web, ...satellite], /no terminal to ask at: give --yes/],
  [
    'a flag the sensor lacks',
    ['ecs', 'add', ...web, '--rate-limits', '5'],
    /--rate-limits is no option; did you mean --rate-limit\?/,
  ],
  ['a wrong value for the sensor', ['ecs', 'add', ...web, '--rate-limit', 'many'], /--rate-limit "many"/],
])('%s: one line, exit code not 0, nothing changed', async (_name, words, message) => {
  const { code, stderr } = await runCommand(words, { env: environment });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(message);
  expect(code).not.toBe(0);
  expect(writes()).toStrictEqual([]);
});

test('no call is made that the policy in docs does not allow', async () => {
  const policy = JSON.parse(readFileSync(new URL('../../docs/iam-policy.json', import.meta.url), 'utf8')) as {
    Statement: { Action: string[] }[];
  };
  const allowed = policy.Statement.flatMap((statement) => statement.Action);
  expect(allowed.toSorted()).toStrictEqual([
    'ec2:DescribeRegions',
    'ecs:DescribeClusters',
    'ecs:DescribeServices',
    'ecs:DescribeTaskDefinition',
    'ecs:ListClusters',
    'ecs:ListServices',
    'ecs:ListTaskDefinitionFamilies',
    'ecs:RegisterTaskDefinition',
    'ecs:TagResource',
    'ecs:UpdateService',
  ]);
  await run('add', ...web, ...satellite, '--yes');
  await run('remove', ...web, '--yes');
  expect(ecs.calls.length).toBeGreaterThan(8);
  expect(ecs.calls.filter((call) => !allowed.includes(`ecs:${call}`))).toStrictEqual([]);
});

/** Runs the command at a pseudo-terminal; `keys` maps each question, in order, to what is typed at it. */
async function atTerminal(words: string[], keys: readonly (readonly [question: string, typed: string])[]) {
  const line = [COMMAND, ...words].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
    env: { ...withoutOptions(process.env), ...environment, TERM: 'xterm', NO_COLOR: '1' },
  });
  let seen = '';
  let at = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    const next = keys[at];
    const place = next === undefined ? -1 : seen.indexOf(next[0]);
    if (next !== undefined && place >= 0) {
      seen = seen.slice(place + next[0].length);
      at += 1;
      child.stdin.write(next[1]);
    }
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, asked: at, rest: seen };
}

/** The arrow key. */
const DOWN = '\x1b[B';

describe('at a terminal', needs('script'), () => {
  const questions = [
    ['AWS region', '\r'],
    ['Add the sensor to', '\r'],
    ['Cluster', '\r'],
    ['Service in main', '\r'],
    ['Satellite URL', 'http://satellite:9999\r'],
    ['Environment', 'staging\r'],
    ['Organisation', 'org\r'],
    ['Register a new revision', 'y\r'],
  ] as const;

  test('every question answered: the sensor is in', async () => {
    const { code, asked } = await atTerminal(['ecs', 'add'], questions);
    expect({ code, asked }).toStrictEqual({ code: 0, asked: questions.length });
    expect(ecs.serviceRevision).toMatch(/shop:2$/);
  });

  test('without the permission to list regions, the error says to name one', async () => {
    ecs.denied.add('ec2:DescribeRegions');
    const { code, rest } = await atTerminal(['ecs', 'add'], []);
    expect(code).toBe(1);
    expect(rest).toMatch(/AWS denied ec2:DescribeRegions: .* name the region with --region/);
  });

  test.each(questions.map(([question], index) => [question, index] as const))(
    'Ctrl-C at "%s" changes nothing',
    async (question, index) => {
      const keys = [...questions.slice(0, index), [question, '\x03'] as const];
      const { code, asked, rest } = await atTerminal(['ecs', 'add'], keys);
      expect({ code, asked }).toStrictEqual({ code: 130, asked: index + 1 });
      expect(rest).toContain('interrupted: nothing was changed');
      expect(writes()).toStrictEqual([]);
    },
  );

  test('Ctrl-C at the questions that are not always asked changes nothing either', async () => {
    const family = [
      ['AWS region', '\r'],
      ['Add the sensor to', `${DOWN}\r`],
      ['Task definition', '\x03'],
    ] as const;
    expect(await atTerminal(['ecs', 'add'], family)).toMatchObject({ code: 130, asked: 3 });

    expect(await atTerminal(['ecs', 'remove', ...web], [])).toMatchObject({ code: 0, asked: 0 });
    await run('add', ...web, ...satellite, '--yes');
    const before = writes();
    const removing = await atTerminal(['ecs', 'remove', ...web], [['Set service web to it', '\x03']]);
    expect(removing).toMatchObject({ code: 130, asked: 1 });
    expect(writes()).toStrictEqual(before);

    const config = join(mkdtempSync(join(tmpdir(), 'aws-')), 'config');
    onTestFinished(() => rmSync(dirname(config), { recursive: true }));
    writeFileSync(config, '[profile one]\nregion = eu-west-1\n[profile two]\nregion = eu-west-1\n');
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...anonymous } = environment;
    environment = { ...anonymous, AWS_CONFIG_FILE: config };
    expect(await atTerminal(['ecs', 'add'], [['AWS profile', '\x03']])).toMatchObject({ code: 130, asked: 1 });
    expect(writes()).toStrictEqual(before);
  });
});
