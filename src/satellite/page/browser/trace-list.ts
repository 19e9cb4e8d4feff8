/** The list: as many rows as there is room for, of as many as there are. It follows the tail where its top is seen. */
import type { Row } from './ask.js';
import { browser, type PageElement, type PageEvent } from './dom.js';
import type { Rows } from './rows.js';
import { html, type Node, useEffect, useLayoutEffect, useRef, useState } from './vendor/preact.js';
import { clock, count, dateTime, duration, size } from './words.js';

interface Given {
  readonly filter: string;
  readonly rows: Rows;
  /** Rises with every change of the rows. */
  readonly version: number;
  /** How many of the newest came since the list was drawn last. */
  readonly added: number;
  readonly chosen: number | null;
  choose(seq: number | null): void;
  more(): void;
}

export const ROW_PIXELS = 28;
/** Rows drawn beyond what is seen. */
const BEYOND = 10;
const PAGE_ROWS = 10;

export function TraceList({ filter, rows, version, added, chosen, choose, more }: Given): Node {
  const scroller = useRef<PageElement | null>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new browser.ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  // After scrolling down the same rows stay in sight, though new ones came above them.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element !== null && element.scrollTop > 0 && added > 0) element.scrollTop += added * ROW_PIXELS;
  }, [version]);

  const first = Math.max(0, Math.floor(top / ROW_PIXELS) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((top + height) / ROW_PIXELS) + BEYOND);
  useEffect(() => {
    if (rows.next !== null && last >= rows.length - BEYOND) more();
  }, [last, version]);

  const goTo = (index: number): void => {
    const row = rows.at(Math.max(0, Math.min(rows.length - 1, index)));
    const element = scroller.current;
    if (row === undefined || element === null) return;
    choose(row.seq);
    const at = rows.indexOf(row.seq) * ROW_PIXELS;
    if (at < element.scrollTop) element.scrollTop = at;
    else if (at + 2 * ROW_PIXELS > element.scrollTop + element.clientHeight)
      element.scrollTop = at + 2 * ROW_PIXELS - element.clientHeight;
  };
  const onKeyDown = (event: PageEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = chosen === null ? -1 : rows.indexOf(chosen);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: PAGE_ROWS,
      PageUp: -PAGE_ROWS,
      Home: -rows.length,
      End: rows.length,
    };
    const step = Object.hasOwn(steps, event.key) ? steps[event.key] : undefined;
    if (step === undefined) return;
    event.preventDefault();
    goTo(at < 0 ? 0 : at + step);
  };
  const drawn: Row[] = [];
  for (let index = first; index < last; index++) {
    const row = rows.at(index);
    if (row !== undefined) drawn.push(row);
  }
  const isDrawn = drawn.some(({ seq }) => seq === chosen);
  return html`<div
    class="list"
    id="list"
    ref=${scroller}
    role="grid"
    aria-label="Traces"
    aria-rowcount=${rows.length + 1}
    aria-colcount="8"
    aria-activedescendant=${isDrawn ? `row-${chosen}` : null}
    tabindex="0"
    onScroll=${(event: PageEvent) => setTop(event.currentTarget.scrollTop)}
    onKeyDown=${onKeyDown}
  >
    <div class="row head" role="row" aria-rowindex="1">
      ${['Time', 'Method', 'Status', 'Host', 'Path', 'Duration', 'Size', 'Marks'].map(
        (name) => html`<span role="columnheader" class=${name.toLowerCase()}>${name}</span>`,
      )}
    </div>
    <div role="presentation" style=${{ height: `${first * ROW_PIXELS}px` }}></div>
    ${drawn.map((row, index) => drawRow(row, first + index, row.seq === chosen, choose))}
    <div role="presentation" style=${{ height: `${(rows.length - last) * ROW_PIXELS}px` }}></div>
    ${rows.length === 0 && html`<p class="nothing">${whyNothing(filter, rows)}</p>`}
  </div>`;
}

/** Why there is nothing to be seen, and what to do. */
function whyNothing(filter: string, rows: Rows): string {
  if (!rows.isAsked) return '…';
  if (rows.next !== null) return 'None so far; looking further back …';
  if (filter !== '') return 'No trace passes the filter.';
  return `Nothing has been sent yet. A sensor sends its traces here with --satellite-url ${browser.location.origin}`;
}

function drawRow(row: Row, index: number, isChosen: boolean, choose: (seq: number) => void): Node {
  const { seq, start, method, status, host, path, query, responseBytes, marks, redactions } = row;
  return html`<div
    key=${seq}
    id=${`row-${seq}`}
    class="row"
    role="row"
    aria-rowindex=${index + 2}
    aria-selected=${isChosen ? 'true' : 'false'}
    onClick=${() => choose(seq)}
  >
    <span role="gridcell" class="time" title=${dateTime(start)}>${clock(start)}</span>
    <span role="gridcell" class="method">${method}</span>
    <span role="gridcell" class=${`status ${statusClass(status)}`}>${status ?? 'none'}</span>
    <span role="gridcell" class="host" title=${host}>${host}</span>
    <span role="gridcell" class="path" title=${query === '' ? path : `${path}?${query}`}>${path}${query !== '' && html`<i>?${query}</i>`}</span>
    <span role="gridcell" class="duration">${duration(row.duration)}</span>
    <span role="gridcell" class="size">${size(responseBytes)}</span>
    <span role="gridcell" class="marks">${marks.map((mark) => html`<b>${mark}</b> `)}${redactions > 0 && html`<em title=${`${count(redactions)} values redacted by the sensor`}>redacted ${redactions}</em>`}</span>
  </div>`;
}

export function statusClass(status: number | null): string {
  if (status === null) return 'failed';
  if (status >= 500) return 'failed';
  if (status >= 400) return 'refused';
  return status >= 300 ? 'moved' : 'fine';
}
