/**
 * One after the other: `npm start` in one terminal and `npm test` in another would each install into the same place.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_AGAIN_MILLIS = 200;

/** Resolves when it is our turn, to a function that ends it. The lock of a process that is gone is taken over. */
export async function takeTurns(lock, say) {
  mkdirSync(dirname(lock), { recursive: true });
  for (let hasSaid = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = ownerOf(lock);
    if (owner === null) {
      rmSync(lock, { force: true });
      continue;
    }
    if (!hasSaid) say(`waiting for process ${owner}, which is setting up as well`);
    hasSaid = true;
    await delay(LOOK_AGAIN_MILLIS);
  }
}

/** The process that holds the lock, or null where it is gone. */
function ownerOf(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // Made this moment, and not written yet.
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs < 1000 ? 'of another setup' : null;
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? Number(readFileSync(lock, 'utf8')) : null;
  }
}
