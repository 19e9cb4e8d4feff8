/**
 * Network namespaces and veth pairs for tests that need real interfaces. Needs root; `canMakeNamespaces` says whether this
 * process may make them, and prints a line if not.
 */
import { execFileSync } from 'node:child_process';

export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export const canMakeNamespaces: boolean = (() => {
  try {
    run('unshare', '-n', 'true');
    return true;
  } catch {
    process.stderr.write('SKIPPED: tests with real interfaces need root (CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN)\n');
    return false;
  }
})();

let made = 0;

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
  const id = `${process.pid.toString(36)}${made++}`;
  const namespace = `sensor-${id}`;
  const here = `vh${id}`;
  const there = `vt${id}`;
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
