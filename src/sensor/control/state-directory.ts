/**
 * What a sensor keeps for its next start: who it is, and what it was last asked for.
 *
 * in: a directory · out: an instance id; a configuration, while it counts
 *
 * Files are written beside their place and moved there, so that a kill leaves the one before. One that cannot be read counts as none.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { uuidVersion7 } from '../../enrolment/identity.js';
import { UsageError } from '../../errors.js';
import { openOwnDirectory, within } from '../../output/relay/spool/own-directory.js';

export interface KeptConfiguration {
  /** Of the server that asked for it. */
  readonly url: string;
  /** As it was sent. */
  readonly text: string;
  /** In hex, as the server calls it. */
  readonly hash: string;
  /** Milliseconds since 1970: when the server last had a word, and until when that counts. */
  readonly since: number;
  readonly until: number;
}

export interface StateDirectory {
  /** A UUID version 7, the same at each start. */
  readonly instance: string;
  /** What counts at `now`; null where nothing does. */
  configuration(url: string, now: number): KeptConfiguration | null;
  /** Null forgets it. @throws Error where it cannot be written */
  keep(configuration: KeptConfiguration | null): void;
  close(): Promise<void>;
}

const IDENTITY = 'identity.json';
const CONFIGURATION = 'configuration.json';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** @throws UsageError where it cannot be used */
export async function openStateDirectory(path: string): Promise<StateDirectory> {
  const { handle, path: own } = await openOwnDirectory(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--state-dir ${path}: ${error.code ?? error.message}; name a directory of this sensor's own`);
  });
  const place = (name: string): string => within(handle, own, name);
  const write = (name: string, value: unknown): void => {
    const beside = place(`${name}.new`);
    writeFileSync(beside, JSON.stringify(value), { mode: 0o600, flush: true });
    renameSync(beside, place(name));
  };
  let { instance } = (read(place(IDENTITY)) ?? {}) as { instance?: unknown };
  if (typeof instance !== 'string' || !UUID.test(instance)) {
    instance = newInstance();
    try {
      write(IDENTITY, { instance });
    } catch (error) {
      await handle.close();
      throw new UsageError(
        `--state-dir ${path}: ${(error as NodeJS.ErrnoException).code}; name a directory that can be written to`,
      );
    }
  }
  return {
    instance: instance as string,
    configuration(url, now) {
      const kept = read(place(CONFIGURATION)) as Partial<KeptConfiguration> | null;
      if (typeof kept?.text !== 'string' || typeof kept.hash !== 'string' || kept.url !== url) return null;
      const { since, until } = kept;
      // A clock that was set back would make it count for longer.
      if (typeof since !== 'number' || typeof until !== 'number' || now < since || now >= until) return null;
      return kept as KeptConfiguration;
    },
    keep(configuration) {
      if (configuration === null) rmSync(place(CONFIGURATION), { force: true });
      else write(CONFIGURATION, configuration);
    },
    close: () => handle.close(),
  };
}

export function newInstance(): string {
  return uuidVersion7(Date.now(), randomBytes(10));
}

function read(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
