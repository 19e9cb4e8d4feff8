/** The options about pods of Kubernetes: rows of the one table. */
import { InvalidValue } from '../errors.js';
import { labelSelector } from '../policy/label-selector.js';
import { many, one, optional, toggle } from './option-row.js';
import { type OptionValue, pattern, text } from './option-values.js';

const selector: OptionValue<string> = {
  placeholder: 'SELECTOR',
  emptyAllowed: true,
  parse: (given) => {
    try {
      labelSelector(given);
    } catch (error) {
      throw new InvalidValue(`is no label selector: ${(error as Error).message}; give such as app=shop,tier!=cache`);
    }
    return given.trim();
  },
};

export const KUBERNETES_OPTIONS = {
  'pod-metadata': toggle({
    group: 'Kubernetes:',
    takes: ['live'],
    alsoCalled: ['kubernetes', 'k8s'],
    help: 'say of each trace which namespace, workload, pod and container its addresses belong to, by the API server',
  }),
  'kubernetes-node': optional({
    group: 'Kubernetes:',
    value: text('NAME'),
    takes: ['live', 'pods'],
    defaultText: 'pods of all nodes',
    help: 'node that the sensor runs on, whose pods alone are asked for',
  }),
  'pod-selector': one({
    group: 'Kubernetes:',
    reloads: true,
    value: selector,
    default: '',
    takes: ['live', 'pods'],
    alsoCalled: ['selector', 'include-labels'],
    help: 'keep only exchanges of pods with these labels, as kubectl --selector takes them',
  }),
  'namespace-include': many({
    group: 'Kubernetes:',
    reloads: true,
    value: pattern,
    default: [],
    takes: ['live', 'pods'],
    alsoCalled: ['include-namespaces', 'namespace', 'namespaces'],
    help: 'keep only exchanges of pods whose namespace matches one of these, be it one of infrastructure',
  }),
  'namespace-exclude': many({
    group: 'Kubernetes:',
    reloads: true,
    value: pattern,
    default: [],
    takes: ['live', 'pods'],
    alsoCalled: ['exclude-namespaces'],
    help: 'drop exchanges of pods whose namespace matches one of these',
  }),
  'keep-infrastructure': toggle({
    group: 'Kubernetes:',
    reloads: true,
    takes: ['live', 'pods'],
    help: 'keep exchanges of namespaces of infrastructure, such as kube-system',
  }),
};
