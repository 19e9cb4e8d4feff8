/** What is a call, and what its path and trailers say. */
import { describe, expect, it } from 'vitest';
import type { HeaderPair } from '../../src/pair/exchange.js';
import { rpcOf } from '../../src/trace/rpc.js';
import { sampleTrace } from '../support/trace.js';

type Parts = NonNullable<Parameters<typeof sampleTrace>[0]>;

const type = (value: string): HeaderPair[] => [['content-type', value]];
const call = (path: string, response: Parts['response'] = null) =>
  sampleTrace({ request: { path, headers: type('application/grpc') }, response });

describe('a call', () => {
  it.each([
    'application/grpc',
    'application/grpc+proto',
    'Application/GRPC; charset=utf-8',
    'application/grpc-web',
    'application/grpc-web-text+proto',
  ])('is known by %s', (value) => {
    expect(rpcOf(sampleTrace({ request: { headers: type(value) } }))?.system).toBe('grpc');
  });

  it.each(['application/json', 'application/grpcx', 'text/application/grpc', 'application/grpc-status'])(
    'is none by %s',
    (value) => {
      expect(rpcOf(sampleTrace({ request: { headers: type(value) } }))).toBeNull();
    },
  );

  it.each([
    ['/helloworld.Greeter/SayHello', 'helloworld.Greeter', 'SayHello'],
    ['/Greeter/Hi', 'Greeter', 'Hi'],
    ['/a/b/c', null, null],
    ['//b', null, null],
    ['/a', null, null],
    ['', null, null],
  ])('to %j is of a service and method', (path, service, method) => {
    expect(rpcOf(call(path))).toEqual({ system: 'grpc', service, method, status: null, message: null });
  });

  it.each([
    ['from the trailers', { trailers: [['grpc-status', '0']] }, 'OK'],
    ['from a response that has nothing else', { headers: [['grpc-status', '12']], trailers: [] }, 'UNIMPLEMENTED'],
    ['the last of them', { trailers: [['grpc-status', '16']] }, 'UNAUTHENTICATED'],
    ['without a name', { trailers: [['grpc-status', '017']] }, '17'],
    ['that is no number', { trailers: [['grpc-status', '-1']] }, null],
    ['that never came', { trailers: [] }, null],
  ] as [string, Parts['response'], string | null][])('has a status %s', (_what, response, status) => {
    expect(rpcOf(call('/a/b', response))?.status).toBe(status);
  });

  it('of which only the response was seen is one', () => {
    expect(rpcOf(sampleTrace({ response: { headers: type('application/grpc') } }))?.system).toBe('grpc');
  });
});
