/**
 * The addon's memory, under AddressSanitizer: opened and closed in every way, also while a block is held, while polled,
 * and by a thread that ends. Needs gcc with libasan, and the right to capture.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { needs } from '../support/needs.js';

const root = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'sensor-asan-'));
afterAll(() => rmSync(directory, { recursive: true }));

const sanitizer = (() => {
  const found = spawnSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  const path = found.status === 0 ? found.stdout.trim() : '';
  return path.startsWith('/') ? path : null;
})();
const headers = [process.env.npm_config_nodedir ?? '', dirname(dirname(process.execPath)), '/usr']
  .map((prefix) => join(prefix, 'include/node'))
  .find((path) => existsSync(join(path, 'node_api.h')));
const able = needs('root', 'cc', { libasan: sanitizer !== null, 'the headers of Node.js': headers !== undefined });

it('is neither misused nor leaked', { ...able, timeout: 120_000 }, () => {
  const addon = join(directory, 'ring.node');
  execFileSync('gcc', [
    ...['-std=gnu11', '-g', '-O1', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-shared', '-fPIC'],
    ...[
      '-DNODE_GYP_MODULE_NAME=ring',
      `-I${headers}`,
      join(root, 'native/ring.c'),
      join(root, 'native/raw.c'),
      '-o',
      addon,
    ],
  ]);
  const ran = spawnSync(process.execPath, ['--expose-gc', join(root, 'test/support/ring-cycles.js'), addon, '8'], {
    encoding: 'utf8',
    env: { ...process.env, LD_PRELOAD: sanitizer ?? '', ASAN_OPTIONS: 'detect_leaks=1:exitcode=0' },
  });
  expect(ran.stdout).toContain('all cycles done\n');
  expect(ran.stderr).not.toMatch(/ERROR: AddressSanitizer|runtime error/);
  // Node itself leaks, for example a record for each handle of a thread that ended; the addon leaks nothing.
  const ours = ran.stderr
    .split(/\n(?=(?:Direct|Indirect) leak of )/)
    .filter((leak) =>
      /leak of .*\n\s+#0 .* in (__interceptor_)?(malloc|calloc|realloc)\b.*\n\s+#1 .* in ring_/.test(leak),
    );
  expect(ours).toEqual([]);
});
