/**
 * Which frames of which sensors a capture file holds, written beside it before each write, so that a receiver that was killed
 * knows what has come through: what sensors send again is then neither missing nor there twice.
 *
 *     FILE.progress    {"from":0,"to":1234,"runs":{"…":7}}      a line for each write: up to which frame it has each run
 *
 * in: what is about to be written · out: after a restart, where the file ends and which frames are in it
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

export interface WriteJournal {
  /** The next frame of a run that the file does not hold; null where it holds none. */
  next(run: string): number | null;
  /** Notes that the bytes from `from` to `to`, about to be written, bring the runs so far. */
  note(from: number, to: number, runs: ReadonlyMap<string, number>): void;
  /** Goes on with another file, of which nothing has been written yet. */
  moveOn(): void;
  close(): void;
}

interface Line {
  readonly from: number;
  readonly to: number;
  readonly runs: Readonly<Record<string, number>>;
}

const JOURNAL_BYTES_MAX = 1 << 18;
const RUNS_MAX = 4096;
const OWNER_ONLY = 0o600;
const MODE = { mode: OWNER_ONLY };

export interface OpenedJournal {
  readonly journal: WriteJournal;
  /** Where the file is to be cut: a write that was torn begins there. Null where none was. */
  readonly cut: number | null;
}

/** `size`: that of the capture file. */
export function openWriteJournal(path: string, size: number): OpenedJournal {
  const runs = new Map<string, number>();
  const remember = (run: string, next: number) => {
    runs.delete(run);
    runs.set(run, next);
    if (runs.size > RUNS_MAX) runs.delete(runs.keys().next().value as string);
  };
  let cut: number | null = null;
  for (const { from, to, runs: brought } of readLines(path)) {
    if (to <= size) {
      for (const [run, next] of Object.entries(brought)) remember(run, next);
      cut = null;
    } else if (from < size) cut = from;
  }
  /** Before the first note, and where a line may be torn, all of it is written anew. */
  let bytes = Number.POSITIVE_INFINITY;
  /** Open from one note to the next, as there are hundreds a second. */
  let file: number | null = null;
  const close = () => {
    try {
      if (file !== null) closeSync(file);
    } catch {
      // Whatever it could not write is missing, which the next start finds out.
    }
    file = null;
  };
  const rewrite = (at: number) => {
    close();
    bytes = Number.POSITIVE_INFINITY;
    if (runs.size === 0) rmSync(path, { force: true });
    else writeFileSync(`${path}.new`, encodeLine({ from: at, to: at, runs: Object.fromEntries(runs) }), MODE);
    if (runs.size > 0) renameSync(`${path}.new`, path);
    file = openSync(path, 'a', OWNER_ONLY);
    bytes = runs.size === 0 ? 0 : statSync(path).size;
  };
  return {
    cut,
    journal: {
      next: (run) => runs.get(run) ?? null,
      note(from, to, brought) {
        if (file === null || bytes > JOURNAL_BYTES_MAX) rewrite(from);
        const line = encodeLine({ from, to, runs: Object.fromEntries(brought) });
        const before = bytes;
        // A line behind one that is torn could not be read.
        bytes = Number.POSITIVE_INFINITY;
        writeFileSync(file as number, line);
        bytes = before + line.length;
        for (const [run, next] of brought) remember(run, next);
      },
      moveOn: () => rewrite(0),
      close,
    },
  };
}

function encodeLine(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

/** What makes no sense is left out: the last line may be torn. */
function readLines(path: string): Line[] {
  try {
    if (statSync(path).size > 4 * JOURNAL_BYTES_MAX) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((text) => {
        const line = parseLine(text);
        return line === null ? [] : [line];
      });
  } catch {
    return [];
  }
}

function parseLine(text: string): Line | null {
  try {
    const { from, to, runs } = JSON.parse(text) as Partial<Line>;
    const isLine = Number.isSafeInteger(from) && Number.isSafeInteger(to) && typeof runs === 'object' && runs !== null;
    return isLine && Object.values(runs).every(Number.isSafeInteger) ? (JSON.parse(text) as Line) : null;
  } catch {
    return null;
  }
}
