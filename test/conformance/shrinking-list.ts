/**
 * A list of what is not right yet, which only gets shorter: what stands in it must fail, and everything else must not.
 *
 * `FORGET_KNOWN_FAILURES=1` takes the names that have become right out of the file; nothing puts one in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll } from 'vitest';

/** `path` holds the list, a name a line. The returned function judges a case by what is wrong with it, or null. */
export function shrinkingList(path: string, names: readonly string[]): (name: string, disagreement: unknown) => void {
  const known = new Set(names);
  const right: string[] = [];
  const mayForget = process.env.FORGET_KNOWN_FAILURES !== undefined;
  afterAll(() => {
    if (right.length > 0 && mayForget) forget(path, right);
  });
  return (name, disagreement) => {
    if (!known.has(name)) {
      if (disagreement !== null) throw disagreement;
    } else if (disagreement === null) {
      right.push(name);
      if (!mayForget) throw new Error(`"${name}" is right now: take it out of ${path}, or run FORGET_KNOWN_FAILURES=1`);
    }
  };
}

function forget(path: string, names: readonly string[]): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  const forms = new Set(names.flatMap((name) => [`'${name.replace(/\\/g, '\\\\')}',`, `${JSON.stringify(name)},`]));
  writeFileSync(path, lines.filter((line) => !forms.has(line.trim())).join('\n'));
}
