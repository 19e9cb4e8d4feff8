/**
 * The health of a sensor as OpAMP has it: what is lost makes it unhealthy, and the books are its components.
 *
 * in: counters · out: `ComponentHealth`; pure
 */
import { type Counters, hasLosses, withoutZeros } from '../../counters.js';
import type { ComponentHealth } from '../../enrolment/opamp/messages.js';

export interface HealthContext {
  readonly counters: Readonly<Counters>;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  readonly now: number;
  readonly isCapturing: boolean;
  readonly isPaused: boolean;
  /** Packets that the kernel dropped. */
  readonly packetsDropped: number;
}

const NANOS_PER_MILLI = 1_000_000n;

export function healthOf({ counters, startTime, now, ...state }: HealthContext): ComponentHealth {
  const statusTimeUnixNano = nanos(now);
  const isLossy = hasLosses(counters);
  const books = new Map(
    Object.entries(withoutZeros(counters)).map(([name, count]): [string, ComponentHealth] => [
      name,
      { healthy: true, status: String(count) },
    ]),
  );
  const capture: ComponentHealth = {
    healthy: state.isCapturing && state.packetsDropped === 0,
    status: state.isPaused ? 'paused' : state.isCapturing ? 'capturing' : 'stopped',
    ...(state.packetsDropped === 0 ? {} : { lastError: `the kernel dropped ${state.packetsDropped} packets` }),
  };
  return {
    healthy: state.isCapturing && !isLossy,
    startTimeUnixNano: nanos(startTime),
    status: isLossy ? 'losing traces' : (capture.status ?? ''),
    statusTimeUnixNano,
    ...(isLossy ? { lastError: 'traces could not be delivered; the books have how many' } : {}),
    componentHealthMap: new Map([
      ['capture', capture],
      ['books', { healthy: !isLossy, componentHealthMap: books }],
    ]),
  };
}

function nanos(millis: number): bigint {
  return BigInt(Math.round(millis)) * NANOS_PER_MILLI;
}
