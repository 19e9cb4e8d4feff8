/** HTTP/2 in clear beside real servers and clients, one of each; the whole table is `bench/live/http2.ts`. */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HTTP2_CLIENTS, HTTP2_SERVERS, runHttp2Pair } from '../../bench/live/http2-pairs.js';
import { isThere, SENSOR } from '../../bench/live/places.js';
import { needs } from '../support/needs.js';

describe('HTTP/2 beside real programs', () => {
  for (const [i, server] of HTTP2_SERVERS.entries()) {
    const client = HTTP2_CLIENTS[i % HTTP2_CLIENTS.length]!;
    const brought = Object.fromEntries(
      [server.needs, client.needs].map((name) => [`${basename(name)} (bench/live/install)`, isThere(name)]),
    );
    const needed = { ...needs('capture', 'namespaces', brought), timeout: 60_000 };
    it.each(client.canPause ? [false, true] : [false])(
      `${server.name} and ${client.name}, joined: %s`,
      needed,
      async (isJoined) => {
        const { asked, right, unknown, wrong } = await runHttp2Pair(server, client, {
          sensor: SENSOR,
          connections: 20,
          isJoined,
        });
        expect(wrong).toEqual([]);
        expect(asked).toBeGreaterThanOrEqual(20);
        expect(right + unknown).toBe(asked);
      },
    );
  }
});
