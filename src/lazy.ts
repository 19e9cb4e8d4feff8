/** Things that are loaded when they are first needed, and then kept. */

/** Returns a function that calls `load` once, and again only if it threw, and returns its value ever after. */
export function lazy<T extends object>(load: () => T): () => T {
  let loaded: T | null = null;
  return () => {
    loaded ??= load();
    return loaded;
  };
}
