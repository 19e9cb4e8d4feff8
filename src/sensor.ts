/** Placeholder for the wiring of the stages. */
import type { InterfaceStatistics } from './capture/packet-batch.js';
import type { Counters } from './counters.js';
import { SensorError } from './errors.js';
import type { Logger } from './log.js';
import type { Settings } from './options.js';
import type { Trace } from './pair/trace.js';

export interface SensorSummary {
  readonly counters: Counters;
  readonly interfaces: readonly InterfaceStatistics[];
}

export interface SensorRun {
  readonly done: Promise<SensorSummary>;
  readonly ready: Promise<void>;
  stop(reason: string): void;
}

export async function startSensor(
  _settings: Settings,
  _log: Logger,
  _extra?: { traceSink?: (trace: Trace) => void },
): Promise<SensorRun> {
  throw new SensorError('not built yet');
}
