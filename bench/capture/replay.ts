/**
 * Where loss begins: a capture replayed into a veth pair at rising rates, into the ring of a consumer that only counts.
 * Each packet offered must be seen or counted as dropped; anything else ends the run with an error.
 *
 *     node --import ./test/support/run-typescript.js bench/capture/replay.ts [--ring-size 8] [--bytes 300] [--file F]
 *
 * Needs root, tcpreplay, iproute2.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLive } from '../../src/capture/live.js';
import { makeVethPair } from '../../test/support/namespace.js';
import { tcpFrame, writePcap } from '../../test/support/packets.js';

const { values } = parseArgs({
  options: {
    'ring-size': { type: 'string', default: '8' },
    bytes: { type: 'string', default: '300' },
    rates: { type: 'string', default: '50000,100000,200000,400000,0' },
    seconds: { type: 'string', default: '4' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'sensor-bench-'));
const file = join(directory, 'replay.pcap');
const frames = Array.from({ length: 20_000 }, (_, i) =>
  tcpFrame(1024 + i, i, Buffer.alloc(Number(values.bytes) - 54, 'x')),
);
writePcap(file, frames);
const pair = makeVethPair();

process.stdout.write('asked pps   offered pps    offered       seen    dropped  freezes   ns/packet\n');
try {
  for (const rate of values.rates.split(',').map(Number)) {
    const source = openLive({
      backend: 'ring',
      interfaces: { names: [pair.here], include: [], exclude: [] },
      filter: { user: '', satellite: [] },
      ringMebibytes: Number(values['ring-size']),
      snapLength: 262_144,
      interfacesMax: 8,
      log: { info() {}, warn() {} },
    });
    const done = source.run(() => {});
    const loops = Math.max(1, Math.round(((rate || 400_000) * Number(values.seconds)) / frames.length));
    const pace = rate === 0 ? ['--topspeed'] : ['--pps', String(rate)];
    const [command, args] = pair.inside(
      'tcpreplay',
      '-q',
      '-K',
      '-i',
      pair.there,
      ...pace,
      '--loop',
      String(loops),
      file,
    );
    const cpu = process.cpuUsage();
    const began = performance.now();
    const code = await new Promise((resolve) => spawn(command, args, { stdio: 'ignore' }).on('exit', resolve));
    const took = (performance.now() - began) / 1e3;
    source.stop();
    await done;
    const used = process.cpuUsage(cpu);
    const [{ packets, dropped, freezes } = { packets: 0, dropped: 0, freezes: 0 }] = source.statistics();
    const offered = frames.length * loops;
    process.stdout.write(
      `${(rate === 0 ? 'all it can' : String(rate)).padStart(9)} ${(offered / took).toFixed(0).padStart(13)} ` +
        `${String(offered).padStart(10)} ${String(packets).padStart(10)} ${String(dropped).padStart(10)} ${String(freezes).padStart(8)} ` +
        `${(((used.user + used.system) / packets) * 1e3).toFixed(0).padStart(11)}\n`,
    );
    if (code !== 0) throw new Error(`tcpreplay exited with ${code}`);
    if (packets + (dropped ?? 0) !== offered)
      throw new Error(`${offered - packets - (dropped ?? 0)} packets unaccounted for`);
  }
} finally {
  pair.remove();
  rmSync(directory, { recursive: true });
}
