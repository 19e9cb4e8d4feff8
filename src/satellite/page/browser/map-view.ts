/** Which service calls which, as a picture, and the same as a table, from which the traces are a click away. */
import { ask, type Unanswered } from './ask.js';
import type { PageEvent } from './dom.js';
import {
  type Layout,
  layout,
  type MapEdge,
  type MapNode,
  NODE_HEIGHT,
  NODE_WIDTH,
  type PlacedNode,
} from './map-layout.js';
import { html, type Node, useEffect, useMemo, useRef, useState } from './vendor/preact.js';
import { count, dateTime, duration } from './words.js';

interface ServiceMap {
  readonly from: number;
  readonly to: number;
  readonly traces: number;
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  readonly left: number;
}

interface MapGiven {
  show(filter: string): void;
  onFailure(error: Unanswered): void;
}

const REFRESH_MILLIS = 10_000;
/** Shares of errors from which an edge is drawn as ill, and as failing. */
const ILL = 0.01;
const FAILING = 0.1;
const NAME_LENGTH_MAX = 24;

export function MapView({ show, onFailure }: MapGiven): Node {
  const [map, setMap] = useState<ServiceMap | null>(null);
  const [filter, setFilter] = useState('');
  const [wrong, setWrong] = useState('');
  const typed = useRef('');
  useEffect(() => {
    const refresh = (): void => {
      ask<ServiceMap>('map', { filter }).then(
        (found) => {
          setMap(found);
          setWrong('');
        },
        (error: Unanswered) => (error.status === 400 ? setWrong(error.message) : onFailure(error)),
      );
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MILLIS);
    return () => clearInterval(timer);
  }, [filter]);
  const { nodes = [], edges = [] } = map ?? {};
  const placed = useMemo(() => layout(nodes, edges), [map]);
  const names = new Map(nodes.map((node) => [node.id, node]));
  return html`<main class="sensors">
    <h2>Services</h2>
    <form class="filter" onSubmit=${(event: PageEvent) => {
      event.preventDefault();
      setFilter(typed.current);
    }}>
      <label>traces that pass <input value=${filter} placeholder="time>10m" onInput=${(event: PageEvent) => {
        typed.current = event.target.value;
      }} /></label>
      <button type="submit">Show</button>
      <p class="wrong" role="alert">${wrong}</p>
    </form>
    ${map !== null && map.traces > 0 && html`<p class="soft">The newest ${count(map.traces)} traces, ${dateTime(map.from)} – ${dateTime(map.to)}${map.left > 0 && `; ${count(map.left)} of them are on rarer edges`}.</p>`}
    ${edges.length > 0 && drawMap(placed, edges)}
    <div class="scroll" tabindex="0" role="region" aria-label="Calls">
      <table class="wide">
        <thead><tr>${['From', 'To', 'Traces', 'A minute', 'Errors', 'On average', 'Told of by'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${edges.map((edge) => drawEdgeRow(edge, names, show))}</tbody>
      </table>
    </div>
    ${edges.length === 0 && html`<p class="nothing">${map === null ? '…' : 'No call has been seen.'}</p>`}
  </main>`;
}

function drawMap({ nodes, width, height }: Layout, edges: readonly MapEdge[]): Node {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Map">
    <svg class="map" width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} role="img" aria-label="Which service calls which; the table below has the same">
      ${edges.map((edge) => {
        const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
        return from !== undefined && to !== undefined && drawEdge(edge, from, to);
      })}
      ${[...nodes.values()].map(drawNode)}
    </svg>
  </div>`;
}

function drawNode({ kind, name, environment, x, y }: PlacedNode): Node {
  const title = environment === '' ? name : `${name} in ${environment}`;
  const short = name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX - 1)}…` : name;
  return html`<g class=${`node ${kind}`}>
    <title>${title}</title>
    <rect x=${x} y=${y} width=${NODE_WIDTH} height=${NODE_HEIGHT} rx="6" />
    <text x=${x + NODE_WIDTH / 2} y=${y + (environment === '' ? 23 : 16)} text-anchor="middle">${short || 'without a name'}</text>
    ${environment !== '' && html`<text class="soft" x=${x + NODE_WIDTH / 2} y=${y + 30} text-anchor="middle">${environment.slice(0, NAME_LENGTH_MAX)}</text>`}
  </g>`;
}

function drawEdge(edge: MapEdge, from: PlacedNode, to: PlacedNode): Node {
  const middle = NODE_HEIGHT / 2;
  const isSelf = from.id === to.id;
  const isBack = to.x <= from.x;
  const start = [from.x + NODE_WIDTH, from.y + middle] as const;
  // What goes back goes in where it came from, below.
  const end = isBack
    ? ([to.x + NODE_WIDTH, to.y + middle + (isSelf ? 12 : 0)] as const)
    : ([to.x, to.y + middle] as const);
  const bend = isBack ? 60 : (end[0] - start[0]) / 2;
  const second = isBack ? end[0] + bend : end[0] - bend;
  const path = `M ${start.join(' ')} C ${start[0] + bend} ${start[1]}, ${second} ${end[1]}, ${end.join(' ')}`;
  const width = 1 + Math.min(5, Math.log10(1 + edge.perMinute));
  const label = `${rate(edge.perMinute)}${edge.failures > 0 ? ` · ${share(edge)} errors` : ''}`;
  return html`<g class=${`edge ${stateOf(edge)}`}>
    <title>${`${from.name} → ${to.name}: ${label}`}</title>
    <path d=${path} stroke-width=${width} fill="none" />
    <text x=${(start[0] + end[0]) / 2 + (isBack ? bend * 0.75 : 0)} y=${(start[1] + end[1]) / 2 - 5} text-anchor="middle">${label}</text>
  </g>`;
}

function drawEdgeRow(edge: MapEdge, names: ReadonlyMap<string, MapNode>, show: (filter: string) => void): Node {
  const [from, to] = [names.get(edge.from), names.get(edge.to)];
  return html`<tr>
    <th scope="row">${nameOf(from)}</th>
    <td>${nameOf(to)}</td>
    <td class="number"><button type="button" class="link" title="the traces" onClick=${() => show(filterOf(edge, from, to))}>${count(edge.traces)}</button></td>
    <td class="number">${rate(edge.perMinute)}</td>
    <td class="number"><span class=${`status ${stateOf(edge)}`}>${edge.failures === 0 ? '0' : `${count(edge.failures)}, ${share(edge)}`}</span></td>
    <td class="number">${duration(edge.duration)}</td>
    <td>${edge.seenBy.join(', ')}</td>
  </tr>`;
}

function nameOf(node: MapNode | undefined): string {
  if (node === undefined) return '';
  const name = node.name || 'without a name';
  return node.environment === '' ? name : `${name} (${node.environment})`;
}

/** Traces of the end that told of them. */
function filterOf({ seenBy }: MapEdge, from: MapNode | undefined, to: MapNode | undefined): string {
  const teller = seenBy.includes('server') ? to : from;
  const parts = [`kind:${seenBy.includes('server') ? 'server' : 'client'}`];
  if (teller?.name) parts.push(`service=${JSON.stringify(teller.name)}`);
  if (teller?.environment) parts.push(`env=${JSON.stringify(teller.environment)}`);
  if (to?.kind === 'host') parts.push(`host=${JSON.stringify(to.name)}`);
  return parts.join(' ');
}

function stateOf({ traces, failures }: MapEdge): string {
  const part = failures / traces;
  if (part >= FAILING) return 'failed';
  return part >= ILL ? 'refused' : 'fine';
}

const share = ({ traces, failures }: MapEdge): string =>
  `${((100 * failures) / traces).toFixed(failures * 10 < traces ? 1 : 0)} %`;

function rate(perMinute: number): string {
  return `${perMinute < 10 ? perMinute.toFixed(1) : count(Math.round(perMinute))}/min`;
}
