/**
 * Active response: connections that an order or a rule matches are reset at both ends.
 *
 * in: flows and requests as they are seen, orders of the satellite, the time · out: resets to `send`; each order, reset and refusal in
 * the log, the counters and the report
 *
 * Nothing is sent in a dry run, and without `send` nothing can be. Never touched: SSH, the sensor's own ports, metadata endpoints, and
 * connections on which a probe of health was seen.
 */
import type { Counters } from '../counters.js';
import { type Flow, FlowPhase } from '../flow/flow.js';
import type { Limits } from '../limits.js';
import type { Exchange } from '../pair/exchange.js';
import { requestAuthority, requestPath, withoutPort } from '../pair/request-target.js';
import { isHealthCheck } from '../policy/health-check.js';
import { createSlidingCount } from '../policy/sliding-count.js';
import { clientSide, type FollowedFlow, FollowedFlows } from './followed-flows.js';
import { endpointText, type Match, matchesClient } from './match.js';
import { decodeOrder } from './order.js';
import { addressProtection, SSH_PORT } from './protected.js';
import { resetsOf } from './resets.js';

export interface ResponderLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ResponderContext {
  readonly mode: 'dry-run' | 'on';
  /** Rules of the sensor's own options, which hold as long as it runs. */
  readonly rules: readonly Match[];
  readonly perMinute: number;
  /** Ports that the sensor listens on. */
  readonly ownPorts: readonly number[];
  /** Sends one IP packet. @throws with the errno's name as `code` */
  readonly send: (packet: Buffer) => void;
  readonly counters: Counters;
  readonly limits: Pick<Limits, 'response_orders_max' | 'response_actions_max' | 'response_logged_per_minute_max'>;
  readonly log: ResponderLog;
  /** Milliseconds, by a clock that nobody sets. */
  readonly now: () => number;
  readonly after: (millis: number, work: () => void) => void;
}

/** What was done about a connection, for the satellite. */
export interface ResponseAction {
  readonly did: 'reset' | 'dry-run' | 'refused';
  /** The order's id, or the text of the rule. */
  readonly by: string;
  readonly connection: string;
  /** Why it was refused. */
  readonly reason?: string;
}

interface Standing {
  /** An order's id; null for a rule of the sensor's own. */
  readonly id: string | null;
  readonly match: Match;
  /** When it ends. */
  readonly until: number;
}

/** When a connection that goes on is sent resets again: by then its ends have said what they wait for. */
const AGAIN_MILLIS = [5, 12, 25, 50, 80, 160, 320];

export class Responder {
  readonly #context: ResponderContext;
  readonly #flows = new FollowedFlows();
  readonly #resets = createSlidingCount();
  readonly #logged = createSlidingCount();
  #standing: Standing[];
  #actions: ResponseAction[] = [];

  constructor(context: ResponderContext) {
    this.#context = context;
    const until = Number.POSITIVE_INFINITY;
    this.#standing = context.rules.map((match) => ({ id: null, match, until }));
  }

  /** A connection whose bytes are read. */
  onOpened(flow: Flow): void {
    const followed = this.#flows.open(flow);
    for (const one of this.#inForce()) if (one.match.kind === 'connection') this.#consider(followed, one, null);
  }

  /** It is given to a protocol; one without requests is matched by its client now. */
  onProtocol(flow: Flow, protocol: string): void {
    const followed = this.#flows.of(flow);
    if (followed === undefined || REQUESTS.test(protocol)) return;
    for (const one of this.#inForce()) if (one.match.kind === 'client') this.#consider(followed, one, null);
  }

  onClosed(flow: Flow): void {
    this.#flows.close(flow);
  }

  /** The head of a request is complete. */
  onRequest(exchange: Exchange): void {
    const { client, server } = exchange;
    const followed = this.#flows.between(
      endpointText(client.address, client.port),
      endpointText(server.address, server.port),
    );
    if (followed === undefined || followed.isSettled) return;
    if (isHealthCheck(exchange)) followed.isProbed = true;
    for (const one of this.#inForce()) if (this.#consider(followed, one, exchange)) return;
  }

  /** An order, as it came from the satellite. One that nobody signed is refused. */
  order(bytes: Uint8Array, isSigned: boolean): void {
    const { counters, log, limits, now } = this.#context;
    const message = isSigned ? decodeOrder(bytes) : { wrong: 'nobody signed it' };
    this.#inForce();
    if ('cancel' in message) {
      this.#standing = this.#standing.filter(({ id }) => id !== message.cancel);
      log.info({ order: message.cancel }, 'active response: an order is taken back');
      return;
    }
    const orders = this.#standing.filter(({ id }) => id !== null).length;
    const wrong =
      'wrong' in message
        ? message.wrong
        : orders >= limits.response_orders_max
          ? `${orders} are in force already`
          : null;
    if (wrong !== null || 'wrong' in message) {
      counters.response_orders_refused++;
      if (this.#mayLog()) log.warn({ reason: wrong }, 'active response: an order of the satellite is refused');
      return;
    }
    const { id, match, seconds } = message.order;
    counters.response_orders++;
    log.warn({ order: id, match: match.text, seconds }, 'active response: the satellite gives an order');
    const standing: Standing = { id, match, until: now() + seconds * 1000 };
    this.#standing = [...this.#standing.filter((one) => one.id !== id), standing];
    this.#applyNow(standing);
  }

  /** What was done since the last call. */
  takeActions(): readonly ResponseAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Connections that are there already. Those with requests are matched by their next one. */
  #applyNow(standing: Standing): void {
    const { match } = standing;
    if (match.kind === 'connection') {
      const followed = this.#flows.between(match.one, match.other);
      if (followed !== undefined) this.#consider(followed, standing, null);
    } else if (match.kind === 'client') {
      for (const followed of [...this.#flows.all()]) this.#consider(followed, standing, null);
    }
  }

  #inForce(): readonly Standing[] {
    const now = this.#context.now();
    if (this.#standing.some(({ until }) => until <= now))
      this.#standing = this.#standing.filter(({ until }) => until > now);
    return this.#standing;
  }

  /** Whether it matched. */
  #consider(followed: FollowedFlow, standing: Standing, exchange: Exchange | null): boolean {
    if (followed.isSettled || !matches(standing.match, followed, exchange)) return false;
    followed.isSettled = true;
    const { mode, perMinute, now } = this.#context;
    const reason =
      this.#protection(followed) ??
      (resetsOf(followed.flow, followed.endpoints).length === 0 ? 'its numbers are not known' : null) ??
      (this.#resets.total(now()) >= perMinute ? `${perMinute} were reset in a minute` : null);
    if (reason !== null) this.#refuse(followed, standing, reason);
    else if (mode === 'dry-run') this.#note(followed, standing, 'dry-run');
    else this.#reset(followed, standing);
    return true;
  }

  #protection({ flow, endpoints, addresses, isProbed }: FollowedFlow): string | null {
    if (flow.tunnelId !== 0) return 'it goes through a tunnel';
    if (endpoints.some(({ port }) => port === SSH_PORT)) return 'it is SSH';
    if (endpoints.some(({ port }) => this.#context.ownPorts.includes(port))) return "it is the sensor's own";
    const protection = addressProtection(addresses[0]) ?? addressProtection(addresses[1]);
    return protection ?? (isProbed ? 'it has probes of health' : null);
  }

  #reset(followed: FollowedFlow, standing: Standing): void {
    const error = this.#send(followed);
    if (error !== null) {
      this.#refuse(followed, standing, error);
      return;
    }
    this.#resets.add(this.#context.now());
    this.#note(followed, standing, 'reset');
    for (const millis of AGAIN_MILLIS) this.#context.after(millis, () => void this.#send(followed));
  }

  /** What went wrong; null if nothing did for at least one of its ends. */
  #send({ flow, endpoints, sent: before }: FollowedFlow): string | null {
    const { send, counters } = this.#context;
    // The reset that ended it was most likely one of these, and the other end may wait for a number that was not known then.
    const isOver = flow.phase === FlowPhase.closed || flow.isForgotten;
    let sent = 0;
    let problem = 'nothing could be sent';
    for (const packet of resetsOf(flow, endpoints)) {
      const text = packet.toString('latin1');
      if (isOver && before.has(text)) continue;
      before.add(text);
      try {
        send(packet);
        counters.response_packets++;
        sent++;
      } catch (error) {
        problem = `it could not be sent (${(error as NodeJS.ErrnoException).code})`;
      }
    }
    return sent > 0 ? null : problem;
  }

  #refuse(followed: FollowedFlow, standing: Standing, reason: string): void {
    this.#context.counters.response_refusals++;
    this.#report(followed, standing, { did: 'refused', reason });
    if (!this.#mayLog()) return;
    const fields = { ...aboutOf(followed, standing), reason };
    this.#context.log.warn(fields, 'active response: a connection matches and is left alone');
  }

  #note(followed: FollowedFlow, standing: Standing, did: 'reset' | 'dry-run'): void {
    const { counters, log } = this.#context;
    if (did === 'reset') counters.response_resets++;
    else counters.response_dry_runs++;
    this.#report(followed, standing, { did });
    const said = did === 'reset' ? 'a connection is reset' : 'a connection would be reset, but for the dry run';
    if (did === 'reset' || this.#mayLog()) log.warn(aboutOf(followed, standing), `active response: ${said}`);
  }

  #report(followed: FollowedFlow, { id, match }: Standing, about: Pick<ResponseAction, 'did' | 'reason'>): void {
    this.#actions.push({ ...about, by: id ?? match.text, connection: followed.texts.join('-') });
    if (this.#actions.length > this.#context.limits.response_actions_max) this.#actions.shift();
  }

  #mayLog(): boolean {
    const now = this.#context.now();
    if (this.#logged.total(now) >= this.#context.limits.response_logged_per_minute_max) return false;
    this.#logged.add(now);
    return true;
  }
}

/** Protocols whose connections are matched by their requests. */
const REQUESTS = /^(?:h1|h2|http)/i;

function matches(match: Match, followed: FollowedFlow, exchange: Exchange | null): boolean {
  if (match.kind === 'connection') {
    const [first, second] = followed.texts;
    return (first === match.one && second === match.other) || (first === match.other && second === match.one);
  }
  if (match.kind === 'client') {
    const side = clientSide(followed.flow);
    const address = exchange?.client.address ?? (side === null ? null : followed.addresses[side]);
    return address !== null && matchesClient(match, address);
  }
  if (exchange === null) return false;
  if (match.kind === 'path') return match.test(requestPath(exchange.request.method, exchange.request.target));
  const authority = requestAuthority(exchange);
  return match.test(authority) || match.test(withoutPort(authority));
}

function aboutOf(followed: FollowedFlow, { id, match }: Standing): object {
  return { connection: followed.texts.join('-'), match: match.text, ...(id === null ? {} : { order: id }) };
}
