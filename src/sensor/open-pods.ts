/** The pods of Kubernetes, where `--pod-metadata` asks for them; else nothing. */
import type { Limits } from '../limits.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import type { PodLookup } from '../pair/pod.js';

export interface Pods {
  /** Null where nobody is asked. */
  readonly podOf: PodLookup | null;
  close(): Promise<void>;
}

/** Resolves when the pods are known, or could not be asked for. @throws UsageError outside of a pod with a service account */
export async function openPods(settings: Settings, limits: Limits, log: Logger): Promise<Pods> {
  if (!settings.podMetadata || settings.read !== null) return { podOf: null, close: async () => {} };
  const { inClusterApiServer } = await import('../task/kubernetes/api-server.js');
  const { watchPods } = await import('../task/kubernetes/pod-watch.js');
  const { kubernetesNode: node } = settings;
  const server = inClusterApiServer(process.env);
  const watch = watchPods({ server, node, pods_max: limits.pods_max, log, random: Math.random });
  await watch.ready;
  return { podOf: watch.lookup, close: () => watch.close() };
}
