/**
 * A capture file for each sensor, with the sensor's name before its ending: `dump.pcap` becomes `dump-web-1.pcap`.
 *
 * in: runs of packets · out: files; the sensors beyond a bound share one
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { FileOutput, FileOutputContext } from './file-output.js';
import { openFileOutput } from './file-output.js';
import type { PacketOutput } from './packet-output.js';
import { openWriteJournal, type WriteJournal } from './write-journal.js';

const FILES_MAX = 512;
const SHARED = 'others';

export interface SensorFiles extends PacketOutput {
  /** The next frame of a run that no file holds; null where that is not known. */
  next(run: string): number | null;
}

export function openSensorFiles(context: FileOutputContext): SensorFiles {
  const { settings, book, log } = context;
  /** By the sensor's name. One that cannot be opened is tried again at its next packets. */
  const files = new Map<string, Promise<FileOutput | null>>();
  /** Those that are open. */
  const opened = new Map<string, FileOutput>();
  /** What the files of an earlier start say. */
  const journals = findJournals(settings.path);

  function fileOf(name: string): Promise<FileOutput | null> {
    const key = files.has(name) || files.size < FILES_MAX ? name : SHARED;
    let file = files.get(key);
    if (file === undefined) {
      const path = sensorPath(settings.path, key);
      file = openFileOutput({ ...context, settings: { ...settings, path }, linkType: null }).then(
        (output) => {
          opened.set(key, output);
          return output;
        },
        (error: Error) => {
          log.warn({}, error.message);
          files.delete(key);
          return null;
        },
      );
      files.set(key, file);
    }
    return file;
  }

  return {
    name: `files ${sensorPath(settings.path, 'SENSOR')}`,
    book,
    take(run, settled) {
      const output = opened.get(run.origin.name);
      if (output !== undefined) output.take(run, settled);
      else
        void fileOf(run.origin.name).then((file) => {
          if (file !== null) return file.take(run, settled);
          book.taken += run.packets;
          book.dropped.failed += run.packets;
          settled?.();
        });
    },
    drained() {
      // A file that is being opened, and looked through, takes nothing yet.
      const opening = [...files].flatMap(([key, file]) => (opened.has(key) ? [] : [file]));
      const waits: Promise<unknown>[] = [...opening, ...[...opened.values()].flatMap((file) => file.drained() ?? [])];
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
    },
    next(run) {
      const known = [...journals, ...opened.values()].flatMap((one) => one.next(run) ?? []);
      return known.length === 0 ? null : Math.max(...known);
    },
    async close(deadlineMillis) {
      const all = await Promise.all(files.values());
      await Promise.all(all.map((file) => file?.close(deadlineMillis)));
    },
  };
}

function findJournals(path: string): WriteJournal[] {
  const ending = `${extname(path)}.progress`;
  const stem = `${basename(path, extname(path))}-`;
  try {
    return readdirSync(dirname(path))
      .filter((name) => name.startsWith(stem) && name.endsWith(ending))
      .slice(0, FILES_MAX)
      .map((name) => join(dirname(path), name))
      .map((file) => openWriteJournal(file, statSync(file.replace(/\.progress$/, '')).size).journal);
  } catch {
    return [];
  }
}

function sensorPath(path: string, name: string): string {
  const ending = extname(path);
  return join(dirname(path), `${basename(path, ending)}-${name.replaceAll(':', '.')}${ending}`);
}
