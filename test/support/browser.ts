/** Debian's Chromium, which asks nothing of anybody, and what axe finds on a page. */
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

interface AxeResult {
  violations: { id: string; impact: string; nodes: { html: string }[] }[];
}

/** The rules that go by colours. */
export const COLOUR_RULES: readonly string[] = ['color-contrast', 'link-in-text-block'];

/** What is serious or critical: the rule, and the first element that breaks it. `rules`: which; all by default. */
export async function seriousOf(
  page: Page,
  rules: readonly string[] | null = null,
): Promise<(readonly [rule: string, html: string | undefined])[]> {
  const session = await page.context().newCDPSession(page);
  // In a world of its own, which the policy of the page does not hold for.
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
  const evaluate = (expression: string) =>
    session.send('Runtime.evaluate', {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
  await evaluate(axe.source);
  const options = {
    resultTypes: ['violations'],
    ...(rules === null ? {} : { runOnly: { type: 'rule', values: rules } }),
  };
  const { result } = await evaluate(`axe.run(document, ${JSON.stringify(options)})`);
  await session.detach();
  return (result.value as AxeResult).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, nodes[0]?.html] as const);
}
