/**
 * `node --import ./test/support/list-modules.js PROGRAM`: writes the file of every module that the program has loaded by its
 * end, one a line, to where `LIST_MODULES` says.
 */
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';

const list = process.env.LIST_MODULES;
register('./list-modules-hooks.js', import.meta.url, { data: list });
process.on('exit', () => {
  const { cache } = createRequire(import.meta.url);
  appendFileSync(list, `${Object.keys(cache).join('\n')}\n`);
});
