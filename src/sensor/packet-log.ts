/**
 * `--log-packets`: batches of packets, or each packet as hex, in the debug log, which says how many it left out.
 *
 * in: batches as the capture hands them on · out: lines of the log
 */
import type { CaptureInterface, PacketBatch } from '../capture/packet-batch.js';
import { limitDebug } from '../debug-log.js';
import type { Logger } from '../log.js';

/** Of a packet; what follows is counted in its length. */
const HEX_BYTES_MAX = 4096;

export type PacketLogMode = 'none' | 'batches' | 'hex';

export interface PacketLogContext {
  log: Logger;
  /** May grow. */
  interfaces: readonly CaptureInterface[];
}

export function packetLog(mode: PacketLogMode, { log, interfaces }: PacketLogContext): (batch: PacketBatch) => void {
  if (mode === 'none') return () => {};
  const debug = limitDebug(log, Date.now);
  return (batch) => {
    debug.say('packets', () => summaryOf(batch), 'packets: a batch was taken');
    if (mode === 'batches') return;
    for (let index = 0; index < batch.count; index++)
      debug.say('packet', () => packetOf(batch, index, interfaces), 'packet');
  };
}

function summaryOf({ count, wireLength, time, timeBaseSeconds }: PacketBatch): object {
  let bytes = 0;
  for (let index = 0; index < count; index++) bytes += wireLength[index] ?? 0;
  return {
    packets: count,
    bytes,
    first: isoTime(timeBaseSeconds, time[0] ?? 0),
    last: isoTime(timeBaseSeconds, time[count - 1] ?? 0),
  };
}

function packetOf(batch: PacketBatch, index: number, interfaces: readonly CaptureInterface[]): object {
  const start = batch.offset[index] ?? 0;
  const captured = Math.min(batch.capturedLength[index] ?? 0, HEX_BYTES_MAX);
  return {
    interface: interfaces[batch.interfaceId[index] ?? 0]?.name ?? '',
    time: isoTime(batch.timeBaseSeconds, batch.time[index] ?? 0),
    bytes: batch.wireLength[index] ?? 0,
    hex: batch.bytes.toString('hex', start, start + captured),
  };
}

function isoTime(baseSeconds: number, nanos: number): string {
  const millis = baseSeconds * 1000 + nanos / 1e6;
  return Math.abs(millis) > 8.64e15 ? '' : new Date(millis).toISOString();
}
