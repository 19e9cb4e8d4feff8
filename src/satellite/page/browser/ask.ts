/** Asks the API. */

export interface Row {
  readonly seq: number;
  readonly traceId: string;
  readonly start: number;
  readonly duration: number;
  readonly kind: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly status: number | null;
  readonly responseBytes: number;
  readonly contentType: string;
  readonly protocol: string;
  readonly client: string;
  readonly service: string;
  readonly environment: string;
  readonly marks: readonly string[];
  readonly redactions: number;
}

export interface Page {
  readonly rows: readonly Row[];
  readonly next: number | null;
  readonly complete: boolean;
}

export interface Body {
  readonly wireBytes: number;
  readonly bytes: number;
  readonly truncated: boolean;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
  readonly codingError?: string;
  readonly omitted?: string;
}

export type Pair = readonly [name: string, value: string];

export interface Message {
  readonly headers: readonly Pair[];
  readonly trailers: readonly Pair[];
  readonly body: Body;
}

export interface StreamMessage {
  readonly direction: string;
  readonly kind: string;
  readonly offsetNano: string | number;
  readonly bytes: number;
  readonly truncated: boolean;
  readonly encoding: 'utf8' | 'base64';
  readonly content: string;
  readonly event?: Readonly<Record<string, unknown>>;
}

export interface Trace {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly kind: string;
  readonly startTimeUnixNano: string;
  readonly durationNano: string;
  readonly timing: { readonly requestEndNano: string; readonly responseStartNano: string | null };
  readonly network: {
    readonly interface: string;
    readonly protocol: string;
    readonly client: { readonly address: string; readonly port: number };
    readonly server: { readonly address: string; readonly port: number };
  };
  readonly request: Message & {
    readonly method: string;
    readonly scheme: string;
    readonly authority: string;
    readonly target: string;
  };
  readonly response: (Message & { readonly status: number; readonly reason: string }) | null;
  readonly marks: readonly string[];
  readonly messages?: readonly StreamMessage[];
  readonly redactions?: readonly { readonly where: string; readonly rule: string }[];
}

export interface Whole {
  readonly seq: number;
  readonly trace: Trace;
  readonly resource: Readonly<Record<string, string>>;
  readonly packets: number | null;
}

export interface Fields {
  readonly fields: readonly {
    readonly name: string;
    readonly type: string;
    readonly example: string;
    readonly help: string;
  }[];
  readonly values: {
    readonly methods: readonly string[];
    readonly hosts: readonly string[];
    readonly services: readonly string[];
    readonly environments: readonly string[];
  };
  readonly marks: readonly { readonly name: string; readonly help: string }[];
}

/** Why there is no answer, in words. */
export class Unanswered extends Error {
  readonly status: number;
  readonly at: number | null;

  constructor(status: number, message: string, at: number | null) {
    super(message);
    this.status = status;
    this.at = at;
  }
}

export async function ask<T>(path: string, given: Readonly<Record<string, string | number | null>> = {}): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== null && value !== '') query.set(name, String(value));
  const text = query.toString();
  return fetched<T>(`/api/${path}${text === '' ? '' : `?${text}`}`, {});
}

export function tell<T>(method: string, path: string, body: unknown): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return fetched<T>(`/api/${path}`, { method, headers, body: JSON.stringify(body) });
}

/** What the server refuses before it has read all of it, or what was cut off on its way, has no words of its own. */
function refusalOf(status: number): { status: number; message: string } {
  if (status === 431 || status === 414) return { status: 400, message: 'filter: this is too long' };
  if (status < 400) return { status: 0, message: 'the answer was cut off; ask again, or for less' };
  return { status, message: `the satellite answers ${status}` };
}

async function fetched<T>(url: string, how: RequestInit): Promise<T> {
  const response = await fetch(url, how).catch(() => {
    throw new Unanswered(0, 'the satellite does not answer; it may have ended', null);
  });
  const answer: unknown = await response.json().catch(() => {
    const { status, message } = refusalOf(response.status);
    throw new Unanswered(status, message, null);
  });
  if (response.ok) return answer as T;
  const { message, at } = answer as { message: string; at?: number };
  throw new Unanswered(response.status, message, at ?? null);
}
