import { describe, expect, it } from 'vitest';
import { checkPatternCost } from '../../src/sensor/pattern-cost.js';

describe('the cost of patterns', () => {
  it('lets those pass that people use', () => {
    expect(() => checkPatternCost([])).not.toThrow();
    expect(() =>
      checkPatternCost(['acct_([A-Za-z0-9]{8,32})', '[0-9]{5}-[a-z]+', '(?i)(\\w+)@example\\.com', '^.*(\\w).*$']),
    ).not.toThrow();
  });

  it('refuses one that counts to hundreds of anything, by its name', () => {
    // Some thousand states for each byte: ten times what is allowed on a slow machine, and more than that on a fast one.
    const slow = '((a|b|aB|B1|aB1|1-)*-?){900}z';
    const patterns = ['[0-9]{5}-[a-z]+', slow, `${slow}y`, `${slow}x`];
    expect(() => checkPatternCost(patterns)).toThrow(/^--redact-pattern "\(\(a\|b.* µs for a KiB of text.* allowed/);
  });
});
