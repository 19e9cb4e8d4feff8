import { expect, it } from 'vitest';
import { openContention } from '../../src/task/contention.js';

/** A machine's files, as they are read one call after the other. */
function contentionOf(...states: Record<string, string>[]) {
  let at = 0;
  const contention = openContention(
    () => at * 1000,
    (path) => ({ ...states[0], ...states[at] })[path] ?? null,
  );
  return states.map((_, i) => {
    at = i;
    return contention();
  });
}

const GROUP = {
  '/proc/self/cgroup': '0::/task/sensor\n',
  '/proc/self/mountinfo': '30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
};

it('says what of the cores it may run on was idle, a wait for the disk included', () => {
  const stat = (cpu0: string, cpu1: string) =>
    `cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 ${cpu0}\ncpu1 ${cpu1}\ncpu2 9 9 9 9 9 9 9 9 9 9\nintr 5 cpu0 1\n`;
  const status = { '/proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-1\n' };
  const [first, second] = contentionOf(
    { ...status, '/proc/stat': stat('100 0 50 1000 10 0 0 0 0 0', '0 0 0 500 0 0 0 0 0 0') },
    // 100 ticks a core: 40 and 20 idle, 10 waiting for the disk.
    { '/proc/stat': stat('130 0 70 1040 20 0 0 0 30 0', '50 0 20 520 0 4 3 3 0 0') },
  );
  expect(first).toBeNull();
  expect(second).toEqual({ idle: 0.35, pressure: 0, throttled: 0, delay: 0 });
});

it('reads pressure of the outermost group, throttling of any, and how long its own thread waited', () => {
  const folder = '/sys/fs/cgroup';
  const pressed = (total: number) => `some avg10=1.00 avg60=0.00 avg300=0.00 total=${total}\nfull avg10=0.00 total=7\n`;
  const [, second] = contentionOf(
    {
      ...GROUP,
      '/proc/stat': 'cpu0 0 0 0 0\n',
      [`${folder}/cpu.pressure`]: pressed(1000),
      [`${folder}/task/sensor/cpu.pressure`]: pressed(0),
      [`${folder}/cpu.stat`]: 'usage_usec 1\n',
      [`${folder}/task/cpu.stat`]: 'nr_throttled 0\nthrottled_usec 500\n',
      [`${folder}/task/sensor/cpu.stat`]: 'throttled_usec 0\n',
      '/proc/self/schedstat': '5000 1000000 3\n',
    },
    {
      '/proc/stat': 'cpu0 50 0 0 50\n',
      [`${folder}/cpu.pressure`]: pressed(601_000),
      [`${folder}/task/cpu.stat`]: 'nr_throttled 2\nthrottled_usec 250500\n',
      '/proc/self/schedstat': '9000 101000000 4\n',
    },
  );
  expect(second).toEqual({ idle: 0.5, pressure: 0.6, throttled: 0.25, delay: 0.1 });
});

it('reads the time that v1 writes in nanoseconds, and the pressure of the machine where the group has none', () => {
  const stat = '/sys/fs/cgroup/cpu,cpuacct/cpu.stat';
  const [, second] = contentionOf(
    {
      '/proc/stat': 'cpu0 0 0 0 0\n',
      [stat]: 'nr_throttled 0\nthrottled_time 0\n',
      '/proc/pressure/cpu': 'some total=0\n',
    },
    {
      '/proc/stat': 'cpu0 100 0 0 0\n',
      [stat]: 'nr_throttled 1\nthrottled_time 500000000\n',
      '/proc/pressure/cpu': 'some total=2000000\n',
    },
  );
  expect(second).toEqual({ idle: 0, pressure: 1, throttled: 0.5, delay: 0 });
});

it('says nothing where the machine does not', () => {
  expect(contentionOf({}, {}, {})).toEqual([null, null, null]);
});

it('says of this machine what can be true', async () => {
  const contention = openContention(() => performance.now());
  contention();
  const until = performance.now() + 60;
  while (performance.now() < until); // some ticks
  const seen = contention();
  expect(seen).not.toBeNull();
  for (const share of Object.values(seen ?? {})) expect(share >= 0 && share <= 1).toBe(true);
});

it('goes by all cores that are shown where those it may run on have other numbers', () => {
  const [, second] = contentionOf(
    { '/proc/self/status': 'Cpus_allowed_list:\t6-7\n', '/proc/stat': 'cpu0 0 0 0 0\ncpu1 0 0 0 0\n' },
    { '/proc/stat': 'cpu0 75 0 0 25\ncpu1 100 0 0 0\n' },
  );
  expect(second).toMatchObject({ idle: 0.125 });
});
