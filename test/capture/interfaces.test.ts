import { describe, expect, it } from 'vitest';
import { interfaceNames, interfaceSelector, listInterfaces, localAddresses } from '../../src/capture/interfaces.js';
import { dltOf, linkReading } from '../../src/capture/link-types.js';

describe('the machine’s interfaces', () => {
  it('are read from /proc/net/dev', () => {
    const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 2776770   11307    0    0    0     0          0         0  2776770   11307    0    0    0     0       0          0
  eth0:1215645    2751    0    0    0     0          0         0  1782404    4324    0    0    0   427       0          0
eth0.100:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`;
    expect(interfaceNames(text)).toEqual(['lo', 'eth0', 'eth0.100']);
  });

  it('are described by index, flags and hardware type, and those gone since are left out', () => {
    const kernel: Record<string, [number, number, number]> = {
      lo: [1, 0x49, 772],
      eth0: [4, 0x1002, 1],
      wlan0mon: [7, 0x1003, 803],
      tun0: [9, 0x10d1, 65534],
    };
    expect(listInterfaces((name) => kernel[name], ['lo', 'eth0', 'gone', 'wlan0mon', 'tun0'])).toEqual([
      { name: 'lo', index: 1, up: true, loopback: true, hardwareType: 772, reading: { linkType: 1, cooked: false } },
      { name: 'eth0', index: 4, up: false, loopback: false, hardwareType: 1, reading: { linkType: 1, cooked: false } },
      { name: 'wlan0mon', index: 7, up: true, loopback: false, hardwareType: 803, reading: null },
      {
        name: 'tun0',
        index: 9,
        up: true,
        loopback: false,
        hardwareType: 65534,
        reading: { linkType: 101, cooked: true },
      },
    ]);
  });

  it('have addresses', () => {
    expect(localAddresses()).toContain('127.0.0.1');
  });
});

describe('which interfaces the user wants', () => {
  const names = ['lo', 'eth0', 'eth1', 'docker0', 'veth12ab'];
  it.each([
    ['all', [], [], [], names],
    ['those named', ['lo', 'eth1'], [], [], ['lo', 'eth1']],
    ['those that match, unanchored', [], ['eth'], [], ['eth0', 'eth1', 'veth12ab']],
    ['those that match one of several', [], ['^eth', '^lo$'], [], ['lo', 'eth0', 'eth1']],
    ['those not excluded', [], [], ['^veth', 'docker'], ['lo', 'eth0', 'eth1']],
    ['exclusion wins over inclusion', [], ['eth'], ['^veth'], ['eth0', 'eth1']],
    ['exclusion wins over names', ['lo', 'eth0'], [], ['lo'], ['eth0']],
  ])('%s', (_what, fixed, include, exclude, wanted) => {
    const isWanted = interfaceSelector({ names: fixed, include, exclude });
    expect(names.filter((name) => isWanted({ name, loopback: name === 'lo' }))).toEqual(wanted);
  });
});

describe('link types', () => {
  it.each([
    ['Ethernet', 1, 1, false],
    ['loopback', 772, 1, false],
    ['PPP', 512, 101, true],
    ['IP in IP', 768, 101, true],
    ['SIT', 776, 101, true],
    ['GRE', 778, 101, true],
    ['tun', 65534, 101, true],
  ])('%s', (_name, hardwareType, linkType, cooked) => {
    expect(linkReading(hardwareType)).toEqual({ linkType, cooked });
  });

  it.each([280, 801, 803, 824])('hardware type %i cannot be read', (hardwareType) => {
    expect(linkReading(hardwareType)).toBeNull();
  });

  it('are libpcap’s numbers but for raw IP', () => {
    expect([1, 113, 101].map(dltOf)).toEqual([1, 113, 12]);
  });
});
