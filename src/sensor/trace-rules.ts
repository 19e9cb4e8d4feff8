/**
 * What traces are made by, as the options say: redaction, whose word about a client counts, what messages of calls hold.
 *
 * in:  settings, whenever they change · out: `TraceRules`; the file of `--grpc-descriptors` is read once, before anything is captured
 */
import { readFileSync } from 'node:fs';
import type { Counters } from '../counters.js';
import { UsageError } from '../errors.js';
import { DEFAULT_LIMITS } from '../limits.js';
import type { Logger } from '../log.js';
import type { Settings } from '../options/options.js';
import { createRedactor, type RedactionSettings } from '../redact/redactor.js';
import { coresAvailable } from '../task/cgroup.js';
import { openDescriptors } from '../trace/grpc-descriptors.js';
import { redactionCost, redactionSettings, trustedProxies } from './policy-settings.js';
import type { TraceRules } from './trace-stage.js';
import { type DescriptorSet, type EndsSettings, openEncodingThread, openTraceThread } from './trace-thread.js';

/** `explains`: whether traces get their `replacements`. */
export type RulesOf = (settings: Settings, explains?: boolean) => TraceRules;

export interface TraceRulesContext {
  counters: Counters;
  log: Pick<Logger, 'warn' | 'isLevelEnabled'>;
}

/** @throws UsageError where the descriptors cannot be read, or are none */
export function traceRules({ grpcDescriptors: name }: Settings, { counters, log }: TraceRulesContext): RulesOf {
  const descriptors = name === null ? null : readDescriptors(name);
  const describer =
    descriptors === null
      ? null
      : openDescriptors(descriptors.set, descriptors.name, () => counters.grpc_messages_unfit++);
  return (settings, explains = false) => {
    warnOfSecrets(settings, log);
    const redaction: RedactionSettings = { ...redactionSettings(settings), explains };
    const isCheap = redactionCost(settings) <= DEFAULT_LIMITS.between_packets_micros_max;
    return {
      smallBytesMax: isCheap ? DEFAULT_LIMITS.small_trace_bytes_max : 0,
      // One for what is made here, and one in each thread that is opened.
      redact: createRedactor(redaction, { onEvicted: (count) => (counters.redaction_texts_evicted += count) }),
      trustedProxies: trustedProxies(settings),
      describer,
      openThread: (memoryBytes) =>
        openTraceThread({ redaction, descriptors, yields: settings.read === null }, memoryBytes),
      ...(hasSpareCore(settings)
        ? {
            openEncoder: (ends: EndsSettings, memoryBytes: number) =>
              openEncodingThread({ redaction, descriptors: null, yields: false, ends }, memoryBytes),
          }
        : {}),
    };
  };
}

/** Whether redaction and encoding of a file that is read may have a core of their own. */
function hasSpareCore({ read, workers }: Settings): boolean {
  return read !== null && workers > 0 && coresAvailable() >= 2;
}

function readDescriptors(name: string): DescriptorSet {
  try {
    return { set: readFileSync(name), name };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`--grpc-descriptors ${JSON.stringify(name)} cannot be read (${code}); give a readable file`);
  }
}

function warnOfSecrets({ noDefaultRedaction, logPackets }: Settings, log: TraceRulesContext['log']): void {
  if (logPackets === 'hex' && log.isLevelEnabled('debug'))
    log.warn('--log-packets hex: the log holds packets as they were captured, with all secrets in them');
  if (noDefaultRedaction)
    log.warn('--no-default-redaction: credentials, tokens and card numbers leave as they were sent');
}
