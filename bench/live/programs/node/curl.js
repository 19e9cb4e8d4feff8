/** curl, all of the plan in one run, so that connections are kept. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportHeads } from './heads.js';
import { baseUrl, outDirectory, plan, reportError } from './plan.js';

const quoted = (text) => `"${text.replace(/[\\"]/g, '\\$&')}"`;
// With --head curl would write the head there.
const files = (item) => ({
  body: item.method === 'HEAD' ? '/dev/null' : join(outDirectory, item.id),
  heads: join(outDirectory, `${item.id}.heads`),
});

const config = plan.map((item) => {
  const { body, heads } = files(item);
  const lines = [
    `url = ${quoted(baseUrl + item.target)}`,
    `output = ${quoted(body)}`,
    `dump-header = ${quoted(heads)}`,
  ];
  lines.push('silent', 'path-as-is', 'max-time = 20');
  if (item.method === 'HEAD') lines.push('head');
  else lines.push(`request = ${item.method}`);
  for (const [name, value] of item.headers) lines.push(`header = ${quoted(`${name}: ${value}`)}`);
  if (item.isClosing) lines.push('header = "Connection: close"');
  if (item.isFollowed) lines.push('location');
  if (item.body !== null) {
    lines.push(`data-binary = ${quoted(`@${item.body}`)}`);
    if (item.isChunked) lines.push('header = "Transfer-Encoding: chunked"');
    if (!item.headers.some(([name]) => name.toLowerCase() === 'expect')) lines.push('header = "Expect:"');
  }
  return lines.join('\n');
});

spawnSync('curl', ['-K', '-'], { input: config.join('\nnext\n'), stdio: ['pipe', 'ignore', 'inherit'] });
for (const item of plan) {
  const { body, heads } = files(item);
  if (existsSync(heads)) reportHeads(item, readFileSync(heads, 'latin1'), body);
  else reportError(item.id, 'curl received nothing');
}
