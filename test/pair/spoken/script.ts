/**
 * The script of a conversation: what a client and a server say to each other on one pair of ports, in one connection
 * or several, and what their network and the capture do to it.
 *
 * Everything random is decided here or follows from a seed kept here, so that a script with a part taken out says the
 * rest as before: that is how a failing one is made small.
 */
import { Random } from '../../support/random.js';
import { FLAVOURS, type Flavour, foreignTurns, type RandomBody } from './bodies.js';
import { bodilessResponse, type Framing, type Message, randomMessage } from './messages.js';

/** How the client handles `Expect: 100-continue` (RFC 9110 §10.1.1), and what it meets. */
export type Expectation = 'none' | 'continued' | 'impatient' | 'refused' | 'refused, body sent';

export interface SpokenExchange {
  /** In both heads, as `X-Id`. */
  id: string;
  method: string;
  target: string;
  request: Message;
  status: number;
  reason: string;
  response: Message;
  /** Interim responses in front of the final one (RFC 9110 §15.2). */
  interims: Buffer;
  expectation: Expectation;
  /** Whether the server answers before it has all of the request. */
  isEarly: boolean;
  /** Bytes of the response after which the server resets the connection, or -1. */
  abortsAt: number;
  /** Nanoseconds the server takes, and the client before its next request. */
  service: number;
  think: number;
  flavour: Flavour;
}

export type End = 'client fin' | 'server fin' | 'client rst' | 'server rst' | 'none';

export interface Turn {
  fromClient: boolean;
  body: RandomBody;
}

export interface Connection {
  seed: number;
  exchanges: SpokenExchange[];
  /** What is said once HTTP is over, or instead of it. */
  tail: Turn[];
  /** Requests that the client has under way at once. */
  depth: number;
  end: End;
  /** Whether the side that sends the requests also opened the connection. */
  clientOpens: boolean;
  /** Where on the path the packets are captured: 0 beside the client, 1 beside the server. */
  place: number;
  roundTrip: number;
  /** Largest payload of a segment. */
  segment: number;
  /** Share of the segments that a network between loses once, and of those that are sent twice for nothing. */
  networkLoss: number;
  spurious: number;
}

export interface LossProfile {
  rate: number;
  /** Packets that are lost in one go, on average. */
  burst: number;
}

export interface Script {
  seed: number;
  connections: Connection[];
  loss: LossProfile;
  /** Places by which a packet may be captured too late, and the share that is. */
  lateWindow: number;
  lateShare: number;
  /** Share of the packets that are captured twice. */
  twice: number;
  start: 'syn' | 'syn-ack' | 'middle';
  /** The flavour of most bodies, or of the whole connection where it is not HTTP. */
  flavour: Flavour | 'mixed';
  isForeign: boolean;
}

const MILLI = 1e6;

export function randomScript(seed: number): Script {
  const random = new Random(seed);
  const isForeign = random.chance(0.05);
  const flavour = isForeign
    ? random.pick(['redis', 'kafka', 'mysql'] as const)
    : random.chance(0.35)
      ? 'plain'
      : random.pick([...FLAVOURS.slice(1), 'mixed', 'mixed'] as const);
  const script: Script = {
    seed,
    connections: [],
    loss: { rate: random.pick([0, 0, 0.002, 0.01, 0.02, 0.05]), burst: random.pick([1, 1, 4]) },
    lateWindow: random.pick([0, 0, 2, 8, 24]),
    lateShare: 0.1,
    twice: random.pick([0, 0, 0.02, 0.1]),
    start: random.chance(0.2) ? 'middle' : random.chance(0.15) ? 'syn-ack' : 'syn',
    flavour,
    isForeign,
  };
  const connections = random.chance(0.2) ? random.between(2, 3) : 1;
  for (let i = 0; i < connections; i++) script.connections.push(randomConnection(random, script, i));
  return script;
}

function randomConnection(random: Random, script: Script, index: number): Connection {
  const connection: Connection = {
    seed: random.between(0, 2 ** 31),
    exchanges: [],
    tail: [],
    depth: random.chance(0.6) ? 1 : random.between(2, 6),
    end: random.pick(['client fin', 'client fin', 'server fin', 'server fin', 'client rst', 'server rst', 'none']),
    clientOpens: !random.chance(0.02),
    place: random.pick([0, 1, 0.5, 0.01]),
    roundTrip: random.pick([0.05, 0.3, 2, 40]) * MILLI,
    segment: random.pick([1448, 1448, 1448, 536, 200]),
    networkLoss: random.pick([0, 0, 0, 0.01]),
    spurious: random.pick([0, 0, 0.02]),
  };
  if (script.isForeign) {
    connection.tail = foreignTurns(random, script.flavour as 'redis' | 'kafka' | 'mysql');
    return connection;
  }
  const share = random.next();
  const count = share < 0.4 ? random.between(1, 4) : share < 0.9 ? random.between(5, 15) : random.between(20, 80);
  const hasRareMethods = random.chance(0.05);
  const isSlow = random.chance(0.02);
  for (let i = 0; i < count; i++) {
    const exchange = randomExchange(random, script, `${script.seed}.${index}.${i}`, hasRareMethods);
    if (isSlow && random.chance(1 / count)) exchange.service = random.between(11, 60) * 1e9;
    if (connection.depth > 1) exchange.expectation = 'none';
    connection.exchanges.push(exchange);
  }
  endRandomly(random, connection, script);
  return connection;
}

/** Gives the last exchange what only a last one can have. */
function endRandomly(random: Random, connection: Connection, script: Script): void {
  const last = connection.exchanges.at(-1) as SpokenExchange;
  if (last.expectation !== 'none') return;
  const way = random.next();
  if (way < 0.15 && last.method !== 'HEAD' && last.status !== 204 && last.status !== 304) {
    last.response = randomMessage(random, {
      ...responseShape(last),
      framing: 'close',
    });
    if (connection.end === 'none' || connection.end === 'client fin') connection.end = 'server fin';
  } else if (way < 0.25 && last.response.bytes.length > 1) {
    last.abortsAt = random.between(1, last.response.bytes.length - 1);
    connection.end = random.pick(['server rst', 'server rst', 'none']);
  } else if (way < 0.28) {
    const { id, target, flavour } = last;
    const headers: [string, string][] = [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'raw'],
    ];
    const request = {
      startLine: `GET ${target} HTTP/1.1`,
      headers: [['Host', 'a'], ['X-Id', id], ...headers] as [string, string][],
    };
    Object.assign(last, {
      method: 'GET',
      request: randomMessage(random, { ...request, framing: 'none', flavour, isRequest: true }),
      status: 101,
      reason: 'Switching Protocols',
      interims: NOTHING,
      isEarly: false,
    });
    last.response = randomMessage(random, {
      ...responseShape(last),
      headers: [['X-Id', id], ...headers],
      framing: 'none',
    });
    const store = random.pick(['redis', 'kafka', 'mysql'] as const);
    connection.tail = script.flavour === 'plain' ? [] : foreignTurns(random, store);
  }
}

const NOTHING = Buffer.alloc(0);
const METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];
const RARE_METHODS = ['patch', 'M-SEARCH', 'PROPFIND', 'FROBNICATE', 'Get', 'x'];
const STATUSES: readonly [number, string][] = [
  [200, 'OK'],
  [200, 'OK'],
  [200, ''],
  [201, 'Created'],
  [404, 'Not Found'],
  [500, 'Internal Server Error'],
  [204, 'No Content'],
  [304, 'Not Modified'],
];

function randomExchange(random: Random, script: Script, id: string, hasRareMethods: boolean): SpokenExchange {
  const method = hasRareMethods && random.chance(0.3) ? random.pick(RARE_METHODS) : random.pick(METHODS);
  const flavour = flavourOf(random, script);
  const takesBody = ['POST', 'PUT', 'PATCH', 'patch'].includes(method);
  const expectation: Expectation =
    takesBody && random.chance(0.1) ? random.pick(['continued', 'impatient', 'refused', 'refused, body sent']) : 'none';
  const target = `/${random.pick(['a', 'items', 'v1/users'])}/${id}`;
  const headers: [string, string][] = [
    ['Host', 'a'],
    ['X-Id', id],
  ];
  if (expectation !== 'none') headers.push(['Expect', '100-continue']);
  const framing: Framing = takesBody ? random.pick(['length', 'length', 'chunked']) : 'none';
  const startLine = `${method} ${target} HTTP/1.1`;
  const request = randomMessage(random, { startLine, headers, framing, flavour, isRequest: true });
  const [status, reason] = expectation.startsWith('refused')
    ? ([417, 'Expectation Failed'] as const)
    : random.pick(STATUSES);
  const exchange: SpokenExchange = {
    id,
    method,
    target,
    request,
    status,
    reason,
    response: request,
    interims: NOTHING,
    expectation,
    isEarly: takesBody && expectation === 'none' && random.chance(0.04),
    abortsAt: -1,
    service: random.next() * random.pick([0.2, 5, 50]) * MILLI,
    think: random.chance(0.02) ? random.between(1, 30) * 1e9 : random.next() * 20 * MILLI,
    flavour,
  };
  const isBodiless = method === 'HEAD' || status === 204 || status === 304;
  const shape = responseShape(exchange);
  exchange.response = isBodiless
    ? bodilessResponse(random, shape.startLine, shape.headers, method)
    : randomMessage(random, { ...shape, framing: random.pick(['length', 'length', 'chunked']) });
  if (random.chance(0.03)) exchange.interims = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n');
  return exchange;
}

function responseShape({ id, status, reason, flavour }: SpokenExchange) {
  const headers: [string, string][] = [['X-Id', id]];
  return { startLine: `HTTP/1.1 ${status} ${reason}`, headers, flavour, isRequest: false };
}

function flavourOf(random: Random, { flavour }: Script): Flavour {
  if (flavour === 'mixed') return random.pick(FLAVOURS);
  return random.chance(0.75) ? flavour : 'plain';
}
