/**
 * The repository as a reader has it, in a directory of its own, so that what a documented command writes stays there.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** What installing and building made. */
const BUILT = ['node_modules', 'dist', 'native/build'];

/** The files under version control, as they are now: a fresh clone. Its caller removes it. */
export function freshClone(): string {
  const directory = mkdtempSync(join(tmpdir(), 'pcap-sensor-clone-'));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  const archive = execFileSync('tar', ['--create', '--null', '--files-from', '-'], {
    cwd: ROOT,
    input: files,
    maxBuffer: 1 << 28,
  });
  execFileSync('tar', ['--extract', '--directory', directory], { input: archive });
  return directory;
}

/** The same after `bin/setup`: what that would build is this repository's. */
export function builtCopy(): string {
  const directory = freshClone();
  mkdirSync(join(directory, 'native'), { recursive: true });
  for (const path of BUILT) symlinkSync(join(ROOT, path), join(directory, path));
  return directory;
}
