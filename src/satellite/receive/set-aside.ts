/**
 * Messages that nobody can read, kept for a person to look at: the newest of so many bytes, a file each.
 *
 *     DIRECTORY/TOPIC-PARTITION-OFFSET.otlp
 *
 * in: bytes and where they were · out: a file, or nothing where no directory is given: the message stays in its topic as long as that keeps it
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const SUFFIX = '.otlp';
export const SET_ASIDE_BYTES_MAX = 64 << 20;
const FILES_MAX = 1000;

export class SetAside {
  readonly #directory: string | null;
  readonly #bytes_max: number;

  constructor(directory: string | null, bytes_max = SET_ASIDE_BYTES_MAX) {
    this.#directory = directory;
    this.#bytes_max = bytes_max;
  }

  /** Out: where it is; null where it is not kept. */
  async keep(name: string, bytes: Uint8Array): Promise<string | null> {
    const directory = this.#directory;
    if (directory === null || bytes.length > this.#bytes_max) return null;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await this.#makeRoom(directory, bytes.length);
    const path = join(directory, `${name}${SUFFIX}`);
    await writeFile(path, bytes, { mode: 0o600 });
    return path;
  }

  async #makeRoom(directory: string, wanted: number): Promise<void> {
    const names = (await readdir(directory)).filter((name) => name.endsWith(SUFFIX));
    const files = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(directory, name));
        return { name, size, mtimeMs };
      }),
    );
    files.sort((a, b) => a.mtimeMs - b.mtimeMs);
    let bytes = files.reduce((sum, { size }) => sum + size, wanted);
    let count = files.length + 1;
    for (const { name, size } of files) {
      if (bytes <= this.#bytes_max && count <= FILES_MAX) return;
      await rm(join(directory, name), { force: true });
      bytes -= size;
      count--;
    }
  }
}
