/** Fresh random trace and span ids, drawn from a pool so that an id costs no system call. */
export interface TraceIds {
  /** 32 lowercase hex digits, not all zero. */
  traceId(): string;
  /** 16 lowercase hex digits, not all zero. */
  spanId(): string;
}

/** `fill` fills its argument with random bytes, such as `crypto.randomFillSync`. */
export function createTraceIds(fill: (bytes: Uint8Array) => void): TraceIds {
  const pool = Buffer.alloc(4096);
  let used = pool.length;

  function draw(size: number): string {
    for (;;) {
      if (used + size > pool.length) {
        fill(pool);
        used = 0;
      }
      const id = pool.toString('hex', used, used + size);
      used += size;
      if (/[^0]/.test(id)) return id;
    }
  }

  return { traceId: () => draw(16), spanId: () => draw(8) };
}
