/**
 * moto's server as a child process: a stand-in for ECS, EC2, STS and IAM that other people wrote.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

const tools = process.env.PCAP_SENSOR_TOOLS ?? join(homedir(), '.cache', 'pcap-sensor');
const executable = join(tools, 'moto', 'bin', 'moto_server');

/** test/support/install-moto installs it. */
export const motoInstalled = existsSync(executable);

export interface Moto {
  readonly url: string;
  stop(): Promise<void>;
}

/** `runningTasks` is what every service created there reports as running, so that it counts as steady. */
export async function startMoto(runningTasks: number): Promise<Moto> {
  const port = await freePort();
  const child: ChildProcess = spawn(executable, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, MOTO_ECS_SERVICE_RUNNING: String(runningTasks) },
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('Running on')) {
        resolve();
      }
    });
    child.once('exit', (code) => reject(new Error(`moto_server exited with ${code}: ${said}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) {
        await once(child, 'exit');
      }
    },
  };
}
