/**
 * Makes what traces are redacted by while the sensor waits for the first of them, a piece in each turn of the event loop.
 *
 * in: what redacts traces · out: nothing: it is faster when they come
 */
import { preparation } from '../redact/prepare-redaction.js';
import type { Trace } from '../trace/trace.js';

export function prepareTraces(redact: (trace: Trace) => void): void {
  const steps = preparation(redact);
  const next = (): void => {
    try {
      steps.shift()?.();
    } catch {
      // The first trace meets it again, and says so.
    }
    if (steps.length > 0) setImmediate(next);
  };
  setImmediate(next);
}
