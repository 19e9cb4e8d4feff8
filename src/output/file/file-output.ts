/**
 * Traces to stdout or a file: NDJSON or HAR.
 *
 * `keepsBooks` says whether this output decides what became of an exchange. Exactly one output does: the satellite where
 * there is one, else the first file. The others count only what they lose.
 */
import { type Counters, countDropped, DropReason } from '../../counters.js';
import type { Limits } from '../../limits.js';
import type { Trace } from '../../trace/trace.js';
import type { Clock } from '../clock.js';
import { foldWarnings } from '../fold.js';
import { bodyBytes, encodeLarge, LARGE_BODY_BYTES } from '../large-body.js';
import type { Log } from '../log.js';
import { encodeNdjson } from '../ndjson.js';
import type { TraceOutput } from '../output.js';
import { type AppendFileOptions, openAppendFile } from './append-file.js';
import { encodeHarEntry, HAR_TAIL, harHead } from './har.js';

export interface FileOutputParts {
  format: 'ndjson' | 'har';
  /** A path; null is stdout. */
  path: string | null;
  keepsBooks: boolean;
  /** Whether packets come while traces are spelled, so that a large body must not hold them up. */
  isLive: boolean;
  sensorVersion: string;
  counters: Counters;
  limits: Limits;
  log: Log;
  clock: Clock;
}

export interface FileOutput extends TraceOutput {
  drained(): Promise<void> | undefined;
}

/** @throws SensorError if the file cannot be opened */
export async function openFileOutput(parts: FileOutputParts): Promise<FileOutput> {
  const { counters, format, path } = parts;
  const folded = foldWarnings(parts.log, parts.clock);
  const encode = format === 'ndjson' ? encodeNdjson : encodeHarEntry;
  const lose = (count: number, reason: string): void => {
    if (parts.keepsBooks) countDropped(counters, DropReason.undeliverable, count);
    else counters.output_traces_lost += count;
    folded.warn(reason, { output: format, path: path ?? 'stdout', traces: count, reason }, 'an output lost traces');
  };
  const shape: Pick<AppendFileOptions, 'head' | 'separator' | 'tail'> =
    format === 'ndjson'
      ? { head: '', separator: '', tail: '' }
      : { head: harHead(parts.sensorVersion), separator: ',\n', tail: HAR_TAIL };
  const file = await openAppendFile({
    ...shape,
    target: path ?? 1,
    queue_bytes_max: parts.limits.queue_bytes_max,
    onWritten: (count) => {
      if (parts.keepsBooks) counters.exchanges_exported += count;
    },
    onLost: lose,
  });
  const spell = (trace: Trace): string => (format === 'ndjson' ? `${encode(trace)}\n` : encode(trace));
  /** Large bodies being spelled a slice at a time. */
  const spelling = new Set<Promise<void>>();
  let spellingBytes = 0;

  const spellLater = (trace: Trace, bytes: number): void => {
    spellingBytes += bytes;
    const spelled = encodeLarge(trace, (outline) => Buffer.from(spell(outline)))
      .then(file.append, (error: unknown) => lose(1, String(error)))
      .finally(() => {
        spellingBytes -= bytes;
        spelling.delete(spelled);
      });
    spelling.add(spelled);
  };

  return {
    accept(trace) {
      const bytes = parts.isLive ? bodyBytes(trace) : 0;
      if (bytes < LARGE_BODY_BYTES) file.append(spell(trace));
      else if (file.held + spellingBytes + bytes <= parts.limits.queue_bytes_max) spellLater(trace, bytes);
      else lose(1, 'too many large bodies at once');
    },
    drained: file.drained,
    async close(deadlineMillis) {
      await Promise.all(spelling);
      await file.close(deadlineMillis);
    },
  };
}
