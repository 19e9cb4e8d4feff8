/**
 * Which pods' exchanges are kept. What counts is the pod that answers; where only the one that asks is known, that one.
 *
 * in: the pods at both ends · out: whether a rule excludes the exchange · pure
 */
import type { Pod } from '../pair/pod.js';
import { labelSelector } from './label-selector.js';
import { compilePatterns } from './pattern-set.js';

export interface PodRuleSettings {
  /** See `label-selector.ts`; empty selects every pod. */
  podSelector: string;
  /** RE2 patterns of namespaces, unanchored. */
  namespaceInclude: readonly string[];
  namespaceExclude: readonly string[];
  /** Keep what is in `INFRASTRUCTURE_NAMESPACES`. */
  keepInfrastructure: boolean;
}

/** Namespaces of what runs a cluster: its own, and those that add-ons are installed into by their documents. */
export const INFRASTRUCTURE_NAMESPACES: readonly string[] = [
  'amazon-cloudwatch',
  'amazon-guardduty',
  'argo-rollouts',
  'argocd',
  'calico-apiserver',
  'calico-system',
  'cattle-fleet-system',
  'cattle-monitoring-system',
  'cattle-system',
  'cert-manager',
  'cilium-secrets',
  'datadog',
  'external-dns',
  'external-secrets',
  'falco',
  'flux-system',
  'gatekeeper-system',
  'gke-managed-system',
  'gmp-public',
  'gmp-system',
  'istio-system',
  'karpenter',
  'keda',
  'kube-flannel',
  'kube-node-lease',
  'kube-public',
  'kube-system',
  'kyverno',
  'linkerd',
  'linkerd-viz',
  'local-path-storage',
  'logging',
  'longhorn-system',
  'metallb-system',
  'monitoring',
  'observability',
  'olm',
  'opentelemetry-operator-system',
  'pcap-sensor',
  'prometheus',
  'rook-ceph',
  'tekton-pipelines',
  'tigera-operator',
  'velero',
];

/** Whether an exchange between these pods is kept; null where every one is. @throws SyntaxError */
export function createPodRules(settings: PodRuleSettings): (server: Pod | null, client: Pod | null) => boolean {
  const include = compilePatterns(settings.namespaceInclude);
  const exclude = compilePatterns(settings.namespaceExclude);
  const selects = labelSelector(settings.podSelector);
  const isSelective = include.size > 0 || settings.podSelector.trim() !== '';
  const infrastructure = new Set(settings.keepInfrastructure ? [] : INFRASTRUCTURE_NAMESPACES);
  return (server, client) => {
    const pod = server ?? client;
    // What is no pod's is not among those that were asked for.
    if (pod === null) return !isSelective;
    const { namespace, labels } = pod;
    if (include.size > 0 ? !include.test(namespace) : infrastructure.has(namespace)) return false;
    return !exclude.test(namespace) && selects(labels);
  };
}
