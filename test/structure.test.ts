/** The rules of `scripts/structure.js`, on this source and on small ones that break them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// @ts-expect-error: a script without types
import { breaches, FUNCTION_LINES_MAX, ROOMS } from '../scripts/structure.js';

const NO_EXCEPTIONS = { longFunctions: [], longParameterLists: [], moduleState: [] };

it('finds nothing in this source', () => {
  expect(breaches()).toEqual([]);
});

it('knows the rooms that docs/architecture.md has a row for, in its order', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/architecture.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z]+)\/` +\|.*\| (yes|no) +\|$/gm)];
  expect(rows.map(([, room]) => room)).toEqual(Object.keys(ROOMS));
});

describe('of a source that breaks a rule', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'structure-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function found(files: Record<string, string>, exceptions = NO_EXCEPTIONS): string[] {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return breaches(root, exceptions);
  }

  it.each([
    ['src/flow/a.ts', "import { b } from '../pair/b.js';", 'flow/ comes before pair/'],
    ['src/flow/a.ts', "export { b } from '../pair/b.js';", 'flow/ comes before pair/'],
    ['src/http/h1/a.ts', "const b = await import('../../trace/b.js');", 'http/ comes before trace/'],
    ['src/pair/a.ts', "let b: import('../output/b.js').B;", 'pair/ comes before output/'],
    ['src/pair/a.ts', "import { log } from '../log.js';", 'pair/ does not log'],
    ['src/redact/a.ts', "import { readFileSync } from 'node:fs';", 'redact/ does no I/O'],
    ['src/errors.ts', "import { b } from './flow/b.js';", 'a leaf imports no room'],
    ['src/attic/a.ts', '', 'the room attic/ is unknown'],
    ['src/stray.ts', '', 'is neither in a room nor a leaf'],
  ])('%s with %s', (path, text, breach) => {
    expect(found({ [path]: text })).toContainEqual(expect.stringContaining(breach));
  });

  it('a function too long, too wide, a variable at the top, and an exception nothing needs', () => {
    const long = `export function long() {\n${'  work();\n'.repeat(FUNCTION_LINES_MAX)}}`;
    const exceptions = { ...NO_EXCEPTIONS, longFunctions: ['src/flow/b.ts:gone'] as never[] };
    expect(
      found({ 'src/flow/a.ts': `let count = 0;\n${long}\nconst wide = (a, b, c, d, e, f) => 0;` }, exceptions),
    ).toEqual([
      'src/flow/a.ts:2: long has 102 lines, over 100',
      'src/flow/b.ts:gone is excepted and need not be: take it off the list',
      'src/flow/a.ts:104: wide takes 6 parameters, over 5',
      'src/flow/a.ts:1: count is state of a module: give it to an instance',
    ]);
  });

  it('nothing where every room imports what is above it', () => {
    expect(
      found({ 'src/cli/a.ts': "import '../capture/b.js';", 'src/capture/b.ts': "import '../errors.js';" }),
    ).toEqual([]);
  });
});
