/**
 * What a sensor captures, by its configuration: on which interfaces, and which packets of each.
 *
 * | mode  | capturePorts | captureInterfacesPorts | interfaces       | packets                                             |
 * | ----- | ------------ | ---------------------- | ---------------- | --------------------------------------------------- |
 * | all   | –            | –                      | all              | all                                                 |
 * | allow | P            | – or M                 | all              | P and those of M for the interface; no ports of M: all |
 * | allow | –            | M                      | those of M       | its ports; none: all                                |
 * | deny  | P or –       | M or –                 | all, less those of M with no ports | all but P and those of M          |
 *
 * `ignorePorts` are left out and `filter` is asked besides. All interfaces are those but loopback, unless that is asked for.
 *
 * in: values of the configuration · out: a selection of interfaces, an expression for each · pure
 */
import type { InterfaceSelection } from '../../capture/interfaces.js';
import type { KeyValues } from './config-keys.js';

export interface CapturePlan {
  readonly interfaces: InterfaceSelection;
  readonly expression: (interfaceName: string) => string;
}

export function planCapture(values: KeyValues): CapturePlan {
  const { capturePorts, ignorePorts, filter, loopback } = values;
  const ofInterfaces = values.captureInterfacesPorts ?? {};
  const names = Object.keys(ofInterfaces);
  const isListed = capturePorts.length > 0 || names.length > 0;
  const mode = values.pcapMode ?? (isListed ? 'allow' : 'all');
  const isOnlyNamed = mode === 'allow' && capturePorts.length === 0;
  const without = mode === 'deny' ? names.filter((name) => ofInterfaces[name]?.length === 0) : [];
  return {
    interfaces: {
      names: isOnlyNamed ? names : [],
      include: [],
      exclude: without.map((name) => `^${name.replace(/[^A-Za-z0-9_-]/g, '\\$&')}$`),
      skipsLoopback: !loopback && !names.includes('lo'),
      awaitsNames: true,
    },
    expression(name) {
      const own = ofInterfaces[name];
      const listed = [...new Set([...capturePorts, ...(own ?? [])])];
      const takesAll = mode === 'all' || listed.length === 0 || (mode === 'allow' && own?.length === 0);
      return [
        ...(takesAll ? [] : [mode === 'deny' ? `not ${anyOf(listed)}` : anyOf(listed)]),
        ...(ignorePorts.length === 0 ? [] : [`not ${anyOf(ignorePorts)}`]),
        // Last, as it may shift where libpcap looks for what follows.
        ...(filter.trim() === '' ? [] : [`(${filter})`]),
      ].join(' and ');
    },
  };
}

function anyOf(ports: readonly number[]): string {
  return `(${ports.map((port) => `port ${port}`).join(' or ')})`;
}
