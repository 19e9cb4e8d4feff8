/** `--output text`: a line an exchange, for a person. */
import { InvalidValue } from '../../errors.js';
import type { OutputContext, OutputKind, TraceOutput } from '../output.js';

export type TextTarget = { readonly to: 'text' };

export interface TextOptions {
  /** A capture file that is read; null while packets come by themselves. */
  readonly read: string | null;
  /** 0: a line · 1: heads too · 2: and bodies. */
  readonly verbose: number;
}

export const TEXT_OUTPUT: OutputKind<TextTarget, TextOptions> = {
  name: 'text',
  forms: [{ form: 'text', note: 'a line an exchange, on standard output' }],
  isRemote: false,
  parse(rest) {
    if (rest !== null) throw new InvalidValue('takes no file; give text, or ndjson:FILE');
    return { to: 'text' };
  },
  describe: () => 'standard output',
  endpoints: async () => [],
  open,
};

async function open(_target: TextTarget, { options, ...context }: OutputContext<TextOptions>): Promise<TraceOutput> {
  const { openFileOutput } = await import('../file/file-output.js');
  const { encodeText } = await import('./trace-line.js');
  const isTerminal = process.stdout.isTTY === true;
  const view = {
    verbosity: options.verbose,
    // https://no-color.org
    colour: isTerminal && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb',
    columns: () => (isTerminal ? process.stdout.columns : null),
    dates: options.read !== null,
  };
  return openFileOutput({
    ...context,
    shape: {
      ...{ head: '', separator: '', tail: '' },
      encode: (trace) => encodeText(trace, view),
      // With heads and bodies a trace is many.
      piecesAreLines: options.verbose === 0,
      bodiesAreJson: false,
    },
    name: 'text',
    path: null,
    replace: false,
    read: null,
    isLive: options.read === null,
  });
}
