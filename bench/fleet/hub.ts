/**
 * A satellite in a namespace of its own, that others are joined to: each by a veth pair, so that nothing else goes that way.
 *
 * in: namespaces, what the satellite is started with · out: its URL for each of them, and what it answers
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNamespace, joinNamespaces, type Namespace } from '../live/namespace.js';

export interface HubSettings {
  readonly spokes: readonly Namespace[];
  readonly directory: string;
  /** The program `pcap-sensor`. */
  readonly program: string;
  readonly options?: readonly string[];
}

export interface Hub {
  /** What sensors are given so that they enrol at the satellite. */
  readonly keyFile: string;
  /** By the place of the namespace in `spokes`. */
  urlFor(spoke: number): string;
  /** What the satellite answers, to a GET unless another method is given. Throws where that is a failure. */
  ask(path: string, method?: 'GET' | 'PUT' | 'DELETE', body?: object): string;
  remove(): Promise<void>;
}

const PORT = 9999;
const TOKEN = 'read-token-of-the-bench';

export async function openHub({ spokes, directory, program, options = [] }: HubSettings): Promise<Hub> {
  const keyFile = join(directory, 'fleet.keys');
  const tokenFile = join(directory, 'read.token');
  writeFileSync(keyFile, 'the-key-of-the-bench-fleet\n');
  writeFileSync(tokenFile, `${TOKEN}\n`);
  const hub = createNamespace('hub');
  for (const [number, namespace] of spokes.entries())
    joinNamespaces(
      { namespace: hub, device: `to${number}`, address: `10.78.${number}.1/30` },
      { namespace, device: 'hub', address: `10.78.${number}.2/30` },
    );
  const words = ['satellite', '--host', '0.0.0.0', '--enrolment-key-file', keyFile, '--read-token-file', tokenFile];
  const satellite = hub.start('satellite', [program, ...words, ...options], { directory });
  await satellite.listening(PORT);
  return {
    keyFile,
    urlFor: (spoke) => `http://10.78.${spoke}.1:${PORT}`,
    ask(path, method = 'GET', body = undefined) {
      const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' };
      const about = JSON.stringify({ method, headers, body: JSON.stringify(body) });
      const script = `fetch('http://127.0.0.1:${PORT}${path}', ${about})
        .then(async (r) => { if (!r.ok) throw new Error(await r.text()); process.stdout.write(await r.text()); })`;
      return hub.run(process.execPath, '-e', script);
    },
    remove: () => hub.remove(),
  };
}
