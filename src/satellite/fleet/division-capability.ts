/**
 * Connections that several sensors see, divided over the custom messages of a fleet. Only sensors that sign take part: anybody
 * else could have it said that others see what they do not.
 */
import type { ServerCapability } from '../../enrolment/opamp/custom.js';
import { DIVISION, DIVISION_CAPABILITY, decodeReport, encodeAnswer, REPORT } from '../../policy/division-message.js';
import type { ConnectionDivision } from './connection-division.js';

/** `now` in milliseconds, by a clock that nobody sets. Reports that are malformed or not signed go without an answer. */
export function divisionCapability(division: ConnectionDivision, now: () => number): ServerCapability {
  return {
    name: DIVISION_CAPABILITY,
    handle({ id, isSigned }, type, data) {
      const report = type === REPORT && isSigned ? decodeReport(data) : null;
      const answer = report === null ? null : division.report(id, report, now());
      return answer === null ? null : { type: DIVISION, data: encodeAnswer(answer) };
    },
    gone: ({ id }) => division.leave(id, now()),
  };
}
