/** The page: which view, by whom it may be read, in which colours, by which keys. */
import { ask, type Fields, type Unanswered } from './ask.js';
import { browser, type PageElement, type PageEvent } from './dom.js';
import { DriftView } from './drift-view.js';
import { EndpointsView } from './endpoints-view.js';
import { FleetView } from './fleet-view.js';
import { MapView } from './map-view.js';
import { OpenApiView } from './openapi-view.js';
import { SensorsView } from './sensors-view.js';
import { type Place, readPlace, writePlace } from './state.js';
import { TracesView } from './traces-view.js';
import { html, type Node, render, useEffect, useRef, useState } from './vendor/preact.js';

const VIEWS = [
  ['traces', 'Traces'],
  ['endpoints', 'Endpoints'],
  ['openapi', 'OpenAPI'],
  ['drift', 'Drift'],
  ['map', 'Map'],
  ['sensors', 'Sensors'],
  ['fleet', 'Fleet'],
] as const;

/** A row for each, from which the help comes. */
const KEYS = [
  ['/', 'write a filter'],
  ['j k ↓ ↑', 'next and previous trace'],
  ['PageDown PageUp', 'ten further'],
  ['Home End', 'newest and oldest'],
  ['← →', 'between the parts of a trace'],
  ['p', 'pause, and go on'],
  ['t', 'light or dark'],
  ['Esc', 'close the trace'],
  ['?', 'this'],
] as const;

const THEMES: readonly string[] = ['system', 'light', 'dark'];
const THEME_KEY = 'theme';

function App(): Node {
  const [place, setPlace] = useState<Place>(readPlace);
  const [fields, setFields] = useState<Fields | null>(null);
  const [failure, setFailure] = useState<Unanswered | null>(null);
  const [isPaused, setPaused] = useState(false);
  const [theme, setTheme] = useState(() => browser.localStorage.getItem(THEME_KEY) ?? 'system');
  const help = useRef<PageElement | null>(null);

  const go = (to: Partial<Place>): void =>
    setPlace((before) => {
      const after = { ...before, ...to };
      writePlace(
        after,
        after.view !== before.view ||
          after.filter !== before.filter ||
          (before.trace === null) !== (after.trace === null),
      );
      return after;
    });
  const nextTheme = (): void =>
    setTheme((before) => {
      const after = THEMES[(THEMES.indexOf(before) + 1) % THEMES.length] ?? 'system';
      browser.localStorage.setItem(THEME_KEY, after);
      return after;
    });
  useEffect(() => {
    browser.document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    ask<Fields>('fields').then((found) => {
      setFields(found);
      setFailure(null);
    }, setFailure);
  }, [place.filter, failure?.status === 401]);
  useEffect(() => {
    const onPopState = (): void => setPlace(readPlace());
    browser.addEventListener('popstate', onPopState);
    return () => browser.removeEventListener('popstate', onPopState);
  }, []);
  useEffect(() => {
    const onKey = (event: PageEvent): void => {
      const isTyping = ['INPUT', 'TEXTAREA'].includes(event.target.tagName);
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '/') browser.document.getElementById('filter')?.focus();
      else if (event.key === 'p') setPaused((before) => !before);
      else if (event.key === 't') nextTheme();
      else if (event.key === '?') help.current?.showModal();
      else if (event.key === 'Escape') go({ trace: null });
      else return;
      event.preventDefault();
    };
    browser.addEventListener('keydown', onKey);
    return () => browser.removeEventListener('keydown', onKey);
  }, []);

  if (failure?.status === 401) return html`<${TokenForm} said=${failure.message} onOpen=${() => setFailure(null)} />`;
  return html`
    <header class="top">
      <h1>Satellite</h1>
      <nav aria-label="Views">
        ${VIEWS.map(
          ([view, name]) =>
            html`<a href=${view === 'traces' ? '/' : `/?view=${view}`} aria-current=${view === place.view ? 'page' : null} onClick=${(
              event: PageEvent,
            ) => {
              event.preventDefault();
              go({ view, trace: null, filter: view === 'traces' ? place.filter : '' });
            }}>${name}</a>`,
        )}
      </nav>
      <span class="right">
        <button type="button" onClick=${nextTheme} aria-label=${`Colours: ${theme}`}>${theme}</button>
        <button type="button" onClick=${() => help.current?.showModal()} aria-label="Keys">?</button>
      </span>
    </header>
    ${failure !== null && html`<p class="wrong failure" role="alert">${failure.message}</p>`}
    ${drawView({ place, fields, theme, isPaused, setPaused, go, onFailure: setFailure })}
    <dialog ref=${help} aria-label="Keys">
      <h2>Keys</h2>
      <dl>${KEYS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
      <button type="button" onClick=${() => help.current?.close()}>Close</button>
    </dialog>
  `;
}

interface ViewGiven {
  readonly place: Place;
  readonly fields: Fields | null;
  readonly theme: string;
  readonly isPaused: boolean;
  setPaused(value: boolean | ((before: boolean) => boolean)): void;
  go(to: Partial<Place>): void;
  onFailure(error: Unanswered): void;
}

function drawView({ place, fields, theme, isPaused, setPaused, go, onFailure }: ViewGiven): Node {
  const show = (filter: string): void => go({ view: 'traces', filter });
  switch (place.view) {
    case 'endpoints':
      return html`<${EndpointsView} theme=${theme} show=${show} onFailure=${onFailure} />`;
    case 'openapi':
      return html`<${OpenApiView} onFailure=${onFailure} />`;
    case 'drift':
      return html`<${DriftView} filter=${place.filter} fields=${fields} go=${go} show=${show} />`;
    case 'map':
      return html`<${MapView} show=${show} onFailure=${onFailure} />`;
    case 'fleet':
      return html`<${FleetView} onFailure=${onFailure} />`;
    case 'sensors':
      return html`<${SensorsView} onFailure=${onFailure} />`;
    default:
      return html`<${TracesView} place=${place} fields=${fields} theme=${theme} isPaused=${isPaused} setPaused=${setPaused} go=${go} onFailure=${onFailure} />`;
  }
}

/** Trades the token for a cookie that no script can read, this one included. */
function TokenForm({ said, onOpen }: { said: string; onOpen(): void }): Node {
  const [wrong, setWrong] = useState('');
  const input = useRef<PageElement | null>(null);
  const send = (event: PageEvent): void => {
    event.preventDefault();
    const body = JSON.stringify({ token: input.current?.value.trim() ?? '' });
    fetch('/api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }).then(
      async (response) => {
        if (response.ok) onOpen();
        else setWrong(((await response.json()) as { message: string }).message);
      },
      () => setWrong('the satellite does not answer'),
    );
  };
  return html`<main class="token">
    <h1>Satellite</h1>
    <p>${said}</p>
    <form onSubmit=${send}>
      <label for="token">Token</label>
      <input id="token" type="password" autocomplete="current-password" ref=${input} />
      <button type="submit">Open</button>
      <p class="wrong" role="alert">${wrong}</p>
    </form>
  </main>`;
}

render(html`<${App} />`, browser.document.getElementById('app'));
