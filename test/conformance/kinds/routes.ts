/** Connections that take different ways there and back, and those that are seen twice on their way. */
import { packetsOf, type Side, type Step } from '../../support/conversation.js';
import { ethernet, geneve, gre, hex, ipv4, udp, vlan, vxlan } from '../../support/packets.js';
import type { Claim } from '../claims.js';
import {
  type Addressing,
  answer,
  type CapturedPacket,
  CLOSE,
  capture,
  get,
  ipOf,
  type Kind,
  later,
  merged,
  ok,
  post,
  readdressed,
  redirected,
  rewrapped,
  said,
} from './variation.js';

const AB: readonly Step[] = [
  get('/a'),
  ok('A'),
  post('/b', 'x=y'),
  answer('201 Made', ['Content-Length: 1'], 'B'),
  ...CLOSE,
];
const AB_RIGHT = [
  said('/a', 'A', { marks: [] }),
  { target: '/b', status: 201, reqBody: 'x=y', body: 'B', marks: [] as string[] },
];
/** Whatever the marks: the capture began in the middle. */
const AB_TOLD: readonly Claim[] = [said('/a', 'A'), { target: '/b', status: 201, reqBody: 'x=y', body: 'B' }];
const NAT =
  'iptables REDIRECT: on lo the request goes to the proxy, the response comes from the original destination; ports of the client and numbers agree';

type Encapsulate = (inner: Buffer) => Buffer;
const outer = (payload: Buffer, protocol = 17) =>
  ethernet(0x0800, ipv4({ protocol, source: '172.16.0.1', destination: '172.16.0.2' }, payload));
const plain: Encapsulate = (ip) => ethernet(0x0800, ip);
const inVxlan =
  (vni: number): Encapsulate =>
  (ip) =>
    outer(vxlan(vni, ethernet(0x0800, ip)));
const inVlan =
  (id: number): Encapsulate =>
  (ip) =>
    ethernet(0x8100, vlan(id, 0x0800, ip));
const inGtp =
  (tunnel: number): Encapsulate =>
  (ip) =>
    outer(udp(2152, Buffer.concat([hex('30ff'), be16(ip.length), be16(0), be16(tunnel), ip])));
const be16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const inGeneve =
  (vni: number): Encapsulate =>
  (ip) =>
    outer(geneve(vni, 0x6558, ethernet(0x0800, ip)));
const inGre =
  (key?: number): Encapsulate =>
  (ip) =>
    outer(gre(0x0800, ip, key), 47);
const inIp: Encapsulate = (ip) => outer(ip, 4);

const byDirection = (steps: readonly Step[], there: Encapsulate, back: Encapsulate): CapturedPacket[] =>
  rewrapped(packetsOf(steps), (ip, from: Side) => (from === 'client' ? there(ip) : back(ip)));
/** Every packet at two places of its way, `nanos` apart. */
const twice = (
  packets: readonly CapturedPacket[],
  first: Encapsulate,
  second: Encapsulate,
  nanos: number,
  secondInterface = 0,
): CapturedPacket[] =>
  merged(
    rewrapped(packets, first),
    rewrapped(packets, second).map((packet) => ({
      ...packet,
      time: packet.time + nanos,
      interfaceId: secondInterface,
    })),
  );
const ONE_WAY = 'the identifier of a network says where a packet was, not which connection it is of';
const ONCE = 'the same bytes at the same time are one connection, inside and outside of a tunnel';

const PROXY: Addressing = { client: '10.9.0.1', server: '127.0.0.1', serverPort: 15_001 };
const target = (server: string, serverPort = 80): Addressing => ({ client: '10.9.0.1', server, serverPort });
const ports = (clientPort: number) => ({ clientPort });

/** What a host with address translation shows: a connection outside, and the same inside. */
const OUTSIDE: Addressing = { client: '10.9.0.1', server: '192.0.2.1', serverPort: 8080 };
const DNAT: Addressing = { client: '10.9.0.1', server: '172.31.0.2' };

function translated(
  name: string,
  first: Addressing,
  second: Addressing,
  nanos: number,
  shown = first,
  packets = packetsOf(AB),
) {
  const { client = '', server = '', serverPort = 80, clientPort = 40_000 } = shown;
  const ends = { client: `${client}:${clientPort}`, server: `${server}:${serverPort}` };
  const inner = readdressed(packets, second).map((packet, i) => {
    // What the server sends is seen inside first, what the client sends outside.
    const isEarlier = (second === OUTSIDE) === (ipOf(packets[i] as CapturedPacket).from === 'client');
    return { ...packet, time: packet.time + (isEarlier ? -nanos : nanos), interfaceId: 1 };
  });
  return capture(
    name,
    'netfilter leaves sequence numbers and payload alone; the outer side is told of',
    merged(readdressed(packets, first), inner),
    AB_TOLD.map((claim) => ({ ...claim, ...ends })),
  );
}

export const ROUTES: readonly Kind[] = [
  {
    kind: 'a connection redirected on its way out',
    variations: [
      capture(
        'to a sidecar on lo',
        NAT,
        redirected(packetsOf(AB), PROXY, target('10.96.0.10')),
        AB_RIGHT.map((claim) => ({ ...claim, server: '10.96.0.10:80' })),
      ),
      capture(
        'to another port of the same address',
        NAT,
        redirected(packetsOf(AB), target('10.9.0.3', 15_001), target('10.9.0.3', 8080)),
        AB_RIGHT.map((claim) => ({ ...claim, server: '10.9.0.3:8080' })),
      ),
      capture(
        'of Service Connect: 127.255.0.1',
        NAT,
        redirected(packetsOf(AB), target('127.0.0.1', 15_000), target('127.255.0.1', 80)),
        AB_RIGHT.map((claim) => ({ ...claim, server: '127.255.0.1:80' })),
      ),
      capture(
        'over IPv6',
        NAT,
        redirected(
          packetsOf(AB),
          { client: '2001:db8::1', server: '::1', serverPort: 15_001 },
          { client: '2001:db8::1', server: '2001:db8::9', serverPort: 80 },
        ),
        AB_RIGHT.map((claim) => ({ ...claim, server: '2001:db8::9:80' })),
      ),
      capture(
        'two at once from different ports',
        NAT,
        merged(
          redirected(packetsOf([get('/s'), ok('S'), ...CLOSE], ports(40_001)), PROXY, target('10.96.0.10')),
          later(
            redirected(
              packetsOf([get('/t'), ok('T'), ...CLOSE], { clientPort: 40_002, clientIsn: 77_000, serverIsn: 88_000 }),
              PROXY,
              target('10.96.0.11', 8080),
            ),
            0.0002,
          ),
        ),
        [said('/s', 'S', { server: '10.96.0.10:80' }), said('/t', 'T', { server: '10.96.0.11:8080' })],
      ),
      capture(
        'two at once from one port to two destinations',
        `${NAT}: the numbers keep them apart`,
        merged(
          redirected(packetsOf([get('/s'), ok('S'), ...CLOSE]), PROXY, target('10.96.0.10')),
          later(
            redirected(
              packetsOf([get('/t'), ok('T'), ...CLOSE], { clientIsn: 7_000_000, serverIsn: 88_000_000 }),
              { ...PROXY, server: '127.0.0.2' },
              target('10.96.0.11'),
            ),
            0.0002,
          ),
        ),
        [said('/s', 'S'), said('/t', 'T')],
      ),
      capture(
        'a guard: one port, one to the proxy and one past it',
        'both ways are there for each: nothing is to be joined',
        merged(
          readdressed(packetsOf([get('/s'), ok('S'), ...CLOSE]), PROXY),
          later(
            readdressed(
              packetsOf([get('/d'), ok('D'), ...CLOSE], { clientIsn: 88_888, serverIsn: 44_444 }),
              target('10.96.0.10'),
            ),
            0.0002,
          ),
        ),
        [said('/s', 'S', { marks: [] }), said('/d', 'D', { marks: [] })],
      ),
      capture(
        'joined in the middle',
        NAT,
        redirected(packetsOf(AB, { handshake: false }), PROXY, target('10.96.0.10')),
        [said('/a', 'A'), { target: '/b', status: 201, body: 'B' }],
      ),
    ],
  },
  {
    kind: 'the two directions travel under different identifiers',
    variations: [
      capture('VXLAN, two VNIs', ONE_WAY, byDirection(AB, inVxlan(100), inVxlan(200)), AB_RIGHT),
      capture('Geneve, two VNIs', ONE_WAY, byDirection(AB, inGeneve(7), inGeneve(8)), AB_RIGHT),
      capture('two VLANs', ONE_WAY, byDirection(AB, inVlan(10), inVlan(20)), AB_RIGHT),
      capture('a VLAN there, none back', ONE_WAY, byDirection(AB, inVlan(10), plain), AB_RIGHT),
      capture(
        'GTP-U, two tunnels',
        '3GPP TS 29.281 §5.1: each direction has its own',
        byDirection(AB, inGtp(7), inGtp(9)),
        AB_RIGHT,
      ),
      capture(
        'joined in the middle, at a response',
        ONE_WAY,
        rewrapped(packetsOf(AB, { handshake: false }).slice(1), (ip, from) =>
          (from === 'client' ? inVxlan(1) : inVxlan(2))(ip),
        ),
        [{ target: '/b', status: 201, reqBody: 'x=y', body: 'B' }],
      ),
      capture(
        'a guard: two tenants in two VLANs, with the same addresses',
        'IEEE 802.1Q: each VLAN is a network of its own',
        merged(
          rewrapped(packetsOf(AB), inVlan(10)),
          later(
            rewrapped(
              packetsOf([get('/c'), ok('C'), ...CLOSE], { clientIsn: 6_000_000, serverIsn: 7_000_000 }),
              inVlan(20),
            ),
            0.0002,
          ),
        ),
        [AB_RIGHT[0] as Claim, said('/c', 'C', { marks: [] }), AB_RIGHT[1] as Claim],
      ),
      capture('GRE, two keys', ONE_WAY, byDirection(AB, inGre(1), inGre(2)), AB_RIGHT),
      capture('GRE with a key there, without back', ONE_WAY, byDirection(AB, inGre(5), inGre()), AB_RIGHT),
      capture(
        'requests in VXLAN, responses without',
        'direct server return',
        byDirection(AB, inVxlan(100), plain),
        AB_RIGHT,
      ),
      capture(
        'responses in Geneve, requests without',
        'direct server return',
        byDirection(AB, plain, inGeneve(9)),
        AB_RIGHT,
      ),
      capture(
        'requests in IP in IP, responses without',
        'direct server return',
        byDirection(AB, inIp, plain),
        AB_RIGHT,
      ),
      capture(
        'a guard: two tenants with the same addresses',
        'RFC 7348 §4: networks may use the same addresses',
        merged(
          rewrapped(packetsOf(AB), inVxlan(100)),
          later(
            rewrapped(
              packetsOf([get('/c'), ok('C'), ...CLOSE], { clientIsn: 6_000_000, serverIsn: 7_000_000 }),
              inVxlan(200),
            ),
            0.0002,
          ),
        ),
        [AB_RIGHT[0] as Claim, said('/c', 'C', { marks: [] }), AB_RIGHT[1] as Claim],
      ),
    ],
  },
  {
    kind: 'seen inside and outside of a tunnel, told once',
    variations: [
      capture('VXLAN, inside first', ONCE, twice(packetsOf(AB), plain, inVxlan(100), 1e5), AB_RIGHT),
      capture('VXLAN, outside first', ONCE, twice(packetsOf(AB), inVxlan(100), plain, 1e5), AB_RIGHT),
      capture('Geneve, on two interfaces', ONCE, twice(packetsOf(AB), plain, inGeneve(3), 2e4, 1), AB_RIGHT),
      capture('a VLAN and its parent', ONCE, twice(packetsOf(AB), plain, inVlan(10), 2e4, 1), AB_RIGHT),
      capture(
        'joined in the middle',
        ONCE,
        twice(packetsOf(AB, { handshake: false }), plain, inVxlan(100), 1e5),
        AB_TOLD,
      ),
      capture(
        'joined between the two copies of a segment',
        ONCE,
        twice(packetsOf(AB, { handshake: false }), plain, inVxlan(100), 1e5).slice(1),
        AB_TOLD,
      ),
      capture('GRE with a key', ONCE, twice(packetsOf(AB), inGre(1), plain, 1e5), AB_RIGHT),
      capture('IP in IP', ONCE, twice(packetsOf(AB), plain, inIp, 1e5), AB_RIGHT),
      capture(
        'two interfaces, no tunnel',
        'a bridge and its port: the same packets',
        twice(packetsOf(AB), plain, plain, 1e4, 1),
        AB_RIGHT,
      ),
      capture(
        'a guard: the same request twice, a second apart',
        'these are two',
        merged(
          packetsOf([get('/a'), ok('A'), ...CLOSE]),
          later(rewrapped(packetsOf([get('/a'), ok('A'), ...CLOSE], ports(40_007)), inVxlan(100)), 1),
        ),
        [said('/a', 'A', { marks: [] }), said('/a', 'A', { marks: [] })],
      ),
      capture(
        'a guard: two clients ask the same at the same time',
        'these are two',
        merged(
          readdressed(packetsOf([get('/a'), ok('A'), ...CLOSE]), { client: '10.9.0.5' }),
          later(
            readdressed(
              packetsOf([get('/a'), ok('A'), ...CLOSE], {
                clientPort: 40_009,
                clientIsn: 5_550_000,
                serverIsn: 6_660_000,
              }),
              { client: '10.9.0.6' },
            ),
            0.0001,
          ),
        ),
        [said('/a', 'A', { client: '10.9.0.5:40000' }), said('/a', 'A', { client: '10.9.0.6:40009' })],
      ),
    ],
  },
  {
    kind: 'seen on both sides of an address translation, told once',
    variations: [
      translated('a published port: DNAT', { client: '10.9.0.1', server: '192.0.2.1', serverPort: 8080 }, DNAT, 3e4),
      translated('DNAT, and the inner side captured first', DNAT, OUTSIDE, 3e4, OUTSIDE),
      translated('DNAT and masquerade, the port kept', OUTSIDE, { ...DNAT, client: '172.31.0.1' }, 3e4),
      translated(
        'DNAT and masquerade, the port changed',
        OUTSIDE,
        { ...DNAT, client: '172.31.0.1', clientPort: 61_000 },
        3e4,
      ),
      translated('a masqueraded call', DNAT, { ...DNAT, client: '192.0.2.1' }, 3e4),
      translated(
        'over IPv6',
        { client: '2001:db8::1', server: '2001:db8::9', serverPort: 8080 },
        { client: '2001:db8::1', server: 'fd00::2' },
        3e4,
      ),
      translated('joined in the middle', OUTSIDE, DNAT, 3e4, OUTSIDE, packetsOf(AB, { handshake: false })),
      capture(
        'a guard: the same numbers, other bytes',
        'a capture may be made with the same numbers for every connection',
        merged(
          readdressed(packetsOf([get('/s'), ok('S'), ...CLOSE]), OUTSIDE),
          later(readdressed(packetsOf([get('/d'), ok('D'), ...CLOSE]), DNAT), 0.0001),
        ),
        [said('/s', 'S', { marks: [] }), said('/d', 'D', { marks: [] })],
      ),
      capture(
        'a guard: the same numbers and bytes, from two ports',
        'a capture may be made with the same numbers for every connection',
        merged(
          readdressed(packetsOf([get('/s'), ok('S'), ...CLOSE]), OUTSIDE),
          later(readdressed(packetsOf([get('/s'), ok('S'), ...CLOSE]), { ...OUTSIDE, clientPort: 40_009 }), 0.0001),
        ),
        [said('/s', 'S', { marks: [] }), said('/s', 'S', { marks: [] })],
      ),
    ],
  },
];
