/** Which filters of strangers libpcap gets to see: none that has it ask the resolver, and none that takes it seconds. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePacketFilter } from '../../../../src/capture/exclusions.js';
import { FILTER_CHARACTERS_MAX, filterFault } from '../../../../src/packets/trigger/message/filter-text.js';

const GOOD = [
  '',
  'udp port 53',
  'tcp port http or https',
  'port domain and (host 10.1.2.3 or net 10.0.0.0/8)',
  'net 192.168 and not src net 10',
  'net 10.0.0.0 mask 255.0.0.0',
  'ip6 and host fe80::1',
  'dst host ::ffff:10.1.2.3 or ip6 net 2001:db8::/32',
  'ether host 02:00:00:00:00:01',
  'ether src 0:1:2:3:4:5',
  'portrange 1-1024',
  'ip proto \\icmp or ip proto 6',
  'ether proto \\arp',
  'ether[12:2] = 0x8100',
  'icmp[icmptype:1] == icmp-echo or icmp6[icmp6type] = icmp6-neighborsolicit',
  'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0',
  'ip[2:2] - ((ip[0]&0xf)<<2) - ((tcp[12]&0xf0)>>2) != 0',
  'vlan 100 and mpls and greater 100',
  'not arp and not stp and len <= 1500',
];

const NAMED: readonly (readonly [string, string])[] = [
  ['host example.com', 'example.com'],
  ['src evil and dst 10.0.0.1', 'evil'],
  ['evil', 'evil'],
  ['host 10.0.0.1 or evil.example', 'evil.example'],
  ['port 80 and host evil.example', 'evil.example'],
  ['port 80 and src evil.example', 'evil.example'],
  ['net evil-net', 'evil-net'],
  ['host 1.example.com', '1.example.com'],
  ['ether host evil', 'evil'],
  ['gateway 10.0.0.1', 'gateway'],
  ['host \\evil', '\\evil'],
  ['host\\evil', 'host\\evil'],
  ['(((evil)))', 'evil'],
  ['tcp and(evil)', 'evil'],
  ['10.0.0.1||evil', 'evil'],
  ['tcp[0]=1&&evil', 'evil'],
  ['host evil-1', 'evil-1'],
];

describe('the filter of a message', () => {
  it.each(GOOD)('%j is taken', (filter) => {
    expect(filterFault(filter)).toBeNull();
  });

  it('takes nothing for good that libpcap does not', () => {
    // A machine with next to nothing on it knows no ports by their names (Debian's package netbase does).
    const knowsPorts = existsSync('/etc/services') && readFileSync('/etc/services', 'latin1').includes('https');
    const filters = GOOD.filter((filter) => knowsPorts || !/port (http|domain)/.test(filter));
    for (const filter of filters) expect(() => compilePacketFilter(filter, 1), filter).not.toThrow();
  });

  it.each(NAMED)('%j names %j, which would be looked up', (filter, name) => {
    expect(filterFault(filter)).toBe(
      `bpf names ${JSON.stringify(name)}, and names are not resolved here; give an address`,
    );
  });

  it('is no longer than libpcap compiles in a moment', () => {
    const ports = Array.from({ length: 500 }, (_, i) => `port ${i}`).join(' or ');
    expect(filterFault(ports.slice(0, FILTER_CHARACTERS_MAX).replace(/ or[^r]*$/, ''))).toBeNull();
    expect(filterFault(ports)).toBe(
      `bpf has ${ports.length} characters, and ${FILTER_CHARACTERS_MAX} is the most; give ranges and networks instead of lists`,
    );
  });
});
