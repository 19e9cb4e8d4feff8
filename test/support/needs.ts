/**
 * What a test takes that a machine may lack. Where it is missing the test is skipped, and the end of the run counts the
 * skipped ones by what they lack (`tally-reporter.ts`).
 *
 *     describe('nginx on loopback', needs('nginx', 'curl', 'capture'), () => …);
 *     it('survives a kill', { ...needs('root', 'ip'), timeout: 60_000 }, () => …);
 *     describe('against moto', needs({ moto: motoInstalled }), () => …);
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mayCapture } from './permission.js';

declare module 'vitest' {
  interface TaskMeta {
    /** Packages, rights and tools for want of which a test is skipped. */
    lacks?: string[];
  }
}

/** A right, a program, or names of other things with whether each is here. */
export type Need = string | Readonly<Record<string, boolean>>;

export interface Needs {
  readonly skip: boolean;
  readonly meta: { lacks: string[] };
}

const SETUP = join(import.meta.dirname, '../../bin/setup');

/** Rights, by the word for them: whether this process has them, and what the count calls them. */
const RIGHTS: Readonly<Record<string, { isHere: () => boolean; name: string }>> = {
  root: { isHere: () => process.getuid?.() === 0, name: 'root' },
  capture: { isHere: () => mayCapture, name: 'CAP_NET_RAW' },
  // Root in a container has not always this one.
  namespaces: { isHere: canMakeNamespaces, name: 'root with CAP_SYS_ADMIN' },
};

let canMake: boolean | null = null;
function canMakeNamespaces(): boolean {
  canMake ??= process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'true'], { stdio: 'ignore' }).status === 0;
  return canMake;
}

/**
 * @param wanted `root`, `capture`, `namespaces`, a program of the list in `bin/setup`, or names of other things with whether each is here
 * @throws where a program is in none of these: it would be missing on a bare machine, and nobody would know its package
 */
export function needs(...wanted: readonly Need[]): Needs {
  const lacks = wanted.flatMap((one) => (typeof one === 'string' ? lackOf(one) : otherLacks(one)));
  return { skip: lacks.length > 0, meta: { lacks: [...new Set(lacks)] } };
}

function lackOf(name: string): string[] {
  const right = RIGHTS[name];
  if (right !== undefined) return right.isHere() ? [] : [right.name];
  const packageName = packages().get(name);
  if (packageName === undefined) throw new Error(`needs('${name}'): the list in bin/setup has no such program`);
  return hasProgram(name) ? [] : [packageName];
}

function otherLacks(things: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(things).flatMap(([name, isHere]) => (isHere ? [] : [name]));
}

function hasProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((place) => {
    try {
      accessSync(join(place, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

let read: ReadonlyMap<string, string> | null = null;

/** Program → the package that has it here. */
export function packages(): ReadonlyMap<string, string> {
  read ??= new Map(
    execFileSync(SETUP, ['--list'], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([, program = '', name = '']) => [program, name]),
  );
  return read;
}

/** The environment in which what `bin/setup` put beside the clone is found, and programs that are for root. */
export function withWhatIsSetUp(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const path = [...new Set([...(environment.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'])].join(delimiter);
  const libraries = join(import.meta.dirname, '../../build/packages/lib');
  return { ...environment, PATH: path, ...(existsSync(libraries) ? { LD_LIBRARY_PATH: libraries } : {}) };
}
