/**
 * Where the services of a map stand: who asks is left of who is asked, as far as there are no circles.
 *
 * in: nodes and edges, the busiest edges first · out: a place for each of the busiest nodes · pure
 */

export interface MapNode {
  readonly id: string;
  readonly kind: 'service' | 'host' | 'callers';
  readonly name: string;
  readonly environment: string;
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly traces: number;
  readonly failures: number;
  readonly perMinute: number;
  readonly duration: number;
  readonly seenBy: readonly string[];
}

export interface PlacedNode extends MapNode {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly nodes: ReadonlyMap<string, PlacedNode>;
  readonly width: number;
  readonly height: number;
}

export const NODE_WIDTH = 180;
export const NODE_HEIGHT = 36;
const COLUMN = 340;
const ROW = 58;
const MARGIN = 12;
const NODES_MAX = 60;
const COLUMNS_MAX = 8;

export function layout(nodes: readonly MapNode[], edges: readonly MapEdge[]): Layout {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const shown = new Set<string>();
  for (const { from, to } of edges)
    if (new Set([...shown, from, to]).size <= NODES_MAX) {
      shown.add(from);
      shown.add(to);
    }
  const columns = columnsOf([...shown], edges);
  const rows = new Map<number, number>();
  const placed = new Map<string, PlacedNode>();
  for (const id of shown) {
    const node = byId.get(id);
    const column = columns.get(id) ?? 0;
    const row = rows.get(column) ?? 0;
    if (node === undefined) continue;
    rows.set(column, row + 1);
    placed.set(id, { ...node, x: MARGIN + column * COLUMN, y: MARGIN + row * ROW });
  }
  const width = Math.max(0, ...[...rows.keys()]) * COLUMN + NODE_WIDTH + 2 * MARGIN;
  return { nodes: placed, width, height: Math.max(1, ...rows.values()) * ROW + MARGIN };
}

/** One further than who asks, by the busiest edges that make no circle. */
function columnsOf(ids: readonly string[], edges: readonly MapEdge[]): ReadonlyMap<string, number> {
  const next = new Map<string, string[]>(ids.map((id) => [id, []]));
  const columns = new Map(ids.map((id) => [id, 0]));
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean => {
    if (from === to) return true;
    seen.add(from);
    return (next.get(from) ?? []).some((id) => !seen.has(id) && reaches(id, to, seen));
  };
  for (const { from, to } of edges) {
    if (!next.has(from) || !next.has(to) || reaches(to, from)) continue;
    next.get(from)?.push(to);
    const push = (id: string, least: number): void => {
      if ((columns.get(id) ?? 0) >= least || least >= COLUMNS_MAX) return;
      columns.set(id, least);
      for (const one of next.get(id) ?? []) push(one, least + 1);
    };
    push(to, (columns.get(from) ?? 0) + 1);
  }
  return columns;
}
