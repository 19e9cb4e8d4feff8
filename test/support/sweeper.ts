/**
 * Ends what a test run left behind, once it is over.
 *
 * usage: sweeper.ts RUN
 */
import { sweep } from './left-behind.js';

const [run] = process.argv.slice(2);
if (run === undefined) throw new Error('usage: sweeper.ts RUN');
sweep(run);
