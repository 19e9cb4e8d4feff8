/**
 * A trace as one readable line.
 *
 * in: what a satellite received · out: text without a control character, whatever the wire had
 */
import type { SatelliteTrace } from '../satellite/satellite-trace.js';

const TARGET_CHARACTERS_MAX = 120;

export function traceLine(trace: SatelliteTrace): string {
  const target =
    trace.target.length > TARGET_CHARACTERS_MAX ? `${trace.target.slice(0, TARGET_CHARACTERS_MAX)}…` : trace.target;
  const took = `${(trace.durationNano / 1e6).toFixed(1)} ms`;
  const tags = [trace.serviceName, trace.environment, trace.organization].filter((tag) => tag !== '');
  const line = `${trace.method.padEnd(6)} ${trace.status ?? '---'} ${took.padStart(9)}  ${trace.authority}${target}  ${tags.join(' ')}`;
  return `${printable(line.trimEnd())}  ${trace.traceId}`;
}

/** Escapes what would steer a terminal: a target or a header comes from whoever sent the request. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
