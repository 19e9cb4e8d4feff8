/**
 * Runs the real command line as a child process, with no option taken from the surroundings.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';

export const COMMAND = join(import.meta.dirname, '../../bin/pcap-sensor');

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  readonly command?: string;
}

export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(options.command ?? COMMAND, args, {
    env: { ...withoutOptions(process.env), ...options.env },
    cwd: options.cwd,
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, [code]] = await Promise.all([textOf(child.stdout), textOf(child.stderr), closed]);
  return { code, stdout, stderr };
}

/** On a machine whose tests take all of the CPU, a sensor would step back. */
const UNHINDERED = { LEVO_MAX_CPU: 'none' };

function capturesLive(args: readonly string[]): boolean {
  return (args[0] === 'apidump' || args[0] === 'watch') && !args.includes('--read') && !args.includes('-r');
}

/** Starts the command line, whose output can be followed; who starts it ends it. */
export function spawnCommand(
  args: readonly string[],
  command = COMMAND,
  env: Readonly<Record<string, string>> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const environment = { ...withoutOptions(process.env), ...(capturesLive(args) ? UNHINDERED : {}), ...env };
  return spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Starts the command line, whose output can be followed; it is killed when the test is over, however that went. */
export function startCommand(
  args: readonly string[],
  command = COMMAND,
  env: Readonly<Record<string, string>> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawnCommand(args, command, env);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** `environment` without the variables that the option table reads. */
export function withoutOptions(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^LEVO(AI)?_/.test(name)));
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}
