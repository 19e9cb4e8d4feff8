/**
 * Lets plain `node --import ./test/support/run-typescript.js FILE.ts` run a TypeScript file of this project in a child
 * process: types are stripped on load, and `./x.js` finds `./x.ts` where that is what exists.
 */
import { register } from 'node:module';

register('./typescript-hooks.js', import.meta.url);
