/** Packets that no application ever sees: made by hand, and put on the wire as they are. */
import {
  ethernet,
  Flag,
  gre,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
  tcp,
  udp,
  vxlan,
} from '../../test/support/packets.js';
import { type Attack, replay } from './speak.js';

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const FRAGMENT = 44;
const TCP = 6;
const UDP = 17;
const PER_SECOND = 50_000;
const REQUEST = Buffer.from(`POST /attack HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n${'x'.repeat(900)}`);

export const FLOODS: readonly Attack[] = [
  flooding('100,000 SYNs', 100_000, (i, port) => segment(i, port, Flag.syn, 0, NOTHING)),
  flooding('100,000 SYN/ACKs', 100_000, (i, port) => segment(i, port, Flag.syn | Flag.ack, 0, NOTHING)),
  flooding(
    '30,000 spoofed requests without an end',
    30_000,
    (i, port) => segment(i, port, Flag.ack, 1, REQUEST),
    10_000,
  ),
  flooding('100,000 segments of a byte', 100_000, (i, port) =>
    segment(0, port, Flag.ack, i, REQUEST.subarray(i % REQUEST.length, (i % REQUEST.length) + 1)),
  ),
  flooding('60,000 segments that overlap and disagree', 60_000, (i, port) =>
    segment(i & 7, port, Flag.ack, (i * 7919) % 200_000, Buffer.alloc(1 + (i % 1400), 65 + (i % 26))),
  ),
  flooding('60,000 segments in backward order', 60_000, (i, port) =>
    segment(i & 7, port, Flag.ack, 60_000_000 - i * 900, REQUEST.subarray(0, 900)),
  ),
  flooding('60,000 fragments without a beginning', 60_000, (i) =>
    ethernet(IPV4, ipv4({ protocol: TCP, id: i, source: sourceOf(i), offset: 65_000, more: true }, Buffer.alloc(64))),
  ),
  flooding('60,000 fragments of one datagram', 60_000, (i) =>
    ethernet(IPV4, ipv4({ protocol: TCP, id: 1, offset: (i * 7919 * 16) & 0xfff8, more: true }, Buffer.alloc(8))),
  ),
  flooding('60,000 fragments of IPv6 without a beginning', 60_000, (i) =>
    ethernet(IPV6, ipv6({ protocol: FRAGMENT }, ipv6Fragment(TCP, i, 65_000, true, Buffer.alloc(64)))),
  ),
  flooding('60,000 first fragments of datagrams of 64 KiB', 60_000, (i) =>
    ethernet(IPV6, ipv6({ protocol: FRAGMENT }, ipv6Fragment(TCP, i >> 1, i & 1 ? 65_000 : 0, true, Buffer.alloc(64)))),
  ),
  flooding('60,000 packets of 40 extension headers', 60_000, () => {
    let packet: Buffer = NOTHING;
    for (let i = 0; i < 40; i++) packet = ipv6Extension(60, packet);
    return ethernet(IPV6, ipv6({ protocol: 60 }, packet));
  }),
  flooding('60,000 segments with a byte lost before each', 60_000, (i, port) =>
    segment(i & 7, port, Flag.ack, (i >> 3) * 31, REQUEST.subarray(60, 90)),
  ),
  flooding('60,000 segments behind each other with a gap in each message', 60_000, (i, port) =>
    segment(i & 7, port, Flag.ack, (i >> 3) * (REQUEST.length + 1), REQUEST),
  ),
  flooding('100,000 FINs and resets', 100_000, (i, port) =>
    segment(i, port, i & 1 ? Flag.rst : Flag.fin | Flag.ack, i, NOTHING),
  ),
  flooding('100,000 datagrams that look like QUIC', 100_000, (i) =>
    ethernet(
      IPV4,
      ipv4(
        { protocol: UDP, source: sourceOf(i) },
        udp(443, Buffer.from('c000000001088394c8f03e5157080000449e', 'hex')),
      ),
    ),
  ),
  flooding('20,000 packets in 20 tunnels in one another', 20_000, (i, port) => {
    let frame = segment(i, port, Flag.syn, 0, NOTHING);
    for (let depth = 0; depth < 20; depth++) frame = ethernet(IPV4, ipv4({ protocol: UDP }, vxlan(depth, frame)));
    return frame;
  }),
  flooding('20,000 packets in 60 layers of GRE', 20_000, () => {
    let packet = ipv4({ protocol: UDP }, udp(9, NOTHING));
    for (let depth = 0; depth < 60; depth++) packet = ipv4({ protocol: 47 }, gre(IPV4, packet));
    return ethernet(IPV4, packet);
  }),
];

const NOTHING = Buffer.alloc(0);

function flooding(
  name: string,
  count: number,
  frame: (i: number, port: number) => Buffer,
  perSecond = PER_SECOND,
): Attack {
  const frames = (port: number): Buffer[] => Array.from({ length: count }, (_, i) => frame(i, port));
  return { name, run: (port) => replay(frames(port), perSecond) };
}

function sourceOf(i: number): string {
  return `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}

function segment(i: number, port: number, flags: number, sequence: number, payload: Buffer): Buffer {
  const from = 1024 + (i % 60_000);
  const headers = { from, to: port, sequence, acknowledgement: 1, flags };
  return ethernet(IPV4, ipv4({ protocol: TCP, source: sourceOf(i), destination: '10.9.0.2' }, tcp(headers, payload)));
}
