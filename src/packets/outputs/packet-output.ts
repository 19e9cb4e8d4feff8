/** Where packets go, from a sensor or a receiver: files, S3, Kafka. Each has a queue of its own, and none waits for another. */

/** The sensor that captured packets. */
export interface PacketOrigin {
  /** The sensor's name or address, as it may stand in the name of a file. */
  readonly name: string;
  /** Names this sensor among those there have been. */
  readonly key: string;
}

/** Packets of one link type that one sensor captured, as whole pcap records of microseconds, which are nobody else's to change. */
export interface PacketRun {
  readonly origin: PacketOrigin;
  readonly linkType: number;
  readonly records: Buffer;
  readonly packets: number;
  /** Which frame of which run of the sensor it was; null where it cannot be sent again. */
  readonly frame: FrameNumber | null;
}

/** Memory that a run takes while it waits: with the objects around it, which are more than its packets where they are tiny. */
export function runBytes({ records }: PacketRun): number {
  return records.length + RUN_OBJECT_BYTES;
}

const RUN_OBJECT_BYTES = 256;

export interface FrameNumber {
  readonly run: string;
  readonly number: number;
}

/** What became of packets that an output took. */
export interface OutputBook {
  taken: number;
  written: number;
  readonly dropped: Record<OutputDrop, number>;
}

/** Why packets were not written, as the log and the metrics say it. */
export const OUTPUT_DROPS = {
  'queue-full': 'the output could not keep up',
  'link-type': 'the file has another link type',
  failed: 'the output failed',
} as const;
export type OutputDrop = keyof typeof OUTPUT_DROPS;

export interface PacketOutput {
  /** As a person knows it. */
  readonly name: string;
  readonly book: Readonly<OutputBook>;
  /** Never waits. `settled` is called once, when the packets are written or dropped. */
  take(run: PacketRun, settled?: () => void): void;
  /** A promise to wait for before handing over more, where the producer can wait; undefined if there is room. */
  drained(): Promise<void> | undefined;
  /** Writes what is queued, waiting at most so long. */
  close(deadlineMillis: number): Promise<void>;
}

export function createOutputBook(): OutputBook {
  return { taken: 0, written: 0, dropped: { 'queue-full': 0, 'link-type': 0, failed: 0 } };
}
