/**
 * `drift`: holds traces against an OpenAPI document, and says where they part.
 *
 * in: a document, files of traces · out: a line for each finding; exit code 1 where there is drift, else 0
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { reasonOf, SensorError, UsageError } from '../../errors.js';
import { createLogger } from '../../log.js';
import { DRIFT_OPTIONS } from '../../options/openapi-options.js';
import { type FlagValues, resolveSettings } from '../../options/settings.js';
import { printableJson, printableLine } from '../../printable.js';
import { Drift, type Finding } from '../../satellite/openapi/drift.js';
import { print } from './print.js';
import { nothingRead, readTraces } from './read-traces.js';

export async function drift(flags: FlagValues): Promise<number> {
  const settings = resolveSettings(DRIFT_OPTIONS, flags, process.env);
  const { spec, read, host, format, all, logLevel, logFormat, ...redaction } = settings;
  if (spec === null) throw new UsageError('--spec is required; give it an OpenAPI document, such as openapi.yaml');
  if (read.length === 0)
    throw new UsageError(
      '--read is required; give it a file of traces, such as traces.ndjson, browser.har or capture.pcap',
    );
  const found = new Drift(documentOf(spec));
  const log = createLogger({ logLevel, logFormat: logFormat === 'auto' ? 'text' : logFormat });
  const wanted = host?.toLowerCase();
  let unread = 0;
  for (const file of read)
    unread += await readTraces({ file, option: '--read', redaction, explains: false }, log, (trace) => {
      if (wanted === undefined || trace.request.authority.toLowerCase() === wanted) found.add(trace);
    });
  if (unread > 0) log.error(`${unread} of the traces could not be read`);
  if (found.traces === 0)
    throw new SensorError(
      host === null
        ? nothingRead(read)
        : `no request was for --host ${JSON.stringify(host)}; name it as requests do, or leave it out`,
    );
  const findings = found.findings();
  const drifted = findings.filter(({ isDrift }) => isDrift);
  const lines = (all ? findings : drifted).map(format === 'json' ? jsonLine : textLine);
  if (lines.length > 0) await print(lines.join(''));
  log.info(
    `${drifted.length} findings of drift in ${found.traces} exchanges; ${findings.length - drifted.length} that may be chance, or were not seen`,
  );
  return drifted.length > 0 || unread > 0 ? 1 : 0;
}

function documentOf(file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8'), { maxAliasCount: 1000 });
  } catch (error) {
    throw new UsageError(
      `--spec ${JSON.stringify(file)} is neither YAML nor JSON (${reasonOf(error)}); give an OpenAPI document`,
    );
  }
  const { openapi, paths } = (value ?? {}) as { openapi?: unknown; paths?: unknown };
  if (typeof openapi !== 'string' || !/^3\.[012]/.test(openapi) || typeof paths !== 'object' || paths === null)
    throw new UsageError(
      `--spec ${JSON.stringify(file)} is no OpenAPI 3 document with paths; convert it, or give another`,
    );
  return value as Record<string, unknown>;
}

function textLine({ kind, isDrift, method, path, where, what, count, of, traces }: Finding): string {
  const place = where === '' ? '' : `  ${where}`;
  const often = of > 0 && count > 0 ? `  ${count} of ${of}` : '';
  const trace = traces[0] === undefined ? '' : `  trace ${traces[0]}`;
  return `${printableLine(`${isDrift ? '' : '('}${kind}${isDrift ? '' : ')'}  ${method} ${path}${place}  ${what}${often}${trace}`)}\n`;
}

const jsonLine = (finding: Finding): string => `${printableJson(JSON.stringify(finding))}\n`;
