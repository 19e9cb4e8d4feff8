/**
 * What is loaded when it is first asked for, and then kept.
 */

/** Returns a function that calls `load` once and returns its value ever after. A `load` that throws is called again. */
export function lazy<T extends object>(load: () => T): () => T {
  let loaded: T | null = null;
  return () => {
    loaded ??= load();
    return loaded;
  };
}
