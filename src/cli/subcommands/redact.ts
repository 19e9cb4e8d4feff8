/**
 * `redact --explain`: prints what redaction would replace in a file of traces, where and by which rule. A value is never
 * printed, only how long it is and what kinds of characters it has.
 *
 * in: NDJSON of the sensor's, an HTTP Archive, or a capture file · out: a line for each value
 */
import { UsageError } from '../../errors.js';
import { createLogger } from '../../log.js';
import type { SettingsOf } from '../../options/option-row.js';
import type { REDACT_OPTIONS } from '../../options/options.js';
import { type FlagValues, resolveRedact } from '../../options/settings.js';
import { printableJson, printableLine } from '../../printable.js';
import type { Replacement, Trace } from '../../trace/trace.js';
import { readTraces, STDIN } from './read-traces.js';

type RedactSettings = SettingsOf<typeof REDACT_OPTIONS>;

export async function redact(flags: FlagValues): Promise<number> {
  const settings = resolveRedact(flags, process.env);
  const { explain: file, logLevel, logFormat } = settings;
  if (file === null)
    throw new UsageError(
      '--explain is required; give it a file of traces, such as traces.ndjson, browser.har or capture.pcap',
    );
  if (file === STDIN && settings.config === STDIN)
    throw new UsageError('--explain "-" and --config "-" both want standard input; give one of them a file');
  const log = createLogger({ logLevel, logFormat: logFormat === 'auto' ? 'text' : logFormat });
  const report = new Report(settings.output);
  const { explain: _, output: __, config: ___, ...redaction } = settings;
  const unread = await readTraces({ file, option: '--explain', redaction, explains: true }, log, (trace) =>
    report.add(trace),
  );
  if (unread > 0) log.error(`--explain ${JSON.stringify(file)}: ${unread} of its traces could not be read`);
  log.info(report.total);
  return unread > 0 ? 1 : 0;
}

class Report {
  readonly #form: RedactSettings['output'];
  #traces = 0;
  #tracesWithValues = 0;
  #values = 0;

  constructor(form: RedactSettings['output']) {
    this.#form = form;
  }

  /** Takes a trace with its `replacements`. */
  add(trace: Trace): void {
    this.#traces++;
    const { replacements = [], request } = trace;
    if (replacements.length === 0) return;
    this.#tracesWithValues++;
    this.#values += replacements.length;
    const lines = replacements.map((one) =>
      this.#form === 'json' ? jsonLine(trace, this.#traces, one) : textLine(request, this.#traces, one),
    );
    process.stdout.write(lines.join(''));
  }

  get total(): string {
    return `${this.#values} values would be replaced, in ${this.#tracesWithValues} of ${this.#traces} exchanges`;
  }
}

/** What is printed of a path, which is shown without its secrets. */
const PATH_LENGTH_MAX = 120;

function textLine(
  { method, path }: Trace['request'],
  number: number,
  { where, rule, bytes, looks }: Replacement,
): string {
  const what = bytes === null ? looks : `${bytes} bytes of ${looks}`;
  const shown = path.length > PATH_LENGTH_MAX ? `${path.slice(0, PATH_LENGTH_MAX)}…` : path;
  return `${printableLine(`${number} ${method} ${shown}  ${where}  ${rule}  ${what}`)}\n`;
}

function jsonLine({ traceId, request }: Trace, exchange: number, replacement: Replacement): string {
  const { method, path } = request;
  return `${printableJson(JSON.stringify({ exchange, traceId, method, path, ...replacement }))}\n`;
}
