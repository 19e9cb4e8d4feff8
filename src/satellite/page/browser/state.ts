/** What is looked at, as the address has it: a link to it shows the same. */
import { browser } from './dom.js';

export interface Place {
  readonly view: string;
  readonly filter: string;
  readonly trace: number | null;
  readonly tab: string;
}

const NOWHERE: Place = { view: 'traces', filter: '', trace: null, tab: 'response' };

export function readPlace(): Place {
  const given = new URLSearchParams(browser.location.search);
  const trace = given.get('trace') ?? '';
  return {
    view: given.get('view') ?? NOWHERE.view,
    filter: given.get('filter') ?? '',
    trace: /^\d{1,15}$/.test(trace) ? Number(trace) : null,
    tab: given.get('tab') ?? NOWHERE.tab,
  };
}

/** @param isStep whether the button back leads to what was before */
export function writePlace(place: Place, isStep: boolean): void {
  const given = new URLSearchParams();
  if (place.view !== NOWHERE.view) given.set('view', place.view);
  if (place.filter !== '') given.set('filter', place.filter);
  if (place.trace !== null) given.set('trace', String(place.trace));
  if (place.trace !== null && place.tab !== NOWHERE.tab) given.set('tab', place.tab);
  const query = given.toString();
  const url = browser.location.pathname + (query === '' ? '' : `?${query}`);
  if (isStep) browser.history.pushState(null, '', url);
  else browser.history.replaceState(null, '', url);
}
