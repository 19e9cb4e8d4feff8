/** What a test file of this project sees of the network: loopback, and nothing of what others send. */
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { needs } from './support/needs.js';

describe('a test file that captures', needs('capture', 'namespaces', 'ip'), () => {
  it('has a network of its own', () => {
    expect(Object.keys(networkInterfaces())).toEqual(['lo']);
  });
});
