/** Crafted cases that the sensor does not get right yet. A line goes when its case is right; none may be added. */
export const KNOWN_FAILURES: readonly string[] = [];
