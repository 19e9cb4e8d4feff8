/**
 * Captures on disk whose destination does not take them now: kept across restarts, sent when it does.
 *
 * Two files for each: the capture, and beside it what is said of it and where it has yet to go, in JSON. The second is written
 * last and makes the first count. When there are too many bytes the oldest capture goes, and is counted as lost.
 */
import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpoolSettings } from '../configuration/settings.js';
import { writeWhole } from './directory.js';
import type { CaptureFile, UploaderName } from './uploader.js';

export interface SpooledCapture {
  readonly file: CaptureFile;
  /** Where it has yet to go. */
  readonly pending: readonly UploaderName[];
  /** Where its results are told; as the source of its message takes it. */
  readonly replyTo: unknown;
}

interface Entry extends SpooledCapture {
  readonly key: string;
  pending: readonly UploaderName[];
}

const CONTENT = '.capture';
const ABOUT = '.json';
const PART = '.part';

export class CaptureSpool {
  readonly #settings: SpoolSettings;
  readonly #onLost: (entry: SpooledCapture) => void;
  /** Oldest first. */
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #number = 0;

  constructor(settings: SpoolSettings, onLost: (entry: SpooledCapture) => void) {
    this.#settings = settings;
    this.#onLost = onLost;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Takes up what an earlier run left, and resolves to how many uploads that is. What was being written then is removed. */
  async open(): Promise<number> {
    const names = (await readdir(this.#settings.directory)).sort();
    const known = new Set(names);
    for (const name of names) {
      if (name.endsWith(PART)) await this.#remove(name);
      if (name.endsWith(CONTENT) && !known.has(name.replace(CONTENT, ABOUT))) await this.#remove(name);
      if (!name.endsWith(ABOUT)) continue;
      const key = name.slice(0, -ABOUT.length);
      const entry = await this.#read(key);
      if (entry === null) continue;
      this.#entries.push(entry);
      this.#bytes += entry.file.bytes;
    }
    return this.#entries.reduce((sum, { pending }) => sum + pending.length, 0);
  }

  /** @throws where the disk does not take it */
  async add(capture: SpooledCapture, content: readonly Buffer[]): Promise<void> {
    const { bytesMax } = this.#settings;
    if (capture.file.bytes > bytesMax)
      throw new Error(`spool: ${capture.file.bytes} bytes, and spoolmaxbytes is ${bytesMax}`);
    while (this.#bytes + capture.file.bytes > bytesMax) await this.#loseOldest();
    const key = `${Date.now().toString().padStart(15, '0')}-${process.pid}-${(this.#number++).toString().padStart(6, '0')}`;
    const entry: Entry = { ...capture, key };
    await this.#write(`${key}${CONTENT}`, content);
    await this.#write(`${key}${ABOUT}`, [aboutOf(entry)]);
    this.#entries.push(entry);
    this.#bytes += capture.file.bytes;
  }

  /** The oldest capture that has yet to go to this destination. */
  nextFor(to: UploaderName): SpooledCapture | null {
    return this.#entries.find(({ pending }) => pending.includes(to)) ?? null;
  }

  /** Null where it is not there any more. */
  async contentOf(capture: SpooledCapture): Promise<Buffer | null> {
    const entry = capture as Entry;
    return readFile(join(this.#settings.directory, `${entry.key}${CONTENT}`)).catch(() => null);
  }

  /** The capture has not to go there any more. */
  async settle(capture: SpooledCapture, to: UploaderName): Promise<void> {
    const entry = capture as Entry;
    entry.pending = entry.pending.filter((one) => one !== to);
    if (entry.pending.length > 0) await this.#write(`${entry.key}${ABOUT}`, [aboutOf(entry)]);
    else await this.#forget(entry);
  }

  async #loseOldest(): Promise<void> {
    const oldest = this.#entries[0];
    if (oldest === undefined) throw new Error('spool: it is full');
    this.#onLost(oldest);
    await this.#forget(oldest);
  }

  async #forget(entry: Entry): Promise<void> {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    this.#entries.splice(at, 1);
    this.#bytes -= entry.file.bytes;
    await this.#remove(`${entry.key}${ABOUT}`);
    await this.#remove(`${entry.key}${CONTENT}`);
  }

  async #read(key: string): Promise<Entry | null> {
    try {
      const about = JSON.parse(await readFile(join(this.#settings.directory, `${key}${ABOUT}`), 'utf8'));
      const { size } = await stat(join(this.#settings.directory, `${key}${CONTENT}`));
      return size === about.file.bytes && Array.isArray(about.pending) ? { ...about, key } : null;
    } catch {
      return null; // not ours, or damaged: it stays for somebody to look at
    }
  }

  async #write(name: string, content: readonly Buffer[]): Promise<void> {
    const path = join(this.#settings.directory, name);
    await unlink(`${path}${PART}`).catch(() => {});
    await writeWhole(`${path}${PART}`, content);
    await rename(`${path}${PART}`, path);
  }

  async #remove(name: string): Promise<void> {
    await unlink(join(this.#settings.directory, name)).catch(() => {});
  }
}

function aboutOf({ file, pending, replyTo }: SpooledCapture): Buffer {
  return Buffer.from(JSON.stringify({ file, pending, replyTo }));
}
