/**
 * HTTP/2 in clear, live: every server with every client, the sensor started before their connections, and in the middle of 200.
 *
 *     bench/live/install
 *     node --import ./test/support/run-typescript.js bench/live/http2.ts [--sensor dist/cli/cli.js] [--connections 200] [--servers Envoy,Go]
 *
 * Prints a table of Markdown: for each pair how many of the exchanges that the client logged the sensor has with the same target,
 * status and bytes; those that it has without a target, marked `headers-unknown`; and those that are wrong: missing, twice, or with
 * another status or number of bytes. 1 if any is. Needs root and iproute2; programs that are missing are left out, and named.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HTTP2_CLIENTS, HTTP2_SERVERS, runHttp2Pair } from './http2-pairs.js';
import { exitOnSignals } from './namespace.js';
import { isThere, SENSOR } from './places.js';

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '' },
    sensor: { type: 'string', default: SENSOR },
    connections: { type: 'string', default: '200' },
  },
});
exitOnSignals();
const settings = { sensor: resolve(values.sensor), connections: Number(values.connections) };
const print = (text: string): void => void process.stdout.write(`${text}\n`);
print('| server | client | sensor started | asked | right | without target | without status | wrong |');
print('| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |');
const isWanted = ({ name }: { name: string }) => values.servers.split(',').some((word) => name.includes(word));
for (const server of HTTP2_SERVERS.filter(isWanted)) {
  for (const client of HTTP2_CLIENTS) {
    const missing = [server.needs, client.needs].filter((need) => !isThere(need));
    if (missing.length > 0) {
      process.stderr.write(`left out: ${server.name}, ${client.name}: ${missing.join(', ')} is not there\n`);
      continue;
    }
    for (const isJoined of client.canPause ? [false, true] : [false]) {
      const { asked, right, unknown, withoutStatus, wrong } = await runHttp2Pair(server, client, {
        ...settings,
        isJoined,
      });
      const when = isJoined ? `in the middle of ${settings.connections} connections` : 'before';
      print(
        `| ${server.name} | ${client.name} | ${when} | ${asked} | ${right} | ${unknown} | ${withoutStatus} | ${wrong.length} |`,
      );
      for (const one of wrong.slice(0, 5)) process.stderr.write(`wrong: ${server.name}, ${client.name}: ${one}\n`);
      if (wrong.length > 0 || asked === 0) process.exitCode = 1;
    }
  }
}
