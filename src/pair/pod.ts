/** A Kubernetes pod, as a trace names it. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  /** What it belongs to, such as a Deployment; null for one of its own. */
  readonly workload: { readonly kind: string; readonly name: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Its containers, each with the ports that it says it listens on. */
  readonly containers: readonly { readonly name: string; readonly ports: readonly number[] }[];
}

/** The pod that has an address now; null if none has, or nobody knows. */
export type PodLookup = (address: string) => Pod | null;

/** The container that listens on a port: the one that says so, or the only one. */
export function containerOf(pod: Pod, port: number): string | null {
  const named = pod.containers.find(({ ports }) => ports.includes(port));
  return (named ?? (pod.containers.length === 1 ? pod.containers[0] : undefined))?.name ?? null;
}
