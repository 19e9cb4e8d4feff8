/**
 * The tags of a capture, in the order in which pcapdaemon joins them; empty ones are left out.
 *
 * in: a message, what was captured · out: `customer:c,alertid:7,a,b,alias:main,node:n,interface:eth0,snaplength:500` · pure
 */
import type { CapturePlan } from './admission.js';
import type { CaptureMessage } from './capture-message.js';

export function tagsOf(message: CaptureMessage, plan: CapturePlan, node: string): string {
  const tags = [
    message.customer === '' ? '' : `customer:${message.customer}`,
    message.alertid === 0 ? '' : `alertid:${message.alertid}`,
    message.tags,
    ...plan.aliases.map((alias) => `alias:${alias}`),
    `node:${node}`,
    `interface:${plan.interfaceName}`,
    `snaplength:${plan.snapLength}`,
  ];
  return tags.filter((tag) => tag !== '').join(',');
}
