import { defineConfig } from 'vitest/config';
import { TallyReporter } from './test/support/tally-reporter.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./test/support/surroundings.ts', './test/support/build.ts'],
    reporters: ['default', new TallyReporter()],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
