/** One packet as a batch. */
import { createPacketBatch, type PacketBatch } from '../../src/capture/packet-batch.js';

export interface PacketPlace {
  offset?: number;
  captured?: number;
  wire?: number;
  /** Nanoseconds. */
  time?: number;
}

/** The batch whose only packet lies in `memory`: all of it, where nothing else is said. */
export function packetBatch(memory: Buffer, place: PacketPlace = {}): PacketBatch {
  const { offset = 0, captured = memory.length, wire = memory.length, time = 0 } = place;
  const batch = createPacketBatch(1);
  batch.count = 1;
  batch.bytes = memory;
  batch.offset[0] = offset;
  batch.capturedLength[0] = captured;
  batch.wireLength[0] = wire;
  batch.time[0] = time;
  return batch;
}
