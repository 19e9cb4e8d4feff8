/**
 * The last words of a test run, each on a line of its own and without colour: what the tests left behind, which passed at
 * the second try only, how many were skipped for want of what, and `N passed, N failed`.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { leftBehind } from './left-behind.js';

export class TallyReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Promise<void> {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    const lacking = new Map<string, number>();
    const flaky: string[] = [];
    for (const module of modules) {
      // A file that cannot be loaded and a hook that fails have no test to count, but failed all the same.
      for (const suite of [module, ...module.children.allSuites()]) if (suite.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        if (test.diagnostic()?.flaky) flaky.push(`${module.relativeModuleId}: ${test.fullName}`);
        if (state === 'failed') failed++;
        if (state !== 'skipped') continue;
        skipped++;
        for (const lack of lacksOf(test)) lacking.set(lack, (lacking.get(lack) ?? 0) + 1);
      }
    }
    const left = await leftBehind();
    for (const line of left) process.stdout.write(`left behind by the tests: ${line}\n`);
    failed += left.length;
    if (left.length > 0) process.exitCode = 1;
    for (const name of flaky) process.stdout.write(`passed at the second try: ${name}\n`);
    process.stdout.write(`\n${skippedLine(skipped, lacking)}${passed} passed, ${failed} failed\n`);
  }
}

/** What the test or a suite around it is skipped for. */
function lacksOf(test: TestCase): readonly string[] {
  const { lacks = [] } = test.meta();
  return lacks.length === 0 ? ['other reasons'] : lacks;
}

/**
 * `12 skipped for want of: nginx-light (9), tcpreplay (5)`, the most frequent first; nothing where none is. A test that lacks
 * several things is counted for each.
 */
export function skippedLine(skipped: number, lacking: ReadonlyMap<string, number>): string {
  const rows = [...lacking].toSorted(
    ([oneName, one], [otherName, other]) => other - one || (oneName < otherName ? -1 : 1),
  );
  if (skipped === 0) return '';
  return `${skipped} skipped for want of: ${rows.map(([name, count]) => `${name} (${count})`).join(', ')}\n`;
}
