/** Files as outputs: `--output ndjson`, which is standard output, `ndjson:FILE` and `har:FILE`. */
import { InvalidValue } from '../../errors.js';
import type { OutputContext, OutputKind, TraceOutput } from '../output.js';

export type NdjsonTarget = { readonly to: 'ndjson'; readonly file: string | null };
export type HarTarget = { readonly to: 'har'; readonly file: string };

export interface FileOptions {
  /** A capture file that is read; null while packets come by themselves. */
  readonly read: string | null;
}

export const NDJSON_OUTPUT: OutputKind<NdjsonTarget, FileOptions> = {
  name: 'ndjson',
  forms: [{ form: 'ndjson', note: 'standard output' }, { form: 'ndjson:FILE' }],
  isRemote: false,
  parse(rest) {
    if (rest === '') throw new InvalidValue('names no file; give ndjson:FILE, or ndjson for standard output');
    return { to: 'ndjson', file: rest };
  },
  describe: ({ file }) => file ?? 'standard output',
  endpoints: async () => [],
  open: openTarget,
};

export const HAR_OUTPUT: OutputKind<HarTarget, FileOptions> = {
  name: 'har',
  forms: [{ form: 'har:FILE' }],
  isRemote: false,
  parse(rest) {
    if (rest === null || rest === '') throw new InvalidValue('names no file; give har:FILE');
    return { to: 'har', file: rest };
  },
  describe: ({ file }) => file,
  endpoints: async () => [],
  open: openTarget,
};

async function openTarget(
  { to, file }: NdjsonTarget | HarTarget,
  { options, ...context }: OutputContext<FileOptions>,
): Promise<TraceOutput> {
  const { openFileOutput } = await import('./file-output.js');
  return openFileOutput({ ...context, format: to, path: file, isLive: options.read === null });
}
