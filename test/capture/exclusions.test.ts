import { describe, expect, it } from 'vitest';
import { checkFilter, compileFilter, filterOn, kernelFilter } from '../../src/capture/exclusions.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../src/capture/link-types.js';
import { UsageError } from '../../src/errors.js';
import { runFilter } from '../support/bpf.js';

const TCP = '(tcp or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 51 or ip6[6] = 60)))';
const NO_METADATA = 'not net 169.254.0.0/16 and not net fd00:ec2::/32';

describe('the expression', () => {
  it('is TCP without the metadata network, on raw IP', () => {
    expect(kernelFilter({ user: '', satellite: [] }, LINKTYPE_RAW)).toBe(`${TCP} and ${NO_METADATA}`);
  });

  it('says the same once more behind a VLAN tag, on Ethernet', () => {
    const plain = `${TCP} and ${NO_METADATA}`;
    expect(kernelFilter({ user: '  ', satellite: [] }, LINKTYPE_ETHERNET)).toBe(`(${plain}) or (vlan and (${plain}))`);
  });

  it('names each address of the satellite with its port, in both directions', () => {
    const satellite = [
      { address: '10.1.2.3', port: 4318 },
      { address: 'fe80::1%eth0', port: 443 },
    ];
    expect(kernelFilter({ user: '', satellite }, LINKTYPE_RAW)).toBe(
      `${TCP} and ${NO_METADATA}` +
        ' and not ((src host 10.1.2.3 and tcp src port 4318) or (dst host 10.1.2.3 and tcp dst port 4318))' +
        ' and not ((src host fe80::1 and tcp src port 443) or (dst host fe80::1 and tcp dst port 443))',
    );
  });

  it('takes an IPv4-mapped address for the IPv4 address it is on the wire', () => {
    const satellite = [{ address: '::ffff:10.1.2.3', port: 1 }];
    expect(kernelFilter({ user: '', satellite }, LINKTYPE_RAW)).toContain('src host 10.1.2.3 and');
  });

  it('puts the user in parentheses', () => {
    expect(kernelFilter({ user: 'port 80 or port 81', satellite: [] }, LINKTYPE_RAW)).toBe(
      `${TCP} and ${NO_METADATA} and (port 80 or port 81)`,
    );
  });

  it('is all there is but the exclusions, where every protocol is wanted', () => {
    const everyProtocol = true;
    expect(kernelFilter({ user: '', satellite: [], everyProtocol }, LINKTYPE_RAW)).toBe(NO_METADATA);
    expect(kernelFilter({ user: 'port 80 or port 81', satellite: [], everyProtocol }, LINKTYPE_ETHERNET)).toBe(
      `${NO_METADATA} and (port 80 or port 81) and (not vlan or (${NO_METADATA}))`,
    );
  });

  it('has an expression of its own on an interface', () => {
    const parts = { user: '', satellite: [], userOn: (name: string) => (name === 'lo' ? 'port 80' : '') };
    expect(filterOn(parts, 'lo').user).toBe('port 80');
    expect(filterOn(parts, 'eth0').user).toBe('');
  });

  it('refuses a satellite that is no address, before libpcap would look it up', () => {
    expect(() => kernelFilter({ user: '', satellite: [{ address: 'evil or ip', port: 1 }] }, 1)).toThrow(
      'satellite address evil or ip: not an IP address',
    );
  });
});

// Frames in hex, of which the differing parts have names. Ports: 8080 = 1f90, 4318 = 10de, 51000 = c738.
const MACS = '020000000001020000000002';
const ETHERNET_IPV4 = `${MACS}0800`;
const ETHERNET_IPV6 = `${MACS}86dd`;
const TCP_TAIL = `0000000100000000${'5002ffff00000000'}`;

function ipv4(source: string, destination: string, ports: string, fragment = '4000', protocol = '06'): string {
  return `4500002800${'01'}${fragment}40${protocol}0000${source}${destination}${ports}${TCP_TAIL}`;
}
function ipv6(source: string, destination: string, ports: string, next = '06', extension = ''): string {
  return `600000000014${next}40${source}${destination}${extension}${ports}${TCP_TAIL}`;
}
const TASK = '0a000001'; // 10.0.0.1
const PEER = '0a000002';
const SATELLITE = '0a000063'; // 10.0.0.99
const LOOPBACK = '7f000001';
const METADATA = 'a9feaa02'; // 169.254.170.2
const TASK6 = '20010db8000000000000000000000001';
const SATELLITE6 = '20010db8000000000000000000000063';
const METADATA6 = 'fd000ec2000000000000000000000254';

const satellite = [
  { address: '10.0.0.99', port: 4318 },
  { address: '2001:db8::63', port: 4318 },
  { address: '127.0.0.1', port: 4318 },
];

const ip: [what: string, bytes: string, taken: boolean][] = [
  ['a request of a peer', ipv4(PEER, TASK, 'c7381f90'), true],
  ['the same on loopback', ipv4(LOOPBACK, LOOPBACK, 'c7381f90'), true],
  ['UDP', ipv4(PEER, TASK, 'c7381f90', '4000', '11'), false],
  ['the first fragment of a datagram', ipv4(PEER, TASK, 'c7381f90', '2000'), true],
  ['a later fragment of it', ipv4(PEER, TASK, 'ffffffff', '0010'), true],
  ['to the metadata endpoint', ipv4(TASK, METADATA, 'c7380050'), false],
  ['from the metadata endpoint', ipv4(METADATA, TASK, '0050c738'), false],
  ['a later fragment from the metadata endpoint', ipv4(METADATA, TASK, 'ffffffff', '0010'), false],
  ['to the satellite', ipv4(TASK, SATELLITE, 'c73810de'), false],
  ['from the satellite', ipv4(SATELLITE, TASK, '10dec738'), false],
  ['to another port of the satellite', ipv4(TASK, SATELLITE, 'c7381f90'), true],
  ['from another port of the satellite, to that port here', ipv4(SATELLITE, TASK, 'c73810de'), true],
  ['to that port of another host', ipv4(TASK, PEER, 'c73810de'), true],
  ['to the satellite on loopback', ipv4(LOOPBACK, LOOPBACK, 'c73810de'), false],
  ['from the satellite on loopback', ipv4(LOOPBACK, LOOPBACK, '10dec738'), false],
];
const ip6: typeof ip = [
  ['a request over IPv6', ipv6(TASK6, TASK6, 'c7381f90'), true],
  ['to the satellite over IPv6', ipv6(TASK6, SATELLITE6, 'c73810de'), false],
  ['from the satellite over IPv6', ipv6(SATELLITE6, TASK6, '10dec738'), false],
  ['to the metadata endpoint over IPv6', ipv6(TASK6, METADATA6, 'c7380050'), false],
  ['a TCP fragment over IPv6', ipv6(TASK6, TASK6, 'c7381f90', '2c', '0600000100000001'), true],
  ['behind destination options over IPv6', ipv6(TASK6, TASK6, 'c7381f90', '3c', '0600010400000000'), true],
  ['UDP over IPv6', ipv6(TASK6, TASK6, 'c7381f90', '11'), false],
  ['ICMPv6', ipv6(TASK6, TASK6, '80000000', '3a'), false],
];

describe('what the kernel takes', () => {
  const ethernet = compileFilter({ user: '', satellite }, LINKTYPE_ETHERNET, 65_535);
  const raw = compileFilter({ user: '', satellite }, LINKTYPE_RAW, 65_535);
  const frames = [
    ...ip.map(([what, bytes, taken]) => [what, ETHERNET_IPV4, '0800', bytes, taken] as const),
    ...ip6.map(([what, bytes, taken]) => [what, ETHERNET_IPV6, '86dd', bytes, taken] as const),
  ];

  it.each(frames)('%s', (_what, header, type, bytes, taken) => {
    expect(runFilter(ethernet, Buffer.from(header + bytes, 'hex')), 'Ethernet').toBe(taken ? 65_535 : 0);
    const tagged = Buffer.from(`${MACS}81000064${type}${bytes}`, 'hex');
    expect(runFilter(ethernet, tagged), 'Ethernet, VLAN 100').toBe(taken ? 65_535 : 0);
    expect(runFilter(raw, Buffer.from(bytes, 'hex')), 'raw IP').toBe(taken ? 65_535 : 0);
  });

  describe('where QUIC is counted', () => {
    const parts = { satellite, countsQuic: true };
    const quicEthernet = compileFilter({ ...parts, user: '' }, LINKTYPE_ETHERNET, 65_535);
    const quicRaw = compileFilter({ ...parts, user: '' }, LINKTYPE_RAW, 65_535);
    const [v1, v2, draft] = ['00000001', '6b3343cf', 'ff00001d'];
    const long = (version: string) => `c0${version}088394c8f03e5157080000449e`;
    const quic4 = (ports: string, payload: string, fragment = '4000') =>
      `4500003600${'01'}${fragment}40110000${PEER}${TASK}${ports}00220000${payload}`;
    const quic6 = (ports: string, payload: string) => `600000000022${'11'}40${TASK6}${TASK6}${ports}00220000${payload}`;

    it.each([
      ['a beginning on port 443', quic4('c73801bb', long(draft)), true],
      ['a beginning from port 443', quic4('01bbc738', long(v1)), true],
      ['version 1 on another port', quic4('c7381151', long(v1)), true],
      ['version 2 on another port', quic4('c7381151', long(v2)), true],
      ['another version on another port', quic4('c7381151', long(draft)), false],
      ['what follows a beginning', quic4('c73801bb', `40${long(v1).slice(2)}`), false],
      ['DNS', quic4('c7380035', '1234010000010000000000000377777705'), false],
      ['a later fragment', quic4('c73801bb', long(v1), '0010'), false],
      ['TCP', ipv4(PEER, TASK, 'c7381f90'), true],
      ['to the satellite', ipv4(TASK, SATELLITE, 'c73810de'), false],
      ['a beginning over IPv6', quic6('c73801bb', long(draft)), true],
      ['version 1 on another port over IPv6', quic6('c7381151', long(v1)), true],
      ['another version on another port over IPv6', quic6('c7381151', long(draft)), false],
      ['what follows a beginning over IPv6', quic6('c73801bb', `40${long(v1).slice(2)}`), false],
    ])('%s', (_what, bytes, taken) => {
      const [header, type] = bytes.startsWith('6') ? [ETHERNET_IPV6, '86dd'] : [ETHERNET_IPV4, '0800'];
      expect(runFilter(quicEthernet, Buffer.from(header + bytes, 'hex')), 'Ethernet').toBe(taken ? 65_535 : 0);
      const tagged = Buffer.from(`${MACS}81000064${type}${bytes}`, 'hex');
      expect(runFilter(quicEthernet, tagged), 'Ethernet, VLAN 100').toBe(taken ? 65_535 : 0);
      expect(runFilter(quicRaw, Buffer.from(bytes, 'hex')), 'raw IP').toBe(taken ? 65_535 : 0);
    });

    it('the user decides first', () => {
      const program = compileFilter({ ...parts, user: 'tcp port 8080' }, LINKTYPE_ETHERNET, 65_535);
      expect(runFilter(program, Buffer.from(ETHERNET_IPV4 + quic4('c73801bb', long(v1)), 'hex'))).toBe(0);
      expect(runFilter(program, Buffer.from(ETHERNET_IPV4 + ipv4(PEER, TASK, 'c7381f90'), 'hex'))).toBe(65_535);
    });
  });

  it('not ARP', () => {
    expect(runFilter(ethernet, Buffer.from(`${MACS}0806000108000604${'00'.repeat(20)}`, 'hex'))).toBe(0);
  });

  it('cuts at the snap length', () => {
    const program = compileFilter({ user: '', satellite: [] }, LINKTYPE_ETHERNET, 96);
    expect(runFilter(program, Buffer.from(ETHERNET_IPV4 + ipv4(PEER, TASK, 'c7381f90'), 'hex'))).toBe(96);
  });

  it('is what user and exclusions both let through, whatever operators the user has', () => {
    const program = compileFilter({ user: 'port 8080 or host 169.254.170.2', satellite }, LINKTYPE_ETHERNET, 65_535);
    const taken = (bytes: string) => runFilter(program, Buffer.from(ETHERNET_IPV4 + bytes, 'hex')) > 0;
    expect(taken(ipv4(PEER, TASK, 'c7381f90'))).toBe(true);
    expect(taken(ipv4(PEER, TASK, 'c7380050'))).toBe(false);
    expect(taken(ipv4(TASK, METADATA, 'c7381f90'))).toBe(false);
    expect(taken(ipv4(TASK, METADATA, 'c7380050'))).toBe(false);
    // A later fragment has no port for `port` to match; the expression with `or` takes it.
    expect(taken(ipv4(PEER, TASK, 'ffffffff', '0010'))).toBe(false);
    const more = compileFilter({ user: 'port 8080 or ip[6:2] & 0x1fff != 0', satellite }, LINKTYPE_ETHERNET, 65_535);
    expect(runFilter(more, Buffer.from(ETHERNET_IPV4 + ipv4(PEER, TASK, 'ffffffff', '0010'), 'hex'))).toBe(65_535);
  });

  it('keeps the exclusions where the user shifts all offsets', () => {
    const program = compileFilter({ user: 'vlan 100', satellite }, LINKTYPE_ETHERNET, 65_535);
    const taken = (bytes: string) => runFilter(program, Buffer.from(`${MACS}81000064${'0800'}${bytes}`, 'hex')) > 0;
    expect(taken(ipv4(PEER, TASK, 'c7381f90'))).toBe(true);
    expect(taken(ipv4(TASK, METADATA, 'c7380050'))).toBe(false);
    expect(taken(ipv4(TASK, SATELLITE, 'c73810de'))).toBe(false);
  });
});

describe('a filter libpcap does not take', () => {
  it.each([
    ['tcp porrt 80', /^--filter "tcp porrt 80": .*syntax error.*man pcap-filter$/],
    ['port 80) or (ip', /^--filter "port 80\) or \(ip": .*syntax error/],
    ['port 99999', /^--filter "port 99999": illegal port number/],
    ['(', /^--filter "\(": .*syntax error/],
  ])('%s', (expression, message) => {
    expect(() => checkFilter(expression)).toThrow(UsageError);
    expect(() => checkFilter(expression)).toThrow(message);
  });

  it('is refused for its length, before libpcap spends minutes on it', () => {
    const expression = Array.from({ length: 300 }, (_, i) => `host 10.0.0.${i & 255}`).join(' or ');
    expect(() => checkFilter(expression)).toThrow(
      /^--filter "host 10\.0\.0\.0 or .*…": \d{4} characters, and more than 4096/,
    );
  });

  it.each(['', 'port 80', 'not port 22 and (host 10.0.0.1 or ip6)', 'vlan 3'])('but this it does: %s', (expression) => {
    expect(() => checkFilter(expression)).not.toThrow();
  });
});
