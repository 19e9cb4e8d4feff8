/** The options that say what redaction replaces beyond, or instead of, its own rules. */
import { many, one, toggle } from './option-row.js';
import { allowedRedaction, choice, pattern, redactedName } from './option-values.js';

export const REDACTION_OPTIONS = {
  'redact-header': many({
    group: 'Redaction:',
    reloads: true,
    value: redactedName,
    default: [],
    help: 'header whose value is replaced, besides the built-in ones; case and punctuation are ignored',
  }),
  'redact-query': many({
    group: 'Redaction:',
    reloads: true,
    value: redactedName,
    default: [],
    help: 'query parameter whose value is replaced, besides the built-in ones',
  }),
  'redact-field': many({
    group: 'Redaction:',
    reloads: true,
    value: redactedName,
    default: [],
    help: 'field of JSON, forms, multipart and XML whose value is replaced, besides the built-in ones',
  }),
  'redact-pattern': many({
    group: 'Redaction:',
    reloads: true,
    value: pattern,
    default: [],
    help: 'pattern whose matches, or their first group, are replaced in headers, targets and bodies',
  }),
  'redact-allow': many({
    group: 'Redaction:',
    reloads: true,
    value: allowedRedaction,
    default: [],
    help: 'name, or values as /RE2/, that the built-in redaction leaves alone; what the options above name is redacted all the same',
  }),
  'redact-pii': toggle({
    group: 'Redaction:',
    reloads: true,
    help: 'redact IBANs and US social security numbers too, wherever they stand',
  }),
  'opaque-bodies': one({
    group: 'Redaction:',
    reloads: true,
    value: choice('searched', 'drop', 'keep'),
    default: 'searched',
    help: 'bodies that are no text: search their printable parts, send none of them, or send them as they are; what could not be decoded is sent only with keep',
  }),
  'no-default-redaction': toggle({
    group: 'Redaction:',
    reloads: true,
    alsoCalled: ['no-redaction', 'no-redact'],
    help: 'redact only what the other options name',
  }),
  'no-bodies': toggle({
    group: 'Redaction:',
    reloads: true,
    alsoCalled: ['no-body', 'headers-only', 'heads-only'],
    help: 'send heads only',
  }),
} as const;
