/**
 * Rules of the repository that no linter knows. Each names the files that break it.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../src/limits.js';
import { packages } from './support/needs.js';

const ROOT = join(import.meta.dirname, '..');
const GENERATED = new Set(['.git', 'node_modules', 'dist', 'build', 'prebuilds', 'coverage', '.terraform']);
const FILES = filesUnder('.');
const CODE = FILES.filter((path) => /^(src|test|bench)\/.*\.ts$/.test(path));
const SOURCES = CODE.filter((path) => path.startsWith('src/'));

const LINES_MAX = 500;

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return GENERATED.has(entry.name) ? [] : filesUnder(path);
    return entry.isFile() ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** `path:line: text` of every line of `files` that matches. */
function linesMatching(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

describe('source files', () => {
  it(`have at most ${LINES_MAX} lines`, () => {
    const long = SOURCES.map((path) => [path, read(path).split('\n').length] as const);
    expect(long.filter(([, lines]) => lines > LINES_MAX)).toEqual([]);
  });

  it('have names in kebab-case that say what is in them', () => {
    const names = [...CODE, ...FILES.filter((path) => path.startsWith('docs/'))];
    expect(
      names.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d|\.schema)?\.[a-z0-9]+$/.test(basename(path))),
    ).toEqual([]);
    expect(names.filter((path) => /^(utils?|helpers?|misc|common|types)\./.test(basename(path)))).toEqual([]);
  });

  it('say what they are at the top', () => {
    const silent = SOURCES.filter((path) => !path.endsWith('.d.ts')).filter(
      (path) => !/\/\*\*/.test(read(path).split('\n').slice(0, 16).join('\n')),
    );
    expect(silent).toEqual([]);
  });

  it('export by name, and hide nothing behind a prefix', () => {
    expect(linesMatching(CODE, /^export default/)).toEqual([]);
    expect(linesMatching(CODE, /\binterface I[A-Z][a-z]/)).toEqual([]);
    expect(linesMatching(SOURCES, /\bthis\._/)).toEqual([]);
  });

  it('print nowhere but in cli', () => {
    const rest = SOURCES.filter((path) => !/^src\/cli\//.test(path));
    expect(linesMatching(rest, /\bconsole\./)).toEqual([]);
    expect(linesMatching(rest, /\bprocess\.exit\(/)).toEqual([]);
  });

  it('leave nothing for later', () => {
    expect(linesMatching(SOURCES, /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
    expect(linesMatching(CODE, /\b(it|test|describe)\.(only|todo)\b/)).toEqual([]);
  });
});

describe('tests', () => {
  const tests = CODE.filter((path) => path.endsWith('.test.ts'));

  it('are skipped only by needs(), which has them counted by what is missing', () => {
    expect(linesMatching(tests, /\b(it|test|describe)\.(skip|skipIf|runIf)\b|\bskip: /)).toEqual([]);
  });

  it('say which of the programs in the list of bin/setup they start', () => {
    const start = /\b(?:spawn|spawnSync|execFile|execFileSync|execute|run|inside)\(\s*'([\w-]+)'/g;
    const unsaid = tests.flatMap((path) => {
      const text = read(path);
      const started = [...text.matchAll(start)]
        .map(([, program = '']) => program)
        .filter((name) => packages().has(name));
      const said = [...text.matchAll(/\bneeds\(([^)]*)\)/g)].map(([, words]) => words).join();
      return [...new Set(started)].filter((name) => !said.includes(`'${name}'`)).map((name) => `${path}: ${name}`);
    });
    expect(unsaid).toEqual([]);
  });
});

describe('every file', () => {
  const texts = FILES.filter((path) => /\.(ts|json|md|c|gyp|sh|tf|ya?ml|hcl)$|^bin\/|^\.ci\/|Dockerfile/.test(path));

  it('names no place of the machine it was written on', () => {
    const found = texts.filter((path) => read(path).includes(`${ROOT}/`));
    expect(found).toEqual([]);
  });

  it('has no conflict left in it', () => {
    expect(linesMatching(texts, /^(<{7}|>{7}) /)).toEqual([]);
  });
});

/** Words and turns that CONTRIBUTING.md rules out. Lines with a question mark may ask who. */
const RULED_OUT: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['to spell, for to encode', /\b(mis)?spel(l|ls|led|ling|lings|t)\b/i],
  ['to tell apart, for to distinguish', /\b(tell|tells|telling|told)\b.*\bapart\b/i],
  ['a sentence that begins with "Who", as a subject', /(^|[.:;·] |\*+ |\/\/ |# )(Who|Whoever|Whom)\b[^?]*$/],
  ['a sentence that begins with "Of …,"', /(^|\. |\*+ |\/\/ |# )Of (a|an|the|each|every|such|those|what)\b[^.]*,/],
];

describe('comments, texts and documents', () => {
  /** Paths with something left to do; one that passes must be taken off. */
  const PENDING = ['src/redact/'];
  // CONTRIBUTING.md itself says what is ruled out.
  const prose = FILES.filter((path) =>
    /^(src|scripts|bin|terraform|kubernetes|native|docs)\/|^(README|CHANGELOG)\.md$|^Dockerfile$/.test(path),
  );
  const isPending = (path: string) => PENDING.some((prefix) => path.startsWith(prefix));

  it.each(RULED_OUT)('hold no %s', (_what, pattern) => {
    expect(
      linesMatching(
        prose.filter((path) => !isPending(path)),
        pattern,
      ),
    ).toEqual([]);
  });

  it('are pending only where something is left to do', () => {
    const done = PENDING.filter((prefix) => {
      const files = prose.filter((path) => path.startsWith(prefix));
      return RULED_OUT.every(([, pattern]) => linesMatching(files, pattern).length === 0);
    });
    expect(done).toEqual([]);
  });
});

it('has limits whose names end in their unit', () => {
  expect(Object.keys(DEFAULT_LIMITS).filter((name) => !/_(max|nanos)$/.test(name))).toEqual([]);
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    expect(Number.isFinite(value) && value > 0, name).toBe(true);
  }
});

describe('packages', () => {
  interface LockedPackage {
    readonly resolved?: string;
    readonly integrity?: string;
    readonly optional?: boolean;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  }
  const manifest = JSON.parse(read('package.json'));
  const locked: Readonly<Record<string, LockedPackage>> = JSON.parse(read('package-lock.json')).packages;

  it('are pinned to one version', () => {
    const wanted = Object.entries<string>({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.devDependencies,
    });
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('come from whichever registry is configured, and are checked', () => {
    const packages = Object.entries(locked).filter(([path]) => path !== '');
    expect(packages.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
    expect(packages.filter(([, entry]) => entry.integrity === undefined && !entry.optional)).toEqual([]);
  });

  it('are locked for every platform, without which npm ci refuses the lock', () => {
    const missing = Object.entries(locked).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) => !(`node_modules/${name}` in locked) && !(`${path}/node_modules/${name}` in locked),
      ),
    );
    expect(missing).toEqual([]);
  });
});

it('has entry points that can be executed', () => {
  const entries = FILES.filter((path) => path.startsWith('bin/') || path === '.ci/run');
  expect(entries.length).toBeGreaterThan(3);
  expect(entries.filter((path) => (statSync(join(ROOT, path)).mode & 0o111) !== 0o111)).toEqual([]);
});
