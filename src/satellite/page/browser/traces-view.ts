/** The traces that pass the filter: plots, the list that follows the tail, and the one that is looked at. */
import { ask, type Fields, type Page, type Row, type Unanswered } from './ask.js';
import { browser, type Events } from './dom.js';
import { FilterBox } from './filter-box.js';
import { Plots } from './plots.js';
import { Rows } from './rows.js';
import type { Place } from './state.js';
import { TraceDetail } from './trace-detail.js';
import { TraceList } from './trace-list.js';
import { html, type Node, useEffect, useRef, useState } from './vendor/preact.js';
import { count } from './words.js';

interface Given {
  readonly place: Place;
  readonly fields: Fields | null;
  readonly theme: string;
  readonly isPaused: boolean;
  setPaused(isPaused: boolean): void;
  go(to: Partial<Place>): void;
  onFailure(error: Unanswered): void;
}

interface Drawn {
  readonly version: number;
  readonly added: number;
}

const PAGE_ROWS = 200;
/** How often rows that came are drawn, in milliseconds. */
const DRAW_MILLIS = 250;

export function TracesView({ place, fields, theme, isPaused, setPaused, go, onFailure }: Given): Node {
  const { filter } = place;
  const [rows, setRows] = useState(() => new Rows());
  const [drawn, setDrawn] = useState<Drawn>({ version: 0, added: 0 });
  const [wrong, setWrong] = useState<{ message: string; at: number | null } | null>(null);
  const [skipped, setSkipped] = useState(0);
  const isAsking = useRef(false);
  const draw = (added: number): void => setDrawn(({ version }) => ({ version: version + 1, added }));
  const failed = (error: Unanswered): void => {
    if (error.status === 400) setWrong({ message: error.message.replace(/^filter: /, ''), at: error.at });
    else onFailure(error);
  };

  // Another filter is another list.
  useEffect(() => {
    let isWanted = true;
    setWrong(null);
    setSkipped(0);
    ask<Page>('traces', { filter, limit: PAGE_ROWS }).then(
      (page) => {
        if (!isWanted) return;
        const fresh = new Rows();
        fresh.addOlder(page.rows, page.next);
        setRows(fresh);
        draw(0);
      },
      (error: Unanswered) => {
        if (!isWanted) return;
        setRows(new Rows());
        failed(error);
      },
    );
    return () => {
      isWanted = false;
    };
  }, [filter]);

  // What comes is drawn a few times a second, however fast it comes.
  useEffect(() => {
    if (isPaused || wrong !== null) return undefined;
    const query = new URLSearchParams(filter === '' ? {} : { filter });
    if (rows.newest > 0) query.set('after', String(rows.newest));
    const events: Events = new browser.EventSource(`/api/tail?${query}`);
    let waiting: Row[] = [];
    events.addEventListener('message', (event) => waiting.push(JSON.parse(event.data) as Row));
    events.addEventListener('skipped', (event) => setSkipped((before) => before + Number(event.data)));
    const timer = setInterval(() => {
      if (waiting.length === 0) return;
      const added = rows.addNewer(waiting);
      waiting = [];
      if (added > 0) draw(added);
    }, DRAW_MILLIS);
    return () => {
      events.close();
      clearInterval(timer);
    };
  }, [filter, isPaused, rows, wrong === null]);

  const more = (): void => {
    const { next } = rows;
    if (isAsking.current || next === null) return;
    isAsking.current = true;
    ask<Page>('traces', { filter, before: next, limit: PAGE_ROWS })
      .then((page) => {
        rows.addOlder(page.rows, page.next);
        draw(0);
      }, failed)
      .finally(() => {
        isAsking.current = false;
      });
  };
  const exported = (form: string): string =>
    `/api/export.${form}${filter === '' ? '' : `?filter=${encodeURIComponent(filter)}`}`;
  return html`<main class=${place.trace === null ? 'traces' : 'traces both'}>
    <div class="bar">
      <${FilterBox} filter=${filter} fields=${fields} wrong=${wrong} apply=${(text: string) => go({ filter: text.trim() })} />
      <div class="tools">
        <button type="button" aria-pressed=${isPaused ? 'true' : 'false'} onClick=${() => setPaused(!isPaused)}>${isPaused ? 'Paused' : 'Pause'}</button>
        <a href=${exported('har')} download>HAR</a>
        <a href=${exported('ndjson')} download>NDJSON</a>
        <span class="soft" role="status">${count(rows.length)}${rows.next === null ? '' : '+'} listed${skipped > 0 ? `, ${count(skipped)} passed over: they came faster than they are shown` : ''}</span>
      </div>
    </div>
    <${Plots} filter=${filter} theme=${theme} />
    <div class="panes">
      <${TraceList}
        filter=${filter}
        rows=${rows}
        version=${drawn.version}
        added=${drawn.added}
        chosen=${place.trace}
        choose=${(trace: number | null) => go({ trace })}
        more=${more}
      />
      ${place.trace !== null && html`<${TraceDetail} seq=${place.trace} tab=${place.tab} fields=${fields} show=${(tab: string) => go({ tab })} close=${() => go({ trace: null })} />`}
    </div>
  </main>`;
}
