/**
 * What the doctor found, as text: a line for each check, and below it what to do if something is wrong.
 *
 * in: findings · out: the report, and the exit code · pure
 */

import { type Counters, DROP_REASONS } from '../../counters.js';
import type { UnreadKind } from '../../decode/unread-packets.js';
import { type UnreadFlowKind, unreadFlowsText } from '../../http/unread-flows.js';
import type { ProbeResult } from '../../output/satellite/probe.js';
import { printableLine } from '../../printable.js';
import type { Diagnosis } from '../../sensor/diagnosis.js';
import { protocolsSeen } from '../../sensor/protocols-seen.js';
import type { Surroundings } from '../../task/surroundings.js';

export interface Finding {
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly what: string;
  readonly found: string;
  /** What to do; empty if there is nothing to do. */
  readonly advice: string;
}

const MEMORY_BYTES_MIN = 100 * 2 ** 20;
const CPUS_MIN = 0.1;

export function capabilityFinding(canCapture: boolean | null, remedy: string): Finding {
  if (canCapture !== false)
    return {
      verdict: 'ok',
      what: 'capability',
      found: canCapture ? 'CAP_NET_RAW' : 'not needed to know here',
      advice: '',
    };
  return {
    verdict: 'fail',
    what: 'capability',
    found: 'CAP_NET_RAW is missing',
    advice: remedy,
  };
}

export function limitFindings({ memoryLimitBytes, cpus }: Surroundings): Finding[] {
  const mebibytes = Math.round(memoryLimitBytes / 2 ** 20);
  return [
    memoryLimitBytes >= MEMORY_BYTES_MIN
      ? { verdict: 'ok', what: 'memory', found: `${mebibytes} MiB`, advice: '' }
      : { verdict: 'warn', what: 'memory', found: `${mebibytes} MiB`, advice: 'give the container 128 MiB or more' },
    cpus >= CPUS_MIN
      ? { verdict: 'ok', what: 'cpu', found: `${Math.round(cpus * 100) / 100}`, advice: '' }
      : {
          verdict: 'warn',
          what: 'cpu',
          found: `${cpus}`,
          advice: 'packets will be lost under load; give it 0.25 vCPU',
        },
  ];
}

export function satelliteFinding(base: string | null, probe: ProbeResult | null): Finding {
  const what = 'satellite';
  if (base === null || probe === null)
    return { verdict: 'warn', what, found: 'none given', advice: 'give --satellite-url to have it checked' };
  if (probe.problem !== null)
    return { verdict: 'fail', what, found: `${base}: ${probe.problem}`, advice: probe.advice };
  return { verdict: 'ok', what, found: `${base} speaks ${probe.protocol}, ${probe.millis} ms`, advice: '' };
}

/** Packets of what the sensor does not read are no fault: most networks have some. */
export function unreadFinding(unread: readonly UnreadKind[]): Finding {
  const found = unread.map(({ what, packets }) => `${what}: ${packets}`).join(', ');
  return { verdict: 'ok', what: 'not read', found, advice: '' };
}

/** Connections that are not read, said beside the exchanges that are: a health check alone is not all there is. */
export function unreadFlowsFinding(kinds: readonly UnreadFlowKind[]): Finding {
  return { verdict: 'warn', what: 'connections', found: `not read: ${unreadFlowsText(kinds)}`, advice: '' };
}

/** What is seen of each protocol beside HTTP/1; none of it is a fault. */
export function protocolFindings(counters: Readonly<Counters>): Finding[] {
  const { requests_without_path: unknown } = counters;
  return protocolsSeen(counters).map(({ what, found }) => {
    if (what !== 'HTTP/2' || unknown === 0) return { verdict: 'ok', what, found, advice: '' };
    return {
      verdict: 'ok',
      what,
      found: `${found}, ${unknown} requests on them without a known path`,
      advice: 'those refer to headers sent before the sensor looked; connections that open later have them all',
    };
  });
}

/** What settings keep from the traffic, each with the option that changes it. */
export function excludedFindings(counters: Readonly<Counters>): Finding[] {
  return DROP_REASONS.flatMap(({ excludedBy, keepsAll, counter }) =>
    excludedBy === null || keepsAll === null || counters[counter] === 0
      ? []
      : [{ verdict: 'warn', what: 'not kept', found: `${counters[counter]} by ${excludedBy}`, advice: keepsAll }],
  );
}

export function trafficFinding(diagnosis: Diagnosis | null, exchanges: number, seconds: number): Finding {
  const what = 'traffic';
  if (diagnosis !== null) return { verdict: 'fail', what, found: diagnosis.message, advice: diagnosis.advice };
  return { verdict: 'ok', what, found: `${exchanges} exchanges in ${seconds} s`, advice: '' };
}

export function reportText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings
    .flatMap(({ verdict, what, found, advice }) => [
      `${verdict.padEnd(4)}  ${what.padEnd(width)}  ${found}`,
      ...(advice === '' ? [] : [`${' '.repeat(6)}${' '.repeat(width)}  → ${advice}`]),
    ])
    .map((line) => printableLine(line));
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
  return `${lines.join('\n')}\n\n${failed === 0 ? 'healthy' : `${failed} of ${findings.length} checks failed`}\n`;
}

/** 0 healthy, 1 not. */
export function exitCodeOf(findings: readonly Finding[]): number {
  return findings.some(({ verdict }) => verdict === 'fail') ? 1 : 0;
}
