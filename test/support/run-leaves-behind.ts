/** Runs `leaves-behind.ts` as the tests are run. */
import { startVitest } from 'vitest/node';
import { TallyReporter } from './tally-reporter.js';

const vitest = await startVitest('test', [], {
  config: false,
  root: import.meta.dirname,
  watch: false,
  include: ['leaves-behind.ts'],
  globalSetup: ['./surroundings.ts'],
  reporters: [new TallyReporter()],
});
await vitest.close();
