import { expect, it } from 'vitest';
import { egrepPattern } from '../../src/options/egrep.js';
import {
  chooseDevices,
  type DeviceSelection,
  defaultRouteInterfaces,
  generatedFile,
  meansOsSensor,
  osSensorSettings,
  variablesOfFile,
} from '../../src/options/ossensor.js';
import { compileRe2 } from '../../src/re2.js';

const REQUIRED = { VSENSOR_HOSTNAME: '10.0.0.1', VSENSOR_HMAC_KEY: 'js84ld9vm3hff' };
const settings = (environment: Record<string, string> = {}, file: Record<string, string> = {}) =>
  osSensorSettings({ ...REQUIRED, ...environment }, file);

it('is meant where one of its own variables is there, and not by BPF alone', () => {
  expect(meansOsSensor({ VSENSOR_HOSTNAME: '' })).toBe(true);
  expect(meansOsSensor({ NETWORK_DEVICE_EXCLUDELIST: 'x' })).toBe(true);
  expect(meansOsSensor({ BPF: 'port 80', INTERFACE_WAIT_SECS: '1', LEVO_ENV: 'x' })).toBe(false);
});

it('takes its defaults where only what is required is set', () => {
  expect(settings()).toMatchObject({
    options: {
      'satellite-url': ['https://10.0.0.1:443'],
      'log-level': ['info'],
      'log-packets': ['none'],
      filter: [''],
    },
    devices: { named: [], include: [], exclude: [], any: false },
    waitSeconds: 5,
    waitAttempts: 3,
    configPath: '/etc/darktrace/ossensor.cfg',
    warnings: [],
  });
});

it.each([
  [{ VSENSOR_PORT: '9999' }, { 'satellite-url': ['http://10.0.0.1:9999'] }],
  [{ VSENSOR_PORT: '8443' }, { 'satellite-url': ['https://10.0.0.1:8443'] }],
  [{ BPF: 'not port 80' }, { filter: ['not port 80'] }],
  [{ OSSENSOR_DEBUG: '0' }, { 'log-level': ['warn'], 'log-packets': ['none'] }],
  [{ OSSENSOR_DEBUG: '2' }, { 'log-level': ['debug'], 'log-packets': ['none'] }],
  [{ OSSENSOR_DEBUG: '4' }, { 'log-level': ['debug'], 'log-packets': ['batches'] }],
  [{ OSSENSOR_DEBUG: '5' }, { 'log-level': ['debug'], 'log-packets': ['hex'] }],
])('%j is %j', (environment, options) => {
  expect(settings(environment).options).toMatchObject(options);
});

it.each([
  [{ OSSENSOR_DEBUG: '5' }, 'the log holds the bytes of packets'],
  [{ ANTIGENA_ENABLED: 'true' }, 'a signed order of the satellite matches are reset'],
  [{ OSSENSOR_LOGFILE_PATH: '/var/log/x' }, 'logs go to standard error'],
  [{ NETWORK_DEVICE_ANY: '1', OSSENSOR_NETWORK_DEVICE: 'eth0' }, 'OSSENSOR_NETWORK_DEVICE does nothing'],
])('%j is warned of', (environment, says) => {
  expect(settings(environment).warnings).toEqual([expect.stringContaining(says)]);
});

it.each([
  ['the names of its page', { NETWORK_DEVICE_INCLUDELIST: '^en ^eth', NETWORK_DEVICE_EXCLUDELIST: '^veth' }],
  ['the names of before', { NETWORK_DEVICE_WHITELIST: '^en ^eth', NETWORK_DEVICE_BLACKLIST: '^veth' }],
  [
    'the new ones before the old',
    {
      NETWORK_DEVICE_INCLUDELIST: ' ^en\t^eth ',
      NETWORK_DEVICE_WHITELIST: 'x',
      NETWORK_DEVICE_EXCLUDELIST: '^veth',
      NETWORK_DEVICE_BLACKLIST: 'y',
    },
  ],
])('reads lists by %s', (_what, environment) => {
  expect(settings(environment).devices).toMatchObject({ include: ['^en', '^eth'], exclude: ['^veth'] });
});

/** The paragraphs of its page about the two lists and about devices that come later, a row each. */
const MACHINE = ['lo', 'eth0', 'eth1', 'eth7', 'ens5', 'veth12ab', 'docker0'];
const select = (selection: Partial<DeviceSelection>) =>
  chooseDevices({ named: [], include: [], exclude: [], any: false, ...selection }, MACHINE, ['ens5'], (pattern, name) =>
    compileRe2(pattern, 'u').test(name),
  );
it.each<[string, Partial<DeviceSelection>, string[]]>([
  ['without lists, all but loopback', {}, ['eth0', 'eth1', 'eth7', 'ens5', 'veth12ab', 'docker0']],
  ['an include list alone', { include: ['^eth'] }, ['eth0', 'eth1', 'eth7']],
  ['an exclude list alone', { exclude: ['^veth'] }, ['eth0', 'eth1', 'eth7', 'ens5', 'docker0']],
  ['both, the exclude list wins', { include: ['^eth'], exclude: ['eth7'] }, ['eth0', 'eth1']],
  ['unanchored', { include: ['eth'] }, ['eth0', 'eth1', 'eth7', 'veth12ab']],
  ['several patterns, any of which will do', { include: ['^en', '^dock'] }, ['ens5', 'docker0']],
  ['several to leave out', { exclude: ['^veth', '^docker', 'eth[17]'] }, ['eth0', 'ens5']],
  ['loopback is not brought back by a list', { include: ['^lo$', '^eth0$'] }, ['eth0']],
  ['nothing left', { include: ['^wlan'] }, []],
  ['a device by name', { named: ['eth1'] }, ['eth1']],
  ['loopback by name', { named: ['lo'] }, ['lo']],
  ['the default gateway', { named: ['default gateway'] }, ['ens5']],
  ['a device by name, and excluded', { named: ['eth1', 'eth7'], exclude: ['7'] }, ['eth1']],
])('%s', (_what, selection, expected) => {
  expect(select(selection)).toEqual(expected);
});

it('refuses a device that is not there, by name', () => {
  expect(() => select({ named: ['eth9'] })).toThrow(
    'OSSENSOR_NETWORK_DEVICE "eth9" is no interface of this machine; there are lo, eth0',
  );
});

it.each([
  ['eth0, eth1', ['eth0', 'eth1']],
  ['Default gateway', ['default gateway']],
  ['default-gateway eth0', ['default gateway', 'eth0']],
])('OSSENSOR_NETWORK_DEVICE %j', (text, named) => {
  expect(settings({ OSSENSOR_NETWORK_DEVICE: text }).devices.named).toEqual(named);
});

it('finds the interfaces of default routes that are up', () => {
  const table = [
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
    'eth1\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth2\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    '',
  ].join('\n');
  expect(defaultRouteInterfaces(table)).toEqual(['eth1']);
  expect(defaultRouteInterfaces('')).toEqual([]);
});

it.each([
  ['^eth[[:digit:]]+$', '^eth[[:digit:]]+$'],
  ['*eth', 'eth'],
  ['(*a|+b)', '(a|b)'],
  ['\\<eth\\>', '\\beth\\b'],
  ['e{,2}', 'e{0,2}'],
])('egrep %j is RE2 %j', (given, expected) => {
  expect(egrepPattern(given)).toBe(expected);
});

it('reads a file of osSensor, over which variables win', () => {
  const file = variablesOfFile(
    '[osSensor]\nDebug=4\nvSensor=vsensor.local:9999\nkey=abc\ndevice=eth0,any\nuseAntigena=false\nblacklist_device=veth1,a+b\nbpf=port 80\n',
  );
  expect(osSensorSettings({ BPF: 'port 81' }, file ?? {})).toMatchObject({
    hostname: 'vsensor.local',
    port: 9999,
    debugLevel: 4,
    devices: { any: true, exclude: ['^veth1$', '^a\\+b$'] },
    options: { filter: ['port 81'] },
  });
});

it('writes the file as the image does, and knows it again', () => {
  const environment = { ...REQUIRED, VSENSOR_PORT: '9999', BPF: 'port 80' };
  const text = generatedFile(osSensorSettings(environment, {}), environment, ['eth0', 'eth1']);
  expect(text.split('\n').slice(1)).toEqual([
    '[osSensor]',
    'Debug=1',
    'vSensor=10.0.0.1:9999',
    'key=js84ld9vm3hff',
    'device=eth0,eth1',
    'useAntigena=false',
    'sendAntigenaActionDelta=5',
    'bpf=port 80',
    '',
  ]);
  expect(variablesOfFile(text)).toBeNull();
});
