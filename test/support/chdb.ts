/** ClickHouse's engine as a child process of a test: `chdb` behind HTTP, for `needs({ chdb: chdbInstalled })`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

const tools = process.env.PCAP_SENSOR_TOOLS ?? join(homedir(), '.cache', 'pcap-sensor');
const python = join(tools, 'chdb', 'bin', 'python');

/** test/support/install-chdb installs it. */
export const chdbInstalled = existsSync(join(tools, 'chdb', 'version'));

export interface Chdb {
  /** host:port. */
  readonly address: string;
  /** Ends it as a kill does; what it has written stays. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and files. */
  start(): Promise<void>;
  /** Ends it, and takes its files. */
  stop(): Promise<void>;
}

export async function startChdb(): Promise<Chdb> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'chdb-'));
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    child = spawn(python, [join(import.meta.dirname, 'chdb-server.py'), directory, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`chdb ended with ${code}`)));
    await Promise.race([once(child.stdout!, 'data'), exited]);
    exited.catch(() => {});
  };
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    address: `127.0.0.1:${port}`,
    start,
    kill,
    stop: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
