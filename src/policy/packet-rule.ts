/**
 * When the packets of an exchange are wanted: `status>=500`, `latency>2s`, `mark=no-response`, `path~^/pay/`, several of them
 * joined by `and`. `pushed` is whatever the satellite asks for: it may ask for packets where a rule has that, and for no others.
 *
 * in: text · out: a rule, which says of facts about an exchange whether they fit · pure
 */
import { InvalidValue } from '../errors.js';
import { MARK_ROWS } from '../pair/exchange.js';
import { compileRe2, re2Reason } from '../re2.js';

type Comparison = '>=' | '<=' | '>' | '<' | '=';

type Condition =
  | { readonly kind: 'status' | 'latency'; readonly compare: Comparison; readonly value: number }
  | { readonly kind: 'mark'; readonly name: string }
  | { readonly kind: 'path'; readonly pattern: string }
  | { readonly kind: 'pushed' };

export interface PacketRule {
  readonly conditions: readonly Condition[];
}

/** What a rule looks at. This stage knows nothing of HTTP beyond that. */
export interface RuleFacts {
  /** 0 without a response. */
  readonly status: number;
  readonly durationNano: number;
  readonly marks: readonly string[];
  readonly path: string;
}

const NANOS_BY_UNIT: Readonly<Record<string, number>> = { us: 1e3, ms: 1e6, s: 1e9, m: 60e9 };
const MARKS: ReadonlySet<string> = new Set(Object.values(MARK_ROWS).map(({ name }) => name));

/** @throws InvalidValue */
export function parsePacketRule(text: string): PacketRule {
  return { conditions: text.split(/\s+and\s+/).map((one) => parseCondition(one.trim())) };
}

/** A rule of a satellite. @throws InvalidValue */
export function parsePushedRule(text: string): PacketRule {
  const rule = parsePacketRule(text);
  if (mayBePushed([rule])) throw new InvalidValue('says pushed, which is for the sensor to say');
  return rule;
}

/** Whether a satellite may ask for packets. */
export function mayBePushed(rules: readonly PacketRule[]): boolean {
  return rules.some(({ conditions }) => conditions.some(({ kind }) => kind === 'pushed'));
}

function parseCondition(text: string): Condition {
  if (text === 'pushed') return { kind: 'pushed' };
  const [, kind, compare, value = ''] = /^(status|latency|mark|path)\s*(>=|<=|>|<|=|~)\s*(.*)$/s.exec(text) ?? [];
  if ((kind === 'status' || kind === 'latency') && compare !== '~') {
    const number = kind === 'status' ? statusOf(value) : latencyOf(value);
    return { kind, compare: compare as Comparison, value: number };
  }
  if (kind === 'mark' && compare === '=') {
    if (!MARKS.has(value))
      throw new InvalidValue(`${JSON.stringify(value)} is no mark; give one of ${[...MARKS].join(', ')}`);
    return { kind, name: value };
  }
  if (kind === 'path' && compare === '~') return { kind, pattern: patternOf(value) };
  throw new InvalidValue(
    'is no condition; give status>=500, latency>2s, mark=no-response, path~^/pay/ or pushed, or several with and',
  );
}

function statusOf(value: string): number {
  if (!/^\d{1,3}$/.test(value))
    throw new InvalidValue(`${JSON.stringify(value)} is not a number; give a status such as 500`);
  return Number(value);
}

function latencyOf(value: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(us|ms|s|m)$/.exec(value) ?? [];
  if (digits === undefined)
    throw new InvalidValue(`${JSON.stringify(value)} is no time; give a unit, such as 250ms or 2s`);
  return Number(digits) * (NANOS_BY_UNIT[unit] as number);
}

function patternOf(value: string): string {
  try {
    compileRe2(value, 'u');
    return value;
  } catch (error) {
    throw new InvalidValue(
      `${JSON.stringify(value)} is not an RE2 pattern (${re2Reason(error)}); see https://github.com/google/re2/wiki/Syntax`,
    );
  }
}

type Test = (facts: RuleFacts) => boolean;

const NEVER: Test = () => false;

/** A test of facts that fits where one of the rules does. `isPushed` says so of what the satellite asks for. */
export function createRuleMatcher(rules: readonly PacketRule[], isPushed: Test = NEVER): Test {
  const compiled = rules.map(({ conditions }) => conditions.map((one) => createTest(one, isPushed)));
  return (facts) => compiled.some((tests) => tests.every((test) => test(facts)));
}

function createTest(condition: Condition, isPushed: Test): Test {
  if (condition.kind === 'pushed') return isPushed;
  if (condition.kind === 'mark') return ({ marks }) => marks.includes(condition.name);
  if (condition.kind === 'path') {
    const pattern = compileRe2(condition.pattern, 'u');
    return ({ path }) => pattern.test(path);
  }
  const { kind, compare, value } = condition;
  return ({ status, durationNano }) => {
    if (kind === 'status') return status !== 0 && compares(status, compare, value);
    return compares(durationNano, compare, value);
  };
}

function compares(left: number, compare: Comparison, right: number): boolean {
  switch (compare) {
    case '>=':
      return left >= right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '<':
      return left < right;
    case '=':
      return left === right;
  }
}
