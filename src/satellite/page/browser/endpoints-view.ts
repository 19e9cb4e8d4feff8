/** What services offer: a table, how often and how fast each endpoint was, and which templates a person has put right. */
import { ask, tell, type Unanswered } from './ask.js';
import type { PageEvent } from './dom.js';
import { Plots } from './plots.js';
import { html, type Node, useEffect, useState } from './vendor/preact.js';
import { ago, count, duration, size } from './words.js';

interface Endpoint {
  readonly service: string;
  readonly host: string;
  readonly method: string;
  readonly template: string;
  readonly graphql: string | null;
  readonly count: number;
  readonly unanswered: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number } | null;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly credentials: Readonly<Record<string, number>>;
  readonly anonymous: number;
  readonly callers: Readonly<Record<string, number>>;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly sensitive: readonly { readonly field: string; readonly kind: string; readonly count: number }[];
}

interface Given {
  readonly theme: string;
  show(filter: string): void;
  onFailure(error: Unanswered): void;
}

const REFRESH_MILLIS = 10_000;
type Order = 'template' | 'count' | 'latency' | 'failures';

export function EndpointsView({ theme, show, onFailure }: Given): Node {
  const [rows, setRows] = useState<readonly Endpoint[]>([]);
  const [isAsked, setAsked] = useState(false);
  const [order, setOrder] = useState<Order>('template');
  const [open, setOpen] = useState<string | null>(null);
  const [word, setWord] = useState('');
  useEffect(() => {
    const refresh = (): void =>
      void ask<Endpoint[]>('endpoints').then((found) => {
        setRows(found);
        setAsked(true);
      }, onFailure);
    refresh();
    const timer = setInterval(refresh, REFRESH_MILLIS);
    return () => clearInterval(timer);
  }, []);
  const listed = rows
    .filter((row) =>
      `${row.method} ${row.host}${row.template} ${row.service}`.toLowerCase().includes(word.toLowerCase()),
    )
    .sort(COMPARISONS[order]);
  const headings: readonly (readonly [string, Order | null])[] = [
    ['Method', null],
    ['Endpoint', 'template'],
    ['Service', null],
    ['Calls', 'count'],
    ['Statuses', 'failures'],
    ['Median', 'latency'],
    ['99 %', null],
    ['Credentials', null],
    ['Callers', null],
    ['Sensitive data', null],
    ['Last seen', null],
  ];
  return html`<main class="sensors">
    <div class="bar">
      <h2>${count(listed.length)} endpoints</h2>
      <label>find <input type="search" value=${word} onInput=${(event: PageEvent) => setWord(event.target.value)} /></label>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label="Endpoints">
      <table class="wide">
        <thead><tr>${headings.map(([name, by]) => html`<th scope="col" aria-sort=${by !== null && by === order ? (by === 'template' ? 'ascending' : 'descending') : null}>${by === null ? name : html`<button type="button" onClick=${() => setOrder(by)}>${name}</button>`}</th>`)}</tr></thead>
        <tbody>${listed.map((row) => {
          const key = `${row.service} ${row.host} ${row.method} ${row.template} ${row.graphql}`;
          const isOpen = key === open;
          return html`<${Row} key=${key} row=${row} isOpen=${isOpen} toggle=${() => setOpen(isOpen ? null : key)} show=${show} />
            ${isOpen && html`<tr key=${`${key} more`}><td colspan="11"><${Plots} filter=${filterOf(row)} theme=${theme} />${drawMore(row)}</td></tr>`}`;
        })}</tbody>
      </table>
    </div>
    ${listed.length === 0 && html`<p class="nothing">${!isAsked ? '…' : rows.length === 0 ? 'No endpoint has answered yet.' : 'No endpoint is like this.'}</p>`}
    <${Templates} rows=${rows} onFailure=${onFailure} />
  </main>`;
}

const failures = ({ statuses, unanswered }: Endpoint): number =>
  unanswered + Object.entries(statuses).reduce((sum, [status, many]) => sum + (status.startsWith('5') ? many : 0), 0);

const COMPARISONS: Readonly<Record<Order, (a: Endpoint, b: Endpoint) => number>> = {
  template: (a, b) =>
    a.host.localeCompare(b.host) || a.template.localeCompare(b.template) || a.method.localeCompare(b.method),
  count: (a, b) => b.count - a.count,
  latency: (a, b) => (b.latency?.p50 ?? 0) - (a.latency?.p50 ?? 0),
  failures: (a, b) => failures(b) / b.count - failures(a) / a.count,
};

interface RowGiven {
  readonly row: Endpoint;
  readonly isOpen: boolean;
  toggle(): void;
  show(filter: string): void;
}

function Row({ row, isOpen, toggle, show }: RowGiven): Node {
  const {
    method,
    host,
    template,
    graphql,
    service,
    latency,
    statuses,
    unanswered,
    credentials,
    anonymous,
    callers,
    sensitive,
  } = row;
  const kinds = [
    ...Object.keys(credentials),
    ...(anonymous > 0 ? [Object.keys(credentials).length > 0 ? 'some without' : 'none'] : []),
  ];
  return html`<tr>
    <td class="method"><button type="button" aria-expanded=${isOpen ? 'true' : 'false'} onClick=${toggle}>${method}</button></td>
    <th scope="row" class="path"><span class="soft">${host}</span>${template}${graphql !== null && html` <b>${graphql}</b>`}</th>
    <td>${service}</td>
    <td class="number"><button type="button" class="link" title="the traces" onClick=${() => show(filterOf(row))}>${count(row.count)}</button></td>
    <td>${Object.entries(statuses).map(([status, many]) => html`<span class=${`status ${statusClassOf(status)}`}>${status}</span> ×${count(many)} `)}${unanswered > 0 && html`<span class="status failed">none</span> ×${count(unanswered)}`}</td>
    <td class="number">${latency === null ? '–' : duration(latency.p50)}</td>
    <td class="number">${latency === null ? '–' : duration(latency.p99)}</td>
    <td>${kinds.join(', ')}</td>
    <td class="number">${count(Object.keys(callers).length)}</td>
    <td>${[...new Set(sensitive.map(({ kind }) => kind))].map((kind) => html`<b class="mark">${kind}</b> `)}</td>
    <td>${ago(row.lastSeen * 1000)}</td>
  </tr>`;
}

function statusClassOf(status: string): string {
  if (status >= '500') return 'failed';
  return status >= '400' ? 'refused' : status >= '300' ? 'moved' : 'fine';
}

function drawMore({ sensitive, callers, firstSeen, requestBytes, responseBytes, count: calls }: Endpoint): Node {
  return html`<dl class="facts">
    <dt>first seen</dt><dd>${ago(firstSeen * 1000)}</dd>
    <dt>sizes, on average</dt><dd>${size(Math.round(requestBytes / calls))} asked, ${size(Math.round(responseBytes / calls))} answered</dd>
    <dt>callers</dt><dd>${Object.entries(callers)
      .slice(0, 20)
      .map(([address, many]) => `${address} ×${many}`)
      .join(', ')}</dd>
    ${sensitive.length > 0 && html`<dt>sensitive fields</dt><dd>${sensitive.map(({ field, kind, count: many }) => html`<code>${field}</code> ${kind} ×${count(many)} `)}</dd>`}
  </dl>`;
}

/** Its traces, as far as the language goes: where values stand, anything may. */
function filterOf({ method, host, template, service }: Endpoint): string {
  const first = template.indexOf('{');
  const path = first < 0 ? `path=${quoted(template)}` : `path:${quoted(`^${template.replace(/\{[^}]*\}/g, '*')}$`)}`;
  const named = service === '' ? '' : ` service=${quoted(service)}`;
  return `method:${quoted(method)} host=${quoted(host)} ${path}${named}`;
}

const quoted = (text: string): string => (/[\s"(),|\\]/.test(text) ? JSON.stringify(text) : text);

/** Templates that are right whatever the traces say. */
function Templates({ rows, onFailure }: { rows: readonly Endpoint[]; onFailure(error: Unanswered): void }): Node {
  const [templates, setTemplates] = useState<readonly string[]>([]);
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState('');
  useEffect(() => {
    ask<{ templates: string[] }>('templates').then((found) => setTemplates(found.templates), onFailure);
  }, []);
  const put = (wanted: readonly string[]): void => {
    tell<{ templates: string[] }>('PUT', 'templates', { templates: wanted }).then(
      (found) => {
        setTemplates(found.templates);
        setText('');
        setWrong('');
      },
      (error: Unanswered) => setWrong(error.message),
    );
  };
  return html`<details>
    <summary>Templates put right (${templates.length})</summary>
    <p class="soft">Where the traces mislead, say it: <code>/articles/feed</code> is an endpoint of its own, <code>/articles/{'{'}slug} takes every other word</code>.</p>
    <ul>${templates.map((one) => html`<li><code>${one}</code> <button type="button" aria-label=${`Forget ${one}`} onClick=${() => put(templates.filter((other) => other !== one))}>×</button></li>`)}</ul>
    <form class="filter" onSubmit=${(event: PageEvent) => {
      event.preventDefault();
      put([...templates, text]);
    }}>
      <label>template <input value=${text} list="known-templates" onInput=${(event: PageEvent) => setText(event.target.value)} /></label>
      <datalist id="known-templates">${[...new Set(rows.map(({ template }) => template))].map((one) => html`<option value=${one}></option>`)}</datalist>
      <button type="submit">Add</button>
      <p class="wrong" role="alert">${wrong}</p>
    </form>
  </details>`;
}
