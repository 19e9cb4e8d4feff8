/** The options of what a satellite tells of by itself. */
import { one, optional } from './option-row.js';
import { age, bearerTokenFile, choice, tracesFile, webhookUrl } from './option-values.js';

export const NOTIFY_OPTIONS = {
  spec: optional({
    group: 'Satellite:',
    value: tracesFile,
    alsoCalled: ['openapi', 'document', 'contract'],
    help: 'OpenAPI 3 document, in YAML or JSON, that what comes in is held against',
  }),
  notify: optional({
    group: 'Satellite:',
    value: webhookUrl,
    alsoCalled: ['webhook', 'notify-url', 'alert', 'alerts', 'slack'],
    help: 'URL that is told, once each, of a new endpoint, of drift from --spec and of a sensor that fell silent',
  }),
  'notify-format': one({
    group: 'Satellite:',
    value: choice('auto', 'json', 'slack'),
    default: 'auto',
    help: "form of what it is told: JSON, or Slack's, which auto gives hooks.slack.com alone",
  }),
  'notify-secret-file': optional({
    group: 'Satellite:',
    value: bearerTokenFile,
    help: 'file with the secret that signs what it is told: HMAC-SHA-256, as Standard Webhooks has it',
  }),
  'notify-silence': one({
    group: 'Satellite:',
    value: age('a time such as 15m or 1h'),
    default: 15 * 60_000,
    defaultText: '15m',
    help: 'time without a trace after which a sensor counts as silent',
  }),
};
