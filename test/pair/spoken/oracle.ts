/**
 * What was really said, against what the engine shows.
 *
 * A capture may leave things undecided, and an exchange may lack its response and say so. What may not be, whatever was
 * lost: a response at a request that it does not answer, an exchange that nobody began, bytes at a place where others
 * were, damage without a mark, and a mark for what did not happen.
 */
import { bodyBytes } from '../../../src/http/message-body.js';
import { type Exchange, type HeaderPair, markNames } from '../../../src/pair/exchange.js';
import { assemble } from '../../support/assemble.js';
import { tcpBatch } from '../../support/tcp-batch.js';
import { captured, type Effects, randomEffects, type Spoken, speak } from './capture.js';
import type { Message } from './messages.js';
import { randomScript, type Script } from './script.js';
import type { SpokenPlace, WirePacket } from './wire.js';

export const FAULTS = ['wrong pair', 'made up', 'foreign bytes', 'unmarked damage', 'false mark'] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface Fault {
  kind: FaultKind;
  /** What is wrong, on a line. */
  what: string;
}

export interface Verdict {
  faults: Fault[];
  /** Exchanges said, shown, and shown with their response. */
  said: number;
  shown: number;
  answered: number;
  /** Of those whose request and response were captured in all their bytes: how many, answered, and without a flaw. */
  captured: number;
  capturedAnswered: number;
  capturedWhole: number;
  /** The same of those whose neighbours on the connection were captured, too. */
  amidst: number;
  amidstAnswered: number;
}

export interface Trial {
  script: Script;
  spoken: Spoken;
  effects: Effects;
  packets: WirePacket[];
  exchanges: Exchange[];
  verdict: Verdict;
}

export function trial(script: Script, given?: Effects): Trial {
  const spoken = speak(script);
  const effects = given ?? randomEffects(script, spoken);
  const packets = captured(spoken, effects);
  const { exchanges } = assemble(tcpBatch(packets, 40_000, 0));
  return { script, spoken, effects, packets, exchanges, verdict: judge(spoken, effects, packets, exchanges) };
}

export const randomTrial = (seed: number): Trial => trial(randomScript(seed));

/** Marks that say that something is missing. */
const DAMAGE = new Set(['gap', 'aborted', 'no-response', 'unfinished', 'malformed', 'shed', 'drops']);

export function judge(
  spoken: Spoken,
  effects: Effects,
  packets: readonly WirePacket[],
  exchanges: readonly Exchange[],
): Verdict {
  const coverage = new Coverage(spoken, packets);
  const byTarget = new Map(spoken.places.map((place) => [place.exchange.target, place]));
  const ids = new Map(spoken.places.map((place) => [place.exchange.id, place]));
  const faults: Fault[] = [];
  const shown = new Map<SpokenPlace, Exchange>();
  for (const exchange of exchanges) {
    const place = byTarget.get(exchange.request.target);
    if (place === undefined || place.exchange.method !== exchange.request.method) {
      faults.push({ kind: 'made up', what: `${lineOf(exchange)}: nobody asked for it` });
    } else if (shown.has(place)) {
      faults.push({ kind: 'made up', what: `${lineOf(exchange)}: shown a second time` });
    } else {
      shown.set(place, exchange);
      faults.push(...faultsOf(exchange, place, ids));
    }
  }
  faults.push(...falseMarks(effects, coverage, shown));
  return { faults, said: spoken.places.length, shown: shown.size, ...shares(spoken, coverage, shown) };
}

function faultsOf(exchange: Exchange, place: SpokenPlace, ids: ReadonlyMap<string, SpokenPlace>): Fault[] {
  const { request, response } = exchange;
  const { request: asked, response: given } = place.exchange;
  const faults: Fault[] = [];
  const note = (kind: FaultKind, what: string) => faults.push({ kind, what: `${lineOf(exchange)}: ${what}` });
  if (response !== null) {
    const id = response.headers.get('x-id');
    if (id !== place.exchange.id) {
      const owner = id === undefined ? undefined : ids.get(id);
      note(
        'wrong pair',
        owner === undefined ? 'answered by text from a body' : `the response answers ${owner.exchange.target}`,
      );
      return faults;
    }
    if (place.responseSent < given.head) note('wrong pair', 'the head of its response was never sent whole');
  }
  const askedBody = place.requestSent <= asked.head ? NOTHING : asked.body;
  const alien = foreign(request.headers.pairs(), request, { ...asked, body: askedBody });
  if (alien !== null) note('foreign bytes', `request: ${alien}`);
  const alienAnswer = response === null ? null : foreign(response.headers.pairs(), response, given);
  if (alienAnswer !== null) note('foreign bytes', `response: ${alienAnswer}`);
  if (faults.length === 0 && !markNames(exchange.marks).some((name) => DAMAGE.has(name))) {
    const flaw = flawOf(exchange, place, askedBody);
    if (flaw !== null) note('unmarked damage', flaw);
  }
  return faults;
}

const NOTHING = Buffer.alloc(0);

interface Shown {
  body: Exchange['request']['body'];
  trailers: readonly HeaderPair[];
}

/** What stands there that was not said at that place, or null. */
function foreign(headers: readonly HeaderPair[], { body, trailers }: Shown, message: Message): string | null {
  const isTrue = headers.every(
    ([name, value], i) => message.headers[i]?.[0] === name && message.headers[i][1] === value,
  );
  if (!isTrue) return `headers ${JSON.stringify(headers)}`;
  const kept = bodyBytes(body);
  const differs = kept.length > message.body.length ? message.body.length : firstDifference(kept, message.body);
  if (differs >= 0) return `body byte ${differs} of ${kept.length}: ${quoted(kept.subarray(differs, differs + 40))}`;
  // A lost FIN took a number, as a byte does.
  if (body.wireBytes > message.body.length + (body.truncated && message.framing === 'close' ? 1 : 0)) {
    return `${body.wireBytes} bytes of body, of ${message.body.length} sent`;
  }
  const strange = trailers.find(([name]) => !message.trailers.some(([said]) => said === name));
  return strange === undefined ? null : `trailer ${strange[0]}`;
}

/** What is missing of an exchange that has no mark for it, or null. */
function flawOf(exchange: Exchange, place: SpokenPlace, askedBody: Buffer): string | null {
  const { request, response } = exchange;
  const { request: asked, response: given, status, reason } = place.exchange;
  if (response === null) return 'no response';
  if (place.responseSent < given.bytes.length) return 'its response was cut off';
  if (response.status !== status || response.reason !== reason) return `status ${response.status} ${response.reason}`;
  const lacking = (side: string, shown: Shown, size: number, message: Message, body: Buffer): string | null => {
    if (size !== message.headers.length) return `${side}: ${size} of ${message.headers.length} headers`;
    if (shown.body.keptBytes !== body.length || shown.body.truncated)
      return `${side}: ${shown.body.keptBytes} of ${body.length} bytes of body`;
    const isSent = body.length > 0 || message.body.length === 0;
    const trailers = isSent ? message.trailers.length : 0;
    return shown.trailers.length === trailers ? null : `${side}: ${shown.trailers.length} trailers`;
  };
  return (
    lacking('request', request, request.headers.size, asked, askedBody) ??
    lacking('response', response, response.headers.size, given, given.body)
  );
}

/**
 * A capture that lost nothing has no gaps, and none of its connections was joined in the middle. What a network lost in front
 * of the capture, and was not sent again before the connection was reset, is a gap all the same: the capture does not have it.
 */
function falseMarks(
  { lost, skipped }: Effects,
  coverage: Coverage,
  shown: ReadonlyMap<SpokenPlace, Exchange>,
): Fault[] {
  if (lost.size > 0 || skipped > 0) return [];
  const faults: Fault[] = [];
  for (const [{ connection }, exchange] of shown) {
    const isFalse = (name: string) => name === 'midstream' || (name === 'gap' && !coverage.hasHole(connection));
    const names = markNames(exchange.marks).filter(isFalse);
    if (names.length > 0) faults.push({ kind: 'false mark', what: `${lineOf(exchange)}: nothing was lost` });
  }
  return faults;
}

/** Whether all of a request and of the complete response to it were captured. */
export const isCaptured = ({ spoken, packets }: Trial, place: SpokenPlace): boolean =>
  new Coverage(spoken, packets).has(place);

function shares(spoken: Spoken, coverage: Coverage, shown: ReadonlyMap<SpokenPlace, Exchange>) {
  const counts = { answered: 0, captured: 0, capturedAnswered: 0, capturedWhole: 0, amidst: 0, amidstAnswered: 0 };
  const isCaptured = spoken.places.map((place) => coverage.has(place));
  spoken.places.forEach((place, i) => {
    const exchange = shown.get(place);
    const isAnswered = exchange?.response?.headers.get('x-id') === place.exchange.id;
    if (isAnswered) counts.answered++;
    if (!isCaptured[i]) return;
    counts.captured++;
    if (isAnswered) counts.capturedAnswered++;
    const askedBody = place.requestSent <= place.exchange.request.head ? NOTHING : place.exchange.request.body;
    if (isAnswered && flawOf(exchange as Exchange, place, askedBody) === null) counts.capturedWhole++;
    const isNeighbour = (k: number) => spoken.places[k]?.connection !== place.connection || isCaptured[k];
    if (!isNeighbour(i - 1) || !isNeighbour(i + 1)) return;
    counts.amidst++;
    if (isAnswered) counts.amidstAnswered++;
  });
  return counts;
}

/** Which bytes of each stream a capture has. */
class Coverage {
  readonly #streams: [Uint8Array, Uint8Array][];

  constructor({ lengths }: Spoken, packets: readonly WirePacket[]) {
    this.#streams = lengths.map(([client, server]) => [new Uint8Array(client), new Uint8Array(server)]);
    for (const { connection, fromClient, at, payload } of packets) {
      if (payload.length > 0) this.#streams[connection]?.[fromClient ? 0 : 1].fill(1, at, at + payload.length);
    }
  }

  /** Whether bytes are missing in front of others that were captured. */
  hasHole(connection: number): boolean {
    return (this.#streams[connection] ?? []).some((stream) => stream.subarray(0, stream.lastIndexOf(1)).includes(0));
  }

  /** Whether all of a request and of the complete response to it were captured. */
  has({
    connection,
    requestStart,
    requestEnd,
    responseStart,
    responseEnd,
    responseSent,
    exchange,
  }: SpokenPlace): boolean {
    if (responseStart < 0 || responseSent < exchange.response.bytes.length) return false;
    const [client, server] = this.#streams[connection] as [Uint8Array, Uint8Array];
    return (
      !client.subarray(requestStart, requestEnd).includes(0) && !server.subarray(responseStart, responseEnd).includes(0)
    );
  }
}

function firstDifference(kept: Uint8Array, truth: Buffer): number {
  if (truth.subarray(0, kept.length).equals(kept)) return -1;
  return kept.findIndex((byte, i) => byte !== truth[i]);
}

export function quoted(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('latin1'));
}

/** An exchange as it is shown, on a line. */
export function lineOf({ request, response, marks }: Exchange): string {
  const size = (body: Exchange['request']['body']) =>
    body.wireBytes === 0 && !body.truncated
      ? ''
      : ` (${body.keptBytes}${body.truncated ? ` of ${body.wireBytes}` : ''} B)`;
  const answer =
    response === null
      ? 'nothing'
      : `${response.status} ${response.headers.get('x-id') ?? 'without id'}${size(response.body)}`;
  return `${request.method} ${request.target}${size(request.body)} → ${answer} {${markNames(marks).join(', ')}}`;
}
