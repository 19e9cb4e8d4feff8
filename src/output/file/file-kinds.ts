/** Files as outputs: `--output ndjson`, which is standard output, `ndjson:FILE` and `har:FILE`. */
import { InvalidValue } from '../../errors.js';
import type { Examined, OutputContext, OutputKind, TraceOutput } from '../output.js';

export type NdjsonTarget = { readonly to: 'ndjson'; readonly file: string | null };
export type HarTarget = { readonly to: 'har'; readonly file: string };

export interface FileOptions {
  /** A capture file that is read; null while packets come by themselves. */
  readonly read: string | null;
  /** Whether what a file holds already may go. */
  readonly outputReplace: boolean;
  /** The targets that `--write` named. */
  readonly write?: readonly object[];
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
  examine,
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
  examine,
  open: openTarget,
};

async function examine(target: NdjsonTarget | HarTarget, options: FileOptions): Promise<Examined | null> {
  const { to, file: path } = target;
  if (path === null) return null;
  const { examineFile } = await import('./examine-file.js');
  const { read, outputReplace: replace } = options;
  return examineFile({ option: optionOf(target, options), path, appends: to === 'ndjson', replace, read });
}

/** The option and its value, as they were given. */
function optionOf(target: NdjsonTarget | HarTarget, { write = [] }: FileOptions): string {
  return write.includes(target) ? `--write ${target.file}` : `--output ${target.to}:${target.file}`;
}

async function openTarget(
  target: NdjsonTarget | HarTarget,
  { options, ...context }: OutputContext<FileOptions>,
): Promise<TraceOutput> {
  const { to, file } = target;
  const { harShape, NDJSON_SHAPE, openFileOutput } = await import('./file-output.js');
  const shape = to === 'har' ? harShape(context.sensorVersion) : NDJSON_SHAPE;
  const { read, outputReplace: replace } = options;
  const option = optionOf(target, options);
  return openFileOutput({ ...context, shape, name: to, option, path: file, replace, read, isLive: read === null });
}
