/**
 * The settings in force: the sensor's own, read again by SIGHUP, narrowed by what a server asks for.
 *
 * in: settings, a `Narrowing` · out: policy, redaction, filter and gate that go by both; or an error, and all is as it was
 */
import { furtherRules, narrowed } from '../../enrolment/narrowing.js';
import type { Narrowing } from '../../enrolment/remote-configuration.js';
import { UsageError } from '../../errors.js';
import { DEFAULT_LIMITS } from '../../limits.js';
import type { Settings } from '../../options/options.js';
import { parsePushedRule } from '../../policy/packet-rule.js';
import type { Policy } from '../../policy/policy.js';
import type { Outputs } from '../open-outputs.js';
import { checkPatternCost } from '../pattern-cost.js';
import { keptBy, policySettings } from '../policy-settings.js';
import type { OpenedSource } from '../source.js';
import type { RulesOf } from '../trace-rules.js';
import type { TraceStage } from '../trace-stage.js';

export interface SteeringContext {
  readonly rules: RulesOf;
  readonly policy: Policy;
  readonly traces: TraceStage;
  readonly source: Pick<OpenedSource, 'setUserFilter' | 'setPaused'>;
  /** Keeps those that are asked for, where they may be. */
  readonly packets: Pick<Outputs['packets'], 'usePushed'>;
  /** Forgets every flow: nobody knows what it carried during a pause. */
  readonly forgetFlows: () => void;
}

export class Steering {
  readonly #context: SteeringContext;
  #own: Settings;
  #by: Narrowing | null = null;

  constructor(own: Settings, context: SteeringContext) {
    this.#own = own;
    this.#context = context;
  }

  get isPaused(): boolean {
    return this.#by?.pause === true;
  }

  /** Traces a minute by the limit in force, but for a budget that is shared; 0 for none. */
  get rateLimit(): number {
    return narrowed(this.#own, this.#by).rateLimit;
  }

  /** All by which exchanges are kept, as a text: the same for sensors that keep the same. */
  get keeping(): string {
    return JSON.stringify([keptBy(narrowed(this.#own, this.#by)), furtherRules(this.#by)]);
  }

  /** Goes by other settings of its own. @throws UsageError, SyntaxError; then all is as it was */
  reload(own: Settings): void {
    this.#use(own, this.#by);
  }

  /** Goes by what a server asks for; null is nothing. @throws UsageError, SyntaxError; then all is as it was */
  steer(by: Narrowing | null): void {
    this.#use(this.#own, by);
  }

  /** What is in force, for a server to read: patterns of what is secret are counted, not shown. */
  get effective(): Readonly<Record<string, unknown>> {
    const now = narrowed(this.#own, this.#by);
    const also = furtherRules(this.#by);
    return {
      pause: this.isPaused,
      filter: now.filter,
      'host-allow': now.hostAllow,
      'path-allow': now.pathAllow,
      'method-allow': now.methodAllow,
      'status-allow': now.statusAllow,
      ...(also === null ? {} : { also }),
      'host-exclusions': now.hostExclusions,
      'path-exclusions': now.pathExclusions,
      'rate-limit': now.rateLimit,
      'sample-rate': now.sampleRate,
      'redact-header': now.redactHeader,
      'redact-query': now.redactQuery,
      'redact-field': now.redactField,
      'redact-pattern': now.redactPattern.length,
      'redact-pii': now.redactPii,
      'no-bodies': now.noBodies,
      'opaque-bodies': now.opaqueBodies,
      ...(this.#context.packets.usePushed === undefined ? {} : { 'packets-on': this.#by?.packetsOn ?? [] }),
    };
  }

  #use(own: Settings, by: Narrowing | null): void {
    const { rules: rulesOf, policy, traces, source, packets, forgetFlows } = this.#context;
    const packetRules = by?.packetsOn.map(parsePushedRule) ?? [];
    if (packetRules.length > 0 && packets.usePushed === undefined)
      throw new UsageError(
        '"packets-on" cannot be pushed: the sensor sends packets that are asked for with --packets-on pushed',
      );
    const next = narrowed(own, by);
    const rules = rulesOf(next);
    policy.update(policyBy(own, by));
    try {
      source.setUserFilter(next.filter);
    } catch (error) {
      policy.update(policyBy(this.#own, this.#by));
      throw error;
    }
    traces.use(rules);
    packets.usePushed?.(packetRules);
    const wasPaused = this.isPaused;
    this.#own = own;
    this.#by = by;
    if (wasPaused === this.isPaused) return;
    if (wasPaused) forgetFlows();
    source.setPaused(this.isPaused);
  }
}

/** @throws UsageError where patterns take too long */
function policyBy(own: Settings, by: Narrowing | null): ReturnType<typeof policySettings> {
  const also = furtherRules(by);
  if (also !== null) {
    const given = Object.values(also).flatMap((patterns) =>
      patterns.map((pattern) => ({ option: 'the configuration that was pushed:', pattern })),
    );
    checkPatternCost(given, 'test', DEFAULT_LIMITS.rule_pattern_micros_max);
  }
  return { ...policySettings(narrowed(own, by)), also };
}
