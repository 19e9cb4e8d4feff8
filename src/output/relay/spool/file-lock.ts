/**
 * A lock that its holder's death releases, however it dies: flock(2), which belongs to an open file.
 *
 * Node.js has no call for it. `flock(1)` locks the descriptor that it inherits, which is this process's open file, and ends;
 * the lock stays for as long as this process has the file open. A lock file with a process id in it outlives its holder, a
 * socket in the file system too, and an abstract socket is seen only in one network namespace, while the directory may be
 * shared between tasks.
 */
import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';

/** `unknown`: this system has no flock(1), or the file system no locks. */
export type LockOutcome = 'locked' | 'held by another' | 'unknown';

/** What flock(1) of util-linux and of busybox says where another has it. */
const HELD = 1;

/** Locks an open file until it is closed; never waits for another to release it. Never rejects. */
export function lockFile(file: FileHandle): Promise<LockOutcome> {
  return new Promise((resolve) => {
    const child = spawn('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
    child.once('error', () => resolve('unknown'));
    child.once('exit', (code) => {
      if (code === 0) resolve('locked');
      else resolve(code === HELD ? 'held by another' : 'unknown');
    });
  });
}
