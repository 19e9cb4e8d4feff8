/**
 * The daemon from the outside: real Redis, real interfaces, tcpdump beside it. What the stock program does wrong is here what
 * ours does right, by its number in the list of its bugs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVethPair, run, type VethPair } from '../../support/namespace.js';
import { needs } from '../../support/needs.js';
import { numberedFrames, type PcapRecord, readPcap } from '../../support/pcap-records.js';
import { type RunningDaemon, startPcapdaemon } from '../../support/pcapdaemon.js';
import { type Redis, type RedisResult, startRedis } from '../../support/redis.js';

/** The records of a file that is being written. */
function wholeRecords(file: Buffer): PcapRecord[] {
  let end = 24;
  for (let next = end; next + 16 <= file.length; next = end) {
    const behind = next + 16 + file.readUInt32LE(next + 8);
    if (behind > file.length) break;
    end = behind;
  }
  return readPcap(file.subarray(0, end)).records;
}

describe(
  'a daemon that listens to Redis',
  needs('namespaces', 'ip', 'sysctl', 'unshare', 'tcpdump', 'tcpreplay', 'redis-server'),
  () => {
    let redis: Redis;
    let pair: VethPair;
    let daemon: RunningDaemon;
    let traffic: ChildProcess;
    const toml = (more = '', general = '') => `
[general]
maxpackets = 500
maxbytes = 1000000
maxtimeout = 30
maxduration = 12
defaulttimeout = 3
snaplength = 500
writelocal = true
localdir = "OUT"
replyto = ["answers"]
${general}
[redis]
listen = true
host = "127.0.0.1"
port = ${redis.port}
channel = "capture"
[[interface]]
name = "${pair.here}"
alias = ["main", "public"]
[[interface]]
name = "lo"
alias = ["public"]
${more}`;

    /** Publishes a message under an id of its own, and resolves to its results. */
    let asked = 0;
    async function ask(fields: object | string, count = 1): Promise<RedisResult[]> {
      const id = `m${asked++}`;
      if (typeof fields === 'string') {
        const before = redis.results.length;
        await redis.publish('capture', fields);
        return (await redis.resultsLike((one) => redis.results.indexOf(one) >= before, count)).slice(0, count);
      }
      await redis.publish('capture', { node: 'any', interface: [pair.here], packets: 10, snap: 1500, id, ...fields });
      return redis.resultsLike((result) => result.id === id, count);
    }

    beforeAll(async () => {
      redis = await startRedis();
      pair = makeVethPair();
      daemon = await startPcapdaemon({
        toml: toml('', 'lookback = ["8MiB", "30s"]\nmaxmemory = "1MB"\nmaxcaptures = 6\nhealth = "127.0.0.1:0"'),
      });
      await daemon.said(/waiting for messages/);
      const frames = join(daemon.folder, 'frames.pcap');
      writeFileSync(frames, numberedFrames(20_000));
      traffic = spawn(...pair.inside('tcpreplay', '--quiet', '--pps', '200', '--intf1', pair.there, frames), {
        stdio: 'ignore',
      });
    });

    afterAll(async () => {
      traffic.kill('SIGKILL');
      await daemon.kill();
      pair.remove();
      await redis.stop();
    });

    it('says at its start that packets go raw, and where', () => {
      expect(daemon.lines.find((line) => /raw and unredacted/.test(line))).toContain(daemon.out);
    });

    it('answers with its counters where it is asked to', async () => {
      const port = /port (\d+)/.exec(await daemon.said(/health and metrics on 127\.0\.0\.1 port/))?.[1];
      const [ready, metrics] = await Promise.all(
        ['readyz', 'metrics'].map(async (path) => (await fetch(`http://127.0.0.1:${port}/${path}`)).text()),
      );
      expect(ready).toBe('capturing\n');
      expect(metrics).toMatch(/^pcapdaemon_messages_total \d+$/m);
    });

    it('captures as many packets as asked for at once, and tells where they are', async () => {
      const [result] = await ask({ customer: 'cust', alertid: 5, tags: 'x,y' });
      const name = new RegExp(`^${hostname().replaceAll(/[^\w.@-]/g, '_')}-${pair.here}-\\d{10}\\.pcap$`);
      expect(result).toMatchObject({
        ...{
          channel: 'capture.results',
          status: 'captured',
          node: hostname(),
          interface: pair.here,
          reason: 'packets',
        },
        ...{
          packets: 10,
          bytes: 7484,
          linkType: 1,
          dropped: 0,
          customer: 'cust',
          alertid: 5,
          file: expect.stringMatching(name),
        },
        tags: `customer:cust,alertid:5,x,y,node:${hostname()},interface:${pair.here},snaplength:1500`,
        uploads: [{ to: 'local', state: 'done', where: join(daemon.out, result?.file) }],
      });
      const { snapLength, linkType, records } = readPcap(daemon.file(result?.file));
      expect({ snapLength, linkType, count: records.length }).toEqual({ snapLength: 1500, linkType: 1, count: 10 });
    });

    it('has every packet of a second, where the stock program has none (3 s lots)', async () => {
      const [result] = await ask({ packets: 500, duration: 1, bpf: 'greater 1000' });
      expect(result).toMatchObject({ status: 'captured', reason: 'duration' });
      expect(result?.packets).toBeGreaterThan(80);
      expect(result?.packets).toBeLessThan(120);
      // And goes on at a timeout of a second, as packets flow.
      expect((await ask({ packets: 300, timeout: 1 }))[0]).toMatchObject({ reason: 'packets', packets: 300 });
    });

    it('says that there was nothing, and writes nothing', async () => {
      const files = daemon.files();
      expect((await ask({ bpf: 'udp port 4', timeout: 1 }))[0]).toMatchObject({
        status: 'empty',
        reason: 'timeout',
        packets: 0,
      });
      expect(daemon.files()).toEqual(files);
    });

    it('gives captures of the same second names of their own (bug 10)', async () => {
      const before = daemon.files().length;
      const results = await Promise.all([ask({ packets: 3 }), ask({ packets: 4 }), ask({ packets: 5 })]);
      expect(new Set(results.map(([one]) => one?.file)).size).toBe(3);
      expect(daemon.files().length).toBe(before + 3);
      expect((await ask({ interface: [pair.here, pair.here], packets: 3 })).length).toBe(1);
    });

    it('captures the interfaces of an alias, each under its own link type and name', async () => {
      const results = await ask(
        { interface: [], alias: ['main', 'public'], bpf: 'ether proto 0x88b5 or tcp', packets: 3 },
        2,
      );
      expect(new Set(results.map((one) => one.interface))).toEqual(new Set([pair.here, 'lo']));
      expect(results.find((one) => one.interface === pair.here)?.tags).toContain('alias:main,alias:public');
    });

    it('captures any interface into one file, whose packets a reader understands (bug 8)', async () => {
      const [result] = await ask({ interface: ['any'], packets: 20, bpf: 'ether proto 0x88b5' });
      expect(result).toMatchObject({ status: 'captured', packets: 20, linkType: 113 });
      const read = spawn('tcpdump', ['-ner', join(daemon.out, result?.file)], { stdio: ['ignore', 'pipe', 'ignore'] });
      let text = '';
      for await (const chunk of read.stdout) text += chunk;
      expect(text.match(/ethertype Unknown \(0x88b5\)/g)).toHaveLength(20);
    });

    it('begins before the message, with exactly what tcpdump saw then', async () => {
      const file = join(daemon.folder, 'tcpdump.pcap');
      const dump = spawn('tcpdump', ['-U', '-s', '0', '-w', file, '-i', pair.here, 'ether proto 0x88b5'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await once(dump.stderr, 'data');
      await ask({ packets: 450 }); // 450 packets at 200 a second
      const [result] = await ask({ before: 1, duration: 1, packets: 500, snap: 0, bpf: 'ether proto 0x88b5' });
      expect(result).toMatchObject({ status: 'captured', reason: 'duration', before: 1 });
      const ours = readPcap(daemon.file(result?.file)).records;
      expect(ours.length).toBeGreaterThan(350);
      // tcpdump takes what the kernel has for it once a second.
      const last = ours.at(-1)?.hex.slice(0, 36) ?? '';
      let theirs: PcapRecord[] = [];
      const changes = watch(file);
      while (!theirs.some(({ hex }) => hex.startsWith(last))) {
        await once(changes, 'change');
        theirs = wholeRecords(readFileSync(file));
      }
      changes.close();
      dump.kill('SIGKILL');
      const from = theirs.findIndex(({ hex }) => hex.startsWith(ours[0]?.hex.slice(0, 40) ?? ''));
      // Packets are 5 ms apart, so that none can be in the window here and not there.
      expect(theirs.slice(from, from + ours.length).map(({ hex }) => hex.slice(0, 36))).toEqual(
        ours.map(({ hex }) => hex.slice(0, 36)),
      );
      const span = Number((ours.at(-1)?.time ?? 0n) - (ours[0]?.time ?? 0n)) / 1e9;
      expect(span).toBeGreaterThan(1.97);
      expect(span).toBeLessThanOrEqual(2);
    });

    it.each<[what: string, message: object | string, reason: RegExp]>([
      ['what is no JSON', 'hello', /it is not a JSON object/],
      ['what has a fraction', '{"node":"any","interface":["lo"],"packets":10.0}', /packets: 10.0 is not an integer/],
      ['too many packets', { packets: 501 }, /packets 501 is above maxpackets, which is 500/],
      ['less than nothing (bug 11)', { packets: -1 }, /packets -1 is negative/],
      ['a device that is none (bug 5)', { interface: ['bluetooth-monitor'] }, /unknown interface "bluetooth-monitor"/],
      ['a filter that does not compile', { bpf: 'tcp and and' }, /bpf "tcp and and": can't parse filter expression/],
      ['a filter that asks the resolver', { bpf: 'host evil.example' }, /bpf names "evil.example", and names are not/],
      ['a bucket of its own (bug 13)', { bucket: 'mine' }, /bucket "mine" is not allowed/],
      ['more memory than there is (bug 11)', { packets: 500, snap: 1_000_000 }, /maxmemory is 1000000/],
      ['results for a name of its own', { replyto: 'elsewhere' }, /replyto "elsewhere" is not allowed/],
    ])('refuses %s with an answer, and lives', async (_what, message, reason) => {
      expect((await ask(message))[0]).toMatchObject({ status: 'refused', reason: expect.stringMatching(reason) });
    });

    it('captures an interface that came after its start, ends with one that goes, and lives (A8.12, A8.14)', async () => {
      const late = makeVethPair();
      try {
        const [found] = await ask({ interface: [late.here], packets: 1, snap: 64, duration: 1 });
        // The kernel says by itself that an address of IPv6 is there, or nothing came.
        expect(found?.status).toMatch(/^(captured|empty)$/);
        const ended = ask({ interface: [late.here], packets: 500, snap: 64, duration: 1, bpf: 'udp port 4' });
        await daemon.said(new RegExp(`interface ${late.here}: capturing .*udp port 4`));
        run('ip', 'link', 'del', late.here);
        expect((await ended)[0]?.status).toBe('empty');
      } finally {
        late.remove();
      }
      expect((await ask({}))[0]?.status).toBe('captured');
    });

    it('answers where a message asks it to, if the configuration allows that', async () => {
      expect((await ask({ packets: 1, replyto: 'answers' }))[0]).toMatchObject({
        channel: 'answers',
        status: 'captured',
      });
    });

    it('takes no more captures at once than it may, and says so', async () => {
      const results = await Promise.all(
        Array.from({ length: 8 }, () => ask({ bpf: 'udp port 4', timeout: 1, packets: 1 })),
      );
      const refused = results.filter(([one]) => one?.status === 'refused');
      expect(refused.length).toBe(2);
      expect(refused[0]?.[0]?.reason).toMatch(/6 captures are under way, which is maxcaptures/);
    });

    it('shows packets and messages where that is asked for', async () => {
      await ask({ packets: 1, packetdebug: true, logrequest: true, bpf: 'ether proto 0x88b5' });
      expect(
        await daemon.said(/packet \d+\.\d{9} .* bytes 02:00:00:00:00:01 > 02:00:00:00:00:02 ethertype 0x88b5/),
      ).toBeTruthy();
      expect(await daemon.said(/message: \{/)).toContain('logrequest');
    });

    it('answers that a device cannot be opened, and lives (bug 5)', needs('setpriv'), async () => {
      const bare = await startPcapdaemon({ toml: toml(), node: 'bare', without: 'net_raw' });
      try {
        await bare.said(/waiting for messages/);
        for (let times = 0; times < 2; times++) {
          const [result] = await ask({ node: 'bare', interface: ['lo'] });
          expect(result).toMatchObject({ status: 'refused', reason: expect.stringContaining('CAP_NET_RAW') });
        }
      } finally {
        await bare.kill();
      }
    });

    it('keeps what it has captured when it is ended (bug 14), and its books add up', async () => {
      const since = daemon.lines.length;
      const message = { node: 'any', interface: [pair.here], packets: 500, snap: 64, id: 'last', timeout: 9 };
      await redis.publish('capture', { ...message, packetdebug: true });
      // It is captured when it is shown, and no other capture is under way.
      for (let packets = 0, at = since; packets < 3; packets++)
        at = daemon.lines.indexOf(await daemon.said(/packet \d+\.\d{9} /, at)) + 1;
      const code = await daemon.stop();
      expect(code).toBe(0);
      const [last] = await redis.resultsLike((one) => one.id === 'last');
      expect(last).toMatchObject({ status: 'captured', reason: 'shutdown' });
      expect(readPcap(daemon.file(last?.file)).records).toHaveLength(last?.packets);
      expect(last?.packets).toBeGreaterThanOrEqual(3);
      const books = JSON.parse(daemon.lines.findLast((line) => line.includes('"summary"')) ?? '{}');
      expect(books.messages).toBe(
        books.messages_invalid + books.messages_refused + books.messages_accepted + books.messages_elsewhere,
      );
      expect(books.captures_started).toBe(books.captures_finished);
      expect(books.uploads_due).toBe(books.uploads_done + books.uploads_failed + books.uploads_spooled);
      expect(books.uploads_done).toBe(books.captures_finished - books.captures_empty);
      expect(books.results_published).toBe(redis.results.filter(({ node }) => node !== 'bare').length);
    });
  },
);
