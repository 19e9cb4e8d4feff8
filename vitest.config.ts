import { pathToFileURL } from 'node:url';
import { defineConfig } from 'vitest/config';
import { TallyReporter } from './test/support/tally-reporter.js';

/** The stages that touch nothing but their arguments. */
const pure = ['decode', 'flow', 'http', 'pair', 'redact', 'trace', 'conformance', 'fuzz', 'simulation'];

/** Vitest compiles what it runs, but Node.js loads what a thread runs: the threads of a test are those of the build. */
const threadsOfTheBuild = {
  name: 'threads-of-the-build',
  transform(code: string, id: string) {
    if (!/\/src\/(?:sensor\/trace|satellite\/store\/store)-thread\.ts$/.test(id)) return;
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
      // Values in, values out: these may share the machine.
      project('pure', {
        include: pure.map((stage) => `test/${stage}/**/*.test.ts`),
        maxWorkers: 2,
        sequence: { groupOrder: 0 },
      }),
      // Processes, sockets, namespaces and clocks: after those, and one file at a time. What the machine does to one of
      // these once in some thousand is no verdict on a change: the second try is, and the closing lines name the first.
      project('world', {
        retry: 1,
        include: ['test/**/*.test.ts'],
        exclude: pure.map((stage) => `test/${stage}/**`),
        maxWorkers: 1,
        sequence: { groupOrder: 1 },
      }),
    ],
    globalSetup: ['./test/support/surroundings.ts', './test/support/build.ts'],
    reporters: ['default', new TallyReporter()],
  },
});
