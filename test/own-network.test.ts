/** What a test file of this project sees of the network: loopback, up, and nothing of what others send. */
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { mayMakeNetworks } from './support/own-network.js';

describe('a test file that captures', { skip: !mayMakeNetworks }, () => {
  it('has a network of its own', () => {
    expect(Object.keys(networkInterfaces())).toEqual(['lo']);
  });
});
