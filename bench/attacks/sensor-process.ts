/**
 * A sensor in a memory control group, and what can be seen of it from outside.
 *
 * Where control groups of v1 are not there to be set, memory is not limited: then --max-memory is what the limit would make it,
 * and the peak is that of the process alone.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const GROUPS = '/sys/fs/cgroup/memory';
const ROOT = join(import.meta.dirname, '../..');

export interface SensorCommand {
  readonly program: string;
  readonly flags: readonly string[];
  /** Limit of its memory. */
  readonly mebibytes: number;
  /** What its log says when it is ready. */
  readonly readyWhen: string;
}

export interface SensorEnd {
  /** Null where it was killed. */
  readonly exitCode: number | null;
  readonly peakMebibytes: number;
  /** See `turns/turns.c`; empty if it was killed. */
  readonly turnMillis: readonly number[];
  /** The fields of the summary in its log; null if there is none. */
  readonly summary: Summary | null;
  readonly log: string;
}

export interface Summary {
  readonly counters: Readonly<Record<string, number>>;
  readonly interfaces: readonly { readonly dropped: number | null }[];
}

export interface RunningSensor {
  readonly isRunning: boolean;
  /** From here on turns count. */
  beginTurns(): void;
  /** And from here on no more: an end hands on all there is at once. */
  endTurns(): void;
  stop(): Promise<SensorEnd>;
  /** Resolves when it has ended by itself. */
  ended(): Promise<SensorEnd>;
}

/** @throws Error if it does not start */
export async function startSensor({ program, flags, mebibytes, readyWhen }: SensorCommand): Promise<RunningSensor> {
  const group = openGroup(mebibytes);
  const folder = mkdtempSync(join(tmpdir(), 'attacked-'));
  const turnsFile = join(folder, 'turns');
  const limit = group === null ? ['--max-memory', String(Math.floor((mebibytes * 2 ** 20) / 3))] : [];
  const command = [program, 'apidump', '--log-format', 'json', ...flags, ...limit];
  const script = group === null ? 'exec "$@"' : `echo $$ > ${group.folder}/cgroup.procs; exec "$@"`;
  const child = spawn('sh', ['-c', script, 'sh', ...command], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${join(import.meta.dirname, 'turns/count-turns.cjs')}`,
      TURNS_ADDON: turnsAddon(),
      TURNS_FILE: turnsFile,
    },
  });
  const closed = once(child, 'close');
  let log = '';
  let peak = Number.NaN;
  const notePeak = (): void => {
    peak = peakMebibytes(group, child, peak);
  };
  const watch = setInterval(notePeak, 100);
  const end = async (): Promise<SensorEnd> => {
    await closed;
    clearInterval(watch);
    notePeak();
    const turnMillis = existsSync(turnsFile) ? (JSON.parse(readFileSync(turnsFile, 'utf8')) as number[]) : [];
    rmSync(folder, { recursive: true });
    group?.close();
    return { exitCode: child.exitCode, peakMebibytes: peak, turnMillis, summary: summaryIn(log), log };
  };
  const isReady = new Promise<void>((resolve) => {
    child.stderr?.on('data', (text: Buffer) => {
      log += text;
      if (log.includes(readyWhen)) resolve();
    });
  });
  await Promise.race([isReady, closed]);
  return {
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    beginTurns: () => void child.kill('SIGUSR2'),
    endTurns: () => void child.kill('SIGUSR1'),
    stop() {
      child.kill('SIGTERM');
      return end();
    },
    ended: end,
  };
}

/** Builds it the first time. */
function turnsAddon(): string {
  const built = join(ROOT, 'build/attacks/turns.node');
  const source = join(import.meta.dirname, 'turns/turns.c');
  const headers = join(dirname(dirname(process.execPath)), 'include/node');
  mkdirSync(dirname(built), { recursive: true });
  if (!existsSync(built))
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', `-I${headers}`, source, '-o', built]);
  return built;
}

function summaryIn(log: string): Summary | null {
  const line = log.split('\n').find((text) => text.includes('"msg":"summary"'));
  return line === undefined ? null : (JSON.parse(line) as Summary);
}

interface Group {
  readonly folder: string;
  close(): void;
}

/** Null where there are none. */
function openGroup(mebibytes: number): Group | null {
  if (!existsSync(`${GROUPS}/memory.limit_in_bytes`)) return null;
  const folder = `${GROUPS}/pcap-sensor-attacks-${process.pid}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/memory.limit_in_bytes`, String(mebibytes * 2 ** 20));
  return { folder, close: () => rmdirSync(folder) };
}

function peakMebibytes(group: Group | null, { pid }: ChildProcess, before: number): number {
  if (group !== null)
    return Math.round(Number(readFileSync(`${group.folder}/memory.max_usage_in_bytes`, 'utf8')) / 2 ** 20);
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
  } catch {
    return before;
  }
}
