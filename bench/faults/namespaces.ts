/**
 * A task's network namespace and a satellite's, with a wire between them and a name server's address in the first.
 * Needs root, iproute2 and nftables.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { SATELLITE_ADDRESSES } from './faults.js';

export interface Namespaces {
  readonly task: string;
  readonly satellite: string;
  remove(): void;
}

const TASK_ADDRESS = '10.77.0.1';

export function makeNamespaces(id: string): Namespaces {
  const task = `fault-task-${id}`;
  const satellite = `fault-sat-${id}`;
  const names = [task, satellite];
  ip('netns', 'add', task);
  ip('netns', 'add', satellite);
  ip('-n', task, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', satellite);
  for (const name of names) ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', task, 'addr', 'add', `${TASK_ADDRESS}/24`, 'dev', 'eth1');
  for (const address of SATELLITE_ADDRESSES) ip('-n', satellite, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
  ip('-n', task, 'link', 'set', 'eth1', 'up');
  ip('-n', satellite, 'link', 'set', 'eth0', 'up');
  mkdirSync(`/etc/netns/${task}`, { recursive: true });
  writeFileSync(`/etc/netns/${task}/resolv.conf`, `nameserver ${SATELLITE_ADDRESSES[0]}\n`);
  return {
    task,
    satellite,
    remove() {
      for (const name of names) ip('netns', 'del', name);
      rmSync(`/etc/netns/${task}`, { recursive: true, force: true });
    },
  };
}

/** Silently drops every packet that comes over the wire to the satellite: no connection is ever made. */
export function blackHole(satellite: string, isOn: boolean): void {
  const nft = (rules: string): void => ip('netns', 'exec', satellite, 'nft', rules);
  if (!isOn) nft('delete table inet hole');
  else nft('add table inet hole; add chain inet hole in { type filter hook input priority 0; policy drop; }');
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
