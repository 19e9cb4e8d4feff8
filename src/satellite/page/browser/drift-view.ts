/** Where traces and an OpenAPI document part: the document is chosen here, and held against the newest that pass a filter. */
import { ask, type Fields, tell, type Unanswered } from './ask.js';
import type { PageEvent } from './dom.js';
import { FilterBox } from './filter-box.js';
import { html, type Node, useEffect, useState } from './vendor/preact.js';
import { ago, count, dateTime } from './words.js';

interface Finding {
  readonly kind: string;
  readonly isDrift: boolean;
  readonly method: string;
  readonly path: string;
  readonly where: string;
  readonly what: string;
  readonly count: number;
  readonly of: number;
  readonly traces: readonly string[];
}

interface Found {
  readonly traces: number;
  readonly findings: readonly Finding[];
}

/** The same of the document that the satellite was started with. */
interface SpecDrift extends Found {
  readonly title: string | null;
  readonly passedOver: number;
}

/** The same of what all traces showed some days ago. */
interface DriftBefore extends Found {
  readonly since: number | null;
  readonly snapshots: readonly number[];
}

interface Given {
  readonly filter: string;
  readonly fields: Fields | null;
  go(to: { filter: string }): void;
  show(filter: string): void;
}

export function DriftView({ filter, fields, go, show }: Given): Node {
  const [text, setText] = useState('');
  const [found, setFound] = useState<Found | null>(null);
  const [wrong, setWrong] = useState('');
  const [isAsking, setAsking] = useState(false);
  const compare = (event: PageEvent): void => {
    event.preventDefault();
    setAsking(true);
    tell<Found>('POST', 'drift', { document: text, filter })
      .then(
        (answer) => {
          setFound(answer);
          setWrong('');
        },
        (error: Unanswered) => setWrong(error.message),
      )
      .finally(() => setAsking(false));
  };
  const choose = (event: PageEvent): void => {
    const [file] = event.target.files ?? [];
    void file?.text().then(setText);
  };
  return html`<main class="sensors">
    <${SpecDriftView} show=${show} />
    <${BeforeView} filter=${filter} show=${show} />
    <h2>Drift from an OpenAPI document</h2>
    <p class="soft">The newest 5,000 traces that pass the filter are held against it. The document stays here: it is sent for the comparison, and not kept.</p>
    <div class="bar"><${FilterBox} filter=${filter} fields=${fields} wrong=${null} apply=${(applied: string) => go({ filter: applied.trim() })} /></div>
    <form onSubmit=${compare}>
      <label>a file <input type="file" accept=".json,.yaml,.yml" onChange=${choose} /></label>
      <label class="document">or its text, in JSON or YAML <textarea rows="8" spellcheck=${false} value=${text} onInput=${(event: PageEvent) => setText(event.target.value)}></textarea></label>
      <button type="submit" disabled=${isAsking || text.trim() === ''}>Compare</button>
      <p class="wrong" role="alert">${wrong}</p>
    </form>
    ${found !== null && drawFindings(found, 'Findings', show)}
  </main>`;
}

/** What came in since the start, held against the document of `--spec`; nothing where there is none. */
function SpecDriftView({ show }: { show(filter: string): void }): Node {
  const [found, setFound] = useState<SpecDrift | null>(null);
  useEffect(() => {
    const refresh = (): void => {
      // What cannot be asked now is asked again; the page says elsewhere that the satellite is gone.
      ask<SpecDrift>('drift').then(setFound, () => {});
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MILLIS);
    return () => clearInterval(timer);
  }, []);
  if (found === null || found.title === null) return null;
  const over = found.passedOver > 0 ? ` ${count(found.passedOver)} came too fast to be looked at.` : '';
  return html`<h2>Drift from ${found.title || 'the document of --spec'}, as traces come</h2>
    <p class="soft">What comes in is held against the document that the satellite was started with.${over}</p>
    ${drawFindings(found, 'Findings as traces come', show)}`;
}

const DAY_MILLIS = 24 * 3600e3;
const DAYS = 7;

/** What comes now, held against what came until some days ago. */
function BeforeView({ filter, show }: { filter: string; show(filter: string): void }): Node {
  const [days, setDays] = useState(DAYS);
  const [found, setFound] = useState<DriftBefore | null>(null);
  const [wrong, setWrong] = useState('');
  useEffect(() => {
    ask<DriftBefore>('drift/before', { days, filter }).then(
      (answer) => {
        setFound(answer);
        setWrong('');
      },
      (error: Unanswered) => setWrong(error.message),
    );
  }, [days, filter]);
  const since = found?.since ?? null;
  const ages = (found?.snapshots ?? []).map((millis) => Math.floor((Date.now() - millis) / DAY_MILLIS));
  return html`<h2>Drift from before</h2>
    ${wrong !== '' && html`<p class="wrong" role="alert">${wrong}</p>`}
    ${found === null && wrong === '' && html`<p class="soft" role="status">Comparing …</p>`}
    ${
      found !== null &&
      since === null &&
      html`<p class="soft">There is nothing to compare with yet. Once a day the satellite keeps what the traces have shown, the first time a day after the first trace came; then this says what changed.</p>`
    }
    ${
      found !== null &&
      since !== null &&
      html`<p class="soft">The newest 5,000 traces that pass the filter, held against what all traces had shown until
        <select aria-label="Until when" onChange=${(event: PageEvent) => setDays(Number(event.target.value))}>
          ${found.snapshots.map((millis, i) => html`<option value=${ages[i]} selected=${millis === since}>${dateTime(millis * 1000)}, ${ago(millis * 1000)}</option>`)}
        </select></p>
        ${drawFindings(found, 'Findings since then', show)}`
    }`;
}

const REFRESH_MILLIS = 5000;

function drawFindings({ traces, findings }: Found, label: string, show: (filter: string) => void): Node {
  const drifted = findings.filter(({ isDrift }) => isDrift);
  return html`<h2 role="status">${count(drifted.length)} findings of drift in ${count(traces)} traces</h2>
    <div class="scroll" tabindex="0" role="region" aria-label=${label}>
      <table class="wide">
        <thead><tr>${['Kind', 'Endpoint', 'Where', 'What', 'Seen', 'Trace'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${findings.map((finding) => drawFinding(finding, show))}</tbody>
      </table>
    </div>`;
}

function drawFinding(
  { kind, isDrift, method, path, where, what, count: many, of, traces }: Finding,
  show: (filter: string) => void,
): Node {
  const [trace] = traces;
  return html`<tr>
    <td>${isDrift ? html`<b class="mark">${kind}</b>` : html`<span class="soft">${kind}, maybe by chance</span>`}</td>
    <th scope="row" class="path">${method} ${path}</th>
    <td>${where}</td>
    <td>${what}</td>
    <td class="number">${of > 0 ? `${count(many)} of ${count(of)}` : ''}</td>
    <td>${trace !== undefined && html`<button type="button" class="link" onClick=${() => show(`id:${trace}`)}>${trace.slice(0, 8)}</button>`}</td>
  </tr>`;
}
