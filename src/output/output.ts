/**
 * What an output is: where traces go, and the row by which the registry knows a kind of it.
 */
import type { Counters } from '../counters.js';
import type { Limits } from '../limits.js';
import type { Trace } from '../trace/trace.js';
import type { Books } from './books.js';
import type { Clock } from './clock.js';
import type { Log } from './log.js';
import type { Histogram } from './relay/histogram.js';
import type { Enrolment } from './satellite/enrolment.js';

/** `accept` never throws and never waits; an output that cannot keep up drops its oldest and counts. */
export interface TraceOutput {
  accept(trace: Trace): void;
  /**
   * What a producer that can wait (a capture file being read) waits for before it hands over more; undefined while there
   * is room. Live capture does not ask.
   */
  drained?(): Promise<void> | undefined;
  /** Ends a `close` that is waiting, with the books. */
  hurry?(): void;
  /** Sends what is held, waiting at most `deadlineMillis`; then releases everything. */
  close(deadlineMillis: number): Promise<void>;
  /** Resolves when nothing that it is given can arrive any more: the reader of a pipe has gone. Absent where that cannot be. */
  readonly broken?: Promise<void>;
  /** Absent where traces cannot be encoded elsewhere. */
  readonly lines?: EncodedLines;
  /** Milliseconds of each attempt to send; absent where nothing is sent. */
  readonly latency?: Histogram;
}

/** Takes traces that were encoded elsewhere, in the order that `accept` would have had them in. */
export interface EncodedLines {
  readonly format: 'ndjson';
  /** Bytes of the bodies of a trace from which on it is to be accepted as it is. */
  readonly bodyBytesMax: number;
  /** Copies them. */
  accept(lines: Buffer, traces: number): void;
}

/**
 * A kind of output: how `--output` names it, what it connects to, how it opens.
 *
 * A row is loaded with the options, whether it is used or not, so it loads what it opens only when it does.
 */
export interface OutputKind<Target extends { readonly to: string }, Options> {
  readonly name: Target['to'];
  /** The ways to write a target; `note` says what needs saying. */
  readonly forms: readonly { readonly form: string; readonly note?: string }[];
  /** Whether its receiver may be away. Such an output decides what became of an exchange. */
  readonly isRemote: boolean;
  /**
   * A target of this kind, from what follows its name and a colon; from null where nothing does.
   *
   * @throws InvalidValue
   */
  parse(rest: string | null): Target;
  /** Where its traces end up, for a person to read. */
  describe(target: Target, options: Options): string;
  /** What the sensor connects to under these options: left out of the capture, and so are proxies on the way. */
  endpoints(targets: readonly Target[], options: Options): Promise<readonly NetworkEndpoint[]>;
  /** What a doctor says of it without opening it; absent where there is nothing to be found out. Never rejects. */
  examine?(target: Target, options: Options): Promise<Examined | null>;
  /** @throws SensorError, UsageError if it cannot be opened as told */
  open(target: Target, context: OutputContext<Options>): Promise<TraceOutput>;
}

/** What was found where something is to be written. */
export interface Examined {
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly what: 'output' | 'spool';
  readonly found: string;
  /** What to do; empty if there is nothing to do. */
  readonly advice: string;
}

export interface NetworkEndpoint {
  /** Name or IP literal, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** What the task says of itself. */
export interface TaskIdentity {
  readonly attributes: Readonly<Record<string, string>>;
  readonly family: string;
}

export interface OutputContext<Options> {
  options: Options;
  books: Books;
  counters: Counters;
  limits: Limits;
  log: Log;
  clock: Clock;
  sensorVersion: string;
  task: TaskIdentity;
  /** Signs what goes to the satellite; null or absent where nothing is signed. */
  enrolment?: Enrolment | null;
  /** Takes the address by which one of the output's endpoints is connected to, before it is. */
  onConnect: (endpoint: NetworkEndpoint, address: string) => void;
}
