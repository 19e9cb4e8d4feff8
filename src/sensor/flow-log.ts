/**
 * What becomes of each connection, at `--log-level debug`: that it is followed, which protocol it speaks, how it ended.
 *
 * in: flows, as the assembler follows them · out: lines of the log
 */
import type { CaptureInterface } from '../capture/packet-batch.js';
import type { Counters } from '../counters.js';
import { limitDebug } from '../debug-log.js';
import type { Flow } from '../flow/flow.js';
import type { Logger } from '../log.js';
import { addressText } from '../pair/address.js';
import type { FlowObserver } from '../pair/exchange-assembler.js';

export interface FlowLogContext {
  readonly log: Logger;
  readonly interfaces: readonly CaptureInterface[];
  readonly counters: Pick<Counters, 'flows_evicted'>;
  /** Whether the capture is over. */
  readonly isOver: () => boolean;
}

export function logFlows({ log, interfaces, counters, isOver }: FlowLogContext): FlowObserver {
  const debug = limitDebug(log, Date.now);
  let evictedBefore = 0;

  function whyForgotten(): string {
    if (isOver()) return 'the capture ended';
    const isEvicted = counters.flows_evicted > evictedBefore;
    evictedBefore = counters.flows_evicted;
    return isEvicted ? 'it made room for others' : 'it was quiet for too long, or its ports were used again';
  }

  return {
    onOpened(flow) {
      const fields = () => ({
        ...endpointsOf(flow),
        interface: interfaces[flow.interfaceId]?.name ?? '',
        begins: flow.midstream ? 'in the middle' : 'at its start',
      });
      debug.say('opened', fields, 'connection: followed');
    },
    onProtocol(flow, protocol) {
      debug.say('protocol', () => ({ ...endpointsOf(flow), protocol }), 'connection: its protocol is known');
    },
    onClosed(flow, isForgotten) {
      const why = flow.resetBy >= 0 ? 'reset' : isForgotten ? whyForgotten() : 'both sides are done';
      const bytes = () => ({ ...endpointsOf(flow), why, bytes: [flow.stream0.position, flow.stream1.position] });
      debug.say('closed', bytes, 'connection: no longer followed');
    },
  };
}

/** In the order of its bytes: the side whose packet was seen first is `first`. */
function endpointsOf(flow: Flow): { first: string; second: string } {
  const { word00, word01, word02, word03, port0, word10, word11, word12, word13, port1 } = flow;
  return {
    first: endpointText(addressText(word00, word01, word02, word03), port0),
    second: endpointText(addressText(word10, word11, word12, word13), port1),
  };
}

function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
