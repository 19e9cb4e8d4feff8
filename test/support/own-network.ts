/**
 * Workers in network namespaces of their own: what one test file sends over loopback no other file's sensor sees, so that
 * files which capture may run side by side.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ForksPoolWorker, type PoolRunnerInitializer } from 'vitest/node';
import { mayCapture } from './permission.js';

const NODE_IN_OWN_NETWORK = fileURLToPath(new URL('node-in-own-network', import.meta.url));

/** As Node.js is started there: only loopback is in it, and up. */
const mayMakeNetworks =
  mayCapture && spawnSync(NODE_IN_OWN_NETWORK, ['--version'], { env: environment(process.env) }).status === 0;

/** Where networks can't be made, files that capture run one after the other; where nothing can, all of them share one. */
export const maxWorkersOfWorld = mayMakeNetworks || !mayCapture ? 2 : 1;

class OwnNetworkWorker extends ForksPoolWorker {
  override readonly name = 'own-network';

  override start(): Promise<void> {
    this.env = environment(this.env);
    // The pool forks whatever this process was started from, in the same turn, and can't be told otherwise.
    const { execPath } = process;
    process.execPath = NODE_IN_OWN_NETWORK;
    try {
      return super.start();
    } finally {
      process.execPath = execPath;
    }
  }
}

function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, NODE_OF_WORKER: process.execPath };
}

export const ownNetwork: PoolRunnerInitializer | 'forks' = mayMakeNetworks
  ? { name: 'own-network', createPoolWorker: (options) => new OwnNetworkWorker(options) }
  : 'forks';
