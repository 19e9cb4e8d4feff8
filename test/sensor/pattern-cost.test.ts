import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { checkPatternCost, type PatternUse } from '../../src/sensor/pattern-cost.js';

const MOST = DEFAULT_LIMITS.redaction_pattern_micros_max;

function costOf(patterns: readonly string[], use: PatternUse = 'search', most: number = MOST): number {
  return checkPatternCost(
    patterns.map((pattern) => ({ option: '--redact-pattern', pattern })),
    use,
    most,
  );
}

describe('the cost of patterns', () => {
  it('lets those pass that people use', () => {
    expect(costOf([])).toBe(0);
    const common = ['acct_([A-Za-z0-9]{8,32})', '[0-9]{5}-[a-z]+', '(?i)(\\w+)@example\\.com', '^.*(\\w).*$'];
    expect(costOf(common)).toBeLessThanOrEqual(MOST);
    expect(
      costOf(['^/admin/', '(?i)health', '\\.(css|js|png)$'], 'test', DEFAULT_LIMITS.rule_pattern_micros_max),
    ).toBeLessThan(DEFAULT_LIMITS.rule_pattern_micros_max);
  });

  it('refuses one that counts to hundreds of anything, by its name', () => {
    // Some thousand states for each byte: ten times what is allowed on a fast machine, and more than that on a slow one.
    const slow = '((a|b|aB|B1|aB1|1-)*-?){900}';
    const patterns = ['[0-9]{5}-[a-z]+', slow, `${slow}y`, `${slow}x`];
    expect(() => costOf(patterns)).toThrow(/^--redact-pattern "\(\(a\|b.* µs for a KiB of text.* allowed/);
    expect(() => costOf(patterns, 'test', DEFAULT_LIMITS.rule_pattern_micros_max)).toThrow(
      /^--redact-pattern "\(\(a\|b/,
    );
  });
});
