/** Whose exchanges are kept: label selectors, namespaces, and what runs the cluster. */
import { describe, expect, it } from 'vitest';
import type { Pod } from '../../src/pair/pod.js';
import { labelSelector } from '../../src/policy/label-selector.js';
import { createPodRules, INFRASTRUCTURE_NAMESPACES, type PodRuleSettings } from '../../src/policy/pod-rules.js';

describe('a label selector', () => {
  const labels = { app: 'shop', 'app.kubernetes.io/name': 'cart', tier: 'web', empty: '' };
  it.each<[string, boolean]>([
    ['', true],
    ['app=shop', true],
    ['app == shop', true],
    ['app=other', false],
    ['app!=other', true],
    ['app!=shop', false],
    ['missing!=x', true],
    ['app', true],
    ['missing', false],
    ['!missing', true],
    ['! app', false],
    ['app in (a, shop)', true],
    ['app in (a,b)', false],
    ['missing in (a)', false],
    ['tier notin (db, cache)', true],
    ['tier notin (web)', false],
    ['missing notin (web)', true],
    ['app=shop,tier in (web,api),!canary', true],
    ['app=shop,tier=db', false],
    ['app.kubernetes.io/name=cart', true],
    ['empty=', true],
    ['toString', false],
  ])('%j: %s', (text, expected) => {
    expect(labelSelector(text)(labels)).toBe(expected);
  });

  it.each(['a=b c', 'a in b', '=b', 'a=b,,c', '-a', 'a=b/c', 'a in (b', '()'])('refuses %j', (text) => {
    expect(() => labelSelector(text)).toThrow(SyntaxError);
  });
});

const pod = (namespace: string, labels: Record<string, string> = {}): Pod => ({
  namespace,
  name: 'p',
  workload: null,
  labels,
  containers: [],
});
const rules = (settings: Partial<PodRuleSettings> = {}) =>
  createPodRules({
    podSelector: '',
    namespaceInclude: [],
    namespaceExclude: [],
    keepInfrastructure: false,
    ...settings,
  });

describe('pod rules', () => {
  it('leave infrastructure out, unless it is asked for', () => {
    for (const name of INFRASTRUCTURE_NAMESPACES) expect(rules()(pod(name), null)).toBe(false);
    expect(rules()(pod('shop'), null)).toBe(true);
    expect(rules({ keepInfrastructure: true })(pod('kube-system'), null)).toBe(true);
    expect(rules({ namespaceInclude: ['^kube-system$'] })(pod('kube-system'), null)).toBe(true);
  });

  it('go by the pod that answers, else by the one that asks', () => {
    expect(rules()(pod('shop'), pod('monitoring'))).toBe(true);
    expect(rules()(pod('monitoring'), pod('shop'))).toBe(false);
    expect(rules()(null, pod('monitoring'))).toBe(false);
  });

  it('keep what is no pod’s, unless pods are asked for', () => {
    expect(rules()(null, null)).toBe(true);
    expect(rules({ namespaceExclude: ['x'] })(null, null)).toBe(true);
    expect(rules({ namespaceInclude: ['x'] })(null, null)).toBe(false);
    expect(rules({ podSelector: 'app' })(null, null)).toBe(false);
  });

  it('include, exclude and select', () => {
    const keeps = rules({ namespaceInclude: ['^shop'], namespaceExclude: ['-test$'], podSelector: 'app=cart' });
    expect(keeps(pod('shop', { app: 'cart' }), null)).toBe(true);
    expect(keeps(pod('shop-test', { app: 'cart' }), null)).toBe(false);
    expect(keeps(pod('shop', { app: 'other' }), null)).toBe(false);
    expect(keeps(pod('bank', { app: 'cart' }), null)).toBe(false);
  });
});
