/** How many and how fast, over the time of what is listed. */
import { ask } from './ask.js';
import { browser, type PageElement } from './dom.js';
import { html, type Node, useEffect, useRef, useState } from './vendor/preact.js';
import uPlot from './vendor/uplot.js';
import { clock, count, duration } from './words.js';

interface Rate {
  readonly start: number;
  readonly traces: number;
  readonly failures: number;
  readonly p50: number;
  readonly p95: number;
}

const STRETCHES = 60;
const HEIGHT = 90;
const REFRESH_MILLIS = 5000;

export function Plots({ filter, theme }: { filter: string; theme: string }): Node {
  const [rates, setRates] = useState<readonly Rate[]>([]);
  useEffect(() => {
    let isWanted = true;
    const refresh = (): void => {
      ask<Rate[]>('rates', { filter, stretches: STRETCHES }).then(
        (found) => {
          if (isWanted) setRates(found);
        },
        () => {},
      );
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MILLIS);
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [filter]);
  if (rates.length === 0) return null;
  const times = rates.map(({ start }) => start / 1e6);
  const traces = rates.reduce((sum, rate) => sum + rate.traces, 0);
  const failures = rates.reduce((sum, rate) => sum + rate.failures, 0);
  const slowest = Math.max(...rates.map(({ p95 }) => p95));
  return html`<div class="plots">
    <figure>
      <figcaption>${count(traces)} traces, ${count(failures)} failed</figcaption>
      <${Plot} theme=${theme} data=${[times, rates.map((rate) => rate.traces), rates.map((rate) => rate.failures)]} lines=${['traces', 'failed']} />
    </figure>
    <figure>
      <figcaption>duration: median and 95 %, up to ${duration(slowest)}</figcaption>
      <${Plot} theme=${theme} data=${[times, rates.map((rate) => rate.p50 / 1e6), rates.map((rate) => rate.p95 / 1e6)]} lines=${['median ms', '95 % ms']} />
    </figure>
  </div>`;
}

interface PlotGiven {
  readonly data: readonly (readonly number[])[];
  readonly lines: readonly [string, string];
  readonly theme: string;
}

function Plot({ data, lines, theme }: PlotGiven): Node {
  const place = useRef<PageElement | null>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const style = browser.getComputedStyle(browser.document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const axis = { stroke: color('--soft'), grid: { stroke: color('--line'), width: 1 }, font: '11px system-ui' };
    const made = new uPlot(
      {
        width: Math.max(100, element.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        axes: [
          {
            ...axis,
            values: (_plot: unknown, seconds: readonly number[]) =>
              seconds.map((second) => clock(second * 1e6).slice(0, 8)),
          },
          { ...axis, size: 44 },
        ],
        series: [
          {},
          { label: lines[0], stroke: color('--accent'), width: 1.5, points: { show: false } },
          { label: lines[1], stroke: color('--bad'), width: 1.5, dash: [4, 3], points: { show: false } },
        ],
      },
      data,
      element,
    );
    plot.current = made;
    const observer = new browser.ResizeObserver(() =>
      made.setSize({ width: Math.max(100, element.clientWidth), height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [theme]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return html`<div class="plot" ref=${place} aria-hidden="true"></div>`;
}
