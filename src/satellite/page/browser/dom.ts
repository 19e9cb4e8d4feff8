/**
 * What the page uses of a browser. The types of all that browsers have would be there for the sensor's code too, which has none
 * of it.
 */

export interface PageElement {
  value: string;
  scrollTop: number;
  readonly clientHeight: number;
  readonly clientWidth: number;
  readonly selectionStart: number | null;
  readonly dataset: Record<string, string | undefined>;
  readonly tagName: string;
  readonly files?: readonly { text(): Promise<string> }[] | null;
  focus(): void;
  blur(): void;
  showModal(): void;
  close(): void;
  setSelectionRange(start: number, end: number): void;
}

export interface PageEvent {
  readonly target: PageElement;
  readonly currentTarget: PageElement;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly data: string;
  preventDefault(): void;
}

type Listener = (event: PageEvent) => void;

interface Listens {
  addEventListener(type: string, listener: Listener): void;
  removeEventListener(type: string, listener: Listener): void;
}

export interface Events extends Listens {
  close(): void;
}

interface Browser extends Listens {
  readonly document: {
    readonly documentElement: PageElement;
    readonly activeElement: PageElement | null;
    title: string;
    getElementById(id: string): PageElement;
  };
  readonly location: { readonly search: string; readonly pathname: string; readonly origin: string };
  readonly history: {
    pushState(state: null, title: string, url: string): void;
    replaceState(state: null, title: string, url: string): void;
  };
  readonly localStorage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  readonly navigator: { readonly clipboard?: { writeText(text: string): Promise<void> } };
  readonly EventSource: new (url: string) => Events;
  readonly ResizeObserver: new (changed: () => void) => { observe(element: PageElement): void; disconnect(): void };
  matchMedia(query: string): Listens & { readonly matches: boolean };
  getComputedStyle(element: PageElement): { getPropertyValue(name: string): string };
}

export const browser = globalThis as unknown as Browser;
