/**
 * The application and its clients, each as a process of its own.
 *
 *     traffic.ts api PORT            answers every request with some kilobytes that do not compress
 *     traffic.ts load PORT RATE      requests at a steady rate over kept connections
 *
 * load, in: `{ phase }` (latencies from now on count there), `{ stop }` · out: `{ done, failed, phases }` when all are answered
 */
import { randomBytes } from 'node:crypto';
import { Agent, createServer, get } from 'node:http';

export interface LoadReport {
  readonly done: number;
  readonly failed: number;
  /** By phase, milliseconds. */
  readonly phases: Readonly<Record<string, { p50: number; p99: number; max: number }>>;
}

const BODIES = 256;
const BODY_BYTES = 2000;
const CONNECTIONS = 8;
const STEP_MILLIS = 5;

const [, , role, port, rate] = process.argv;
process.on('disconnect', () => process.exit());
if (role === 'api') serve(Number(port));
else load(Number(port), Number(rate));

function serve(at: number): void {
  const bodies = Array.from({ length: BODIES }, () =>
    JSON.stringify({ item: randomBytes(BODY_BYTES).toString('base64') }),
  );
  let answered = 0;
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(bodies[answered++ % BODIES]);
  });
  server.listen(at, '127.0.0.1', () => process.send?.({ listening: true }));
}

function load(at: number, perSecond: number): void {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latencies = new Map<string, number[]>();
  let current: number[] = [];
  let sent = 0;
  let done = 0;
  let failed = 0;
  let stopped = false;
  const began = performance.now();

  const finish = (): void => {
    if (!stopped || done + failed < sent) return;
    const phases = Object.fromEntries([...latencies].map(([name, values]) => [name, percentiles(values)]));
    process.send?.({ done, failed, phases } satisfies LoadReport, () => process.exit());
  };
  process.on('message', (message: { phase?: string; stop?: true }) => {
    if (message.phase !== undefined) {
      current = latencies.get(message.phase) ?? [];
      latencies.set(message.phase, current);
    }
    if (message.stop) {
      stopped = true;
      clearInterval(timer);
      finish();
    }
  });
  const timer = setInterval(() => {
    for (const due = ((performance.now() - began) / 1000) * perSecond; sent < due; sent++) {
      const into = current;
      const from = performance.now();
      get({ agent, host: '127.0.0.1', port: at, path: `/items/${sent}` }, (response) => {
        response.resume();
        response.on('end', () => {
          into.push(performance.now() - from);
          done++;
          finish();
        });
      }).on('error', () => {
        failed++;
        finish();
      });
    }
  }, STEP_MILLIS);
}

function percentiles(values: number[]): { p50: number; p99: number; max: number } {
  values.sort((a, b) => a - b);
  const at = (share: number): number => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
