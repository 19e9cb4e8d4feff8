/** A body: laid out, as sent, or in bytes. Always as text: what strangers sent is never markup here. */
import type { Body, Pair } from './ask.js';
import { bytesOf, formFields, grpcMessages, hexDump, prettyJson, prettyXml } from './pretty.js';
import { html, type Node, useMemo, useState } from './vendor/preact.js';
import { size } from './words.js';

type Form = 'pretty' | 'raw' | 'hex';
/** Characters shown at once. */
const SHOWN_MAX = 200_000;

export function BodyView({ body, headers, label }: { body: Body; headers: readonly Pair[]; label: string }): Node {
  const [form, setForm] = useState<Form>('pretty');
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const shown = useMemo(() => laidOut(body, type, form), [body, type, form]);
  if (body.content === '')
    return html`<p class="nothing">${body.omitted !== undefined ? `Left out by the sensor: ${body.omitted}` : body.wireBytes > 0 ? `${size(body.wireBytes)} that were not kept` : 'No body.'}</p>`;
  const bytes = body.encoding === 'utf8' ? size(body.bytes) : `${size(body.bytes)}, binary`;
  return html`<div class="body">
    <p class="about">
      ${type === '' ? 'no media type' : type} · ${bytes}${body.wireBytes !== body.bytes && ` (${size(body.wireBytes)} on the wire)`}
      ${body.truncated && html` · <b class="cut">truncated: the rest is not here</b>`}
      ${body.codingError !== undefined && html` · <b class="cut">${body.codingError}</b>`}
    </p>
    <div class="forms" role="group" aria-label=${`Form of the ${label}`}>
      ${(['pretty', 'raw', 'hex'] as const).map(
        (one) =>
          html`<button type="button" aria-pressed=${one === form ? 'true' : 'false'} onClick=${() => setForm(one)}>${one}</button>`,
      )}
    </div>
    ${
      shown.fields !== null
        ? html`<table class="pairs"><caption class="unseen">${label}</caption><tbody>${shown.fields.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${withRedactions(value)}</td></tr>`)}</tbody></table>`
        : html`<pre tabindex="0" role="region" aria-label=${label}>${withRedactions(shown.text)}${body.truncated && form !== 'hex' && html`<mark class="cut">… truncated</mark>`}</pre>`
    }
  </div>`;
}

function laidOut(
  { content, encoding }: Body,
  type: string,
  form: Form,
): { text: string; fields: [string, string][] | null } {
  const cut = (text: string): string =>
    text.length > SHOWN_MAX
      ? `${text.slice(0, SHOWN_MAX)}\n… ${text.length - SHOWN_MAX} more characters: export the trace to see them`
      : text;
  if (form === 'hex' || (form === 'raw' && encoding === 'base64'))
    return { text: hexDump(bytesOf(content, encoding)), fields: null };
  if (form === 'raw') return { text: cut(content), fields: null };
  if (/^application\/grpc/i.test(type)) return { text: cut(grpcMessages(bytesOf(content, encoding))), fields: null };
  if (encoding === 'base64') return { text: hexDump(bytesOf(content, encoding)), fields: null };
  const some = content.slice(0, SHOWN_MAX);
  if (/[/+]json\b/i.test(type) || /^\s*[[{]/.test(some)) return { text: cut(prettyJson(some)), fields: null };
  if (/[/+]xml\b|text\/html/i.test(type)) return { text: cut(prettyXml(some)), fields: null };
  if (/x-www-form-urlencoded/i.test(type)) return { text: '', fields: formFields(some).slice(0, 1000) };
  return { text: cut(content), fields: null };
}

/** What the sensor wrote in the place of a secret, so that it is seen to be that. */
export function withRedactions(text: string): Node {
  if (!text.includes('REDACTED')) return text;
  return text
    .split(/(REDACTED)/)
    .map((part) =>
      part === 'REDACTED' ? html`<mark class="redacted" title="replaced by the sensor">REDACTED</mark>` : part,
    );
}
