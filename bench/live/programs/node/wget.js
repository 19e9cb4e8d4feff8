/** wget, a process and a connection for each request. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { reportHeads } from './heads.js';
import { baseUrl, outDirectory, plan } from './plan.js';

for (const item of plan) {
  const file = join(outDirectory, item.id);
  const { stderr } = spawnSync(
    'wget',
    [
      ...['-nv', '-S', '--no-config', '--content-on-error', '--tries=1', '--timeout=5', '-O', file],
      ...(item.method === 'HEAD' ? ['--spider'] : ['--method', item.method]),
      ...(item.isFollowed ? [] : ['--max-redirect=0']),
      ...(item.body === null ? [] : ['--body-file', item.body]),
      ...item.headers.flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
      ...(item.isClosing ? ['--no-http-keep-alive'] : []),
      baseUrl + item.target,
    ],
    { encoding: 'latin1', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  // A redirect's own body it does not keep.
  if (/^ {2}HTTP\/1\.1 30[12378] /m.test(stderr) && !item.isFollowed) rmSync(file, { force: true });
  // One head follows the other without an empty line.
  reportHeads(item, stderr.replaceAll('\n  HTTP/', '\n\nHTTP/'), file);
}
