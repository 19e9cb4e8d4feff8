/**
 * Network namespaces and veth pairs for tests that need real interfaces. They take `needs('namespaces', 'ip', 'sysctl')`.
 * Their names have that of the run, by which what a test leaves behind is found.
 */
import { execFileSync } from 'node:child_process';
import { runName } from './left-behind.js';

export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

let made = 0;

/** A name for an interface or a namespace of this process, at most 15 characters long: IFNAMSIZ. */
export function networkName(prefix: string): string {
  return `${prefix}${runName()}${process.pid.toString(36)}${(made++).toString(36)}`;
}

/** A veth pair: `here` in this namespace, `there` in one of its own. Neither speaks unless spoken through. */
export interface VethPair {
  here: string;
  there: string;
  namespace: string;
  /** The command and arguments that run a program in the namespace. */
  inside(...command: string[]): [string, string[]];
  remove(): void;
}

export function makeVethPair(): VethPair {
  const namespace = networkName('');
  const here = networkName('h');
  const there = networkName('t');
  run('ip', 'netns', 'add', namespace);
  run('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace);
  // Without IPv6 an interface sends nothing of itself when it comes up.
  run('sysctl', '-qw', `net.ipv6.conf.${here}.disable_ipv6=1`);
  run('ip', 'netns', 'exec', namespace, 'sysctl', '-qw', `net.ipv6.conf.${there}.disable_ipv6=1`);
  run('ip', 'link', 'set', here, 'up');
  run('ip', '-n', namespace, 'link', 'set', there, 'up');
  return {
    here,
    there,
    namespace,
    inside: (...command) => ['ip', ['netns', 'exec', namespace, ...command]],
    remove() {
      run('ip', 'netns', 'del', namespace); // takes the pair with it
    },
  };
}
