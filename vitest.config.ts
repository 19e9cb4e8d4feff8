import { pathToFileURL } from 'node:url';
import { defineConfig } from 'vitest/config';
import { maxWorkersOfWorld, ownNetwork } from './test/support/own-network.js';
import { TallyReporter } from './test/support/tally-reporter.js';

/** The stages that touch nothing but their arguments. */
const pure = ['decode', 'flow', 'http', 'pair', 'redact', 'trace', 'conformance', 'fuzz', 'simulation'];

/** What runs commands and servers on ports of their own, and captures nothing that passes on the machine. */
const apart = [
  'test/cli/{cli,drift,flags,grpc-descriptors,mistakes,node-built-for,openapi,start-error}.test.ts',
  'test/cli/subcommands/{redact,summary}.test.ts',
  'test/deploy/{dashboards,ecs-command,fragments,kubernetes,release,satellite-tree,task-definitions,terraform}.test.ts',
  'test/deploy/ecs/{injection,line-diff,moto,sdk-model,sensor-change,task-definition}.test.ts',
  'test/enrolment/**/*.test.ts',
  'test/options/**/*.test.ts',
  'test/output/relay/spool/{corruption,killed,model/spool-model}.test.ts',
  'test/output/satellite/{fault-matrix,split-batch}.test.ts',
  'test/packets/outputs/**/*.test.ts',
  'test/policy/**/*.test.ts',
  'test/satellite/{api,clickhouse,filter,json-text,kafka,kill,mcp,organisations,page,satellite,satellite-command}.test.ts',
  'test/satellite/{snapshots,store,trace-of}.test.ts',
  'test/satellite/{endpoints,notify,openapi}/**/*.test.ts',
  'test/satellite/fleet/enrolment.test.ts',
  'test/sensor/{kept-traces,trace-stage}.test.ts',
  'test/task/kubernetes.test.ts',
  'test/{bounded-server,log}.test.ts',
];

/** What installs or builds from registries, and so needs the machine's own network. */
const outside = ['test/deploy/{npm-tarball,packages}.test.ts', 'test/e2e/{documented-commands,sidecar}.test.ts'];

/** Vitest compiles what it runs, but Node.js loads what a thread runs: the threads of a test are those of the build. */
const threadsOfTheBuild = {
  name: 'threads-of-the-build',
  transform(code: string, id: string) {
    if (!/\/src\/(?:sensor\/trace|satellite\/store\/store)-thread\.ts$|\/clickhouse\/open-clickhouse\.ts$/.test(id))
      return;
    const built = pathToFileURL(id.replace('/src/', '/dist/').replace(/\.ts$/, '.js')).href;
    return code.replaceAll('import.meta.url', JSON.stringify(built));
  },
};

/** They extend nothing, since each would then set up and tear down what is there once. */
const project = (name: string, test: object) => ({
  plugins: [threadsOfTheBuild],
  test: { name, testTimeout: 120_000, hookTimeout: 120_000, ...test },
});

export default defineConfig({
  test: {
    projects: [
      // Values in, values out: these may share the machine, and what one of them loaded serves the next.
      project('pure', {
        include: pure.map((stage) => `test/${stage}/**/*.test.ts`),
        isolate: false,
        maxWorkers: 2,
        sequence: { groupOrder: 0 },
      }),
      project('apart', { retry: 1, include: apart, maxWorkers: 2, sequence: { groupOrder: 1 } }),
      // Processes, sockets, namespaces and clocks: after those, in networks of their own. What the machine does to one of
      // these once in some thousand is no verdict on a change: the second try is, and the closing lines name the first.
      project('world', {
        retry: 1,
        include: ['test/**/*.test.ts'],
        exclude: [...pure.map((stage) => `test/${stage}/**`), ...apart, ...outside],
        pool: ownNetwork,
        maxWorkers: maxWorkersOfWorld,
        sequence: { groupOrder: 2 },
      }),
      project('outside', { retry: 1, include: outside, maxWorkers: 1, sequence: { groupOrder: 3 } }),
    ],
    globalSetup: ['./test/support/surroundings.ts', './test/support/build.ts'],
    reporters: ['default', new TallyReporter()],
  },
});
