/**
 * Keeps the satellite's addresses for the kernel's filter. The name is resolved again and again, because the addresses of a
 * load balancer change, and an address is remembered for a while, because a connection to it may outlive its name.
 *
 * in: the satellite's host and port, the addresses the relay connects to · out: `ExcludedEndpoint`s, when they change
 */

import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ExcludedEndpoint } from './exclusions.js';

export interface SatelliteAddresses {
  readonly endpoints: readonly ExcludedEndpoint[];
  /** Takes an address that the relay connects to: the name may resolve to another for it than it did here. */
  observe(address: string): void;
  stop(): void;
}

export interface SatelliteAddressSettings {
  /** Name or IP literal, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Called with all endpoints when one has come or gone, after the first resolution. */
  readonly onChange: (endpoints: readonly ExcludedEndpoint[]) => void;
  /** Resolves a name; by default as the relay's own connections do. */
  readonly resolve?: (host: string) => Promise<LookupAddress[]>;
  readonly intervalMillis?: number;
  readonly rememberMillis?: number;
}

/** Addresses kept at once; the one seen longest ago is evicted. */
const ADDRESSES_MAX = 64;

/**
 * Resolves the name once before it returns. A name that does not resolve is no error here, since the relay reports it;
 * nothing is excluded until it resolves.
 */
export async function followSatellite(settings: SatelliteAddressSettings): Promise<SatelliteAddresses> {
  const { host, port, onChange } = settings;
  const resolve = settings.resolve ?? ((name: string) => lookup(name, { all: true }));
  const rememberMillis = settings.rememberMillis ?? 600_000;
  /** When each address was last seen; oldest first. */
  const seen = new Map<string, number>();
  let endpoints: readonly ExcludedEndpoint[] = [];
  let ready = false;

  function note(address: string): void {
    // A literal does not change.
    if (seen.get(address) === Number.POSITIVE_INFINITY) return;
    seen.delete(address);
    seen.set(address, performance.now());
  }

  function update(): void {
    const oldest = performance.now() - rememberMillis;
    for (const [address, at] of seen) if (at < oldest || seen.size > ADDRESSES_MAX) seen.delete(address);
    const addresses = [...seen.keys()].sort();
    if (addresses.length === endpoints.length && addresses.every((a, i) => a === endpoints[i]?.address)) return;
    endpoints = addresses.map((address) => ({ address, port }));
    if (ready) onChange(endpoints);
  }

  async function refresh(): Promise<void> {
    try {
      for (const { address } of await resolve(host)) note(address);
    } catch {
      // A failure takes nothing away from what earlier answers gave.
      for (const address of [...seen.keys()]) note(address);
    }
    update();
  }

  if (isIP(host) !== 0) seen.set(host, Number.POSITIVE_INFINITY);
  else await refresh();
  update();
  ready = true;
  const timer = isIP(host) !== 0 ? null : setInterval(() => void refresh(), settings.intervalMillis ?? 30_000);
  timer?.unref();

  return {
    get endpoints() {
      return endpoints;
    },
    observe(address) {
      note(address);
      update();
    },
    stop() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
