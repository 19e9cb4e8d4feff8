/** What the images hold: the sensor's none of what only the satellite takes, and the satellite's all of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startCommand } from '../support/command.js';

const ROOT = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'tree-'));
afterAll(() => rmSync(directory, { recursive: true }));

function treeOf(variant: string): string {
  const tree = join(directory, variant);
  execFileSync(process.execPath, [join(ROOT, 'scripts/runtime-tree.js'), tree, `--${variant}`], { stdio: 'ignore' });
  return tree;
}

async function satelliteIn(tree: string): Promise<{ said: string; url: string }> {
  const child = startCommand(['satellite', '--port', '0', '--log-format', 'text'], join(tree, 'bin/pcap-sensor'));
  let said = '';
  for await (const chunk of child.stderr) {
    said += chunk;
    const url = /satellite at (\S+);/.exec(said)?.[1];
    if (url !== undefined) return { said, url };
  }
  throw new Error(said);
}

const SATELLITE_ONLY = [
  '@clickhouse/client',
  '@photostructure/sqlite',
  '@modelcontextprotocol/sdk',
  'htm',
  'uplot',
  'zod',
];

it('the sensor has a satellite that only receives', async () => {
  const tree = treeOf('sensor');
  for (const name of SATELLITE_ONLY) expect(existsSync(join(tree, 'node_modules', name)), name).toBe(false);
  expect(existsSync(join(tree, 'dist/satellite/page/browser'))).toBe(false);
  const { said, url } = await satelliteIn(tree);
  expect((await fetch(`${url}/traces`)).status).toBe(200);
  if (!process.version.startsWith('v20.')) return;
  expect(said).toContain('npm install @photostructure/sqlite');
  expect((await fetch(url)).status).toBe(404);
});

it('the satellite has all that it takes, for Linux alone', async () => {
  const tree = treeOf('satellite');
  for (const name of SATELLITE_ONLY) expect(existsSync(join(tree, 'node_modules', name)), name).toBe(true);
  const addons = readdirSync(join(tree, 'node_modules/@photostructure/sqlite/prebuilds'));
  expect(addons.every((name) => name.startsWith('linux-'))).toBe(true);
  const { url } = await satelliteIn(tree);
  const page = await (await fetch(url)).text();
  for (const [, path] of page.matchAll(/(?:src|href)="(\/page[^"]+)"/g))
    expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
  expect((await fetch(`${url}/page/vendor/preact.js`)).status).toBe(200);
  expect((await fetch(`${url}/api/traces`)).status).toBe(200);
});
