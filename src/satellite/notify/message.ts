/**
 * Events as one request: JSON of our own form, or what Slack's incoming webhooks take
 * (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
 *
 * in: events, a form, a secret · out: headers and a body. A signature is that of Standard Webhooks
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), for which receivers have libraries.
 */
import { createHmac } from 'node:crypto';
import { type NotifyEvent, textOf } from './event.js';

export type NotifyForm = 'json' | 'slack';

/** Events that one message has. */
export const MESSAGE_EVENTS_MAX = 50;

export interface Message {
  /** The same for each attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly body: string;
}

/** @param lost events that there was no room for since the message before */
export function encodeMessage(
  form: NotifyForm,
  id: string,
  events: readonly NotifyEvent[],
  satellite: string,
  lost: number,
): Message {
  const told = events.map((event) => ({ ...event, text: textOf(event) }));
  if (form === 'json') return { id, body: JSON.stringify({ id, satellite, lost, events: told }) };
  const lines = told.map(({ text }) => `• ${escapeSlack(text)}`.slice(0, SLACK_LINE_MAX));
  if (lost > 0) lines.push(`• ${lost} more that there was no room for; the page has them`);
  return { id, body: JSON.stringify({ text: lines.join('\n') }) };
}

/** @param secret as in the file: of the form `whsec_…` it is base64 */
export function headersOf({ id, body }: Message, secret: string | null, nowMillis: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMillis / 1000));
  const headers = { 'Content-Type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === null) return headers;
  const key = secret.startsWith(BASE64_SECRET)
    ? Buffer.from(secret.slice(BASE64_SECRET.length), 'base64')
    : Buffer.from(secret);
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

const BASE64_SECRET = 'whsec_';
/** Of 50 lines, what Slack shows without cutting it (40,000 characters). */
const SLACK_LINE_MAX = 700;

/** Only these three mean something there; a path could name a channel, or everybody, with them. */
function escapeSlack(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? '');
}
