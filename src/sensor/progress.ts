/**
 * The line a minute: what happened in the last one and, if nothing was seen, why.
 *
 * in: counters now and a minute ago · out: fields and a message for the log · pure
 */
import { type Counters, DROP_REASONS, exchangesInFlight } from '../counters.js';
import { type UnreadFlowKind, unreadFlowsText } from '../http/unread-flows.js';
import { countersBetween, diagnose, type Observation } from './diagnosis.js';
import { protocolsText } from './protocols-seen.js';

export interface ProgressLine {
  readonly level: 'info' | 'warn';
  readonly fields: Readonly<Record<string, number | string>>;
  readonly message: string;
}

export interface ProgressContext extends Omit<Observation, 'counters'> {
  readonly seconds: number;
  readonly packetsDropped: number;
  readonly residentBytes: number;
  /** Connections of the minute that are not read, most first. */
  readonly unreadFlows?: readonly UnreadFlowKind[];
}

export function progressLine(
  before: Readonly<Counters>,
  now: Readonly<Counters>,
  context: ProgressContext,
): ProgressLine {
  const minute = countersBetween(before, now);
  const fields = {
    packets: minute.packets_seen,
    packetsDropped: context.packetsDropped,
    gaps: minute.gaps,
    seen: minute.exchanges_seen,
    exported: minute.exchanges_exported,
    ...dropped(minute),
    inFlight: exchangesInFlight(now),
    queueBytes: now.queue_bytes,
    spoolTraces: now.spool_traces,
    retries: minute.export_retries,
    rssMiB: Math.round(context.residentBytes / 2 ** 20),
  };
  const why = diagnose({ ...context, counters: minute });
  if (why !== null)
    return { level: 'warn', fields: { ...fields, why: why.code, advice: why.advice }, message: why.message };
  const { responses_late: late, requests_without_path: withoutPath } = minute;
  const unread = unreadFlowsText(context.unreadFlows ?? []);
  const protocols = protocolsText(minute);
  return {
    level: 'info',
    fields: {
      ...fields,
      ...(protocols === '' ? {} : { protocols }),
      ...(unread === '' ? {} : { connectionsNotRead: unread }),
    },
    message:
      `${fields.seen} exchanges seen, ${fields.exported} exported in ${Math.round(context.seconds)} s` +
      (protocols === '' ? '' : `; ${protocols}`) +
      (unread === '' ? '' : `; connections not read: ${unread}`) +
      (withoutPath === 0
        ? ''
        : `; ${withoutPath} requests of HTTP/2 without a known path, on connections that were open before`) +
      (late === 0 ? '' : `; ${late} responses came after --response-timeout-seconds, for which a longer time helps`),
  };
}

/** The drops of the minute, by the fields that the reasons' rows name. */
function dropped(minute: Readonly<Counters>): Readonly<Record<string, number>> {
  const fields: Record<string, number> = {};
  for (const { progress, counter } of DROP_REASONS) fields[progress] = (fields[progress] ?? 0) + minute[counter];
  return fields;
}
