/**
 * Network namespaces that the live rows run in, and the processes in them. Both end with the program, however it ends:
 * a process by its own id, a namespace by its own name.
 * Needs root and iproute2.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Namespace {
  readonly name: string;
  /** Runs a program to its end; throws with what it said if that was not a success. */
  run(command: string, ...args: string[]): string;
  /** Starts a program. What it prints goes to files in `directory`, as `LABEL.out` and `LABEL.err`. */
  start(label: string, command: readonly string[], options?: StartOptions): Program;
  /** Ends every process in it that is still there, then removes it. */
  remove(): Promise<void>;
}

export interface StartOptions {
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Nothing, if absent. */
  readonly stdin?: 'pipe';
}

export interface Program {
  readonly child: ChildProcess;
  readonly output: string;
  readonly errors: string;
  /** Waits until the program, or one that it started, listens on `port`. */
  listening(port: number): Promise<void>;
  /** Waits until what it printed to either file holds `text`. */
  said(text: string, millisMax?: number): Promise<void>;
  /** Waits for its end. */
  ended(millisMax: number): Promise<void>;
  /** Asks it to end, and ends it after `millisMax`. */
  stop(signal?: NodeJS.Signals, millisMax?: number): Promise<void>;
}

const READY_MILLIS_MAX = 30_000;
const STOP_MILLIS_MAX = 5000;
/** As in /proc/net/tcp: the state of a listening socket. */
const LISTEN = '0A';

const present = new Map<string, Namespace>();
let made = 0;

/** `label` is for the eye; the name is of this process and no other. */
export function createNamespace(label: string): Namespace {
  if (made === 0) process.once('exit', removeAtOnce);
  const name = `live-${process.pid.toString(36)}-${made++}-${label}`.slice(0, 60);
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  const namespace: Namespace = {
    name,
    run: (command, ...args) => ip('netns', 'exec', name, command, ...args),
    start: (started, command, options) => startProgram(name, started, command, options),
    async remove() {
      if (!present.delete(name)) return;
      await endProcesses(name);
      ip('netns', 'del', name);
    },
  };
  present.set(name, namespace);
  return namespace;
}

/** Joins two namespaces with a veth pair; addresses are in CIDR notation. */
export function joinNamespaces(
  left: { namespace: Namespace; device: string; address: string },
  right: { namespace: Namespace; device: string; address: string },
  mtu = 1500,
): void {
  ip(
    ...['-n', left.namespace.name, 'link', 'add', left.device, 'mtu', String(mtu), 'type', 'veth'],
    ...['peer', 'name', right.device, 'mtu', String(mtu), 'netns', right.namespace.name],
  );
  for (const { namespace, device, address } of [left, right]) {
    if (address !== '') ip('-n', namespace.name, 'addr', 'add', address, 'dev', device, 'nodad');
    ip('-n', namespace.name, 'link', 'set', device, 'up');
  }
}

/** Runs `ip`; throws with what it said. */
export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
}

/** A SIGINT or SIGTERM becomes an exit, so that what was made is removed. */
export function exitOnSignals(): void {
  for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15 })) {
    process.once(signal, () => process.exit(128 + number));
  }
}

function startProgram(
  namespace: string,
  label: string,
  command: readonly string[],
  { directory, env, cwd, stdin }: StartOptions = { directory: '/tmp' },
): Program {
  const output = join(directory, `${label}.out`);
  const errors = join(directory, `${label}.err`);
  const files = [openSync(output, 'w'), openSync(errors, 'w')] as const;
  const options: SpawnOptions = { stdio: [stdin ?? 'ignore', ...files], cwd, env: { ...process.env, ...env } };
  const child = spawn('ip', ['netns', 'exec', namespace, ...command], options);
  for (const file of files) closeSync(file);
  const exited = once(child, 'exit');
  exited.catch(() => {});
  const said = (text: string) => [output, errors].some((file) => readFileSync(file, 'utf8').includes(text));
  const ready = async (what: string, isReady: () => boolean, millisMax = READY_MILLIS_MAX): Promise<void> => {
    const latest = Date.now() + millisMax;
    while (!isReady()) {
      if (child.exitCode !== null || Date.now() > latest) {
        throw new Error(`${command.join(' ')} did not get to ${what}: ${readFileSync(errors, 'utf8').slice(-2000)}`);
      }
      await sleep(15);
    }
  };
  return {
    child,
    output,
    errors,
    listening: (port) => ready(`listening on ${port}`, () => isListening(child.pid ?? 0, port)),
    said: (text, millisMax) => ready(`saying ${JSON.stringify(text)}`, () => said(text), millisMax),
    async ended(millisMax) {
      await Promise.race([exited, sleep(millisMax, undefined, { ref: false })]);
      if (child.exitCode === null) throw new Error(`${command.join(' ')} did not end within ${millisMax} ms`);
    },
    async stop(signal = 'SIGTERM', millisMax = STOP_MILLIS_MAX) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await Promise.race([exited, sleep(millisMax, undefined, { ref: false })]);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Whether a socket listens on `port` in the namespace of the process. */
function isListening(pid: number, port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].some((table) => {
    try {
      return readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
        .split('\n')
        .some((line) => {
          const [, local = '', , state] = line.trim().split(/\s+/);
          return local.endsWith(wanted) && state === LISTEN;
        });
    } catch {
      return false; // it has not begun yet, or has gone
    }
  });
}

async function endProcesses(namespace: string): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const latest = Date.now() + STOP_MILLIS_MAX;
    for (const pid of processesIn(namespace)) signalProcess(pid, signal);
    while (processesIn(namespace).length > 0 && Date.now() < latest) await sleep(15);
  }
}

function processesIn(namespace: string): number[] {
  return ip('netns', 'pids', namespace).split('\n').filter(Boolean).map(Number);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended since.
  }
}

/** At the exit of this process nothing can be awaited any more. */
function removeAtOnce(): void {
  for (const name of present.keys()) {
    try {
      for (const pid of processesIn(name)) signalProcess(pid, 'SIGKILL');
      ip('netns', 'del', name);
    } catch {
      // What can be removed is.
    }
  }
}
