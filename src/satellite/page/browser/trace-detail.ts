/** One trace: what was asked, what was answered, how long each took, and the whole as it is kept. */
import {
  ask,
  type Fields,
  type Message,
  type Pair,
  type StreamMessage,
  type Trace,
  type Unanswered,
  type Whole,
} from './ask.js';
import { BodyView, withRedactions } from './body-view.js';
import { curlOf } from './curl.js';
import { browser, type PageEvent } from './dom.js';
import { prettyJson } from './pretty.js';
import { statusClass } from './trace-list.js';
import { html, type Node, useEffect, useState } from './vendor/preact.js';
import { dateTime, duration, size } from './words.js';

const TABS: readonly string[] = ['request', 'response', 'timing', 'raw'];

interface Given {
  readonly seq: number;
  readonly tab: string;
  readonly fields: Fields | null;
  show(tab: string): void;
  close(): void;
}

export function TraceDetail({ seq, tab, fields, show, close }: Given): Node {
  const [whole, setWhole] = useState<Whole | null>(null);
  const [wrong, setWrong] = useState('');
  const [said, setSaid] = useState('');
  useEffect(() => {
    let isWanted = true;
    setSaid('');
    ask<Whole>(`traces/${seq}`).then(
      (found) => {
        if (!isWanted) return;
        setWhole(found);
        setWrong('');
      },
      (error: Unanswered) => {
        if (isWanted) setWrong(error.message);
      },
    );
    return () => {
      isWanted = false;
    };
  }, [seq]);
  if (wrong !== '')
    return html`<section class="detail" aria-label="Trace"><p class="wrong" role="alert">${wrong}</p><button type="button" onClick=${close}>Close</button></section>`;
  if (whole === null || whole.seq !== seq)
    return html`<section class="detail" aria-label="Trace"><p class="nothing">…</p></section>`;
  const { trace } = whole;
  const tabs = trace.messages === undefined ? TABS : [...TABS.slice(0, 2), 'messages', ...TABS.slice(2)];
  const open = tabs.includes(tab) ? tab : 'response';
  const copy = (): void => {
    const text = curlOf(trace);
    const copying = browser.navigator.clipboard?.writeText(text) ?? Promise.reject(new Error());
    copying.then(
      () => setSaid('copied as curl'),
      () => setSaid(text),
    );
  };
  const onKeyDown = (event: PageEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = tabs[(tabs.indexOf(open) + step + tabs.length) % tabs.length] as string;
    show(next);
    browser.document.getElementById(`tab-${next}`).focus();
  };
  return html`<section class="detail" aria-label="Trace">
    <header>
      <h2><span class="method">${trace.request.method}</span> <span>${trace.request.authority}${withRedactions(trace.request.target)}</span></h2>
      <button type="button" class="close" aria-label="Close the trace" onClick=${close}>×</button>
    </header>
    <p class="about"><b class=${`status ${statusClass(trace.response?.status ?? null)}`}>${trace.response === null ? 'no response' : `${trace.response.status} ${trace.response.reason}`}</b> · ${duration(Number(trace.durationNano))} · ${dateTime(Number(trace.startTimeUnixNano) / 1000)} · ${whole.resource['service.name'] ?? whole.resource.service_name ?? ''}</p>
    ${drawMarks(trace, fields)}
    <div class="actions">
      <button type="button" onClick=${copy}>Copy as curl</button>
      <a href=${`/api/export.har?filter=id:${trace.traceId}`} download>HAR</a>
      <a href=${`/api/export.ndjson?filter=id:${trace.traceId}`} download>NDJSON</a>
      ${whole.packets !== null && html`<a href=${`/api/packets/${whole.seq}`} download title="as they were captured: nothing in them is redacted">Packets (${size(whole.packets)})</a>`}
      <span role="status" class="said">${said}</span>
    </div>
    <div class="tabs" role="tablist" aria-label="Parts of the trace" onKeyDown=${onKeyDown}>
      ${tabs.map(
        (one) =>
          html`<button type="button" role="tab" id=${`tab-${one}`} aria-selected=${one === open ? 'true' : 'false'} aria-controls="part" tabindex=${one === open ? 0 : -1} onClick=${() => show(one)}>${one}</button>`,
      )}
    </div>
    <div id="part" role="tabpanel" aria-labelledby=${`tab-${open}`} tabindex="0">${drawPart(open, whole)}</div>
  </section>`;
}

function drawMarks({ marks, redactions }: Trace, fields: Fields | null): Node {
  if (marks.length === 0 && redactions === undefined) return null;
  const help = (mark: string): string => fields?.marks.find(({ name }) => name === mark)?.help ?? '';
  return html`<ul class="explained">
    ${marks.map((mark) => html`<li><b class="mark">${mark}</b> ${help(mark)}</li>`)}
    ${redactions !== undefined && html`<li><b class="redacted">redacted</b> ${redactions.map(({ where, rule }) => html`<code title=${rule}>${where}</code> `)}</li>`}
  </ul>`;
}

function drawPart(part: string, whole: Whole): Node {
  const { trace } = whole;
  switch (part) {
    case 'request':
      return html`<${MessageView} key=${`request ${whole.seq}`} message=${trace.request} label="body of the request" />`;
    case 'response':
      return trace.response === null
        ? html`<p class="nothing">There was no response.</p>`
        : html`<${MessageView} key=${`response ${whole.seq}`} message=${trace.response} label="body of the response" />`;
    case 'messages':
      return (trace.messages ?? []).map(drawMessage);
    case 'timing':
      return drawTiming(whole);
    default:
      return html`<pre tabindex="0" role="region" aria-label="The trace as it is kept">${prettyJson(JSON.stringify(trace).slice(0, 200_000))}</pre>`;
  }
}

function MessageView({ message, label }: { message: Message; label: string }): Node {
  return html`<${Headers} pairs=${message.headers} what="Headers" />
    <${BodyView} body=${message.body} headers=${message.headers} label=${label} />
    ${message.trailers.length > 0 && html`<${Headers} pairs=${message.trailers} what="Trailers" />`}`;
}

function Headers({ pairs, what }: { pairs: readonly Pair[]; what: string }): Node {
  return html`<details open>
    <summary>${what} (${pairs.length})</summary>
    <table class="pairs"><tbody>${pairs.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${withRedactions(value)}</td></tr>`)}</tbody></table>
  </details>`;
}

function drawMessage({ direction, kind, offsetNano, bytes, truncated, encoding, content, event }: StreamMessage): Node {
  const body = { wireBytes: bytes, bytes, truncated, encoding, content };
  return html`<article class="message">
    <h3>${direction === 'request' ? '→ from the client' : '← from the server'} · ${kind} · after ${duration(Number(offsetNano))}${event !== undefined && ` · ${JSON.stringify(event)}`}</h3>
    <${BodyView} body=${body} headers=${[]} label="message" />
  </article>`;
}

/** A bar of what was sent, waited for and received, and where it went. */
function drawTiming({ trace, resource }: Whole): Node {
  const whole = Math.max(1, Number(trace.durationNano));
  const sent = Number(trace.timing.requestEndNano);
  const begun = trace.timing.responseStartNano === null ? null : Number(trace.timing.responseStartNano);
  const parts =
    sent === 0 && begun === null
      ? [{ name: 'all of it', from: 0, to: whole, kind: 'wait' }]
      : [
          { name: 'request', from: 0, to: Math.min(sent, whole), kind: 'send' },
          { name: 'waiting', from: Math.min(sent, begun ?? whole), to: begun ?? whole, kind: 'wait' },
          { name: 'response', from: begun ?? whole, to: whole, kind: 'receive' },
        ];
  const { network } = trace;
  const about: Pair[] = [
    ['client', `${network.client.address}:${network.client.port}`],
    ['server', `${network.server.address}:${network.server.port}`],
    ['HTTP', network.protocol],
    ['interface', network.interface],
    ['seen as', trace.kind],
    ['trace', trace.traceId],
    ['span', trace.spanId],
    ['parent', trace.parentSpanId ?? ''],
    ['request', `${size(trace.request.body.wireBytes)} of body`],
    ['response', trace.response === null ? 'none' : `${size(trace.response.body.wireBytes)} of body`],
    ...Object.entries(resource),
  ];
  return html`<div class="timing">
    ${parts.map(
      ({ name, from, to, kind }) => html`<div class="lane">
        <span>${name}</span>
        <span class="track"><span class=${`bar ${kind}`} style=${{ marginLeft: `${(from / whole) * 100}%`, width: `${Math.max(0.5, ((to - from) / whole) * 100)}%` }}></span></span>
        <span>${duration(Math.max(0, to - from))}</span>
      </div>`,
    )}
    <table class="pairs"><tbody>${about.filter(([, value]) => value !== '').map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>
  </div>`;
}
