/** Milliseconds that `Retry-After` asks to wait (RFC 9110 §10.2.3: seconds or a date), or null. */
export function parseRetryAfter(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // A date begins with the day's name (RFC 9110 §5.6.7); `Date.parse` would also make one of "-1".
  const date = /^[A-Z][a-z]+,? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
