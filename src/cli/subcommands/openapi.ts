/**
 * `openapi`: prints an OpenAPI 3.1 document of what files of traces show.
 *
 * in: NDJSON of the sensor's, HTTP Archives, capture files · out: the document, as YAML or JSON
 */
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { SensorError, UsageError } from '../../errors.js';
import { createLogger } from '../../log.js';
import { OPENAPI_OPTIONS } from '../../options/openapi-options.js';
import { type FlagValues, resolveSettings } from '../../options/settings.js';
import { Inventory } from '../../satellite/endpoints/inventory.js';
import { parseOverrides } from '../../satellite/endpoints/overrides.js';
import { type OpenApiDocument, openApiDocument, withoutExamples } from '../../satellite/openapi/document.js';
import { print } from './print.js';
import { nothingRead, readTraces } from './read-traces.js';

export async function openapi(flags: FlagValues): Promise<number> {
  const settings = resolveSettings(OPENAPI_OPTIONS, flags, process.env);
  const { read, host, templates, noExamples, format, logLevel, logFormat, ...redaction } = settings;
  if (read.length === 0)
    throw new UsageError(
      '--read is required; give it a file of traces, such as traces.ndjson, browser.har or capture.pcap',
    );
  const overrides =
    templates === null
      ? []
      : parseOverrides(readFileSync(templates, 'utf8'), `--templates ${JSON.stringify(templates)}`);
  const log = createLogger({ logLevel, logFormat: logFormat === 'auto' ? 'text' : logFormat });
  const inventory = new Inventory();
  let unread = 0;
  for (const file of read)
    unread += await readTraces({ file, option: '--read', redaction, explains: false }, log, (trace) =>
      inventory.add(trace),
    );
  if (unread > 0) log.error(`${unread} of the traces could not be read`);
  const hosts = inventory.hosts(host === null ? {} : { host: host.toLowerCase() });
  if (hosts.length === 0) throw new SensorError(nothingText(read, host, inventory));
  const document = openApiDocument(inventory, host === null ? {} : { host: host.toLowerCase() }, { overrides });
  await print(written(noExamples ? withoutExamples(document) : document, format));
  const { exchanges, operations, unfound } = document.info['x-observed'];
  log.info(`${operations} operations of ${exchanges} exchanges; ${unfound} went to what was never found`);
  if (inventory.refused > 0) log.warn(`there was no room for ${inventory.refused} paths and properties`);
  return unread > 0 ? 1 : 0;
}

function nothingText(read: readonly string[], host: string | null, inventory: Inventory): string {
  if (host === null || inventory.traces === 0) return nothingRead(read);
  const hosts = inventory.hosts().map((facts) => facts.host);
  return `no request was for --host ${JSON.stringify(host)}; give one of those that requests were for: ${hosts.slice(0, 10).join(', ')}`;
}

function written(document: OpenApiDocument, format: 'yaml' | 'json'): string {
  return format === 'json'
    ? `${JSON.stringify(document, null, 2)}\n`
    : stringify(document, { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' });
}
