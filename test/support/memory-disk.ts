/**
 * A disk in memory, for a spool to be tried on: it fills up, refuses, tears writes, and keeps what it has when the process
 * that wrote it is killed. Faults are asked for one at a time, so that a test knows where they strike.
 */
import type { SpoolDirectory, SpoolFile } from '../../src/output/relay/spool/spool-directory.js';

export type DiskOperation = 'open' | 'create' | 'read' | 'append' | 'truncate' | 'overwrite' | 'remove' | 'lock';

export interface DiskFault {
  readonly operation: DiskOperation;
  /** Where an append fails: the bytes that are written before. */
  readonly kept?: number;
  /** The operation does not end: the process is killed in it. */
  readonly isFatal?: true;
}

export class MemoryDisk {
  readonly files = new Map<string, Buffer>();
  bytesMax = Number.POSITIVE_INFINITY;
  readonly #faults: DiskFault[] = [];
  readonly #wait: () => Promise<void>;
  #lockedBy: SpoolDirectory | null = null;
  /** Wakes a test that waits for the process to be killed. */
  #onKilled: () => void = () => {};

  /** `wait` is how long each operation takes. */
  constructor(wait: () => Promise<void> = async () => {}) {
    this.#wait = wait;
  }

  get bytes(): number {
    let sum = 0;
    for (const { length } of this.files.values()) sum += length;
    return sum;
  }

  /** The next operation of that kind fails. Resolves when the process was killed by it. */
  strike(fault: DiskFault): Promise<void> {
    this.#faults.push(fault);
    return new Promise((resolve) => {
      this.#onKilled = resolve;
    });
  }

  /** Forgets the faults that have not struck. */
  heal(): void {
    this.#faults.length = 0;
  }

  get isLocked(): boolean {
    return this.#lockedBy !== null;
  }

  /** The processes that use it are killed: what they locked is free. */
  kill(): void {
    this.#lockedBy = null;
  }

  /** As one process sees it. */
  directory(): SpoolDirectory {
    const directory: SpoolDirectory = {
      lock: async () => {
        const fault = this.#take('lock');
        if (fault !== undefined) return 'unknown';
        if (this.#lockedBy !== null) return 'held by another';
        this.#lockedBy = directory;
        return 'locked';
      },
      list: async () => [...this.files.keys()],
      open: async (name) => {
        await this.#fail('open');
        if (!this.files.has(name)) throw problem('ENOENT');
        return this.#file(name);
      },
      create: async (name) => {
        await this.#fail('create');
        if (this.files.has(name)) throw problem('EEXIST');
        this.files.set(name, Buffer.alloc(0));
        return this.#file(name);
      },
      overwrite: async (name, content) => {
        await this.#fail('overwrite');
        const before = this.files.get(name) ?? Buffer.alloc(0);
        const growth = Math.max(0, content.length - before.length);
        if (growth > 0 && this.bytes + growth > this.bytesMax) throw problem('ENOSPC');
        this.files.set(name, Buffer.concat([content, before.subarray(content.length)]));
      },
      rename: async (name, to) => {
        this.files.set(to, this.files.get(name) ?? Buffer.alloc(0));
        this.files.delete(name);
      },
      remove: async (name) => {
        await this.#fail('remove');
        if (!this.files.delete(name)) throw problem('ENOENT');
      },
      close: async () => {
        if (this.#lockedBy === directory) this.#lockedBy = null;
      },
    };
    return directory;
  }

  #file(name: string): SpoolFile {
    const content = (): Buffer => this.files.get(name) ?? Buffer.alloc(0);
    return {
      size: async () => content().length,
      read: async (offset, length) => {
        await this.#fail('read');
        return Buffer.from(content().subarray(offset, offset + length));
      },
      append: async (bytes) => {
        await this.#wait();
        const fault = this.#take('append');
        const free = Math.max(0, this.bytesMax - this.bytes);
        const kept = Math.min(fault?.kept ?? bytes.length, free, bytes.length);
        this.files.set(name, Buffer.concat([content(), bytes.subarray(0, kept)]));
        if (fault !== undefined) await this.#end(fault);
        if (kept < bytes.length) throw problem('ENOSPC');
      },
      truncate: async (length) => {
        await this.#fail('truncate');
        this.files.set(name, content().subarray(0, length));
      },
      close: async () => {},
    };
  }

  async #fail(operation: DiskOperation): Promise<void> {
    await this.#wait();
    const fault = this.#take(operation);
    if (fault !== undefined) await this.#end(fault);
  }

  #take(operation: DiskOperation): DiskFault | undefined {
    const index = this.#faults.findIndex((fault) => fault.operation === operation);
    return index < 0 ? undefined : this.#faults.splice(index, 1)[0];
  }

  async #end(fault: DiskFault): Promise<never> {
    if (fault.isFatal) {
      this.#onKilled();
      await new Promise(() => {});
    }
    throw problem('EIO');
  }
}

function problem(code: string): Error {
  return Object.assign(new Error(code), { code });
}
