/** Response heads as curl and wget write them, reported as the other clients report theirs. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { outDirectory, report, reportError } from './plan.js';

/**
 * `text` holds the heads of all responses to `item`, 1xx and redirects among them; `bodyFile` the body of the last, which is
 * unknown where there is no such file.
 */
export function reportHeads(item, text, bodyFile) {
  const heads = text
    .split(/\r?\n(?:[ ]*\r?\n)+/)
    .map(readHead)
    .filter((head) => head !== null && head.status >= 200);
  const last = heads.at(-1);
  if (last === undefined) return reportError(item.id, 'there was no response');
  const isRedirected = heads.length > 1;
  const id = isRedirected ? `${item.id}-2` : item.id;
  if (isRedirected) say(item.id, heads[0]);
  if (item.method === 'HEAD') return report(id, last.status, last.headers, '');
  if (isRedirected && existsSync(bodyFile)) renameSync(bodyFile, join(outDirectory, id));
  say(id, last);
}

function say(id, { status, headers }) {
  process.stdout.write(`${JSON.stringify({ id, status, headers })}\n`);
}

function readHead(text) {
  const [first = '', ...lines] = text.trim().split(/\r?\n/);
  const status = /^HTTP\/1\.\d (\d{3})/.exec(first)?.[1];
  if (status === undefined) return null;
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), headers };
}
