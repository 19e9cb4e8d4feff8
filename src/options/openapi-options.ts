/** The options of what makes a description of traffic, or holds traffic against one. */
import { many, one, optional, toggle } from './option-row.js';
import { choice, text, tracesFile } from './option-values.js';
import { PRINTING_LOG_OPTIONS } from './process-options.js';
import { REDACTION_OPTIONS } from './redaction-options.js';

const READ = many({
  group: 'Capture:',
  value: tracesFile,
  default: [],
  defaultText: 'required',
  help: 'file of traces: NDJSON of --output ndjson, an HTTP Archive, or a capture file; may be repeated',
});

const TEMPLATES = optional({
  group: 'Output:',
  value: tracesFile,
  help: 'YAML file with the path templates that you know, which are right whatever the traces say',
});

export const OPENAPI_OPTIONS = {
  read: READ,
  host: optional({
    group: 'Output:',
    value: text('HOST[:PORT]'),
    help: 'describe this host alone, named as requests name it',
  }),
  templates: TEMPLATES,
  'no-examples': toggle({ group: 'Output:', help: 'leave examples out' }),
  format: one({
    group: 'Output:',
    value: choice('yaml', 'json'),
    default: 'yaml',
    help: 'how the document is written',
  }),
  ...REDACTION_OPTIONS,
  ...PRINTING_LOG_OPTIONS,
};

export const DRIFT_OPTIONS = {
  spec: optional({
    group: 'Capture:',
    value: tracesFile,
    defaultText: 'required',
    help: 'OpenAPI 3.0 or 3.1 document, in YAML or JSON, that the traces are held against',
  }),
  read: READ,
  host: optional({
    group: 'Capture:',
    value: text('HOST[:PORT]'),
    help: 'look at requests for this host alone',
  }),
  format: one({
    group: 'Output:',
    value: choice('text', 'json'),
    default: 'text',
    help: 'how a finding is printed: a line of text, or a line of JSON',
  }),
  all: toggle({
    group: 'Output:',
    help: 'print too what may be chance, and what of the document was not seen; it does not count as drift',
  }),
  ...REDACTION_OPTIONS,
  ...PRINTING_LOG_OPTIONS,
};
