/** Bars as SVG, by Apache ECharts, which is brought into build/ the first time: nothing else needs it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Bar } from './tables.js';

const VERSION = '6.1.0';
const FOLDER = join(import.meta.dirname, '../../build/plots');
const [WIDTH, BAR_HEIGHT, MARGIN] = [860, 24, 70];

interface Chart {
  setOption(option: object): void;
  renderToSVGString(): string;
  dispose(): void;
}

interface Echarts {
  init(element: null, theme: null, options: object): Chart;
}

function load(): Echarts {
  if (!existsSync(join(FOLDER, 'node_modules/echarts'))) {
    mkdirSync(FOLDER, { recursive: true });
    execFileSync('npm', ['install', '--silent', '--no-save', '--prefix', FOLDER, `echarts@${VERSION}`]);
  }
  return createRequire(join(FOLDER, 'node_modules/'))('echarts') as Echarts;
}

/** Horizontal bars, the first on top; those of this project stand out. */
export function plot(title: string, unit: string, bars: readonly Bar[]): string {
  const chart = load().init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: WIDTH,
    height: bars.length * BAR_HEIGHT + MARGIN,
  });
  const isOurs = (name: string) => /sensor|--max-cpu|ring|exchanges/.test(name);
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, textStyle: { fontSize: 14, fontWeight: 'normal' } },
    grid: { left: 8, right: 70, top: 36, bottom: 8, containLabel: true },
    xAxis: {
      type: 'value',
      axisLabel: { formatter: `{value} ${unit}` },
      splitLine: { lineStyle: { color: '#eeeeee' } },
    },
    yAxis: { type: 'category', inverse: true, data: bars.map(({ name }) => name), axisTick: { show: false } },
    series: [
      {
        type: 'bar',
        data: bars.map(({ name, value }) => ({ value, itemStyle: { color: isOurs(name) ? '#2a78d6' : '#a9b4c0' } })),
        label: { show: true, position: 'right', formatter: `{c} ${unit}` },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  // It has a timer, by which the process would never end.
  chart.dispose();
  return svg;
}
