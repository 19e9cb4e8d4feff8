import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needs } from '../support/needs.js';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

test('every image that is named anywhere has the version of package.json', needs('git'), () => {
  const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((name) => /^(task-definitions|terraform|kubernetes|docs)\/|^README\.md$/.test(name));
  const named = files.flatMap((name) =>
    [...readFileSync(join(root, name), 'utf8').matchAll(/levoai\/pcap-sensor:([0-9][0-9A-Za-z.+-]*)/g)].map(
      ([, tag]) => `${name} ${tag}`,
    ),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((line) => !line.endsWith(` ${version}`))).toStrictEqual([]);
});
