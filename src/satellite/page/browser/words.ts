/** Numbers and times as people read them. */

export function duration(nanos: number): string {
  if (nanos < 1e3) return `${nanos} ns`;
  if (nanos < 1e6) return `${Math.round(nanos / 1e3)} µs`;
  if (nanos < 1e9) return `${(nanos / 1e6).toFixed(nanos < 1e7 ? 1 : 0)} ms`;
  return `${(nanos / 1e9).toFixed(2)} s`;
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return bytes < 1 << 30 ? `${(bytes / (1 << 20)).toFixed(1)} MiB` : `${(bytes / (1 << 30)).toFixed(2)} GiB`;
}

export const count = (value: number): string => value.toLocaleString('en');

/** Of microseconds since 1970, in the time zone of the browser. */
export function clock(micros: number): string {
  const date = new Date(micros / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** With the time zone, which is the browser's. */
export const dateTime = (micros: number): string =>
  `${new Date(micros / 1000).toLocaleString('sv')} ${ZONE.formatToParts(micros / 1000).find(({ type }) => type === 'timeZoneName')?.value ?? ''}`;

const ZONE = new Intl.DateTimeFormat('en', { timeZoneName: 'short' });

export function ago(micros: number): string {
  const seconds = Math.max(0, Date.now() - micros / 1000) / 1000;
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 129_600 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}
