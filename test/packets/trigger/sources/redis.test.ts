/** Redis as people run it: with a password, with users, over TLS, restarted; channels by name and by pattern. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../../../support/certificates.js';
import { freePort } from '../../../support/free-port.js';
import { needs } from '../../../support/needs.js';
import { type RunningDaemon, startPcapdaemon } from '../../../support/pcapdaemon.js';
import { type Redis, startRedis, startRedisServer } from '../../../support/redis.js';

const folder = mkdtempSync(join(tmpdir(), 'pcapdaemon-redis-'));
afterAll(() => rmSync(folder, { recursive: true }));

const toml = (port: number, more = '') => `
[general]
writelocal = true
localdir = "OUT"
[redis]
listen = true
host = "127.0.0.1"
port = ${port}
channel = "capture"
${more}`;

/** Nothing of it is captured: that it is heard is all that is asked. */
const ASK = { node: 'any', interface: ['none'], packets: 1 };

async function daemonFor(port: number, more = ''): Promise<RunningDaemon> {
  const daemon = await startPcapdaemon({ toml: toml(port, more) });
  onTestFinished(() => daemon.kill());
  return daemon;
}

async function redisWith(settings: Parameters<typeof startRedis>[0] = {}): Promise<Redis> {
  const redis = await startRedis(settings);
  onTestFinished(() => redis.stop());
  return redis;
}

describe('a daemon that listens to Redis', needs('redis-server', 'openssl'), () => {
  it('sends the password that it has been given (bug 1)', async () => {
    const redis = await redisWith({ words: ['--requirepass', 'right'], login: { password: 'right' } });
    const daemon = await daemonFor(redis.port, 'auth = "right"');
    await daemon.said(/subscribed to capture/);
    await redis.publish('capture', ASK);
    expect(await redis.resultsLike(() => true)).toMatchObject([
      { status: 'refused', reason: expect.stringMatching(/unknown interface "none"/) },
    ]);
    expect(daemon.lines.join()).not.toContain('right');
  });

  it('says that its password is refused, and hears when it is accepted', async () => {
    const redis = await redisWith({ words: ['--requirepass', 'other'], login: { password: 'other' } });
    const daemon = await daemonFor(redis.port, 'auth = "right"');
    await daemon.said(/redis .*: .*WRONGPASS/);
    await redis.command('CONFIG', 'SET', 'requirepass', 'right');
    await daemon.said(/subscribed to capture/);
    await redis.publish('capture', ASK);
    await redis.resultsLike(() => true);
  });

  it('logs in as a user', async () => {
    const users = ['--user', 'watcher', 'on', '>secret', '+@all', '~*', '&*'];
    const redis = await redisWith({ words: users });
    const daemon = await daemonFor(redis.port, 'user = "watcher"\nauth = "secret"');
    await daemon.said(/subscribed to capture/);
    expect(String(await redis.command('CLIENT', 'LIST'))).toMatch(/cmd=subscribe[^\n]* user=watcher/);
  });

  it('speaks TLS, with an authority of its own', async () => {
    const { ca, server } = makeCertificates();
    for (const [name, text] of Object.entries({ ca, cert: server.cert, key: server.key }))
      writeFileSync(join(folder, name), text);
    const port = await freePort();
    const files = [
      '--tls-cert-file',
      join(folder, 'cert'),
      '--tls-key-file',
      join(folder, 'key'),
      '--tls-ca-cert-file',
      join(folder, 'ca'),
    ];
    const words = ['--port', '0', '--tls-port', String(port), ...files, '--tls-auth-clients', 'no'];
    const redis = await redisWith({ port, words, tls: { ca } });
    const unknown = await daemonFor(port, 'tls = true');
    const daemon = await daemonFor(port, `tls = true\nca = "${join(folder, 'ca')}"`);
    await daemon.said(/subscribed to capture/);
    await redis.publish('capture', ASK);
    await redis.resultsLike(() => true);
    expect(await unknown.said(/redis .*(self-signed|unable to|certificate)/)).toBeTruthy();
  });

  it('waits for Redis at its start, and for it to be back', async () => {
    const port = await freePort();
    const daemon = await daemonFor(port);
    await daemon.said(/redis .*ECONNREFUSED/);
    const first = await startRedisServer({ port });
    await daemon.said(/subscribed to capture/);
    await first.stop();
    await daemon.said(/messages: (Socket closed|.*ECONNREFUSED)/);
    const redis = await redisWith({ port });
    await daemon.said(/messages: connected/);
    // Its subscriptions are made before it says so.
    while ((await redis.publish('capture', ASK)) < 1) await new Promise((resolve) => setImmediate(resolve));
    await redis.resultsLike(() => true);
  });

  it('takes several channels and patterns, and never its own results', async () => {
    const redis = await redisWith();
    const daemon = await startPcapdaemon({
      toml: toml(redis.port, 'patterns = ["alerts.*"]').replace(
        'channel = "capture"',
        'channel = ["capture", "other"]',
      ),
    });
    onTestFinished(() => daemon.kill());
    await daemon.said(/subscribed to capture, other, alerts\.\*/);
    for (const channel of ['capture', 'other', 'alerts.web']) await redis.publish(channel, { ...ASK, id: channel });
    await redis.resultsLike((one) => one.reason.includes('unknown interface'), 3);
    expect(redis.results.map(({ channel }) => channel).sort()).toEqual([
      'alerts.web.results',
      'capture.results',
      'other.results',
    ]);
    await redis.publish('alerts.web', 'the last one');
    await redis.resultsLike((one) => one.reason.includes('not a JSON object'));
    expect(redis.results).toHaveLength(4);
  });
});
