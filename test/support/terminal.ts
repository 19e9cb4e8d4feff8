/**
 * A terminal as a reader of the documentation has one: commands are typed, read, answered and interrupted.
 */
import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { withoutOptions } from './command.js';

export interface TerminalOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Network namespace to run in; /etc/netns/NAME/hosts is its hosts file. */
  readonly namespace?: string;
  /** For programs that look whether they have one. */
  readonly pseudoTerminal?: boolean;
}

export interface Terminal {
  /** Resolves to what was said up to and with `expected`, looking only at what no earlier call has seen. */
  until(expected: RegExp | string): Promise<string>;
  type(text: string): void;
  /** Ctrl-C: to everything that was started. */
  interrupt(): void;
  /** Everything said, and the exit code, once it is over. */
  readonly ended: Promise<{ code: number | null; output: string }>;
}

/** What still runs when the test is over is killed. */
export function atTerminal(command: string, options: TerminalOptions): Terminal {
  const shell = options.pseudoTerminal
    ? ['script', '--quiet', '--return', '--flush', '--command', command, '/dev/null']
    : ['bash', '-c', command];
  const words = options.namespace === undefined ? shell : ['ip', 'netns', 'exec', options.namespace, ...shell];
  const child = spawn(words[0] ?? '', words.slice(1), {
    cwd: options.cwd,
    env: { ...withoutOptions(process.env), ...options.env },
    // A process group of its own: Ctrl-C goes to the group.
    detached: true,
  });
  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // It is gone already.
    }
  };
  onTestFinished(() => signal('SIGKILL'));

  let output = '';
  let seen = 0;
  let isOver = false;
  let heard: () => void = () => {};
  const hear = (chunk: Buffer) => {
    output += chunk.toString();
    heard();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.stdin.on('error', () => {});
  const ended = new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      isOver = true;
      heard();
      resolve({ code, output });
    });
  });

  return {
    ended,
    type: (text) => void child.stdin.write(text),
    interrupt: () => signal('SIGINT'),
    async until(expected) {
      for (;;) {
        const fresh = output.slice(seen);
        const found = typeof expected === 'string' ? fresh.indexOf(expected) : fresh.search(expected);
        if (found >= 0) {
          const length = typeof expected === 'string' ? expected.length : (expected.exec(fresh)?.[0].length ?? 0);
          seen += found + length;
          return fresh.slice(0, found + length);
        }
        if (isOver) throw new Error(`"${command}" ended before it said ${expected}:\n${output}`);
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}
