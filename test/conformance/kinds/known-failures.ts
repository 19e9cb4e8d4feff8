/** Variations, each behind its kind, that the sensor does not get right yet. None may be added. */
export const KNOWN_FAILURES: readonly string[] = [];
