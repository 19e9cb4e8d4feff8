/**
 * Everything that the documents and the deployment files give people to paste, read by the sensor's own option parser: each
 * command as it stands; each container filled in, with and without what is optional; and with each placeholder left in.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { SUBCOMMANDS } from '../../src/cli/commands.js';
import { joinDashes, plainFlags } from '../../src/cli/flags.js';
import { ECS_ADD_OPTIONS } from '../../src/options/ecs-options.js';
import type { OptionTable } from '../../src/options/option-row.js';
import { SENSOR_OPTIONS } from '../../src/options/options.js';
import { APIDUMP, DOCTOR, type SensorVerb, WATCH } from '../../src/options/sensor-verbs.js';
import { resolveSensor, resolveSettings } from '../../src/options/settings.js';
import { snippetsIn } from '../support/documented-commands.js';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md'));
const SENSOR_VERBS: Readonly<Record<string, SensorVerb>> = { apidump: APIDUMP, watch: WATCH, doctor: DOCTOR };
const directory = mkdtempSync(join(tmpdir(), 'pasted-'));
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, 'token'), 'b17b17b17b17b17b17b17b17b17b17b1\n');
writeFileSync(join(directory, 'tokens'), 'acme read b17b17b17b17b17b17b17b17b17b17b1\n');
/** What a command reads is not there; that it would be read is enough. */
const STAND_INS: Readonly<Record<string, string>> = {
  'satellite-token': join(directory, 'token'),
  'notify-secret': join(directory, 'token'),
  'fleet.keys': join(directory, 'token'),
  tokens: join(directory, 'tokens'),
  $STORE: 'clickhouse://sensor:secret@clickhouse:8123/sensor',
  ...Object.fromEntries(
    ['capture.pcap', 'traces.ndjson', 'monday.ndjson', 'tuesday.ndjson', 'openapi.yaml'].map((name) => [
      name,
      join(directory, 'token'),
    ]),
  ),
};

const commands = DOCUMENTS.flatMap((file) =>
  snippetsIn(file, read(file))
    .filter(({ language }) => language === 'sh')
    .flatMap(({ place, text }) =>
      text
        .replaceAll('\\\n', ' ')
        .split('\n')
        .flatMap((line) => {
          const words = wordsOf(line);
          const at = words.findIndex(
            (word, index) =>
              /^(bin|\S+\/bin)\/pcap-sensor$|^levoai\/pcap-sensor:/.test(word) ||
              (index === 0 && word === 'pcap-sensor'),
          );
          return at < 0 || words[at + 1] === undefined || words[1] === 'build'
            ? []
            : [[`${file}: ${line.trim()}`, place, words.slice(at + 1)] as const];
        }),
    ),
);

/** As a shell has them, as far as the documents go: what follows a redirection is the shell's own. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, one, two, three]) => one ?? two ?? three ?? '',
  );
  const redirection = words.findIndex((word) => /^[<>|]/.test(word));
  return redirection < 0 ? words : words.slice(0, redirection);
}

describe('commands', () => {
  it('are found', () => {
    expect(commands.length).toBeGreaterThan(12);
  });

  it.each(commands)('%s', (_line, _place, given) => {
    const words = joinDashes(given.map((word) => STAND_INS[word] ?? word));
    const two = words.slice(0, 2).join(' ');
    const name = Object.hasOwn(SUBCOMMANDS, two) ? two : (words[0] ?? '');
    const subcommand = SUBCOMMANDS[name];
    expect(subcommand, name).toBeDefined();
    const rest = words.slice(name.split(' ').length);
    const positional = subcommand?.positional;
    if (positional !== undefined && rest[0]?.startsWith('--') === false) rest.unshift(`--${positional}`);
    if (rest.includes('--help')) return;
    const { options } = subcommand as { options: OptionTable };
    const flags = plainFlags(rest, options);
    expect(flags, rest.join(' ')).not.toBeNull();
    const verb = SENSOR_VERBS[name];
    // Throws a UsageError where the sensor would.
    if (verb === undefined) resolveSettings(options, flags ?? {}, {});
    else if (name === 'doctor') resolveSensor(withoutSeconds(flags ?? {}), {}, verb);
    else resolveSensor(flags ?? {}, {}, verb);
  });
});

function withoutSeconds({ seconds: _, ...flags }: Readonly<Record<string, readonly string[]>>) {
  return flags;
}

/** The flags and variables of a container, by the names of its placeholders. */
interface Pasted {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const PLACEHOLDER = /^< INSERT (.*) >$/;
const FILLED_IN: readonly (readonly [RegExp, string])[] = [
  [/SATELLITE URL/, 'http://satellite:9999'],
  [/ENVIRONMENT/, 'staging'],
  [/ORG ID/, '3f0c7c3a-6f6e-4c5e-9a51-0c9d6d1f3b11'],
  [/REGION/, 'us-west-2'],
];
const filledIn = (text: string): string =>
  PLACEHOLDER.test(text) ? (FILLED_IN.find(([what]) => what.test(text))?.[1] ?? text) : text;

interface Container {
  readonly entryPoint?: readonly string[];
  readonly args?: readonly string[];
  readonly environment?: readonly { readonly name: string; readonly value: string }[];
}

function taskContainer(file: string): Pasted {
  const { entryPoint = [], environment = [] } = JSON.parse(read(file)) as Container;
  return {
    words: entryPoint.slice(2),
    environment: Object.fromEntries(environment.map(({ name, value }) => [name, value])),
  };
}

function kubernetesContainer(): Pasted {
  const documents = parseAllDocuments(read('kubernetes/daemonset.yaml')).map((document) => document.toJS());
  const { data } = documents.find(({ kind }) => kind === 'ConfigMap');
  const [{ args }] = documents.find(({ kind }) => kind === 'DaemonSet').spec.template.spec.containers;
  return { words: args.slice(1), environment: data };
}

const settingsOf = ({ words, environment }: Pasted) => {
  const flags = plainFlags(words, SUBCOMMANDS.apidump?.options ?? {});
  expect(flags).not.toBeNull();
  return resolveSensor(flags ?? {}, environment, APIDUMP).settings;
};
const changed = ({ words, environment }: Pasted, change: (text: string) => string): Pasted => ({
  words: words.map(change),
  environment: Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, change(text)])),
});

describe.each([
  ['task-definitions/sidecar.json', taskContainer('task-definitions/sidecar.json')],
  ['task-definitions/low-resource.json', taskContainer('task-definitions/low-resource.json')],
  ['kubernetes/daemonset.yaml', kubernetesContainer()],
])('%s', (_file, pasted) => {
  const placeholders = [...pasted.words, ...Object.values(pasted.environment)].filter((text) => PLACEHOLDER.test(text));

  it('starts once every placeholder is filled in', () => {
    expect(settingsOf(changed(pasted, filledIn))).toMatchObject({
      satelliteUrl: 'http://satellite:9999',
      levoEnv: 'staging',
      levoaiOrgId: '3f0c7c3a-6f6e-4c5e-9a51-0c9d6d1f3b11',
    });
  });

  it.each(placeholders)('refuses %s, and names the option', (left) => {
    const one = changed(pasted, (text) => (text === left ? text : filledIn(text)));
    expect(() => settingsOf(one)).toThrow(/^--[a-z-]+ "< INSERT .* is a placeholder nobody filled in; give /);
  });

  it('starts without an organisation id, as docs/install.md says how to leave it out', () => {
    const isOrg = (text: string) => /ORG ID/.test(text);
    const at = pasted.words.findIndex(isOrg);
    const words = at < 0 ? pasted.words : pasted.words.toSpliced(at - 1, 2);
    const without = changed({ ...pasted, words }, (text) => (isOrg(text) ? '' : filledIn(text)));
    expect(settingsOf(without).levoaiOrgId).toBeNull();
  });
});

/** Names of flags that are other programs', or the scripts', by whose they are. */
const OTHERS = new Set(
  [
    'add-host cap-add cap-drop network rm read-only privileged build-arg tag platform', // docker
    'filename namespace selector', // kubectl
    'install create-namespace set set-file values', // helm
    'cli-input-json', // aws
    'include_imports descriptor_set_out', // protoc
    'data-urlencode', // curl
    'bootstrap-server create topic partitions replication-factor', // Kafka's
    'expose-gc maxWorkers omit', // node, vitest and npm
    'set-version production list start test ci readme keep-running', // bin and scripts
    'help version', // every subcommand's
    'password port host traces-max', // those of one subcommand that another document names
  ].flatMap((line) => line.split(' ')),
);

describe('options that are named', () => {
  it('as refused by ecs add, are those that it refuses', () => {
    const [, sentence = ''] =
      /go into the container's command line: all but(.*?)which are refused/s.exec(read('docs/install.md')) ?? [];
    const refused = Object.keys(SENSOR_OPTIONS).filter((name) => !Object.hasOwn(ECS_ADD_OPTIONS, name));
    expect([...sentence.matchAll(/`--([a-z-]+)`/g)].map(([, name]) => name).sort()).toEqual(refused.sort());
  });

  const known = new Set(Object.values(SUBCOMMANDS).flatMap(({ options }) => Object.keys(options)));
  it.each(DOCUMENTS)('exist: %s', (file) => {
    const named = [...read(file).matchAll(/(?<![\w-])--([a-z][\w-]+)/g)].map(([, name = '']) => name);
    const unknown = [...new Set(named)].filter((name) => !known.has(name) && !OTHERS.has(name));
    expect(unknown).toEqual([]);
  });
});
