/** Packets in blocks: full ones go on at once, the others when their oldest packet has waited; a packet is in one of them, whole. */
import { describe, expect, it } from 'vitest';
import { createPacketBatch, type PacketBatch } from '../../../src/capture/packet-batch.js';
import { createGather, type GatherContext } from '../../../src/packets/stream/gather.js';

interface Block {
  readonly linkType: number;
  readonly packets: string[];
  readonly counts: unknown;
}

const INTERFACES = [
  { id: 0, name: 'eth0', linkType: 1 },
  { id: 1, name: 'tun0', linkType: 101 },
  { id: 2, name: 'eth1', linkType: 1 },
];

/** What a classic pcap record holds; throws where one is split. */
function packetsOf(records: Buffer): string[] {
  const packets: string[] = [];
  for (let at = 0; at < records.length; ) {
    const length = records.readUInt32LE(at + 8);
    if (at + 16 + length > records.length) throw new RangeError(`a record of ${length} bytes is split`);
    packets.push(records.toString('latin1', at + 16, at + 16 + length));
    at += 16 + length;
  }
  return packets;
}

function gatherOf(given: Partial<GatherContext> = {}) {
  const blocks: Block[] = [];
  let onBlock = (): void => {};
  const gather = createGather({
    ...{ blockBytes: 200, snapLength: 65_535, waitMillis: 60_000, interfacesMax: 4, interfaces: INTERFACES },
    onBlock: ({ linkType, records, packets, counts }) => {
      blocks.push({ linkType, packets: packetsOf(records), counts });
      expect(blocks.at(-1)?.packets).toHaveLength(packets);
      onBlock();
      return true;
    },
    ...given,
  });
  return { gather, blocks, next: () => new Promise<void>((resolve) => (onBlock = resolve)) };
}

function batchOf(...packets: (readonly [interfaceId: number, text: string])[]): PacketBatch {
  const batch = createPacketBatch(packets.length);
  batch.bytes = Buffer.from(packets.map(([, text]) => text).join(''), 'latin1');
  batch.count = packets.length;
  let at = 0;
  for (const [i, [interfaceId, text]] of packets.entries()) {
    batch.offset[i] = at;
    batch.capturedLength[i] = text.length;
    batch.wireLength[i] = text.length;
    batch.interfaceId[i] = interfaceId;
    at += text.length;
  }
  return batch;
}

describe('a block', () => {
  it('goes on at once when the next packet does not fit, without a packet that is split', () => {
    const { gather, blocks } = gatherOf();
    gather.add(batchOf([0, 'a'.repeat(60)], [0, 'b'.repeat(60)], [0, 'c'.repeat(60)]));
    expect(blocks).toEqual([{ linkType: 1, packets: ['a'.repeat(60), 'b'.repeat(60)], counts: [['eth0', 2]] }]);
    expect(gather.held).toBe(1);
    gather.flush();
  });

  it('goes on at once when it is exactly full', () => {
    const { gather, blocks } = gatherOf();
    gather.add(batchOf([0, 'a'.repeat(84)], [0, 'b'.repeat(84)]));
    expect(blocks).toHaveLength(1);
    expect(gather.held).toBe(0);
  });

  it('goes on when its oldest packet has waited, and not before', async () => {
    const { gather, blocks, next } = gatherOf({ waitMillis: 20 });
    const gone = next();
    gather.add(batchOf([0, 'first']));
    gather.add(batchOf([2, 'second']));
    expect(blocks).toEqual([]);
    await gone;
    expect(blocks[0]).toMatchObject({
      packets: ['first', 'second'],
      counts: [
        ['eth0', 1],
        ['eth1', 1],
      ],
    });
  });

  it('goes on with each batch where nothing is to wait', () => {
    const { gather, blocks } = gatherOf({ waitMillis: 0 });
    gather.add(batchOf([0, 'first']));
    gather.add(batchOf([0, 'second']));
    expect(blocks.map(({ packets }) => packets)).toEqual([['first'], ['second']]);
  });

  it('has packets of one link type', () => {
    const { gather, blocks } = gatherOf();
    gather.add(batchOf([0, 'ethernet'], [1, 'raw'], [2, 'another']));
    gather.flush();
    expect(blocks.map(({ linkType, packets }) => [linkType, packets])).toEqual([
      [1, ['ethernet', 'another']],
      [101, ['raw']],
    ]);
  });

  it('is for a packet alone that is larger than a block, where a stock sensor ends (bug 3)', () => {
    const { gather, blocks } = gatherOf({ blockBytes: 32 * 1024 - 16 });
    const large = 'x'.repeat(32_754);
    gather.add(batchOf([0, 'before'], [0, large], [0, 'behind']));
    gather.flush();
    expect(blocks.map(({ packets }) => packets)).toEqual([['before'], [large], ['behind']]);
  });

  it('goes on at the end of the sensor, where a stock sensor loses it (bug 15)', () => {
    const { gather, blocks } = gatherOf();
    gather.add(batchOf([0, 'last']));
    gather.flush();
    gather.flush();
    expect(blocks.map(({ packets }) => packets)).toEqual([['last']]);
    expect(gather.held).toBe(0);
  });
});
