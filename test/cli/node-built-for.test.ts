/** Node.js is upgraded after `bin/setup`: the first line says so, whatever was asked. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unusableAddon } from '../../src/cli/node-built-for.js';
import { runCommand } from '../support/command.js';

const ROOT = join(import.meta.dirname, '../..');
let copy: string;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'node-built-for-'));
  for (const part of ['bin', 'dist', 'package.json']) await cp(join(ROOT, part), join(copy, part), { recursive: true });
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name));
  }
});
afterAll(() => rmSync(copy, { recursive: true }));

const sensor = (...words: string[]) => runCommand(words, { command: join(copy, 'bin/pcap-sensor') });
const note = (text: string) => writeFileSync(join(copy, 'node_modules/.setup-note'), text);

it.each([
  ['a wrong option', ['apidump', '--nonsense']],
  ['its version', ['--version']],
  ['the demo', ['demo']],
])('says for which Node.js it was built and how to build it anew, asked for %s', async (_name, words) => {
  note(`development 93-${process.arch} v16.20.2 0123`);
  expect(await sensor(...words)).toEqual({
    code: 1,
    stdout: '',
    stderr: `pcap-sensor: built for Node.js v16.20.2, and this is ${process.version}; run ${copy}/bin/setup to build for it\n`,
  });
});

it('takes another version of the same ABI for the same', async () => {
  note(`development ${process.versions.modules}-${process.arch} v20.0.0 0123`);
  expect((await sensor('--version')).code).toBe(0);
});

it('asks nothing where bin/setup was not what installed it', async () => {
  rmSync(join(copy, 'node_modules/.setup-note'), { force: true });
  expect((await sensor('--version')).code).toBe(0);
});

it('knows the error of an addon that was built for another Node.js, where no note said so', () => {
  // As node::binding::DLOpen words it, src/node_binding.cc.
  const message =
    "The module '/x/re2.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 93. This " +
    'version of Node.js requires\nNODE_MODULE_VERSION 115.';
  const error = unusableAddon(Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' }));
  expect(error?.message).toMatch(/^an addon was built for another Node\.js, and this is v[\d.]+; run .*bin\/setup /);
  expect(error?.message).not.toContain('\n');
  const missing = Object.assign(new Error('libpcap.so.1: cannot open shared object file'), {
    code: 'ERR_DLOPEN_FAILED',
  });
  expect(unusableAddon(missing)).toBeNull();
  const notBuilt = Object.assign(
    new Error("Cannot find module './build/Release/re2.node'\nRequire stack:\n- /x/re2.js"),
    {
      code: 'MODULE_NOT_FOUND',
    },
  );
  expect(unusableAddon(notBuilt)?.message).toMatch(/^the addon re2\.node is not there; run .*bin\/setup to build it$/);
  const other = Object.assign(new Error("Cannot find module 'x'"), { code: 'MODULE_NOT_FOUND' });
  expect(unusableAddon(other)).toBeNull();
  expect(unusableAddon(null)).toBeNull();
});
