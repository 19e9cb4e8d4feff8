/**
 * What the sensor reports of a capture that lost packets: a real conversation, half of its bodies HTTP as text, recorded on a wire and read
 * again with some packets taken out, at another place each time.
 *
 *     bench/live/install
 *     node --import ./test/support/run-typescript.js bench/live/gaps.ts [--sensor dist/cli/cli.js] [--cuts 100] [--seed 1]
 *       [--keep DIRECTORY]
 *
 * An exchange may be missing, unanswered or cut then; nothing may be reported that was not so. Prints a line for each cut after
 * which something was, and the sum; 1 if it is not zero. `--keep` keeps those captures. Needs root, iproute2, tcpdump, ethtool.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { compare } from './compare.js';
import { exitOnSignals, joinNamespaces } from './namespace.js';
import { GO, SENSOR } from './places.js';
import { runScenario, type Scenario, somePlan } from './scenario.js';
import { createScratch } from './scratch.js';
import { readTraces } from './sensor.js';
import type { TrueExchange } from './truth.js';
import { wrongLines } from './wrong-table.js';

const { values } = parseArgs({
  options: {
    sensor: { type: 'string', default: SENSOR },
    cuts: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'string', default: '' },
  },
});
exitOnSignals();
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const sensor = resolve(values.sensor);
const scratch = createScratch();
const directory = scratch.path;
/** Lengths of what is lost, in packets. */
const LENGTHS = [1, 2, 3, 6, 12];
const NEAR = '10.95.0.1';
const FAR = '10.95.0.2';

try {
  const { file, exchanges } = await record();
  const { header, packets } = splitCapture(readFileSync(file));
  let state = Number(values.seed) >>> 0;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  let wrongCuts = 0;
  let wrongExchanges = 0;
  for (let i = 0; i < Number(values.cuts); i++) {
    // The handshake stays, so that the flow is known from its start.
    const at = 3 + below(packets.length - 3);
    const length = LENGTHS[below(LENGTHS.length)] ?? 1;
    const cut = Buffer.concat([header, ...packets.slice(0, at), ...packets.slice(at + length)]);
    const { wrong } = compare(exchanges, read(cut), { isLossy: true });
    if (wrong.length === 0) continue;
    wrongCuts++;
    wrongExchanges += wrong.length;
    const where = `packets ${at} to ${at + length - 1} of ${packets.length}`;
    for (const line of wrongLines(where, wrong)) print(line);
    if (values.keep !== '') {
      mkdirSync(values.keep, { recursive: true });
      writeFileSync(join(values.keep, `gap-${at}-${length}.pcap`), cut);
    }
  }
  print(`seed ${values.seed}: ${wrongCuts} of ${values.cuts} cuts made ${wrongExchanges} exchanges wrong`);
  if (wrongCuts > 0) process.exitCode = 1;
} finally {
  scratch.remove();
}

/** One kept-alive connection on a wire with frames as long as in a task, and what both ends say of it. */
async function record(): Promise<{ file: string; exchanges: TrueExchange[] }> {
  const file = join(directory, 'whole.pcap');
  let exchanges: TrueExchange[] = [];
  const scenario: Scenario = {
    name: 'a conversation to be cut',
    needs: [GO, 'ethtool', 'tcpdump'],
    async run(stage) {
      const near = stage.namespace('near');
      const far = stage.namespace('far');
      joinNamespaces(
        { namespace: near, device: 'eth1', address: `${NEAR}/24` },
        { namespace: far, device: 'eth1', address: `${FAR}/24` },
        9001,
      );
      for (const end of [near, far]) end.run('ethtool', '-K', 'eth1', 'tso', 'off', 'gso', 'off', 'gro', 'off');
      const application = await stage.serve(far, 8080);
      const options = ['-i', 'eth1', '-s', '0', '-U', '--immediate-mode', '-B', '65536', '-w', file, 'tcp'];
      const tcpdump = far.start('tcpdump', ['tcpdump', ...options], { directory: stage.directory });
      await tcpdump.said('listening on');
      exchanges = await stage.converse({
        from: near,
        to: `http://${FAR}:8080`,
        plan: somePlan('g', stage.site, 27),
        route: { client: NEAR, server: FAR, port: 8080 },
        application,
      });
      await writtenOut(file);
      await tcpdump.stop('SIGINT');
    },
  };
  await runScenario(scenario, { sensor, keep: null });
  const { wrong } = compare(exchanges, read(readFileSync(file)));
  if (wrong.length > 0) throw new Error(`uncut: ${wrongLines('whole', wrong).join('; ')}`);
  return { file, exchanges };
}

/** Waits until tcpdump, which may lag behind, has written nothing for a while. */
async function writtenOut(file: string): Promise<void> {
  for (let size = -1, now = 0; now !== size || now === 0; ) {
    size = now;
    await sleep(500);
    now = statSync(file).size;
  }
}

function read(capture: Uint8Array) {
  const input = join(directory, 'cut.pcap');
  const output = join(directory, 'cut.ndjson');
  writeFileSync(input, capture);
  const words = ['apidump', '--read', input, '--output', `ndjson:${output}`, '--no-default-redaction'];
  rmSync(output, { force: true });
  execFileSync(process.execPath, [sensor, ...words, '--keep-health-checks', '--log-level', 'error']);
  return readTraces(output);
}

/** The file's header and its records, of a pcap in this machine's byte order (draft-ietf-opsawg-pcap §4, §5). */
function splitCapture(capture: Buffer): { header: Buffer; packets: Buffer[] } {
  const packets: Buffer[] = [];
  for (let at = 24; at < capture.length; ) {
    const length = 16 + capture.readUInt32LE(at + 8);
    packets.push(capture.subarray(at, at + length));
    at += length;
  }
  return { header: capture.subarray(0, 24), packets };
}
