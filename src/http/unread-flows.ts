/**
 * Connections that are not read, by what they carry and the server's port: what to say beside the exchanges that are.
 *
 * in: a protocol and a port for each such connection · out: counts, most first
 *
 * Ports are chosen by who connects, so that only so many are remembered; connections of others are counted together.
 */

export interface UnreadFlowKind {
  /** In words: `TLS`, `no HTTP`. */
  readonly what: string;
  /** Null for those of ports beyond the number that is remembered. */
  readonly port: number | null;
  readonly connections: number;
}

/** Words by `Protocol.name`, and for what comes by UDP. One that is missing here is read, or hands its flow to another. */
const WORDS: Readonly<Record<string, string>> = {
  tls: 'TLS',
  quic: 'QUIC (HTTP/3)',
  upgraded: 'WebSocket or another upgrade',
  unknown: 'no HTTP',
};

export class UnreadFlows {
  readonly #max: number;
  readonly #counts = new Map<string, UnreadFlowKind>();

  constructor(max: number) {
    this.#max = max;
  }

  note(protocol: string, port: number): void {
    const what = WORDS[protocol];
    if (what === undefined) return;
    const key = `${protocol} ${port}`;
    if (this.#counts.has(key) || this.#counts.size < this.#max) this.#count(key, what, port);
    else this.#count(protocol, what, null);
  }

  #count(key: string, what: string, port: number | null): void {
    this.#counts.set(key, { what, port, connections: (this.#counts.get(key)?.connections ?? 0) + 1 });
  }

  list(): UnreadFlowKind[] {
    return [...this.#counts.values()].sort((a, b) => b.connections - a.connections);
  }
}

/** What was counted between two lists. */
export function unreadFlowsBetween(
  before: readonly UnreadFlowKind[],
  after: readonly UnreadFlowKind[],
): UnreadFlowKind[] {
  const key = ({ what, port }: UnreadFlowKind) => `${what} ${port}`;
  const earlier = new Map(before.map((kind) => [key(kind), kind.connections]));
  return after
    .map((kind) => ({ ...kind, connections: kind.connections - (earlier.get(key(kind)) ?? 0) }))
    .filter(({ connections }) => connections > 0)
    .sort((a, b) => b.connections - a.connections);
}

const KINDS_SHOWN = 6;

/** `TLS: 20 on port 8002, no HTTP: 3 on port 5432`; empty where there are none. */
export function unreadFlowsText(kinds: readonly UnreadFlowKind[]): string {
  const shown = kinds.slice(0, KINDS_SHOWN).map(({ what, port, connections }) => {
    return `${what}: ${connections} on ${port === null ? 'other ports' : `port ${port}`}`;
  });
  const rest = kinds.slice(KINDS_SHOWN).reduce((sum, { connections }) => sum + connections, 0);
  return [...shown, ...(rest === 0 ? [] : [`${rest} more`])].join(', ');
}
