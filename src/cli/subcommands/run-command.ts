/**
 * `--command`: a command of the shell, for as long as which the sensor captures.
 *
 * It gets the standard streams, the environment and the rights that the sensor was started with; `bin/init` gives up none
 * where there is a command.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

export interface RunningCommand {
  /** Resolves to its exit code; as a shell has it, 128 and the number of the signal that ended it. Never rejects. */
  readonly ended: Promise<number>;
  /** Passes a signal on. */
  kill(signal: NodeJS.Signals): void;
}

export function startCommand(command: string, environment: NodeJS.ProcessEnv): RunningCommand {
  const child = spawn('/bin/sh', ['-c', command], { stdio: 'inherit', env: environmentOfCaller(environment) });
  return {
    ended: new Promise((resolve) => {
      // There is no shell, or no memory for one.
      child.on('error', () => resolve(127));
      child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
    }),
    kill: (signal) => void child.kill(signal),
  };
}

/** Without what `bin/pcap-sensor` set for the sensor alone, which it names. */
function environmentOfCaller({ PCAP_SENSOR_SET: set = '', ...environment }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set(set.split(' '));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.has(name)));
}
