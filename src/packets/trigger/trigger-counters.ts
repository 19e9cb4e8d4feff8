import { encodeMetrics, type Metric } from '../metrics-text.js';

/**
 * What the daemon counts. The books: every message is one of those behind it, every capture ends, and every upload that a
 * capture is due ends in one of three ways or is under way.
 */
export interface TriggerCounters {
  messages: number;
  messages_elsewhere: number;
  messages_invalid: number;
  messages_refused: number;
  messages_accepted: number;
  captures_started: number;
  captures_refused: number;
  /** That ended without a packet, of which there is no file. */
  captures_empty: number;
  captures_finished: number;
  packets_captured: number;
  packets_dropped_by_kernel: number;
  uploads_due: number;
  uploads_done: number;
  uploads_retried: number;
  /** That wait on disk for their destination to be back, or for the next start. */
  uploads_spooled: number;
  /** Given up; what they would have carried is lost there. */
  uploads_failed: number;
  results_published: number;
  results_lost: number;
}

export function createTriggerCounters(): TriggerCounters {
  return {
    messages: 0,
    messages_elsewhere: 0,
    messages_invalid: 0,
    messages_refused: 0,
    messages_accepted: 0,
    captures_started: 0,
    captures_refused: 0,
    captures_empty: 0,
    captures_finished: 0,
    packets_captured: 0,
    packets_dropped_by_kernel: 0,
    uploads_due: 0,
    uploads_done: 0,
    uploads_retried: 0,
    uploads_spooled: 0,
    uploads_failed: 0,
    results_published: 0,
    results_lost: 0,
  };
}

const HELP: Readonly<Record<keyof TriggerCounters, string>> = {
  messages: 'Messages that came.',
  messages_elsewhere: 'Messages for another node.',
  messages_invalid: 'Messages that are no JSON of a message.',
  messages_refused: 'Messages that ask for what is not given.',
  messages_accepted: 'Messages of which a capture at least began.',
  captures_started: 'Captures that began.',
  captures_refused: 'Captures that did not begin.',
  captures_empty: 'Captures that ended without a packet.',
  captures_finished: 'Captures that ended.',
  packets_captured: 'Packets in captures that ended.',
  packets_dropped_by_kernel: 'Packets that the kernel dropped during captures.',
  uploads_due: 'Uploads of captures, to each place.',
  uploads_done: 'Uploads that arrived.',
  uploads_retried: 'Attempts to upload after one that failed.',
  uploads_spooled: 'Uploads that wait on disk.',
  uploads_failed: 'Uploads that were given up.',
  results_published: 'Results that were told.',
  results_lost: 'Results that could not be told.',
};

/** The counters in Prometheus' text, and what is under way. */
export function triggerMetrics(counters: TriggerCounters): string {
  const { captures_started, captures_finished } = counters;
  const metrics = Object.entries(HELP).map(([key, help]): Metric => {
    const isGauge = key === 'uploads_spooled';
    const name = `pcapdaemon_${key}${isGauge ? '' : '_total'}`;
    return { name, kind: isGauge ? 'gauge' : 'counter', help, samples: [[{}, counters[key as keyof TriggerCounters]]] };
  });
  const running = captures_started - captures_finished;
  const help = 'Captures under way.';
  return encodeMetrics([
    ...metrics,
    { name: 'pcapdaemon_captures_running', kind: 'gauge', help, samples: [[{}, running]] },
  ]);
}
