/** Every scenario there is. */
import type { Scenario } from './scenario.js';
import * as bridge from './scenarios/bridge.js';
import * as forwarded from './scenarios/forwarded.js';
import * as nat from './scenarios/nat.js';
import * as proxyProtocol from './scenarios/proxy-protocol.js';
import * as sidecar from './scenarios/sidecar.js';
import * as vxlan from './scenarios/vxlan.js';
import * as wire from './scenarios/wire.js';

export const SCENARIOS: readonly Scenario[] = [nat, vxlan, proxyProtocol, forwarded, sidecar, bridge, wire].flatMap(
  (group) => Object.values<Scenario>(group),
);
