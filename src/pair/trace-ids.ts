/** Fresh random trace and span ids, drawn from a pool so that an id costs neither a system call nor one out of JavaScript. */
export interface TraceIds {
  /** 32 lowercase hex digits, not all zero. */
  traceId(): string;
  /** 16 lowercase hex digits, not all zero. */
  spanId(): string;
}

/** Random bytes drawn at once. */
const POOL_BYTES = 8192;
/** Bytes written as digits at once. An id is a part of that text, which stays as long as any of its ids: it must not be long. */
const TEXT_BYTES = 1024;

/** `fill` fills its argument with random bytes, such as `crypto.randomFillSync`. */
export function createTraceIds(fill: (bytes: Uint8Array) => void): TraceIds {
  const pool = Buffer.alloc(POOL_BYTES);
  let digits = '';
  /** Where the text begins, and where the next id does. */
  let textStart = 0;
  let used = POOL_BYTES;

  function draw(size: number): string {
    for (;;) {
      if (used + size > textStart + TEXT_BYTES || used + size > POOL_BYTES) refill();
      const start = used;
      used += size;
      const at = 2 * (start - textStart);
      for (let i = start; i < used; i++) if (pool[i] !== 0) return digits.slice(at, at + 2 * size);
    }
  }

  function refill(): void {
    textStart += TEXT_BYTES;
    if (textStart >= POOL_BYTES || used >= POOL_BYTES) {
      fill(pool);
      textStart = 0;
    }
    digits = pool.toString('hex', textStart, textStart + TEXT_BYTES);
    used = textStart;
  }

  return { traceId: () => draw(16), spanId: () => draw(8) };
}
